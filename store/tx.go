package store

import (
	"bytes"
	"context"
)

// Tx is a transaction: many reads and writes over any databases of one
// environment, seen at one snapshot, committed together or not at all. It may
// stay open for as long as its program likes; nobody waits for it.
//
// A Tx is used by one goroutine at a time. Slices that its databases and cursors
// hand out are valid until it ends and must not be modified.
type Tx struct {
	env *Env
	in  reader

	base        *state
	layers      []layer // of base, newest first
	writable    bool
	watched     bool   // what it reads goes to a Watch
	follow      bool   // and of that, which keys change
	sight       *sight // what that Watch saw before it, where that is known
	exclusive   bool   // nothing can be staged beside it in this context: of what it reads only the databases are noted, if that
	understands bool   // what it sees is of a version that its program knows
	turn        bool   // holds the environment's turn
	floor       bool   // has a part in this context's floor
	under       *group // the last one staged below what the transaction sees, nil if all that is committed
	durability  Durability
	again       func(*Tx) error // what it is the run of, in an Update
	ended       bool
	failed      error  // something of it was half done: it can only be rolled back
	committed   uint64 // position of the log record that holds it
	parent      *Tx    // what it is nested in
	child       *Tx    // nested in it and still open
	next        *Tx    // in the environment's list of those that are open
	previous    *Tx
	debt        int // work done since others were last let run

	foreign bool     // does what another context has done: see replica
	journal *journal // what it tells others, nil where that is nothing
	stamps  *DB
	emptied []string // databases, by their names in the catalogue

	dbs      map[string]*DB
	writes   *writeSet // newest; only in writing transactions
	changes  int       // counts changes of writes, so that cursors notice
	runs     []tree    // writes that grew too large for memory, newest first
	growing  *openRun  // nil where there is none
	written  []Ref     // blobs of runs and large values, unpublished
	unsaved  []Blob    // of them, those to be written with the commit
	sealedBy int64     // the sealer's version when the first of them was sealed, 0 before
	spans    []KeyRange
	reads    readSet
}

// workBytes is how much work an operation does before it lets others run: about
// a millisecond in a browser.
const workBytes = 64 << 10

// SetContext replaces the context under which the next calls run.
func (tx *Tx) SetContext(ctx context.Context) { tx.in.ctx = ctx }

// SetDurability asks for a durability of this commit alone.
func (tx *Tx) SetDurability(d Durability) { tx.durability = d }

// Writable tells whether the transaction may write.
func (tx *Tx) Writable() bool { return tx.writable }

// Work tells that about n bytes were worked on, and now and then lets other
// operations run. Loops over many entries call it; it fails with Aborted when
// the context has ended.
func (tx *Tx) Work(n int) error {
	if tx.debt += n; tx.debt < workBytes {
		return nil
	}
	return tx.pause()
}

// pause is no part of Work, which stands in every loop.
//
//go:noinline
func (tx *Tx) pause() error {
	tx.debt = 0
	return tx.env.breathe(tx.in.ctx)
}

func (e *Env) breathe(ctx context.Context) error {
	if err := e.scheduler.Breathe(ctx); err != nil {
		if contextEnded(err) {
			return fail(Aborted, "work", "", err)
		}
		return err
	}
	return nil
}

// ID grows with what is committed. It is the position of the newest log record
// that the transaction sees, 0 in a new environment, and once it has committed
// writes, the position of the record that holds them: whoever begins after that
// has at least this ID. What is buffered counts when it is written.
func (tx *Tx) ID() uint64 {
	if tx.parent != nil {
		return tx.parent.ID()
	}
	if tx.committed != 0 {
		return tx.committed
	}
	return tx.base.position
}

// usable reports why the transaction cannot be used, if so.
func (tx *Tx) usable(op string) error {
	if tx.sound() {
		return nil
	}
	return tx.unusable(op)
}

func (tx *Tx) sound() bool { return !tx.ended && tx.child == nil && tx.failed == nil }

func (tx *Tx) unusable(op string) error {
	switch {
	case tx.ended && tx.env.isClosed():
		return fail(Closed, op, "", nil)
	case tx.ended:
		return fail(TxEnded, op, "", nil)
	case tx.failed != nil:
		return fail(CodeOf(tx.failed), op+": the transaction failed before", "", tx.failed)
	default:
		return fail(TxBusy, op, "", nil)
	}
}

// Spoil notes that an operation failed half-way, so that nothing of the transaction
// can be committed any more. It returns the failure, or nil where there is none. Programs that make operations of
// many writes call it as the engine does.
func (tx *Tx) Spoil(err error) error {
	if tx.failed == nil {
		tx.failed = err
	}
	return err
}

func (e *Env) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// Commit makes the transaction's writes durable, as far as was asked for, and
// visible. After an error nothing of them is, except where the backend failed
// without saying how far it came: then they may turn out to be there.
//
// A child's writes become its parent's, and no more than that.
//
// Errors: Conflict, Quota, Aborted (before anything was written), TxEnded,
// TxBusy, Closed, BackendFailed.
func (tx *Tx) Commit(ctx context.Context) error {
	if err := tx.usable("commit"); err != nil {
		if tx.failed != nil {
			tx.Rollback()
		}
		return err
	}
	tx.in.ctx = ctx
	defer tx.Rollback()
	if !tx.writable || tx.changes == 0 {
		return tx.confirm(ctx)
	}
	if tx.parent != nil {
		return tx.handUp()
	}
	return tx.env.commit(ctx, tx)
}

// confirm waits until what an exclusive transaction has seen is committed: nothing
// that it tells its caller may turn out never to have been.
func (tx *Tx) confirm(ctx context.Context) error {
	if tx.under == nil || tx.durability == Buffered {
		return nil
	}
	tx.passTurn()
	if err := tx.env.writeStaged(ctx); err != nil {
		return err
	}
	return tx.AwaitStored()
}

// Rollback ends the transaction, and a child that is open, and drops what it
// wrote. It does nothing to a transaction that has ended.
func (tx *Tx) Rollback() {
	if tx.child != nil {
		tx.child.Rollback()
	}
	if tx.ended {
		return
	}
	tx.ended = true
	tx.dropRun()
	if tx.parent != nil {
		tx.leave()
		return
	}
	e := tx.env
	e.mu.Lock()
	e.delist(tx)
	if e.moved() {
		e.scheduler.Go(e.moveOn)
	}
	e.mu.Unlock()
	e.discard(tx.written)
	tx.passTurn()
	if tx.floor {
		tx.floor = false
		e.leaveFloor()
	}
}

// passTurn lets the next writer go on.
func (tx *Tx) passTurn() {
	if tx.turn {
		tx.turn = false
		tx.env.turn.pass()
	}
}

// lookup finds the newest entry of a whole key.
func (tx *Tx) lookup(key []byte) (entry, bool, error) {
	if err := tx.closeFor(spaceOf(key)); err != nil {
		return entry{}, false, err
	}
	for t := tx; t != nil && t.writable; t = t.parent {
		if written := t.writes.find(spaceOf(key)); written != nil {
			if e, found := written.get(key); found {
				return e, true, nil
			}
		}
		for _, run := range t.runs {
			if e, found, err := tx.in.get(run, key); found || err != nil {
				return e, found, err
			}
		}
	}
	return tx.in.lookup(tx.layers, key)
}

// set stages one write, after which the writes may have moved to a run. With into they are found
// again when the next one goes to the same database.
func (tx *Tx) set(into **spaceWrites, key []byte, e entry) error {
	tx.changes++
	if r := tx.growing; r != nil && r.space == spaceOf(key) {
		if bytes.Compare(key, r.last) > 0 && len(e.value) <= maxInline {
			return tx.grow(key, e)
		}
		if err := tx.closeRun(); err != nil {
			return err
		}
	}
	if *into == nil || (*into).set != tx.writes {
		*into = tx.writes.space(spaceOf(key))
	}
	(*into).put(key, e)
	switch {
	case tx.writes.bytes >= spillBytes:
		return tx.Spoil(tx.spill(true))
	case tx.opens(*into):
		return tx.openRun(*into)
	}
	return nil
}

// sources opens the layers the transaction sees, for a merge within one database.
func (tx *Tx) sources(bounds KeyRange) []source {
	if err := tx.closeFor(spaceOf(bounds.Low)); err != nil {
		return []source{&treeCursor{failed: err}}
	}
	var sources []source
	for t := tx; t != nil && t.writable; t = t.parent {
		if written := t.writes.find(spaceOf(bounds.Low)); written != nil {
			sources = written.cursors(sources)
		}
		for _, run := range t.runs {
			sources = append(sources, newTreeCursor(&tx.in, run, bounds))
		}
	}
	return layerSources(sources, tx.layers, &tx.in, bounds)
}
