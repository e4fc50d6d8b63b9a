package store

import (
	"context"
	"slices"
)

// commit stages a transaction and waits until its group is durable.
//
// The turn is held while the transaction is validated and staged, not while the
// record is written: the next writers stage behind it meanwhile.
func (e *Env) commit(ctx context.Context, tx *Tx) error {
	if err := tx.prepare(); err != nil {
		return err
	}
	g, m, lead, err := e.enter(ctx, tx)
	if err != nil {
		return err
	}
	if m.buffered {
		if lead {
			e.scheduler.Go(e.flush)
		}
		return nil
	}
	// From here on the commit happens or fails as a whole; giving up now would
	// leave the caller without knowing which.
	ctx = context.WithoutCancel(ctx)
	if lead {
		e.flush(ctx)
	}
	if err := g.done.Wait(ctx); err != nil {
		return fail(Aborted, "commit", "", err)
	}
	if m.err != nil {
		return m.err
	}
	if g.err == nil {
		tx.committed = g.after.position
	}
	return g.err
}

// prepare turns large values into chunks, and a large transaction into pages.
func (tx *Tx) prepare() error {
	if err := tx.keepJournal(); err != nil {
		return err
	}
	if tx.growing != nil {
		if err := tx.endRun(false); err != nil {
			return err
		}
	}
	if len(tx.runs) > 0 || tx.writes.bytes >= runBytes {
		if tx.writes.empty() {
			return nil
		}
		return tx.spill(false)
	}
	if len(tx.writes.large) == 0 {
		return nil
	}
	w := tx.newPageWriter()
	err := tx.externalise(w)
	if err == nil {
		tx.unsaved, err = w.take()
	}
	tx.written = append(tx.written, w.refs...)
	return err
}

// enter validates and stages a transaction. It reports whether the caller is to
// write the group.
func (e *Env) enter(ctx context.Context, tx *Tx) (g *group, m *member, lead bool, err error) {
	if !tx.turn {
		if err := e.room(ctx); err != nil {
			return nil, nil, false, err
		}
		if err := e.turn.take(ctx); err != nil {
			return nil, nil, false, err
		}
		tx.turn = true
	}
	defer tx.passTurn()
	if err := e.ready(ctx); err != nil {
		return nil, nil, false, err
	}
	if !tx.floor {
		if tx.floor, err = e.enterFloor(ctx); err != nil {
			return nil, nil, false, err
		}
	}
	tx.stampJournal()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.locked {
		return nil, nil, false, e.refuse("commit")
	}
	if err := e.validate(tx); err != nil {
		return nil, nil, false, err
	}
	g, m = e.stage(tx)
	due := !m.buffered || e.delay(m)
	e.tell()
	lead = due && e.flushing == nil
	if lead {
		e.begin()
	}
	return g, m, lead, nil
}

// validate fails with Conflict when something staged since the transaction's
// snapshot changed what it read. e.mu is held.
func (e *Env) validate(tx *Tx) error {
	if changed := e.since(tx.base); tx.stale() || changed == nil || len(*changed) > 0 && tx.reads.met(*changed) {
		return fail(Conflict, "commit", "", nil)
	}
	return nil
}

// since returns what was staged after a state, nil where that is not known any
// more. e.mu is held.
func (e *Env) since(base *state) *[]footprint {
	var changed []footprint
	switch {
	case base.sequence == e.tip.sequence:
	case len(e.recent) == 0 || e.recent[0].sequence > base.sequence+1:
		return nil
	default:
		if i := slices.IndexFunc(e.recent, func(f footprint) bool { return f.sequence > base.sequence }); i >= 0 {
			changed = e.recent[i:]
		}
	}
	return &changed
}

// stage puts a transaction's writes on top of the tip and into the next group.
// e.mu is held.
func (e *Env) stage(tx *Tx) (*group, *member) {
	if e.staged == nil {
		e.staged = &group{done: e.scheduler.NewGate()}
	}
	m := &member{tx: tx, buffered: tx.durability == Buffered, written: tx.written}
	tx.written = nil // the member's now: Rollback must not give them back
	e.forget(tx)
	e.put(m, e.tip)
	e.pages.transit.remove(e.fallen) // nobody is on top of those any more: that is what the turn is for
	e.fallen = nil
	e.pages.transit.add(tx.unsaved)
	e.staged.members = append(e.staged.members, m)
	return e.staged, m
}

// put applies a member to a state, as the newest, and remembers what it changed.
// e.mu is held.
func (e *Env) put(m *member, s *state) {
	s.sequence++
	f := m.footprint(s.sequence)
	e.recent = append(e.recent, f)
	e.meet(f)
	m.dead = s.apply(m.tx.writes, m.tx.runs)
}

// forget drops what no transaction but tx, which is about to be staged, may have to
// be validated against any more. e.mu is held.
func (e *Env) forget(tx *Tx) {
	oldest := e.committed.sequence // what begins now, begins there
	for other := e.live; other != nil; other = other.next {
		if other != tx && other.noted() {
			oldest = min(oldest, other.base.sequence)
		}
	}
	for len(e.recent) > 0 && e.recent[0].sequence <= oldest {
		e.recent = e.recent[1:]
	}
}

// begin takes the staged group, or none, to be written. e.mu is held.
func (e *Env) begin() {
	e.flushing, e.staged = e.staged, nil
	e.behind.bytes = 0
	e.follow(e.flushing, e.tip)
}

// follow makes a group the one that comes after what is committed, and takes that
// to tip. e.mu is held.
func (e *Env) follow(g *group, tip *state) {
	tip.position = e.committed.position + 1
	g.after, g.generation = tip.freeze(), e.root.generation
}

// flush writes the group at hand. When others have been staged meanwhile, their
// group is written by an operation of its own.
func (e *Env) flush(ctx context.Context) {
	g := e.flushing
	err := e.land(ctx, g)
	if CodeOf(err) == Aborted { // the operation was dropped that wrote it; its members, and who waits behind it, gave nothing up
		err = fail(BackendFailed, "commit: nobody went on with writing it", "", nil)
	}
	e.mu.Lock()
	if err != nil {
		e.lose(g.members, err)
		e.abandon(g, err)
	} else if len(g.members) > 0 {
		g.current = true
		e.settleGroup(g)
	}
	e.pass(g, err)
	e.wantCheckpoint()
}

// pass ends the use of the log by a group and lets the next one have it. It gives
// up e.mu, which is held.
func (e *Env) pass(g *group, err error) {
	g.err = err
	e.flushing = nil
	more := e.staged != nil
	if more {
		e.begin()
	}
	e.mu.Unlock()
	g.done.Open()
	if more {
		e.scheduler.Go(e.flush)
	}
}

// settleGroup makes what was written what readers see. e.mu is held.
func (e *Env) settleGroup(g *group) {
	if e.root.generation != g.generation { // a checkpoint has exchanged them
		g.after.onto(e.committed.lower, e.committed.lowerBytes)
	}
	e.committed = g.after
	e.journalCommitted(g)
	e.behind.written(g.members)
	e.tell()
	for _, m := range g.members {
		for _, ref := range m.written {
			delete(e.unwritten, ref)
		}
		e.garbage = appendDead(e.garbage, m.dead)
		e.pages.transit.remove(m.tx.unsaved)
	}
}

// abandon fails what was staged on top of a group that failed, as pass does with the
// group itself. e.mu is held.
func (e *Env) abandon(g *group, err error) {
	e.suspect = true
	// The record that names their blobs may be there in spite of the error: the
	// reload that follows finds out.
	for _, failed := range [...]*group{g, e.staged} {
		if failed == nil {
			continue
		}
		for _, m := range failed.members {
			e.doubtful = append(e.doubtful, m.written...)
		}
	}
	if e.staged != nil {
		e.lose(e.staged.members, err)
		e.staged.err = err
		e.staged.done.Open()
		e.staged = nil
	}
	sequence := e.tip.sequence + 1
	var dead []Overflow
	e.tip, dead = e.committed.reopen()
	e.garbage = appendDead(e.garbage, dead)
	e.tip.sequence = sequence // a new one: none of those that failed may be taken for it
	e.committed = e.tip.freeze()
	e.recent = nil
	e.missed(sequence) // what was shown of buffered commits is gone as well
	e.tell()
}

// land writes a group. Where other contexts took its place in the log it comes
// after them, without those of its members that had read what they changed. What takes
// the place of a root that it brings with it may be one of this context: ensureRoot may have
// written that though it seemed to fail.
func (e *Env) land(ctx context.Context, g *group) error {
	lost := false
	for len(g.members) > 0 {
		first := !lost && !e.hasRoot()
		err := e.write(ctx, g)
		if CodeOf(err) != Conflict || !e.shared() && !first {
			return err
		}
		if !lost && e.shared() {
			if err := e.contest(ctx); err != nil {
				return err
			}
			defer e.leaveFloor()
		}
		lost = true
		if err := e.catchUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// write seals a group as the next log record and hands it to the backend, with
// all the blobs it refers to.
func (e *Env) write(ctx context.Context, g *group) error {
	if e.merges() {
		return e.writeMerging(ctx, g)
	}
	e.desk.body = appendSections(e.desk.body[:0], g.sections())
	content := entry{value: e.desk.body}
	blobs := g.blobs()
	var refs []Ref
	if len(content.value) > e.chunkBytes() {
		w := e.newPageWriter(ctx, e.worker(ctx))
		w.whole = true // a new environment's root comes with the record
		chunks, err := cutBody(w, &content, g.raw())
		if err != nil {
			return err
		}
		refs, blobs = w.refs, append(blobs, chunks...)
	}
	r := record{position: g.after.position, body: content}
	e.desk.plain = r.append(e.desk.plain[:0])
	sealed, err := e.pages.sealer.sealAs(ctx, RecordBlob, g.raw(), []Blob{{logName(r.position), e.desk.plain}})
	e.desk.clear()
	if err != nil {
		return err
	}
	err = e.publish(ctx, &Batch{Put: blobs, Add: sealed, Durability: g.durability()})
	if CodeOf(err) == Conflict {
		e.discard(refs)
	}
	if err == nil && refs != nil {
		e.mu.Lock()
		e.bodies = append(e.bodies, body{r.position, refs})
		e.mu.Unlock()
		e.settle(refs)
	}
	return err
}

// desk is where log records are put together, one at a time, again and again in
// the same memory.
type desk struct{ body, plain []byte }

// clear lets go of memory that only a record of unusual length needed.
func (d *desk) clear() {
	if cap(d.body)+cap(d.plain) > deskBytes {
		*d = desk{}
	}
}

const deskBytes = 64 << 10

// cutBody cuts a record's body that is too long for one blob into chunks.
func cutBody(w *pageWriter, content *entry, raw bool) ([]Blob, error) {
	o, err := w.value(content.value, raw)
	if err != nil {
		return nil, err
	}
	*content = entry{kind: overflow, value: o.append(nil)}
	return w.take()
}

// publish commits a batch that refers to blobs. The first one of a new
// environment brings its root with it, where the backend can do both at once.
func (e *Env) publish(ctx context.Context, batch *Batch) error {
	if !e.info.Atomic {
		if err := e.createRoot(ctx); err != nil {
			return err
		}
	}
	e.mu.Lock()
	fresh := e.rootBytes == nil
	r := e.root
	e.mu.Unlock()
	if fresh {
		stored, err := e.pages.sealer.sealRoot(ctx, &r)
		if err != nil {
			return err
		}
		batch.Root = &RootSwap{New: stored}
		batch.Put = append(batch.Put, r.keys()...)
	}
	if err := e.backend.Commit(ctx, batch); err != nil {
		return backendError("commit", err)
	}
	if fresh {
		e.mu.Lock()
		e.rootBytes = batch.Root.New
		e.mu.Unlock()
	}
	return nil
}

// ensureRoot sees to it that there is a root before a transaction writes anything ahead of
// its commit. It does so while the log is its own: the first group may be on its way with a root as well,
// of which one would be refused.
func (e *Env) ensureRoot(ctx context.Context) error {
	if e.hasRoot() {
		return nil
	}
	own, err := e.ownLog(ctx)
	if err != nil {
		return err
	}
	err = e.createRoot(context.WithoutCancel(ctx)) // who gives up half-way would not know which
	e.mu.Lock()
	e.pass(own, err)
	return err
}

// createRoot writes the root of a new environment, so that blobs without a root
// always mean damage. The log is this operation's.
func (e *Env) createRoot(ctx context.Context) error {
	if e.hasRoot() {
		return nil
	}
	e.mu.Lock()
	r := e.root
	e.mu.Unlock()
	stored, err := e.pages.sealer.sealRoot(ctx, &r)
	if err != nil {
		return err
	}
	if err := e.backend.Commit(ctx, &Batch{Put: r.keys(), Root: &RootSwap{New: stored}}); err != nil {
		if CodeOf(err) == Conflict { // another context was faster, or it was there though writing it seemed to fail
			return e.catchUp(ctx)
		}
		return backendError("create", err)
	}
	e.mu.Lock()
	e.rootBytes = stored
	e.mu.Unlock()
	return nil
}

func (e *Env) hasRoot() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rootBytes != nil
}

// ready brings the state up to date after a write whose outcome is unknown. The
// turn is held, so nothing is staged.
func (e *Env) ready(ctx context.Context) error {
	e.mu.Lock()
	suspect := e.suspect
	e.mu.Unlock()
	if !suspect {
		return nil
	}
	own, err := e.ownLog(ctx)
	if err != nil {
		return err
	}
	err = e.reload(ctx)
	e.mu.Lock()
	e.pass(own, err)
	return err
}

// worker counts work for an operation that is not a transaction.
func (e *Env) worker(ctx context.Context) func(int) error {
	debt := 0
	return func(n int) error {
		if debt += n; debt < workBytes {
			return nil
		}
		debt = 0
		if err := e.showAlive(ctx); err != nil {
			return err
		}
		return e.breathe(ctx)
	}
}
