package file_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/storetest"
)

func TestConformance(t *testing.T) {
	dirs := map[store.Backend]string{}
	open := func(t *testing.T, dir string) store.Backend {
		b, err := file.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		dirs[b] = dir
		return b
	}
	storetest.Suite{
		New:    func(t *testing.T) store.Backend { return open(t, t.TempDir()) },
		Reopen: func(t *testing.T, closed store.Backend) store.Backend { return open(t, dirs[closed]) },
	}.Run(t)
}

func TestSecondOpenIsLocked(t *testing.T) {
	dir := t.TempDir()
	first, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(dir); store.CodeOf(err) != store.Locked {
		t.Fatalf("second Open: %v, want locked", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := file.Open(dir)
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	second.Close()
}

func TestOpenCleansUpAfterACrash(t *testing.T) {
	dir := t.TempDir()
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	page := []store.Blob{{Name: "p/1/1", Bytes: []byte("kept")}}
	if err := b.Commit(t.Context(), &store.Batch{Put: page}); err != nil {
		t.Fatal(err)
	}
	torn := []string{filepath.Join(dir, "r.tmp"), filepath.Join(dir, "p", "1", "2.tmp")}
	for _, path := range torn {
		if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	empty := filepath.Join(dir, "p", "2")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := b.List(t.Context(), "")
	if err != nil || len(names) != 1 {
		t.Fatalf("with files half written: List = %q, %v", names, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	b, err = file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, path := range append(torn, empty) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if got, err := b.Read(t.Context(), []string{"p/1/1"}); err != nil || string(got[0]) != "kept" {
		t.Errorf("the blob beside them is %q, %v", got, err)
	}
}

// What the backend has not made stays, whatever its name.
func TestOpenLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "theirs", "empty")
	if err := os.MkdirAll(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	theirs := []string{filepath.Join(dir, "draft.tmp"), filepath.Join(dir, "theirs", "draft.tmp")}
	for _, path := range theirs {
		if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, path := range append(theirs, empty) {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestRelativeDirectory opens the working directory itself, by every name that
// leads to it.
func TestRelativeDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{".", "", "new/../new"} {
		b, err := file.Open(name)
		if err != nil {
			t.Fatalf("Open(%q): %v", name, err)
		}
		batch := &store.Batch{Put: []store.Blob{{Name: "p/1/1", Bytes: []byte("x")}}, Durability: store.Strict}
		if err := b.Commit(t.Context(), batch); err != nil {
			t.Errorf("in %q: %v", name, err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("in %q: %v", name, err)
		}
	}
}

// TestFailuresAreTyped puts things in the way that no privilege removes.
func TestFailuresAreTyped(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(filepath.Join(plain, "below")); store.CodeOf(err) != store.BackendFailed {
		t.Errorf("below a file: %v", err)
	}
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := os.MkdirAll(filepath.Join(dir, "p", "1", "1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(t.Context(), []string{"p/1/1"}); store.CodeOf(err) != store.Corrupt {
		t.Errorf("reading a directory: %v", err)
	}
	long := filepath.Join(dir, "p", "1", "2")
	if err := errors.Join(os.WriteFile(long, nil, 0o600), os.Truncate(long, 1<<40)); err == nil {
		if _, err := b.Read(t.Context(), []string{"p/1/2"}); store.CodeOf(err) != store.Corrupt {
			t.Errorf("reading a file of 1 TiB: %v", err)
		}
	}
	_ = os.Remove(long)
	page := []store.Blob{{Name: "p/1/1", Bytes: []byte("x")}}
	if err := b.Commit(t.Context(), &store.Batch{Put: page}); store.CodeOf(err) != store.BackendFailed {
		t.Errorf("writing over a directory: %v", err)
	}
	if names, err := b.List(t.Context(), "p/"); err != nil || len(names) != 0 {
		t.Errorf("after a write that failed: List = %q, %v", names, err)
	}
}
