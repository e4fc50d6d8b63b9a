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

// lock claims the directory. Two opens in one process are two claims as well.
func lock(dir string) error {
	path := filepath.Join(dir, lockName)
	for range 3 {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_, err = f.WriteString(strconv.Itoa(os.Getpid()))
			if closeErr := f.Close(); err == nil {
				err = closeErr
			}
			return failure("lock", dir, err)
		}
		if !errors.Is(err, fs.ErrExist) {
			return failure("lock", dir, err)
		}
		if !abandoned(path) {
			break
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failure("lock", dir, err)
		}
	}
	return &store.Error{Code: store.Locked, Op: "file open", Name: dir}
}

// abandoned reports whether the process that wrote a lock is gone. One that is
// still being written is given a moment.
func abandoned(path string) bool {
	for range 10 {
		text, err := os.ReadFile(path)
		if err != nil {
			return errors.Is(err, fs.ErrNotExist)
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return !running(pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}

func unlock(dir string) error {
	err := os.Remove(filepath.Join(dir, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return failure("unlock", dir, err)
}
