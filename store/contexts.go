package store

import (
	"context"
	"time"
)

// Contexts is how engines that work on the same blobs at once, each over a
// backend of its own, deal with one another: the tabs and workers of a site, or
// several Envs of one program. A backend that can be used so offers it in its
// Properties.
//
// None of it is needed for what is committed to be right. The log decides who
// comes next, for a record's name is free only once (Batch.Add), and the root
// decides who publishes (RootSwap). Locks make the losers wait instead of work
// for nothing, pins keep pages for those who still read them, and what is heard
// spares looking. So a context may freeze with a lock in its hand, be robbed of
// it, wake, and do no harm.
//
// What a context holds ends with it, however it ends. A batch that adds a record
// or replaces the root is heard by the others without being asked to.
type Contexts interface {
	// Join makes this context known by the id under which it names blobs. From
	// then on its Pin is zero: others keep everything. heard
	// is called, by whichever goroutine, when another one gives a sign; it returns at once.
	Join(ctx context.Context, writer uint64, heard func(Sign)) error

	// Lock waits until this context alone holds the named lock. A holder that
	// gives no sign of life for as long as patience is robbed of it, and not told.
	Lock(ctx context.Context, name string, patience time.Duration) (release func(), err error)

	// TryLock is Lock for who does not wait: release is nil while another context
	// holds the lock and is not silent for that long yet.
	TryLock(ctx context.Context, name string, patience time.Duration) (release func(), err error)

	// Linger waits for as long as a program takes to begin its next transaction when
	// one has ended: a millisecond or two.
	Linger(ctx context.Context) error

	// Alive is the sign of life of who holds a lock: whoever waits starts to count anew.
	Alive(ctx context.Context, name string) error

	// Contest tells the others that writers lose races.
	Contest(ctx context.Context) error

	// Pin says what this context needs, in place of what it said before.
	Pin(ctx context.Context, pin Pin) error

	// Others tells of all other contexts that are alive.
	Others(ctx context.Context) (Others, error)
}

// Sign is what one context lets others know.
type Sign uint8

const (
	// Committed: there is a new record or a new root.
	Committed Sign = iota + 1
	// Contested: a writer lost its place in the log, see Contexts.Contest.
	Contested
	// Moved: a pin was moved or given up.
	Moved
)

// Pin is what a context needs others to keep, as generations of the root.
type Pin struct {
	Read  uint64 // it may read pages that this root or a later one names
	Known uint64 // it knows this root, and so no place in the log that this one covers is free to it
}

// Others is what is known of the other contexts: the least that any of them has
// pinned, the greatest numbers where there is none, and the ids of all.
type Others struct {
	Pin
	Writers []uint64
}

// shared reports whether other contexts may commit too.
func (e *Env) shared() bool { return e.info.Contexts != nil }

// heard takes note of another context's sign. It never waits: what is to be done
// is done by an operation of its own.
func (e *Env) heard(sign Sign) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closing:
	case sign == Moved:
		if len(e.garbage)+len(e.covered) > 0 && e.checkpoint == nil {
			e.scheduler.Go(func(ctx context.Context) { _ = e.collect(ctx) })
		}
	case sign == Contested:
		e.floor.contest(e.now())
	case !e.hinted:
		e.hinted = true
		if rest := listenRest - e.now().Sub(e.listened); rest > 0 {
			e.scheduler.After(rest, e.listen)
		} else {
			e.scheduler.Go(e.listen)
		}
	}
}

// listenRest is the least time between two looks at what was heard of. While one
// context commits all the time, the others would do nothing but look.
const listenRest = 20 * time.Millisecond

// listen catches up with what was heard of.
func (e *Env) listen(ctx context.Context) {
	e.mu.Lock()
	e.hinted = false // what is heard from now on may come too late for the read below
	e.listened = e.now()
	e.mu.Unlock()
	err := e.Sync(ctx)
	e.heed(err)
	if err == nil {
		e.wantCheckpoint()
	}
}

// heed takes note of whether what others commit can be read: not where one of them has
// encrypted the environment, say, and this one has no key. No later look would change that,
// so those that watch are told, for whom nothing would ever come.
func (e *Env) heed(err error) {
	switch CodeOf(err) {
	case KeyRequired, WrongKey, NotEncrypted, MissingModifier, NewerFormat, Corrupt, CorruptHeader, Tampered:
	default:
		if err != nil {
			return
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deaf = err; err != nil && !e.locked {
		e.tellAll()
	}
}
