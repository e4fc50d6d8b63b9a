package store

import "context"

// Begin starts a transaction on what is committed now. A writing transaction
// may fail to commit with Conflict, when another one has meanwhile changed what
// it read; Update runs it again then.
func (e *Env) Begin(ctx context.Context, write bool) (*Tx, error) {
	return e.beginOnCommitted(ctx, write, false)
}

// BeginAgain starts a writing transaction in the place of one that ended with
// Conflict. It waits until what that one lost to is committed, because on the
// state before it could only lose again. While writers of several contexts meet,
// the others wait for it, two seconds at most, so that it does not lose again and again.
//
//	tx, err := env.Begin(ctx, true)
//	for err == nil {
//		if err = work(tx); err == nil {
//			err = tx.Commit(ctx)
//		}
//		if store.CodeOf(err) != store.Conflict {
//			break
//		}
//		tx, err = env.BeginAgain(ctx)
//	}
func (e *Env) BeginAgain(ctx context.Context) (*Tx, error) {
	if err := e.awaitStaged(ctx); err != nil {
		return nil, err
	}
	floor, err := e.enterFloor(ctx)
	if err != nil {
		return nil, err
	}
	return e.beginOnCommitted(ctx, true, floor)
}

// awaitStaged waits until all that is staged now is visible.
func (e *Env) awaitStaged(ctx context.Context) error {
	e.mu.Lock()
	under := e.lastGroup()
	if e.behind.waiting > 0 { // it is visible already
		under = nil
	}
	e.mu.Unlock()
	if under == nil {
		return nil
	}
	return e.awaitGroup(ctx, under)
}

// lastGroup is the last one of what is staged, nil where nothing is. e.mu is held.
func (e *Env) lastGroup() *group {
	if e.staged != nil {
		return e.staged
	}
	return e.flushing
}

// lockToBegin takes e.mu for a transaction to begin; where none may, neither it nor the floor is held afterwards.
func (e *Env) lockToBegin(ctx context.Context, floor bool) error {
	e.mu.Lock()
	err := e.refuse("begin")
	if err == nil && ctx.Err() != nil {
		err = fail(Aborted, "begin", "", ctx.Err())
	}
	if err == nil {
		return nil
	}
	e.mu.Unlock()
	if floor {
		e.leaveFloor()
	}
	return err
}

func (e *Env) beginOnCommitted(ctx context.Context, write, floor bool) (*Tx, error) {
	if err := e.lockToBegin(ctx, floor); err != nil {
		return nil, err
	}
	defer e.mu.Unlock()
	tx := e.newTx(ctx, e.visible(), write)
	tx.floor = floor
	return tx, nil
}

// newTx makes a transaction on a state; e.mu is held.
func (e *Env) newTx(ctx context.Context, base *state, write bool) *Tx {
	e.used = true
	tx := &Tx{
		env:        e,
		in:         reader{ctx: ctx, pages: e.pages, env: e, generation: e.root.generation},
		base:       base,
		layers:     base.layers,
		writable:   write,
		durability: e.options.Durability,
	}
	if write {
		tx.writes = &writeSet{}
	}
	e.enlist(tx)
	return tx
}

// Renew begins a reading transaction again, on what is committed now, whether it
// has ended or not. While nothing was committed that costs next to nothing: a
// program that reads one key at a time keeps a transaction for it.
func (tx *Tx) Renew(ctx context.Context) error {
	e := tx.env
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refuse("begin"); err != nil {
		return err
	}
	if tx.writable {
		return fail(InvalidArgument, "begin: renewing a writing transaction", "", nil)
	}
	if base := e.visible(); tx.base != base {
		tx.base, tx.layers, tx.dbs, tx.understands = base, base.layers, nil, false
	}
	if tx.ended {
		e.enlist(tx)
	}
	e.used = true
	tx.in.ctx, tx.in.generation, tx.ended = ctx, e.root.generation, false
	return nil
}

// enlist adds a transaction to those that are open; e.mu is held.
func (e *Env) enlist(tx *Tx) {
	tx.next, tx.previous = e.live, nil
	if tx.next != nil {
		tx.next.previous = tx
	}
	e.live = tx
}

// delist takes it off; e.mu is held.
func (e *Env) delist(tx *Tx) {
	if tx.next != nil {
		tx.next.previous = tx.previous
	}
	if tx.previous != nil {
		tx.previous.next = tx.next
	} else if e.live == tx {
		e.live = tx.next
	}
	tx.next, tx.previous = nil, nil
}

// View runs f in a reading transaction.
func (e *Env) View(ctx context.Context, f func(*Tx) error) error {
	tx, err := e.Begin(ctx, false)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(tx)
}

// Update runs f in a writing transaction and commits it; when f fails, nothing
// of it stays. Updates of one environment go one after the other, each seeing
// what the one before has staged; they are written together where they arrive
// together. When another context was faster, and changed a database that f had
// read, f is run again on the new state: it must not count on being run once.
func (e *Env) Update(ctx context.Context, f func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := e.update(ctx, f)
		if !startsOver(err) || attempt == maxAttempts {
			return err
		}
		if CodeOf(err) == SnapshotExpired {
			if err := e.Sync(ctx); err != nil {
				return err
			}
		}
	}
}

// startsOver reports whether a writing transaction failed for what others did, and
// may go well on a new snapshot.
func startsOver(err error) bool {
	code := CodeOf(err)
	return code == Conflict || code == SnapshotExpired
}

// maxAttempts bounds how often Update begins again after a Conflict, which only
// another context can cause. From the second time on it has the floor, so it can
// lose again only to contexts that robbed it or have not heard.
const maxAttempts = 100

func (e *Env) update(ctx context.Context, f func(*Tx) error) error {
	tx, err := e.BeginExclusive(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	tx.again = f
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// BeginExclusive waits for the turn to write and starts a writing transaction
// that cannot conflict: other writers of this environment wait until it ends.
func (e *Env) BeginExclusive(ctx context.Context) (*Tx, error) {
	if err := e.room(ctx); err != nil {
		return nil, err
	}
	if err := e.turn.take(ctx); err != nil {
		return nil, err
	}
	tx, err := e.beginOnTip(ctx)
	if err != nil {
		e.turn.pass()
		return nil, err
	}
	return tx, nil
}

func (e *Env) beginOnTip(ctx context.Context) (*Tx, error) {
	if err := e.ready(ctx); err != nil {
		return nil, err
	}
	floor, err := e.enterFloor(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.lockToBegin(ctx, floor); err != nil {
		return nil, err
	}
	defer e.mu.Unlock()
	base := e.committed
	if e.tip.sequence != base.sequence { // more is staged on top of it
		base = e.tip.freeze()
	}
	tx := e.newTx(ctx, base, true)
	tx.under = e.lastGroup()
	tx.exclusive, tx.turn, tx.floor = true, true, floor
	return tx, nil
}
