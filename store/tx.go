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

	base       *state
	layers     []layer // of base, newest first
	writable   bool
	watched    bool   // what it reads goes to a Watch
	exclusive  bool   // nothing can be staged beside it in this context: of what it reads only the databases are noted, if that
	turn       bool   // holds the environment's turn
	floor      bool   // has a part in this context's floor
	under      *group // the last one staged below what an exclusive transaction sees, nil if all that is committed
	durability Durability
	again      func(*Tx) error // what it is the run of, in an Update
	ended      bool
	failed     error  // something of it was half done: it can only be rolled back
	committed  uint64 // position of the log record that holds it
	parent     *Tx    // what it is nested in
	child      *Tx    // nested in it and still open
	next       *Tx    // in the environment's list of those that are open
	previous   *Tx
	debt       int // work done since others were last let run

	dbs     map[string]*DB
	writes  *writeSet // newest; only in writing transactions
	changes int       // counts changes of writes, so that cursors notice
	runs    []tree    // writes that grew too large for memory, newest first
	written []Ref     // blobs of runs and large values, unpublished
	unsaved []Blob    // of them, those to be written with the commit
	spans   []KeyRange
	reads   readSet
}

const (
	// spillBytes is how much a transaction holds in memory before it writes a
	// run of pages that nothing refers to until it commits.
	spillBytes = 4 << 20
	// runBytes is how large a commit must be to be written as pages at once,
	// rather than to the log first and to pages again.
	runBytes = 256 << 10
	// maxInline is the largest value kept within a page.
	maxInline = 16 << 10
	// workBytes is how much work an operation does before it lets others run:
	// about a millisecond in a browser.
	workBytes = 64 << 10
)

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
	under := e.flushing
	if e.staged != nil {
		under = e.staged
	}
	if e.behind.waiting > 0 { // it is visible already
		under = nil
	}
	e.mu.Unlock()
	if under == nil {
		return nil
	}
	return e.awaitGroup(ctx, under)
}

func (e *Env) beginOnCommitted(ctx context.Context, write, floor bool) (*Tx, error) {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		if floor {
			e.leaveFloor()
		}
		return nil, fail(Closed, "begin", "", nil)
	}
	defer e.mu.Unlock()
	tx := e.newTx(ctx, e.visible(), write)
	tx.floor = floor
	return tx, nil
}

// newTx makes a transaction on a state; e.mu is held.
func (e *Env) newTx(ctx context.Context, base *state, write bool) *Tx {
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
	if e.closing {
		return fail(Closed, "begin", "", nil)
	}
	if tx.writable {
		return fail(InvalidArgument, "begin: renewing a writing transaction", "", nil)
	}
	if base := e.visible(); tx.base != base {
		tx.base, tx.layers, tx.dbs = base, base.layers, nil
	}
	if tx.ended {
		e.enlist(tx)
	}
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
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		if floor {
			e.leaveFloor()
		}
		return nil, fail(Closed, "begin", "", nil)
	}
	defer e.mu.Unlock()
	base, under := e.committed, e.flushing
	if e.tip.sequence != base.sequence { // more is staged on top of it
		base = e.tip.freeze()
	}
	if e.staged != nil {
		under = e.staged
	}
	tx := e.newTx(ctx, base, true)
	tx.under = under
	tx.exclusive, tx.turn, tx.floor = true, true, floor
	return tx, nil
}

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
	tx.debt += n
	if tx.debt < workBytes {
		return nil
	}
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

// broken notes that an operation failed half-way, so that nothing of the
// transaction can be committed any more.
func (tx *Tx) broken(err error) error {
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
	if err := tx.under.done.Wait(ctx); err != nil {
		return fail(Aborted, "commit", "", err)
	}
	if tx.under.err != nil || tx.under.fell {
		return fail(Conflict, "commit", "", nil)
	}
	return nil
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

// set stages one write, after which the writes may have moved to a run.
func (tx *Tx) set(into *spaceWrites, key []byte, e entry) error {
	tx.changes++
	into.put(key, e)
	if tx.writes.bytes >= spillBytes {
		if err := tx.spill(true); err != nil {
			return tx.broken(err)
		}
	}
	return nil
}

// sources opens the layers the transaction sees, for a merge within one database.
func (tx *Tx) sources(bounds KeyRange) []source {
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

// spill moves the writes held in memory into a run of pages. With flush the
// pages are written at once; without, they wait for the commit.
func (tx *Tx) spill(flush bool) error {
	w := tx.env.newPageWriter(tx.in.ctx, tx.Work)
	defer func() { tx.written = append(tx.written, w.refs...) }()
	if err := tx.externalise(w); err != nil {
		return err
	}
	tx.span()
	run, err := tx.build(w)
	if err != nil {
		return err
	}
	blobs, err := w.take()
	if err != nil {
		return err
	}
	tx.unsaved = append(tx.unsaved, blobs...)
	tx.runs = append([]tree{run}, tx.runs...)
	tx.writes = &writeSet{}
	tx.changes++
	if !flush {
		return nil
	}
	if err := tx.save(); err != nil {
		return err
	}
	return tx.compact()
}

// build writes the pages of a run.
func (tx *Tx) build(w *pageWriter) (tree, error) {
	b := newBuilder(w, tx.env.options.PageBytes)
	err := tx.writes.all(func(whole []byte, e entry) error {
		if err := b.add(whole, e); err != nil {
			return err
		}
		return tx.Work(len(whole) + len(e.value))
	})
	if err != nil {
		return tree{}, err
	}
	return b.finish()
}

// save writes the blobs that wait, still unpublished.
func (tx *Tx) save() error {
	blobs := tx.unsaved
	tx.unsaved = nil
	if len(blobs) == 0 {
		return nil
	}
	if err := tx.env.ensureRoot(tx.in.ctx); err != nil {
		return err
	}
	return backendError("write pages", tx.env.backend.Commit(tx.in.ctx, &Batch{Put: blobs}))
}

// maxRuns is how many runs of about one size stand side by side before they
// are merged into one.
const maxRuns = 8

// compact merges the newest runs once maxRuns of them are of one size, so that
// even a transaction of millions of writes reads from a few layers.
func (tx *Tx) compact() error {
	for {
		n := alike(tx.runs)
		if n < maxRuns {
			return nil
		}
		w := tx.env.newPageWriter(tx.in.ctx, tx.Work)
		merged, leftover, err := tx.env.merge(&tx.in, w, layersOf(tx.runs[:n]), false, nil)
		if err == nil {
			tx.unsaved, err = w.take()
		}
		tx.written = append(tx.written, w.refs...)
		if err == nil {
			err = tx.save()
		}
		if err != nil {
			return err
		}
		tx.runs = append([]tree{merged}, tx.runs[n:]...)
		tx.changes++
		tx.discard(leftover)
	}
}

// discard deletes blobs that only this transaction knew.
func (tx *Tx) discard(refs []Ref) {
	gone := make(map[Ref]bool, len(refs))
	for _, ref := range refs {
		gone[ref] = true
	}
	kept := tx.written[:0]
	for _, ref := range tx.written {
		if !gone[ref] {
			kept = append(kept, ref)
		}
	}
	tx.written = kept
	tx.env.discard(refs)
}

// alike counts the newest trees that are of about one size: none of them more
// than maxRuns times as large as all newer ones together.
func alike(trees []tree) int {
	var sum int64
	for i, t := range trees {
		if sum > 0 && t.root.bytes > maxRuns/2*sum {
			return i
		}
		sum += t.root.bytes
	}
	return len(trees)
}

func layersOf(trees []tree) []layer {
	layers := make([]layer, len(trees))
	for i, t := range trees {
		layers[i].tree = t
	}
	return layers
}

// externalise moves large values out of the writes, into chunks.
func (tx *Tx) externalise(w *pageWriter) error {
	if len(tx.writes.large) == 0 {
		return nil
	}
	var keys, values [][]byte
	_ = tx.writes.all(func(whole []byte, e entry) error {
		if e.kind == inline && len(e.value) > maxInline {
			keys, values = append(keys, whole), append(values, e.value)
		}
		return nil
	})
	for i, whole := range keys {
		o, err := w.value(values[i])
		if err != nil {
			return err
		}
		tx.writes.space(spaceOf(whole)).replace(whole, entry{kind: overflow, value: o.append(nil)})
	}
	tx.writes.large = nil
	return nil
}

// span notes the range of keys, per database, that a run is about to hold: what
// other transactions are validated against.
func (tx *Tx) span() {
	for _, s := range tx.writes.spaces {
		if len(s.tail) > 0 {
			s.join()
		}
		low, high := tx.writes.key(s.sorted[0]), tx.writes.key(s.sorted[len(s.sorted)-1])
		tx.spans = append(tx.spans, KeyRange{Low: bytes.Clone(low), High: append(bytes.Clone(high), 0)})
	}
}
