//go:build unix

package file_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/storetest"
)

// The tests below need another process. It is this test's own binary, told by
// its environment what to do with which directory.
const (
	roleVariable = "STOWAGE_TEST_ROLE"
	dirVariable  = "STOWAGE_TEST_DIR"
)

// roles are what the other process can be asked to do.
var roles = map[string]func(dir string) error{
	"hold":   hold,
	"commit": commitForever,
	"nobody": openAsNobody,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Getenv(dirVariable)); err != nil {
		fmt.Println(store.CodeOf(err), err)
		os.Exit(1)
	}
}

// process is the other process and the lines that it prints.
type process struct {
	*exec.Cmd
	lines *bufio.Scanner
	input io.Closer // closing it ends a process that waits
}

func start(t *testing.T, role, dir string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &process{cmd, bufio.NewScanner(output), input}
}

// line waits for the next line, "" at the end.
func (p *process) line() string {
	p.lines.Scan()
	return p.lines.Text()
}

// hold opens the directory and keeps it until its input ends.
func hold(dir string) error {
	b, err := file.Open(dir)
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return b.Close()
}

func TestSecondProcessIsLocked(t *testing.T) {
	dir := t.TempDir()
	first := start(t, "hold", dir)
	if got := first.line(); got != "open" {
		t.Fatalf("the first process said %q", got)
	}
	if _, err := file.Open(dir); store.CodeOf(err) != store.Locked {
		t.Fatalf("Open while another process has it: %v, want locked", err)
	}
	second := start(t, "hold", dir)
	if got := second.line(); !strings.HasPrefix(got, "locked ") {
		t.Fatalf("a third process said %q, want locked", got)
	}
	_ = second.Wait()
	if err := first.input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Fatalf("the first process: %v", err)
	}
	b, err := file.Open(dir)
	if err != nil {
		t.Fatalf("Open after the first process closed it: %v", err)
	}
	b.Close()
}

// TestAbandonedLock lets many processes at a directory whose owner was killed:
// one has it in the end, the others are told.
func TestAbandonedLock(t *testing.T) {
	dir := t.TempDir()
	first := start(t, "hold", dir)
	first.line()
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		t.Fatalf("a killed process leaves its lock: %v", err)
	}
	var rivals []*process
	for range 6 {
		rivals = append(rivals, start(t, "hold", dir))
	}
	open := 0
	for _, p := range rivals {
		if got := p.line(); got == "open" {
			open++
		} else if !strings.HasPrefix(got, "locked ") {
			t.Errorf("a process said %q", got)
		}
	}
	if open != 1 {
		t.Errorf("%d processes have the directory open, want 1", open)
	}
	for _, p := range rivals {
		_ = p.input.Close()
		_ = p.Wait()
	}
}

// TestIDTakenByAnother opens a directory whose lock names a process that is there, as
// where a container was killed and started again: the ids in it are those of the last time.
func TestIDTakenByAnother(t *testing.T) {
	dir := t.TempDir()
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil || string(left) != strconv.Itoa(os.Getpid())+"\n" {
		t.Fatalf("the lock says %q, %v", left, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		lock string
		want store.Code
	}{
		{string(left), ""},
		{strconv.Itoa(os.Getppid()) + "\n", ""},
		{strconv.Itoa(os.Getppid()), store.Locked}, // it may be a Node program
	} {
		if err := os.WriteFile(filepath.Join(dir, "lock"), []byte(test.lock), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := file.Open(dir)
		if store.CodeOf(err) != test.want {
			t.Errorf("%q: %v", test.lock, err)
		}
		if err == nil {
			_ = b.Close()
		}
	}
}

// commitForever puts one numbered key after the other and prints each number
// once its commit is done.
func commitForever(dir string) error {
	ctx := context.Background()
	b, err := file.Open(dir)
	if err != nil {
		return err
	}
	env, err := store.Open(ctx, b, storetest.Small())
	if err != nil {
		return err
	}
	for n := uint64(0); ; n++ {
		err := env.Update(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("numbers")
			if err != nil {
				return err
			}
			return db.Put(binary.BigEndian.AppendUint64(nil, n), fmt.Appendf(nil, "value %d", n))
		})
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestKilledProcessLosesNothing kills a process that commits without end, at
// other places each time, and looks for everything that it said was done.
func TestKilledProcessLosesNothing(t *testing.T) {
	for _, after := range []int{0, 1, 7, 60, 150} {
		dir := t.TempDir()
		p := start(t, "commit", dir)
		said := -1
		for said < after {
			n, err := strconv.Atoi(p.line())
			if err != nil {
				t.Fatal(err)
			}
			said = n
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for p.lines.Scan() { // what it had printed before it was killed counts as well
			if n, err := strconv.Atoi(p.lines.Text()); err == nil {
				said = n
			}
		}
		_ = p.Wait()
		b, err := file.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		env := storetest.Open(t, b, storetest.Small())
		err = env.View(t.Context(), func(tx *store.Tx) error {
			db, err := tx.DB("numbers")
			if err != nil {
				return err
			}
			for n := range uint64(said) + 1 {
				value, _, err := db.Get(binary.BigEndian.AppendUint64(nil, n))
				if err != nil || string(value) != fmt.Sprintf("value %d", n) {
					return fmt.Errorf("killed after %d: key %d is %q, %v", said, n, value, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// openAsNobody gives up the privileges of the super-user, who is denied nothing.
func openAsNobody(dir string) error {
	const nobody = 65534
	if os.Getuid() == 0 {
		if err := syscall.Setgid(nobody); err != nil {
			return err
		}
		if err := syscall.Setuid(nobody); err != nil {
			return err
		}
	}
	b, err := file.Open(dir)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = b.Read(context.Background(), []string{store.RootName})
	return err
}

// A pipe in the place of a blob would be waited for without end.
func TestPipeIsNoBlob(t *testing.T) {
	dir := t.TempDir()
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "p", "1"), 0o700), syscall.Mkfifo(filepath.Join(dir, "p", "1", "1"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(t.Context(), []string{"p/1/1"}); store.CodeOf(err) != store.Corrupt {
		t.Errorf("reading a pipe: %v", err)
	}
}

func TestDeniedDirectoryAndFile(t *testing.T) {
	outer := t.TempDir()
	closed := filepath.Join(outer, "closed")
	if err := os.Mkdir(closed, 0); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(outer, "open")
	if err := os.Mkdir(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(open, store.RootName), []byte("r"), 0); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(outer), outer, open} { // the way there, whatever the umask
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{closed, open} {
		p := start(t, "nobody", dir)
		if got := p.line(); !strings.HasPrefix(got, "denied ") {
			t.Errorf("%s: the process said %q, want denied", filepath.Base(dir), got)
		}
		_ = p.Wait()
	}
}
