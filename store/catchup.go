package store

import (
	"bytes"
	"context"
)

// Sync makes what other contexts have committed by now visible to what begins
// next. A context hears of it anyway, a moment later; who cannot wait for that asks. On a
// Merging backend nobody is told of anything, and it is what can be seen from here.
//
// Errors: Closed, Aborted, and what reading the log reports.
func (e *Env) Sync(ctx context.Context) error {
	switch {
	case e.isClosed():
		return fail(Closed, "sync", "", nil)
	case e.merges():
		return e.syncMerging(ctx)
	case !e.shared():
		return nil
	}
	return e.sync(ctx, false)
}

// syncRoot is Sync that has looked at the root too. A group that got its place in the
// log has missed no record, but may have missed a checkpoint of somebody who died
// before telling. Nothing is staged meanwhile, so that it comes to an end.
func (e *Env) syncRoot(ctx context.Context) error {
	if !e.shared() {
		return nil
	}
	if err := e.turn.take(ctx); err != nil {
		return err
	}
	defer e.turn.pass()
	return e.sync(ctx, true)
}

func (e *Env) sync(ctx context.Context, root bool) error {
	own, under, err := e.takeLog()
	for others := 0; err == nil && own == nil; others++ {
		if err = e.awaitGroup(ctx, under); err != nil {
			return err
		}
		// The first group may have begun before this call. One behind it has not,
		// but it may have lost all its members before it came to look at the log.
		if others > 0 && under.current && !root {
			return nil
		}
		own, under, err = e.takeLog()
	}
	if err != nil {
		return err
	}
	err = e.catchUp(ctx)
	e.mu.Lock()
	own.current = err == nil
	e.pass(own, err)
	return err
}

func (e *Env) awaitGroup(ctx context.Context, g *group) error {
	if err := g.done.Wait(ctx); err != nil {
		return fail(Aborted, "wait for the log", "", err)
	}
	return nil
}

// takeLog takes the log for reading, or returns the group that has it.
func (e *Env) takeLog() (own, under *group, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refuse("sync"); err != nil && !e.unlocking {
		return nil, nil, err
	}
	if e.flushing != nil {
		return nil, e.flushing, nil
	}
	e.flushing = &group{done: e.scheduler.NewGate()}
	return e.flushing, nil, nil
}

// position is the last log position known here.
func (e *Env) position() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.committed.position
}

// catchUp brings the state up to what is stored now, and what is staged on top of
// it. The log is this operation's.
func (e *Env) catchUp(ctx context.Context) error {
	for {
		l := e.looking()
		same, err := e.readOn(ctx, l)
		if err == nil && !same {
			err = e.load(ctx, l)
		}
		if err != nil {
			return err
		}
		if l.root == nil && l.last == l.base.position { // a record may have no sections: see reroot
			return nil
		}
		if e.install(l) {
			return e.repin(ctx)
		}
	}
}

// catchUpRecords is how many log records are asked for at once, without knowing
// whether there are any.
const catchUpRecords = 8

// readOn reads the records after those that are known. Each batch of them is read
// together with the root, at one moment: as long as that is the same, none can be
// missing. It reports false once it is another one. The last record that is known is
// read again: without it the platform has lost what it held.
func (e *Env) readOn(ctx context.Context, l *loaded) (same bool, err error) {
	in := &reader{ctx: ctx, pages: e.pages}
	names := make([]string, 2+catchUpRecords)
	names[0] = RootName
	l.last = l.base.position
	for {
		for i := range 1 + catchUpRecords {
			names[1+i] = logName(l.last + uint64(i))
		}
		stored, err := e.backend.Read(ctx, names)
		if err != nil {
			return false, backendError("catch up", err)
		}
		if !bytes.Equal(stored[0], l.stored) {
			return false, nil
		}
		if stored[1] == nil && l.last > l.known.position {
			return false, fail(Corrupt, "catch up: commits are missing", names[1], nil)
		}
		n, err := e.replayStored(in, l, names[2:], stored[2:])
		if err != nil {
			return e.rootMoved(ctx, l, err)
		}
		if n < catchUpRecords {
			return true, nil
		}
	}
}

// replayStored applies as many records as there are.
func (e *Env) replayStored(in *reader, l *loaded, names []string, stored [][]byte) (n int, err error) {
	var sealed []Blob
	for n < len(names) && stored[n] != nil {
		sealed = append(sealed, Blob{names[n], stored[n]})
		n++
	}
	if n == 0 {
		return 0, nil
	}
	plain, err := e.pages.sealer.open(in.ctx, RecordBlob, sealed)
	if err != nil {
		return 0, err
	}
	for i, b := range plain {
		if err := e.replayRecord(in, l, names[i], b.Bytes); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// rootMoved reports false without an error where what a record names was
// missing because a checkpoint has covered it.
func (e *Env) rootMoved(ctx context.Context, l *loaded, cause error) (same bool, err error) {
	again, err := e.backend.Read(ctx, []string{RootName})
	if err != nil || bytes.Equal(again[0], l.stored) {
		return false, cause
	}
	return false, nil
}

// rebase makes s, which holds what was loaded, the committed state and puts what is
// staged on top of it again. Transactions that had read what others have changed, or what one
// that fell had written, or that are stale, fall: they end with Conflict. e.mu is held.
func (e *Env) rebase(s *state, l *loaded) {
	lost := l.foreign
	if e.tip != nil {
		s.sequence = e.tip.sequence
	}
	if l.gap {
		s.sequence++ // none that is remembered has this number: see since
		e.recent = nil
		e.missed(s.sequence)
	}
	groups := [...]*group{e.flushing, e.staged}
	for _, g := range groups {
		if g != nil {
			lost = e.fell(g, lost, l.gap)
		}
	}
	for _, g := range groups {
		if g != nil {
			g.fell = g.fell || len(lost) > len(l.foreign)
			g.moved = g.moved || len(l.foreign) > 0 || l.gap
		}
	}
	for i := range lost {
		s.sequence++
		lost[i].sequence = s.sequence
		e.meet(lost[i])
	}
	e.recent = append(e.recent, lost...)
	e.committed = s.freeze()
	for _, g := range groups {
		if g == nil {
			continue
		}
		for _, m := range g.members {
			e.put(m, s)
		}
		if g == e.flushing {
			e.follow(g, s)
		}
	}
	e.tip = s
	e.behind.shown = nil
	e.forget(nil)
	e.tell()
}

// fell takes those members out of a group that had read what was lost, or all of
// them, and returns what was lost with what they wrote. e.mu is held.
func (e *Env) fell(g *group, lost []footprint, all bool) []footprint {
	kept := g.members[:0]
	for _, m := range g.members {
		if !all && !m.tx.stale() && !m.tx.reads.met(lost) {
			kept = append(kept, m)
			continue
		}
		m.err = fail(Conflict, "commit", "", nil)
		lost = append(lost, m.footprint(0))
		if m.buffered {
			e.redo(m)
		} else {
			m.tx.written = m.written // to be given back when the transaction ends
		}
		e.fallen = append(e.fallen, m.tx.unsaved...)
	}
	g.members = kept
	return lost
}
