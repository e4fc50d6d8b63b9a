package file_test

import (
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

func TestTemporaryFilesAreNoBlobs(t *testing.T) {
	dir := t.TempDir()
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := os.WriteFile(filepath.Join(dir, "r.tmp"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	names, err := b.List(t.Context(), "")
	if err != nil || len(names) != 0 {
		t.Fatalf("List = %q, %v", names, err)
	}
}
