//go:build unix

package file

import (
	"errors"
	"os"
	"syscall"
)

// running reports whether a process exists.
func running(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// nonBlocking has what is no file of bytes, a pipe say, open at once.
const nonBlocking = syscall.O_NONBLOCK

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// readOnly reports whether an error says that nothing can be written here.
func readOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

// syncDir makes the entries of a directory durable, on file systems that can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err = d.Sync(); errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
