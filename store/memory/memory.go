// Package memory is a backend that keeps everything in memory and loses it when
// the program ends. It is the reference for what a backend must do, and the one
// that tests use to reach the same blobs through several openings.
package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/stowage-db/stowage/store"
)

// Backend holds blobs in a map. Use New.
type Backend struct {
	blobs  *Blobs
	closed bool
}

// Blobs are what a Backend keeps, and what a later one can be opened on.
type Blobs struct {
	mu       sync.Mutex
	byName   map[string][]byte
	contexts []*Context // that are alive
	locks    map[string]*lock
}

var _ store.Backend = (*Backend)(nil)

// New returns an empty backend.
func New() *Backend { return Open(NewBlobs()) }

// NewBlobs returns no blobs yet.
func NewBlobs() *Blobs { return &Blobs{byName: make(map[string][]byte)} }

// Open returns a backend on blobs that may hold something already.
func Open(blobs *Blobs) *Backend { return &Backend{blobs: blobs} }

// Blobs returns what the backend keeps; it outlives Close.
func (b *Backend) Blobs() *Blobs { return b.blobs }

// Read implements store.Backend.
func (b *Backend) Read(ctx context.Context, names []string) ([][]byte, error) {
	b.blobs.mu.Lock()
	defer b.blobs.mu.Unlock()
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	found := make([][]byte, len(names))
	for i, name := range names {
		found[i] = b.blobs.byName[name]
	}
	return found, nil
}

// Commit implements store.Backend.
func (b *Backend) Commit(ctx context.Context, batch *store.Batch) error {
	b.blobs.mu.Lock()
	defer b.blobs.mu.Unlock()
	if err := b.usable(ctx); err != nil {
		return err
	}
	for _, blob := range batch.Add {
		if b.blobs.byName[blob.Name] != nil {
			return &store.Error{Code: store.Conflict, Op: "commit", Name: blob.Name}
		}
	}
	if swap := batch.Root; swap != nil {
		if !slices.Equal(b.blobs.byName[store.RootName], swap.Old) {
			return &store.Error{Code: store.Conflict, Op: "commit", Name: store.RootName}
		}
		b.blobs.byName[store.RootName] = slices.Clone(swap.New)
	}
	for _, blob := range slices.Concat(batch.Put, batch.Add) {
		b.blobs.byName[blob.Name] = slices.Clone(blob.Bytes)
	}
	for _, name := range batch.Delete {
		delete(b.blobs.byName, name)
	}
	if batch.DeleteRange != nil {
		maps.DeleteFunc(b.blobs.byName, func(name string, _ []byte) bool { return batch.DeleteRange.Contains(name) })
	}
	return nil
}

// List implements store.Backend.
func (b *Backend) List(ctx context.Context, prefix string) ([]string, error) {
	b.blobs.mu.Lock()
	defer b.blobs.mu.Unlock()
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	var names []string
	for name := range b.blobs.byName {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Info implements store.Backend.
func (b *Backend) Info(ctx context.Context, _ bool) (store.Info, error) {
	b.blobs.mu.Lock()
	defer b.blobs.mu.Unlock()
	if err := b.usable(ctx); err != nil {
		return store.Info{}, err
	}
	info := store.Info{Properties: store.Properties{Atomic: true, PrefixDurable: true, MaxBlob: maxBlob}}
	for name, bytes := range b.blobs.byName {
		info.Blobs++
		info.Bytes += int64(len(name) + len(bytes))
	}
	return info, nil
}

// maxBlob is that of IndexedDB, so that what memory accepts, a browser does.
const maxBlob = 64<<10 - 1

// Close implements store.Backend.
func (b *Backend) Close() error {
	b.blobs.mu.Lock()
	defer b.blobs.mu.Unlock()
	b.closed = true
	return nil
}

func (b *Backend) usable(ctx context.Context) error {
	if b.closed {
		return &store.Error{Code: store.Closed, Op: "memory"}
	}
	return ctx.Err()
}

// Set replaces the bytes of a blob behind the engine's back, nil for none: for
// tests of damage.
func (b *Blobs) Set(name string, bytes []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes == nil {
		delete(b.byName, name)
		return
	}
	b.byName[name] = slices.Clone(bytes)
}

// Get returns a blob's bytes, nil if there is none.
func (b *Blobs) Get(name string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.byName[name])
}

// Names lists all blobs, ascending.
func (b *Blobs) Names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name := range b.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
