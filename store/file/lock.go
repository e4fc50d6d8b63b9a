package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
)

// lockName is the file that says which process has the directory open: its id
// in decimal. A lock whose process is gone is taken over.
const lockName = "lock"

// lock keeps others out of a directory. The Node driver knows the file alone,
// for Node cannot lock files. Go programs also hold a lock of the operating
// system's on the directory, where it has such locks: it ends with the process,
// and of two that find an abandoned file only one takes it over. Those that hold
// one say so by the end of a line behind their id: whoever else comes to hold it
// knows that they are gone, though another process may have their id by now, as
// in a container that was started again.
type lock struct {
	dir  string
	held *os.File // the directory, locked
	sure bool     // by the operating system
}

// takeLock claims a directory. Two claims of one process are two as well.
func takeLock(dir string) (*lock, error) {
	held, err := os.Open(dir)
	if err != nil {
		return nil, failure("lock", dir, err)
	}
	l := &lock{dir: dir, held: held}
	if err := l.claim(); err != nil {
		_ = held.Close() // the first error is the one to report
		return nil, err
	}
	return l, nil
}

func (l *lock) claim() error {
	free, sure, err := lockFile(l.held)
	if err != nil {
		return failure("lock", l.dir, err)
	}
	if !free {
		return l.locked(nil)
	}
	l.sure = sure
	err = l.create(l.path())
	if !errors.Is(err, fs.ErrExist) {
		return failure("lock", l.dir, err)
	}
	if err := l.abandoned(); err != nil {
		return err
	}
	return l.takeOver()
}

// abandoned fails with Locked while the process that the file names is there.
func (l *lock) abandoned() error {
	pid, sure, err := owner(l.path())
	if err == nil && pid != 0 && running(pid) && !(sure && l.sure) {
		return l.locked(errors.New("process " + strconv.Itoa(pid) + " is named in the file " + lockName))
	}
	return failure("lock", l.dir, err)
}

// takeOver puts a lock in the place of an abandoned one. Node programs may be trying
// too: all take turns, by a lock on the lock, for whoever came late would else
// remove what another one has just made.
func (l *lock) takeOver() error {
	turn := l.path() + temporary
	err := l.create(turn)
	if errors.Is(err, fs.ErrExist) {
		if pid, sure, err := owner(turn); err == nil && (sure && l.sure || !running(pid)) {
			_ = os.Remove(turn) // for whoever tries next
		}
		return l.locked(nil)
	}
	if err != nil {
		return failure("lock", l.dir, err)
	}
	defer func() { _ = os.Remove(turn) }() // the next open removes it too
	if err := l.abandoned(); err != nil {
		return err
	}
	if err := os.Remove(l.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failure("lock", l.dir, err)
	}
	if err = l.create(l.path()); errors.Is(err, fs.ErrExist) { // a Node program was faster
		return l.locked(nil)
	}
	return failure("lock", l.dir, err)
}

// create makes the file, with this process in it, where there is none.
func (l *lock) create(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	text := strconv.Itoa(os.Getpid())
	if l.sure {
		text += "\n"
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// owner is the process that a lock names, 0 where it names none, and whether that
// held a lock of the operating system's. One that is still being written is given a moment.
func owner(path string) (pid int, sure bool, err error) {
	for range 10 {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid, strings.HasSuffix(string(text), "\n"), nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, false, nil
}

func (l *lock) locked(cause error) error {
	return &store.Error{Code: store.Locked, Op: "file open", Name: l.dir, Err: cause}
}

func (l *lock) path() string { return filepath.Join(l.dir, lockName) }

// release gives the directory back.
func (l *lock) release() error {
	err := os.Remove(l.path())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if closeErr := l.held.Close(); err == nil {
		err = closeErr
	}
	return failure("unlock", l.dir, err)
}
