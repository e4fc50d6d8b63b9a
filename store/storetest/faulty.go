package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/stowage-db/stowage/store"
)

// ErrFault is what a Faulty backend fails with.
var ErrFault = errors.New("a fault made on purpose")

// Faulty wraps a backend and fails its calls on demand. Only Read, Commit and
// List count as calls.
type Faulty struct {
	store.Backend

	mu     sync.Mutex
	calls  int
	at     int
	mode   Mode
	failed bool
}

// Mode is how a call fails.
type Mode int

const (
	// Before: the call fails and did nothing.
	Before Mode = iota
	// After: the call was done, but its caller is told it failed.
	After
	// Dead: this call and all later ones fail and do nothing, as after a crash.
	Dead
)

// NewFaulty returns a backend that works until told otherwise.
func NewFaulty(b store.Backend) *Faulty { return &Faulty{Backend: b, at: -1} }

// FailAt makes the n-th call from now fail; 0 is the next one.
func (f *Faulty) FailAt(n int, mode Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.mode = f.calls+n, mode
}

// Heal lets all further calls through.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = -1
}

// Calls is how many calls there were.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Failed reports whether a call was made to fail.
func (f *Faulty) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// enter counts a call and tells how it is to end.
func (f *Faulty) enter() (before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls
	f.calls++
	switch {
	case f.at < 0 || n < f.at || n > f.at && f.mode != Dead:
		return nil, nil
	case f.mode == After:
		f.failed = true
		return nil, ErrFault
	default:
		f.failed = true
		return ErrFault, nil
	}
}

// Read implements store.Backend.
func (f *Faulty) Read(ctx context.Context, names []string) ([][]byte, error) {
	before, after := f.enter()
	if before != nil {
		return nil, before
	}
	found, err := f.Backend.Read(ctx, names)
	return found, errors.Join(err, after)
}

// Commit implements store.Backend.
func (f *Faulty) Commit(ctx context.Context, batch *store.Batch) error {
	before, after := f.enter()
	if before != nil {
		return before
	}
	return errors.Join(f.Backend.Commit(ctx, batch), after)
}

// List implements store.Backend.
func (f *Faulty) List(ctx context.Context, prefix string) ([]string, error) {
	before, after := f.enter()
	if before != nil {
		return nil, before
	}
	names, err := f.Backend.List(ctx, prefix)
	return names, errors.Join(err, after)
}
