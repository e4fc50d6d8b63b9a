package store

import (
	"context"
	"slices"
)

// Watch tells when a commit, of this context or another, has changed something
// that its last View has read: a key, or a range in which a key came or went.
// It may tell so once too often, never once too seldom.
//
//	w := env.Watch()
//	defer w.Stop()
//	err := w.View(ctx, look)
//	for err == nil {
//		… // use what look has seen
//		err = w.Next(ctx, look)
//	}
//
// View and Next are called by one goroutine at a time; Wait and Stop by any.
//
// While nobody watches, commits pay nothing for it. Each Watch costs a commit one
// look for every key that it writes.
type Watch struct {
	env *Env

	// Guarded by env.mu.
	sight          // of the last View, its reads completed
	due     uint64 // the staged transaction that changed something of it, 0 while none has
	touched Gate   // opens once due is set
	changed Gate   // opens when readers see that one; nil before the first View
	told    bool   // changed is open
}

// Watch begins to watch. It watches nothing before its first View.
func (e *Env) Watch() *Watch { return &Watch{env: e} }

// View runs f in a reading transaction on what is committed now, and watches what
// it reads from then on, in the place of what it watched before. After an error,
// of Next as well, it watches nothing.
func (w *Watch) View(ctx context.Context, f func(*Tx) error) error {
	tx, err := w.beginLook(ctx, false)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return w.look(tx, f)
}

// Next is Wait and then View, but does not wait for the backend in between: f sees
// what is being written, and Next returns when that is stored. Where it came to nothing,
// or others' commits came before it, f runs again. So what f has seen must not leave
// the program before Next returns, or Tx.AwaitStored in f.
func (w *Watch) Next(ctx context.Context, f func(*Tx) error) error {
	if err := w.await(ctx, func() Gate { return w.touched }); err != nil {
		return err
	}
	for ahead := true; ; ahead = false {
		tx, err := w.beginLook(ctx, ahead)
		if err != nil {
			return err
		}
		err = w.look(tx, f)
		stored := tx.AwaitStored()
		tx.Rollback()
		if CodeOf(stored) == Conflict {
			continue
		}
		if err == nil {
			err = stored
		}
		if err != nil {
			w.Stop()
		}
		return err
	}
}

// AwaitStored waits until what the transaction sees is stored. That is so in all but
// those of Watch.Next and exclusive ones. It fails with Conflict where it came to
// nothing, and with Aborted.
func (tx *Tx) AwaitStored() error {
	if tx.under == nil {
		return nil
	}
	if err := tx.under.done.Wait(tx.in.ctx); err != nil {
		return fail(Aborted, "wait for the log", "", err)
	}
	if tx.under.err != nil || tx.under.fell || tx.watched && tx.under.moved {
		return fail(Conflict, "wait for the log", "", nil)
	}
	return nil
}

// look runs f in a transaction, and watches what it has read.
func (w *Watch) look(tx *Tx, f func(*Tx) error) error {
	if err := f(tx); err != nil {
		return err
	}
	tx.reads.complete()
	return w.begin(tx)
}

// beginLook ends the watching and begins a reading transaction that notes what it reads: on
// what is visible, or ahead of that on all that is staged. That one knows what was seen before.
func (w *Watch) beginLook(ctx context.Context, ahead bool) (*Tx, error) {
	e := w.env
	e.mu.Lock()
	defer e.mu.Unlock()
	before := w.sight
	w.stop()
	if err := e.unwatchable(); err != nil {
		return nil, err
	}
	base := e.visible()
	var under *group
	if ahead && !e.suspect && base.sequence != e.tip.sequence {
		base, under = e.tip.freeze(), e.lastGroup()
	}
	tx := e.newTx(ctx, base, false)
	tx.watched, tx.under = true, under
	if ahead {
		tx.sight = &before
	}
	return tx, nil
}

// begin takes over what a transaction has read.
func (w *Watch) begin(tx *Tx) error {
	e := w.env
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.unwatchable(); err != nil {
		return err
	}
	w.sight = sight{reads: tx.reads, lost: !tx.follow}
	w.reads.cursors, tx.reads = nil, readSet{}
	w.touched, w.changed, w.due, w.told = e.scheduler.NewGate(), e.scheduler.NewGate(), 0, false
	e.watches = append(e.watches, w)
	if changed := e.since(tx.base); changed == nil || slices.ContainsFunc(*changed, w.met) {
		w.lost = true // there may be more
		w.touch(e.tip.sequence)
		e.tell()
	}
	return nil
}

// touch takes note of the first staged transaction that changed what is watched.
// e.mu is held.
func (w *Watch) touch(sequence uint64) {
	if w.due == 0 {
		w.due = sequence
		w.touched.Open()
	}
}

func (w *Watch) met(f footprint) bool { return f.meets(&w.sight) }

// Wait returns once something that the last View has read has changed, and a View
// shows it. It fails with Closed when the environment is closed, with TxEnded when
// nothing is watched, with Aborted when ctx ends, and as Open would where another context
// has made of the environment what this one cannot read.
func (w *Watch) Wait(ctx context.Context) error {
	return w.await(ctx, func() Gate { return w.changed })
}

// await waits for one of the gates, while something is watched.
func (w *Watch) await(ctx context.Context, which func() Gate) error {
	e := w.env
	e.mu.Lock()
	gate, watched := which(), slices.Contains(e.watches, w)
	e.mu.Unlock()
	if gate == nil || !watched {
		return w.over()
	}
	if err := gate.Wait(ctx); err != nil {
		return fail(Aborted, "watch", "", err)
	}
	return w.over()
}

// over reports why nothing is watched, if so.
func (w *Watch) over() error {
	e := w.env
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closing:
		return fail(Closed, "watch", "", nil)
	case e.deaf != nil && !e.locked:
		return e.deaf
	case !slices.Contains(e.watches, w):
		return fail(TxEnded, "watch", "", nil)
	}
	return nil
}

// unwatchable reports why nothing can be watched, if so. e.mu is held.
func (e *Env) unwatchable() error {
	if err := e.refuse("watch"); err != nil {
		return err
	}
	return e.deaf
}

// Stop ends the watching; who waits is told. View begins it anew.
func (w *Watch) Stop() {
	w.env.mu.Lock()
	defer w.env.mu.Unlock()
	w.stop()
}

// stop is Stop while e.mu is held.
func (w *Watch) stop() {
	e := w.env
	if i := slices.Index(e.watches, w); i >= 0 {
		e.watches = slices.Delete(e.watches, i, i+1)
		w.open()
		w.sight = sight{lost: true}
	}
}

// open lets those go on who wait. e.mu is held.
func (w *Watch) open() {
	if !w.told {
		w.told = true
		w.touch(1) // whatever it was
		w.changed.Open()
	}
}

// meet takes note of what was staged, and looks what of the watched it has changed.
// e.mu is held.
func (e *Env) meet(f footprint) {
	if e.changed != nil {
		for _, s := range f.writes.spaces {
			e.changed[s.space] = f.sequence
		}
		for _, span := range f.spans {
			e.changed[spaceOf(span.Low)] = f.sequence
		}
	}
	for _, w := range e.watches {
		if (w.due == 0 || !w.lost) && w.met(f) {
			w.touch(f.sequence)
		}
	}
}

// missed takes everything watched to have changed: what others did is not known.
// e.mu is held.
func (e *Env) missed(sequence uint64) {
	e.allChanged = sequence
	for _, w := range e.watches {
		w.lost = true
		w.touch(sequence)
	}
}

// tell lets those go on who wait for what readers see by now. e.mu is held.
func (e *Env) tell() {
	if len(e.watches) == 0 {
		return
	}
	shown := e.committed.sequence
	if e.behind.waiting > 0 {
		shown = e.tip.sequence
	}
	for _, w := range e.watches {
		if w.due != 0 && w.due <= shown {
			w.open()
		}
	}
}

// tellAll lets all go on who wait, for nothing will change any more. e.mu is held.
func (e *Env) tellAll() {
	for _, w := range e.watches {
		w.open()
	}
	e.watches = nil
}

// changedAt is the number of the last staged transaction that wrote to a database;
// it may be greater than that, where it is not known.
func (e *Env) changedAt(id space) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.changed == nil {
		e.changed = make(map[space]uint64)
		e.allChanged = e.tip.sequence
	}
	return max(e.changed[id], e.allChanged)
}
