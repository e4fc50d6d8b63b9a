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
	hung   store.Gate
}

// Mode is how a call fails.
type Mode int

const (
	// Before: the call fails and did nothing.
	Before Mode = iota
	// After: the call was done, but its caller is told it failed.
	After
	// Dead: this call and all later ones fail and do nothing, as after a crash, or
	// on a connection that the platform has given up.
	Dead
	// Full: from this call on nothing can be written; reading and deleting work.
	Full
	// Hung: the call does not answer before Heal, and then fails, having done nothing.
	Hung
	// HungAfter: the call is done and does not answer before Heal; then it fails.
	HungAfter
	// Torn: of a batch only the new blobs are written, then it fails. That happens
	// only where batches are not atomic.
	Torn
)

func (m Mode) String() string {
	return [...]string{"before", "after", "dead", "full", "hung", "hung after", "torn"}[m]
}

// NewFaulty returns a backend that works until told otherwise.
func NewFaulty(b store.Backend) *Faulty { return &Faulty{Backend: b, at: -1} }

// FailAt makes the n-th call from now fail; 0 is the next one.
func (f *Faulty) FailAt(n int, mode Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.mode = f.calls+n, mode
}

// HangAt makes the n-th call from now hang, with a gate of the scheduler that
// the calls are made under.
func (f *Faulty) HangAt(n int, mode Mode, gate store.Gate) {
	f.FailAt(n, mode)
	f.hung = gate
}

// Heal lets all further calls through, and the one that hangs fail.
func (f *Faulty) Heal() {
	f.mu.Lock()
	hung := f.hung
	f.at, f.hung = -1, nil
	f.mu.Unlock()
	if hung != nil {
		hung.Open()
	}
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

// call counts a call and carries it out as its turn demands. A call that only
// deletes still works where there is no space.
func (f *Faulty) call(ctx context.Context, writes bool, do func(Mode) error) error {
	mode, gate := f.enter(writes)
	switch mode {
	case Before, Dead:
		return ErrFault
	case Full:
		return &store.Error{Code: store.Quota, Op: "commit", Err: ErrFault}
	case After, Torn:
		return errors.Join(do(mode), ErrFault)
	case Hung:
		return errors.Join(gate.Wait(ctx), ErrFault)
	case HungAfter:
		return errors.Join(do(mode), gate.Wait(ctx), ErrFault)
	}
	return do(mode)
}

// healthy is the mode of calls that do not fail.
const healthy Mode = -1

// enter counts a call and tells how it is to end.
func (f *Faulty) enter(writes bool) (Mode, store.Gate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls
	f.calls++
	lasting := f.mode == Dead || f.mode == Full
	if f.at < 0 || n < f.at || n > f.at && !lasting || f.mode == Full && !writes {
		return healthy, nil
	}
	f.failed = true
	return f.mode, f.hung
}

// Read implements store.Backend.
func (f *Faulty) Read(ctx context.Context, names []string) (found [][]byte, err error) {
	err = f.call(ctx, false, func(Mode) (err error) {
		found, err = f.Backend.Read(ctx, names)
		return err
	})
	return found, err
}

// Commit implements store.Backend.
func (f *Faulty) Commit(ctx context.Context, batch *store.Batch) error {
	writes := len(batch.Put) > 0 || len(batch.Add) > 0 || batch.Root != nil
	return f.call(ctx, writes, func(mode Mode) error {
		if mode == Torn {
			batch = &store.Batch{Put: batch.Put, Add: batch.Add, Durability: batch.Durability}
		}
		return f.Backend.Commit(ctx, batch)
	})
}

// List implements store.Backend.
func (f *Faulty) List(ctx context.Context, prefix string) (names []string, err error) {
	err = f.call(ctx, false, func(Mode) (err error) {
		names, err = f.Backend.List(ctx, prefix)
		return err
	})
	return names, err
}
