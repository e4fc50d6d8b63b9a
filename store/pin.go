package store

import (
	"context"
	"errors"
	"time"
)

// A page lives as long as somebody may read it. In this context that is known: it
// keeps what the oldest of its transactions began on. Other contexts say by a
// pin from which generation of the root on they read; who publishes a root deletes
// what it no longer names once all pins have come that far.
//
// A tab that is frozen keeps its pin for ever, so a pin is passed over in the end.
// What it held is gone then, and the reader learns of that by SnapshotExpired.
//
// Records of the log are never passed over. A name that was given back could be
// taken by a context that has not heard that its place is covered, and what it
// wrote there would be lost. So a covered record stays until every context that is
// alive knows a root that covers it: then none of them will ask for its place.

const (
	// pinLasts is how long garbage waits for the pins of others.
	pinLasts = 10 * time.Minute
	// crowdedPinLasts is how long it does when it has become much: long enough for
	// every context that is awake to move on.
	crowdedPinLasts = 10 * time.Second
	// crowdedGarbage is how many times as much as waiting garbage the trees must be.
	crowdedGarbage = 4
)

// oldest is the least generation of the root that is read in this context. e.mu is held.
func (e *Env) oldest() uint64 {
	oldest := e.root.generation
	for tx := e.live; tx != nil; tx = tx.next {
		oldest = min(oldest, tx.in.generation)
	}
	return oldest
}

// moved reports whether this context's pin is behind what it reads, and somebody
// has to move it. e.mu is held.
func (e *Env) moved() bool {
	behind := e.pinned.Read != e.root.generation || e.pinned.Known != e.root.generation
	return behind && e.shared() && !e.pinning && !e.closing && e.pin() != e.pinned
}

// pin is what this context needs. e.mu is held.
func (e *Env) pin() Pin { return Pin{Read: e.oldest(), Known: e.root.generation} }

// repin moves this context's pin to what it needs now.
func (e *Env) repin(ctx context.Context) error {
	for {
		e.mu.Lock()
		if !e.moved() {
			e.mu.Unlock()
			return nil
		}
		pin := e.pin()
		e.pinning = true
		e.mu.Unlock()
		err := e.info.Contexts.Pin(ctx, pin)
		e.mu.Lock()
		e.pinning = false
		if err == nil {
			e.pinned = pin
		}
		e.mu.Unlock()
		if err != nil {
			return backendError("pin", err)
		}
	}
}

// moveOn moves the pin after the last transaction on an old root has ended, and
// deletes what had to wait for that.
func (e *Env) moveOn(ctx context.Context) {
	if e.repin(ctx) == nil {
		_ = e.collect(ctx)
	}
}

// errMissing is the cause of Corrupt where a blob is not there.
var errMissing = errors.New("the blob is missing")

// explain tells of a missing blob what it means: where another context has
// published since the reader began, that its snapshot has expired.
func (r *reader) explain(err error) error {
	if err == nil || r.env == nil || !r.env.shared() || !errors.Is(err, errMissing) {
		return err
	}
	now, _, readErr := r.env.readRoot(r.ctx, nil)
	if readErr != nil || now.generation <= r.generation {
		return err
	}
	return fail(SnapshotExpired, "read", "", err)
}
