package store

import (
	"context"
	"time"
)

// floor is the right to write next, among contexts. Nobody needs it while writers
// seldom meet: they just write, and who loses its place in the log comes after.
// Once one has lost, all of them ask for the floor before they begin, for a while:
// then they begin on what the one before has left, and none starves.
//
// It is courtesy, not safety. Who keeps it for too long is robbed of it, and
// those who did not hear that it is asked for write without.
type floor struct {
	contested time.Time // it is asked for until then
	users     int       // transactions and groups that have it by way of this context
	uses      int       // counts them
	taken     time.Time
	release   func()
	asking    Gate // open when this context's request is answered, nil if none is under way
}

const (
	// floorLock is the lock's name.
	floorLock = "write"
	// contestLasts is how long after a lost race writers take turns.
	contestLasts = time.Second
	// floorPatience is how long a context may keep the floor while others wait.
	floorPatience = 2 * time.Second
	// floorTenure is for how long transactions of a context may join those that have
	// the floor: long enough to be worth its passing, short enough to wait for.
	floorTenure = 50 * time.Millisecond
)

func (f *floor) contest(now time.Time) { f.contested = now.Add(contestLasts) }

// enterFloor takes the floor for a transaction if there is a contest, catches up
// where this context did not have it, and reports whether it was taken.
func (e *Env) enterFloor(ctx context.Context) (bool, error) {
	if !e.shared() {
		return false, nil
	}
	e.mu.Lock()
	f := &e.floor
	if f.release == nil && f.contested.IsZero() { // nobody was ever met: the clock, a call of the host, is not needed
		e.mu.Unlock()
		return false, nil
	}
	now := e.now()
	over := f.release != nil && now.Sub(f.taken) >= floorTenure
	needed := now.Before(f.contested) && !(over && f.users > 0) // those who still have it serve us too
	var release func()
	if over && f.users == 0 {
		release, f.release = f.release, nil
	}
	e.mu.Unlock()
	if release != nil {
		release()
	}
	if !needed {
		return false, nil
	}
	fresh, err := e.takeFloor(ctx)
	if err != nil || !fresh {
		return err == nil, err
	}
	before := e.position()
	if err := e.Sync(ctx); err != nil {
		e.leaveFloor()
		return false, err
	}
	if e.position() != before { // others are still at it
		e.mu.Lock()
		f.contest(now)
		e.mu.Unlock()
	}
	return true, nil
}

// contest tells everybody that a race was lost, and takes the floor.
func (e *Env) contest(ctx context.Context) error {
	e.mu.Lock()
	e.floor.contest(e.now())
	e.mu.Unlock()
	if err := e.info.Contexts.Contest(ctx); err != nil {
		return backendError("contest", err)
	}
	_, err := e.takeFloor(ctx)
	return err
}

// takeFloor has this context take the floor, or share what it has, and reports
// whether others may have written since it last knew. leaveFloor gives it back.
func (e *Env) takeFloor(ctx context.Context) (fresh bool, err error) {
	f := &e.floor
	for {
		e.mu.Lock()
		asking := f.asking
		switch {
		case f.release != nil:
			f.users++
			f.uses++
			e.mu.Unlock()
			return false, nil
		case asking == nil:
			f.asking = e.scheduler.NewGate()
			e.mu.Unlock()
			return true, e.askForFloor(ctx)
		}
		e.mu.Unlock()
		if err := asking.Wait(ctx); err != nil {
			return false, fail(Aborted, "wait to write", "", err)
		}
	}
}

func (e *Env) askForFloor(ctx context.Context) error {
	release, err := e.info.Contexts.Lock(ctx, floorLock, floorPatience)
	e.mu.Lock()
	f := &e.floor
	if err == nil {
		f.release, f.users, f.taken = release, 1, e.now()
		f.uses++
	}
	answered := f.asking
	f.asking = nil
	e.mu.Unlock()
	answered.Open()
	return backendError("wait to write", err)
}

// leaveFloor ends one use of the floor. After the last one it is kept for a moment,
// for the transaction that the program is about to begin, and passed on then.
func (e *Env) leaveFloor() {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := &e.floor
	if f.users--; f.users > 0 {
		return
	}
	uses, over := f.uses, e.now().Sub(f.taken) >= floorTenure
	e.scheduler.Go(func(ctx context.Context) {
		if !over {
			_ = e.info.Contexts.Linger(ctx) // if it cannot wait, it does not
		}
		e.passFloor(uses)
	})
}

// passFloor passes the floor on, unless it was used again.
func (e *Env) passFloor(uses int) {
	e.mu.Lock()
	f := &e.floor
	var release func()
	if f.users == 0 && f.uses == uses {
		release, f.release = f.release, nil
	}
	e.mu.Unlock()
	if release != nil {
		release()
	}
}
