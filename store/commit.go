package store

import "context"

// group is what commits together: all transactions staged while the one before
// was being written. It becomes one log record.
type group struct {
	sections   []section
	blobs      []Blob // sealed pages and chunks that go into the same batch
	written    []Ref  // names the record refers to, published with it
	dead       []Overflow
	durability Durability
	after      *state // what will be committed
	generation uint64 // of the root when it was begun
	done       Gate
	err        error // set before done opens
}

// commit stages a transaction and waits until its group is durable.
//
// The turn is held while the transaction is validated and staged, not while the
// record is written: the next writers stage behind it meanwhile.
func (e *Env) commit(ctx context.Context, tx *Tx) error {
	if err := tx.prepare(); err != nil {
		return err
	}
	g, lead, err := e.enter(ctx, tx)
	if err != nil {
		return err
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
	if g.err == nil {
		tx.committed = g.after.position
	}
	return g.err
}

// prepare turns large values into chunks, and a large transaction into pages.
func (tx *Tx) prepare() error {
	if len(tx.runs) > 0 || tx.writes.bytes >= runBytes {
		if tx.writes.empty() {
			return nil
		}
		return tx.spill(false)
	}
	if len(tx.writes.large) == 0 {
		return nil
	}
	w := tx.env.newPageWriter(tx.in.ctx, tx.Work)
	err := tx.externalise(w)
	if err == nil {
		tx.unsaved, err = w.take()
	}
	tx.written = append(tx.written, w.refs...)
	return err
}

// enter validates and stages a transaction. It reports whether the caller is to
// write the group.
func (e *Env) enter(ctx context.Context, tx *Tx) (g *group, lead bool, err error) {
	if !tx.turn {
		if err := e.room(ctx); err != nil {
			return nil, false, err
		}
		if err := e.turn.take(ctx); err != nil {
			return nil, false, err
		}
		tx.turn = true
	}
	defer tx.passTurn()
	if err := e.ready(ctx); err != nil {
		return nil, false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, false, fail(Closed, "commit", "", nil)
	}
	if err := e.validate(tx); err != nil {
		return nil, false, err
	}
	g = e.stage(tx)
	lead = e.flushing == nil
	if lead {
		e.begin()
	}
	return g, lead, nil
}

// validate fails with Conflict when something staged since the transaction's
// snapshot changed what it read. e.mu is held.
func (e *Env) validate(tx *Tx) error {
	if tx.base.sequence == e.tip.sequence {
		return nil
	}
	tx.reads.complete()
	if len(e.recent) == 0 || e.recent[0].sequence > tx.base.sequence+1 {
		return fail(Conflict, "commit", "", nil) // what came between is not known any more
	}
	for i := range e.recent {
		if w := &e.recent[i]; w.sequence > tx.base.sequence && w.meets(&tx.reads) {
			return fail(Conflict, "commit", "", nil)
		}
	}
	return nil
}

// stage puts a transaction's writes on top of the tip and into the next group.
// e.mu is held.
func (e *Env) stage(tx *Tx) *group {
	if e.staged == nil {
		e.staged = &group{done: e.scheduler.NewGate()}
	}
	g := e.staged
	e.remember(tx)
	e.tip.sequence++
	g.sections = append(g.sections, section{trees: tx.runs, writes: tx.writes})
	g.dead = append(g.dead, e.tip.apply(tx.writes, tx.runs)...)
	g.blobs = append(g.blobs, tx.unsaved...)
	e.pages.transit.add(tx.unsaved)
	g.written = append(g.written, tx.written...)
	g.durability = max(g.durability, tx.durability)
	tx.written = nil // the group's now: Rollback must not give them back
	return g
}

// remember keeps what a transaction wrote for as long as an older writing
// transaction may have to be validated against it. e.mu is held.
func (e *Env) remember(tx *Tx) {
	oldest := e.committed.sequence // what begins now, begins there
	for other := e.live; other != nil; other = other.next {
		if other != tx && other.writable && !other.exclusive {
			oldest = min(oldest, other.base.sequence)
		}
	}
	for len(e.recent) > 0 && e.recent[0].sequence <= oldest {
		e.recent = e.recent[1:]
	}
	e.recent = append(e.recent, footprint{sequence: e.tip.sequence + 1, writes: tx.writes, spans: tx.spans})
}

// begin takes the staged group to be written. e.mu is held.
func (e *Env) begin() {
	g := e.staged
	e.staged = nil
	e.flushing = g
	g.after, g.generation = e.tip.freeze(), e.root.generation
	g.after.position = e.committed.position + 1
	e.tip.position = g.after.position
}

// flush writes the group at hand. When others have been staged meanwhile, their
// group is written by an operation of its own.
func (e *Env) flush(ctx context.Context) {
	g := e.flushing
	err := e.write(ctx, g)
	e.mu.Lock()
	e.flushing = nil
	if err != nil {
		e.abandon(g, err)
		e.mu.Unlock()
		return
	}
	if e.root.generation != g.generation { // a checkpoint has exchanged them
		g.after.onto(e.committed.lower, e.committed.lowerBytes)
	}
	e.committed = g.after
	for _, ref := range g.written {
		delete(e.unwritten, ref)
	}
	e.garbage = appendDead(e.garbage, g.dead)
	e.pages.transit.remove(g.blobs)
	more := e.staged != nil
	if more {
		e.begin()
	}
	e.mu.Unlock()
	g.done.Open()
	if more {
		e.scheduler.Go(e.flush)
	}
	e.wantCheckpoint()
}

// abandon fails a group and all that was staged on top of it. e.mu is held.
func (e *Env) abandon(g *group, err error) {
	e.suspect = true
	for _, failed := range []*group{g, e.staged} {
		if failed == nil {
			continue
		}
		// Its blobs stay among the unwritten: the record that names them may be
		// there in spite of the error.
		failed.err = err
		failed.done.Open()
	}
	e.staged = nil
	sequence := e.tip.sequence + 1
	e.tip = e.committed.reopen()
	e.tip.sequence = sequence // a new one: none of those that failed may be taken for it
	e.committed = e.tip.freeze()
	e.recent = nil
}

// write seals a group as the next log record and hands it to the backend, with
// all the blobs it refers to.
func (e *Env) write(ctx context.Context, g *group) error {
	e.desk.body = appendSections(e.desk.body[:0], g.sections)
	body := entry{value: e.desk.body}
	if len(body.value) > e.chunkBytes() {
		chunks, err := e.cutBody(ctx, g, &body)
		if err != nil {
			return err
		}
		g.blobs = append(g.blobs, chunks...)
	}
	r := record{position: g.after.position, body: body}
	e.keepBody(r)
	e.desk.plain = r.append(e.desk.plain[:0])
	sealed, err := e.pages.sealer.seal(ctx, RecordBlob, []Blob{{logName(r.position), e.desk.plain}})
	e.desk.clear()
	if err != nil {
		return err
	}
	batch := &Batch{Put: g.blobs, Add: sealed, Durability: g.durability}
	return e.publish(ctx, batch)
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

// cutBody cuts a body that is too long for one blob into chunks.
func (e *Env) cutBody(ctx context.Context, g *group, body *entry) ([]Blob, error) {
	w := e.newPageWriter(ctx, e.worker(ctx))
	o, err := w.value(body.value)
	if err != nil {
		return nil, err
	}
	chunks, err := w.take()
	g.written = append(g.written, w.refs...)
	*body = entry{kind: overflow, value: o.append(nil)}
	return chunks, err
}

// publish commits a batch that refers to blobs. The first one of a new
// environment brings its root with it, where the backend can do both at once.
func (e *Env) publish(ctx context.Context, batch *Batch) error {
	if !e.info.Atomic {
		if err := e.ensureRoot(ctx); err != nil {
			return err
		}
	}
	e.mu.Lock()
	fresh := e.rootBytes == nil
	r := e.root
	e.mu.Unlock()
	if fresh {
		stored, err := e.sealRoot(ctx, &r)
		if err != nil {
			return err
		}
		batch.Root = &RootSwap{New: stored}
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

// ensureRoot writes the root of a new environment, so that blobs without a root
// always mean damage.
func (e *Env) ensureRoot(ctx context.Context) error {
	e.mu.Lock()
	exists := e.rootBytes != nil
	r := e.root
	e.mu.Unlock()
	if exists {
		return nil
	}
	stored, err := e.sealRoot(ctx, &r)
	if err != nil {
		return err
	}
	if err := e.backend.Commit(ctx, &Batch{Root: &RootSwap{New: stored}}); err != nil {
		return backendError("create", err)
	}
	e.mu.Lock()
	e.rootBytes = stored
	e.mu.Unlock()
	return nil
}

func (e *Env) sealRoot(ctx context.Context, r *root) ([]byte, error) {
	sealed, err := e.pages.sealer.seal(ctx, RootBlob, []Blob{{RootName, r.encode()}})
	if err != nil {
		return nil, err
	}
	return sealed[0].Bytes, nil
}

// ready brings the state up to date after a write whose outcome is unknown. The
// turn is held.
func (e *Env) ready(ctx context.Context) error {
	e.mu.Lock()
	suspect := e.suspect
	e.mu.Unlock()
	if !suspect {
		return nil
	}
	e.awaitFlush(ctx)
	return e.reload(ctx)
}

// worker counts work for an operation that is not a transaction.
func (e *Env) worker(ctx context.Context) func(int) error {
	debt := 0
	return func(n int) error {
		if debt += n; debt < workBytes {
			return nil
		}
		debt = 0
		return e.breathe(ctx)
	}
}
