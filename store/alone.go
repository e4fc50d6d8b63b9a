package store

import (
	"context"
	"time"
)

// Only one context folds at a time: the one that holds a lock, and shows while it
// works that it is alive. One that froze meanwhile is robbed of the lock. When it
// wakes it goes on folding, unsuspecting, and fails at the very end: its batch
// replaces the root only if that is still the one it began on (RootSwap). What it
// has written until then nothing refers to, and it deletes that.

const (
	// foldLock is the lock's name.
	foldLock = "checkpoint"
	// foldPatience is how long a context that folds may be silent.
	foldPatience = 5 * time.Second
	// foldAlive is how often it shows that it is alive.
	foldAlive = time.Second
	// foldAgain is how long a context waits before it asks for the lock again.
	foldAgain = 200 * time.Millisecond
)

// foldAlone folds while no other context does. It fails with Locked where one is
// at it already. Unless all is to be folded it does nothing where another has done it.
func (e *Env) foldAlone(ctx context.Context, whole bool, r *renewal) error {
	if !e.shared() {
		return e.fold(ctx, whole, r)
	}
	release, err := e.info.Contexts.TryLock(ctx, foldLock, foldPatience)
	if err != nil {
		return backendError("checkpoint", err)
	}
	if release == nil {
		return fail(Locked, "checkpoint", "", nil)
	}
	defer release()
	if err := e.syncRoot(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	needed := whole || e.overgrown()
	e.mu.Unlock()
	if !needed {
		return nil
	}
	return e.fold(ctx, whole, r)
}

// overtaken reports whether a checkpoint failed for another context's, or for what
// a reload after a failed write has found.
func overtaken(err error) bool {
	switch CodeOf(err) {
	case Locked, Conflict, SnapshotExpired:
		return true
	}
	return false
}

// awaitFold waits until no other context folds, and sees what it has published.
func (e *Env) awaitFold(ctx context.Context) error {
	release, err := e.info.Contexts.Lock(ctx, foldLock, foldPatience)
	if err != nil {
		return backendError("checkpoint", err)
	}
	release()
	return e.syncRoot(ctx)
}

// showAlive shows that this context is at work, if it folds, now and then.
func (e *Env) showAlive(ctx context.Context) error {
	if !e.shared() {
		return nil
	}
	e.mu.Lock()
	now := e.now()
	due := e.checkpoint != nil && now.Sub(e.shown) >= foldAlive
	if due {
		e.shown = now
	}
	e.mu.Unlock()
	if !due {
		return nil
	}
	return backendError("checkpoint", e.info.Contexts.Alive(ctx, foldLock))
}
