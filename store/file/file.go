// Package file is a backend that keeps each blob in a file of its own under one
// directory: "r" is the root, "l/…" the log, "p/…" pages and chunks. The Node
// driver of the JavaScript package reads and writes the same files.
//
// A blob is written under a temporary name, synced and renamed, so that a crash
// leaves it whole or absent; directories are synced as well. Both durabilities
// are therefore strict. A lock keeps a second process out; what a crash left
// behind is removed when the directory is next opened.
package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stowage-db/stowage/store"
)

// Backend keeps blobs in files. Use Open.
type Backend struct {
	dir  string // absolute
	lock *lock

	mu     sync.Mutex // one batch at a time: Root is compared, then replaced
	closed bool
}

var _ store.Backend = (*Backend)(nil)

// temporary ends the names of files that are being written. No blob's name has
// a dot in it.
const temporary = ".tmp"

// maxBlob is that of IndexedDB, so that an environment can move between them.
const maxBlob = 64<<10 - 1

// tooLong is far above maxBlob, for the stages of a program may add to what is
// sealed. Nothing as long is read into memory.
const tooLong = 16 << 20

// Open returns a backend on a directory, which is created if it does not exist.
//
// Errors: Locked while another process, or this one, has it open; Denied where
// the file system does not let this program at it; BackendFailed.
func Open(dir string) (*Backend, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = makeDir(dir)
	}
	if err != nil {
		return nil, failure("open", dir, err)
	}
	held, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	b := &Backend{dir: dir, lock: held}
	if err := b.clean(); err != nil {
		_ = held.release() // the first error is the one to report
		return nil, err
	}
	return b, nil
}

// own is what the backend itself makes in its directory and may take away again.
// Anything else there is somebody else's.
var own = []string{"k", "l", "p", store.RootName + temporary, lockName + temporary}

// clean removes what a crash, or blobs long deleted, left behind: files half
// written, and directories without a file.
func (b *Backend) clean() error {
	var dirs []string
	err := filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case filepath.Dir(path) == b.dir && !slices.Contains(own, entry.Name()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir() && path != b.dir:
			dirs = append(dirs, path)
		case strings.HasSuffix(path, temporary):
			return os.Remove(path)
		}
		return nil
	})
	if err != nil {
		return failure("open", b.dir, err)
	}
	for _, dir := range slices.Backward(dirs) { // the inner ones first
		_ = os.Remove(dir) // fails where something is in it
	}
	return nil
}

// Read implements store.Backend.
func (b *Backend) Read(ctx context.Context, names []string) ([][]byte, error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	found := make([][]byte, len(names))
	for i, name := range names {
		bytes, err := b.read(name)
		if err != nil {
			return nil, err
		}
		found[i] = bytes
	}
	return found, nil
}

func (b *Backend) read(name string) ([]byte, error) {
	f, err := os.OpenFile(b.path(name), os.O_RDONLY|nonBlocking, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failure("read", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, failure("read", name, err)
	}
	if !info.Mode().IsRegular() || info.Size() > tooLong {
		return nil, &store.Error{Code: store.Corrupt, Op: "read: what is there was never written", Name: name}
	}
	bytes := make([]byte, info.Size())
	if _, err := io.ReadFull(f, bytes); err != nil {
		return nil, failure("read", name, err)
	}
	return bytes, nil
}

// Commit implements store.Backend.
func (b *Backend) Commit(ctx context.Context, batch *store.Batch) error {
	if err := b.usable(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.compareRoot(batch.Root); err != nil {
		return err
	}
	for _, blob := range batch.Add {
		if _, err := os.Lstat(b.path(blob.Name)); err == nil {
			return &store.Error{Code: store.Conflict, Op: "commit", Name: blob.Name}
		}
	}
	// What is referred to becomes durable before what refers to it.
	if err := b.write(batch.Put); err != nil {
		return err
	}
	if err := b.write(batch.Add); err != nil {
		return err
	}
	if batch.Root != nil {
		if err := b.write([]store.Blob{{Name: store.RootName, Bytes: batch.Root.New}}); err != nil {
			return err
		}
	}
	return b.remove(batch)
}

func (b *Backend) remove(batch *store.Batch) error {
	names := batch.Delete
	if within := batch.DeleteRange; within != nil {
		err := b.walk(filepath.Dir(b.path(within.From)), func(name string, _ fs.DirEntry) error {
			if within.Contains(name) {
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := os.Remove(b.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failure("delete", name, err)
		}
	}
	return nil
}

func (b *Backend) compareRoot(swap *store.RootSwap) error {
	if swap == nil {
		return nil
	}
	stored, err := b.read(store.RootName)
	if err != nil {
		return err
	}
	if !slices.Equal(stored, swap.Old) || (stored == nil) != (swap.Old == nil) {
		return &store.Error{Code: store.Conflict, Op: "commit", Name: store.RootName}
	}
	return nil
}

// write makes blobs durable under their names.
func (b *Backend) write(blobs []store.Blob) error {
	dirs := make(map[string]bool)
	for _, blob := range blobs {
		path := b.path(blob.Name)
		dir := filepath.Dir(path)
		if !dirs[dir] {
			if err := makeDir(dir); err != nil {
				return failure("write", blob.Name, err)
			}
			dirs[dir] = true
		}
		if err := writeFile(path, blob.Bytes); err != nil {
			return failure("write", blob.Name, err)
		}
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return failure("write", dir, err)
		}
	}
	return nil
}

// makeDir creates a directory and makes its entry, and those of the parents it
// lacked, durable.
func makeDir(dir string) error {
	if stat, err := os.Stat(dir); err == nil && stat.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func writeFile(path string, bytes []byte) error {
	f, err := os.OpenFile(path+temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(bytes)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(path+temporary, path)
	}
	if err != nil {
		_ = os.Remove(path + temporary) // the first error is the one to report
	}
	return err
}

// List implements store.Backend.
func (b *Backend) List(ctx context.Context, prefix string) ([]string, error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	var names []string
	err := b.walk(b.dir, func(name string, _ fs.DirEntry) error {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
		return ctx.Err()
	})
	slices.Sort(names)
	return names, err
}

// walk visits every blob below a directory.
func (b *Backend) walk(dir string, visit func(name string, entry fs.DirEntry) error) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path[len(b.dir):], string(filepath.Separator)))
		if name == lockName || strings.HasSuffix(name, temporary) {
			return nil
		}
		return visit(name, entry)
	})
	if err != nil {
		return failure("list", b.dir, err)
	}
	return nil
}

// Info implements store.Backend.
func (b *Backend) Info(ctx context.Context, held bool) (store.Info, error) {
	if err := b.usable(ctx); err != nil {
		return store.Info{}, err
	}
	info := store.Info{Properties: store.Properties{PrefixDurable: true, MaxBlob: maxBlob}, Blobs: -1, Bytes: -1}
	if !held {
		return info, nil
	}
	info.Blobs, info.Bytes = 0, 0
	err := b.walk(b.dir, func(_ string, entry fs.DirEntry) error {
		stat, err := entry.Info()
		if err != nil {
			return nil // deleted since it was listed
		}
		info.Blobs++
		info.Bytes += stat.Size()
		return nil
	})
	return info, err
}

// Close implements store.Backend.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.lock.release()
}

func (b *Backend) usable(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return &store.Error{Code: store.Closed, Op: "file"}
	}
	return ctx.Err()
}

func (b *Backend) path(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

// failure gives an error of the file system a code.
func failure(op, name string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	code := store.BackendFailed
	switch {
	case noSpace(err):
		code = store.Quota
	case errors.Is(err, fs.ErrPermission) || readOnly(err):
		code = store.Denied
	}
	return &store.Error{Code: code, Op: "file " + op, Name: name, Err: err}
}
