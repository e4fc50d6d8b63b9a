package store

import "context"

// Locker is a stage that can forget its keys. Until Load has given them back it fails
// with KeyRequired.
type Locker interface {
	Keyed
	Forget()
}

// locker is the chain's, nil if it has none.
func (e *Env) locker() Locker {
	l, _ := e.pages.sealer.chain.Load().keyed.(Locker)
	return l
}

// Lock forgets the keys and everything that was read by them: pages, what was
// committed and not folded yet. What buffered commits have left is written first. Transactions
// that are open are ended; what a program took out of them is its own. Until
// Unlock, whatever is begun fails with KeyRequired.
//
// Errors: Unsupported without a stage that can forget; Closed; that of a buffered
// commit that was lost, and then it is locked all the same.
func (e *Env) Lock(ctx context.Context) error {
	l := e.locker()
	if l == nil {
		return fail(Unsupported, "lock", "", nil)
	}
	lost := e.Flush(ctx)
	e.mu.Lock()
	if err := e.refuse("lock"); err != nil {
		e.mu.Unlock()
		if CodeOf(err) == KeyRequired {
			return nil
		}
		return err
	}
	e.locked = true
	e.endAll()
	e.mu.Unlock()
	e.awaitIdle(context.WithoutCancel(ctx))
	l.Forget()
	e.mu.Lock()
	e.forgetAll()
	e.tellAll()
	e.mu.Unlock()
	return lost
}

// forgetAll leaves of the state what tells how far it had come. e.mu is held.
func (e *Env) forgetAll() {
	sequence, position := e.tip.sequence+1, e.committed.position // a new one, as after a failed commit
	e.tip = &state{top: newMemory(), sequence: sequence, position: position}
	e.committed = e.tip.freeze()
	e.recent, e.fallen, e.desk = nil, nil, desk{}
	e.behind.shown = nil
	e.missed(sequence)
	e.entered.forget()
	e.pages.cache.clear()
	e.pages.transit.clear()
}

// Unlock reads the environment again, after its stage was given a key. It fails as
// Open does, and is locked then as before; it is not an error that it is not locked.
func (e *Env) Unlock(ctx context.Context) error {
	e.mu.Lock()
	if e.closing || !e.locked || e.unlocking {
		defer e.mu.Unlock()
		if e.closing {
			return fail(Closed, "unlock", "", nil)
		}
		return nil
	}
	e.unlocking = true
	e.mu.Unlock()
	own, err := e.ownLog(ctx)
	if err == nil {
		if err = e.pages.sealer.reset(ctx); err == nil {
			err = e.reload(ctx)
		}
		e.mu.Lock()
		e.locked = err != nil
		e.pass(own, err)
	}
	if err == nil {
		err = e.repin(ctx)
	}
	e.mu.Lock()
	e.unlocking = false
	e.mu.Unlock()
	e.lockWhenIdle()
	return err
}

// reset has the next header loaded again, whatever was loaded.
func (s *sealer) reset(ctx context.Context) error {
	if err := s.loading.take(ctx); err != nil {
		return err
	}
	s.loaded = nil
	s.loading.pass()
	return nil
}

// idleLooks is how often in the time that Options.LockAfter gives it is looked whether
// there was a transaction.
const idleLooks = 4

// lockWhenIdle begins to look.
func (e *Env) lockWhenIdle() {
	if e.options.LockAfter > 0 {
		e.lookIfIdle(0)
	}
}

// lookIfIdle looks again later, and locks after idleLooks looks at nothing.
func (e *Env) lookIfIdle(idle int) {
	e.scheduler.After(e.options.LockAfter/idleLooks, func(ctx context.Context) {
		e.mu.Lock()
		gone := e.refuse("lock") != nil
		if e.used || e.live != nil || e.flushing != nil || e.staged != nil {
			idle = -1
		}
		e.used = false
		e.mu.Unlock()
		switch idle++; {
		case gone:
		case idle == idleLooks:
			_ = e.Lock(ctx) // what was lost was told by OnLost
		default:
			e.lookIfIdle(idle)
		}
	})
}
