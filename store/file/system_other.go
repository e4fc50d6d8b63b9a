//go:build !unix

package file

import (
	"errors"
	"os"
	"syscall"
)

// running reports whether a process may still exist. Where there is no way to
// ask, only this process's own locks are known to be held.
func running(pid int) bool {
	if pid == os.Getpid() {
		return true
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = p.Release()
	return true
}

// nonBlocking is for systems that have pipes among their files.
const nonBlocking = 0

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) }

// readOnly reports whether an error says that nothing can be written here.
func readOnly(error) bool { return false }

// syncDir does nothing: these systems do not sync directories.
func syncDir(string) error { return nil }
