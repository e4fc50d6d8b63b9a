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
//	for {
//		err := w.View(ctx, func(tx *store.Tx) error { … })
//		if err == nil {
//			err = w.Wait(ctx)
//		}
//		if err != nil {
//			return err
//		}
//	}
//
// View is called by one goroutine at a time; Wait and Stop by any.
//
// While nobody watches, commits pay nothing for it. Each Watch costs a commit one
// look for every key that it writes.
type Watch struct {
	env *Env

	// Guarded by env.mu.
	reads   readSet // of the last View, completed
	due     uint64  // the staged transaction that changed something of it, 0 while none has
	changed Gate    // opens when readers see that one; nil before the first View
	told    bool    // changed is open
}

// Watch begins to watch. It watches nothing before its first View.
func (e *Env) Watch() *Watch { return &Watch{env: e} }

// View runs f in a reading transaction on what is committed now, and watches what
// it reads from then on, in the place of what it watched before. After an error
// it watches nothing.
func (w *Watch) View(ctx context.Context, f func(*Tx) error) error {
	w.Stop()
	tx, err := w.env.beginWatched(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	tx.reads.complete()
	return w.begin(tx)
}

// beginWatched begins a reading transaction that notes what it reads.
func (e *Env) beginWatched(ctx context.Context) (*Tx, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refuse("watch"); err != nil {
		return nil, err
	}
	tx := e.newTx(ctx, e.visible(), false)
	tx.watched = true
	return tx, nil
}

// begin takes over what a transaction has read.
func (w *Watch) begin(tx *Tx) error {
	e := w.env
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refuse("watch"); err != nil {
		return err
	}
	w.reads, tx.reads = tx.reads, readSet{}
	w.reads.cursors = nil
	w.changed, w.due, w.told = e.scheduler.NewGate(), 0, false
	e.watches = append(e.watches, w)
	if changed := e.since(tx.base); changed == nil || slices.ContainsFunc(*changed, w.met) {
		w.due = e.tip.sequence
		e.tell()
	}
	return nil
}

func (w *Watch) met(f footprint) bool { return f.meets(&w.reads) }

// Wait returns once something that the last View has read has changed, and a View
// shows it. It fails with Closed when the environment is closed, with TxEnded when
// nothing is watched, and with Aborted when ctx ends.
func (w *Watch) Wait(ctx context.Context) error {
	e := w.env
	e.mu.Lock()
	changed, watched := w.changed, slices.Contains(e.watches, w)
	e.mu.Unlock()
	if changed == nil || !watched {
		return w.over()
	}
	if err := changed.Wait(ctx); err != nil {
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
	case !slices.Contains(e.watches, w):
		return fail(TxEnded, "watch", "", nil)
	}
	return nil
}

// Stop ends the watching; who waits is told. View begins it anew.
func (w *Watch) Stop() {
	e := w.env
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.Index(e.watches, w); i >= 0 {
		e.watches = slices.Delete(e.watches, i, i+1)
		w.open()
		w.reads = readSet{}
	}
}

// open lets those go on who wait. e.mu is held.
func (w *Watch) open() {
	if !w.told {
		w.told = true
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
		if w.due == 0 && w.met(f) {
			w.due = f.sequence
		}
	}
}

// missed takes everything watched to have changed: what others did is not known.
// e.mu is held.
func (e *Env) missed(sequence uint64) {
	e.allChanged = sequence
	for _, w := range e.watches {
		if w.due == 0 {
			w.due = sequence
		}
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
