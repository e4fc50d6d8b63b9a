package store

import (
	"context"

	"github.com/tinylib/msgp/msgp"
)

// checkpointing is a checkpoint under way.
type checkpointing struct {
	done Gate
	err  error // set before done opens
}

const (
	// foldBytes of overlay, or foldRecords of log, call for a checkpoint: few
	// enough that opening replays them in a moment.
	foldBytes   = 2 << 20
	foldRecords = 1024
	// foldRuns or foldRunBytes of runs do: every read looks into each of them,
	// and only a single tree counts by its branches.
	foldRuns     = 4
	foldRunBytes = 4 << 20
)

// wantCheckpoint starts a checkpoint when enough has been committed for one.
func (e *Env) wantCheckpoint() {
	e.mu.Lock()
	wanted := e.refuse("checkpoint") == nil && e.checkpoint == nil && !e.suspect && e.overgrown() &&
		(!e.shared() || !e.now().Before(e.foldAfter))
	if wanted {
		e.checkpoint = &checkpointing{done: e.scheduler.NewGate()}
	}
	e.mu.Unlock()
	if wanted {
		e.scheduler.Go(func(ctx context.Context) {
			if e.runCheckpoint(ctx, false, nil) == nil {
				e.wantCheckpoint() // for what has come meanwhile, where that is much
			}
		})
	}
}

// overgrown reports whether enough has been committed for a checkpoint. e.mu is held.
func (e *Env) overgrown() bool {
	s := e.committed
	return s.bytes() > e.foldAt || s.position-e.root.position > foldRecords || crowded(s.upper)
}

// crowded reports whether the trees among layers call for a checkpoint.
func crowded(layers []layer) bool {
	var n int
	var size int64
	for _, l := range layers {
		if l.memory == nil {
			n++
			size += l.tree.root.bytes
		}
	}
	return n >= foldRuns || size >= foldRunBytes
}

// Checkpoint folds everything committed so far into one tree and gives the log
// records it covers back. Commits go on meanwhile. The engine does this by
// itself; call it to make the next opening as quick as can be.
func (e *Env) Checkpoint(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		if err := e.beginCheckpoint(ctx); err != nil {
			return err
		}
		err := e.runCheckpoint(ctx, true, nil)
		if !overtaken(err) || !e.shared() && attempt == maxAttempts {
			return err
		}
		if !e.shared() {
			continue
		}
		if err := e.awaitFold(ctx); err != nil {
			return err
		}
	}
}

// beginCheckpoint waits until no checkpoint of this context is under way and makes
// one, which endCheckpoint ends: nobody else here replaces the root meanwhile.
func (e *Env) beginCheckpoint(ctx context.Context) error {
	for {
		e.mu.Lock()
		if err := e.refuse("checkpoint"); err != nil {
			e.mu.Unlock()
			return err
		}
		under := e.checkpoint
		if under == nil {
			e.checkpoint = &checkpointing{done: e.scheduler.NewGate()}
			e.mu.Unlock()
			return nil
		}
		e.mu.Unlock()
		if err := under.done.Wait(ctx); err != nil {
			return fail(Aborted, "checkpoint", "", err)
		}
	}
}

func (e *Env) endCheckpoint(err error) {
	e.mu.Lock()
	under := e.checkpoint
	e.checkpoint = nil
	under.err = err
	e.mu.Unlock()
	under.done.Open()
}

// room holds a writer back while the overlay is over its ceiling.
func (e *Env) room(ctx context.Context) error {
	for {
		e.mu.Lock()
		full := e.committed.bytes() > e.options.OverlayBytes
		under := e.checkpoint
		e.mu.Unlock()
		if !full || under == nil {
			return nil
		}
		if err := under.done.Wait(ctx); err != nil {
			return fail(Aborted, "commit", "", err)
		}
		if under.err != nil {
			return nil // the commit itself may still succeed
		}
	}
}

// runCheckpoint does the work of the checkpoint that e.checkpoint stands for, and of a
// renewal with it where there is one.
func (e *Env) runCheckpoint(ctx context.Context, whole bool, r *renewal) error {
	err := e.foldAlone(ctx, whole, r)
	e.mu.Lock()
	e.foldAt = min(foldBytes, e.options.OverlayBytes/2)
	switch {
	case overtaken(err):
		e.foldAfter = e.now().Add(foldAgain)
	case err != nil: // not again at the very next commit
		e.foldAt += e.committed.bytes()
	}
	e.mu.Unlock()
	e.endCheckpoint(err)
	return err
}

func (e *Env) fold(ctx context.Context, whole bool, r *renewal) error {
	return e.foldBy(ctx, r, func(in *reader, w *pageWriter, layers []layer) ([]tree, []Ref, error) {
		return e.foldLayers(in, w, layers, whole, r)
	})
}

// foldBy makes the trees of the next root of what is committed, and publishes them. What
// makes them also lists the blobs that it leaves over.
func (e *Env) foldBy(ctx context.Context, r *renewal, make func(*reader, *pageWriter, []layer) ([]tree, []Ref, error)) error {
	if err := e.sweep(ctx); err != nil {
		return err
	}
	c, err := e.cut(ctx)
	if err != nil || c == nil {
		return err
	}
	if r != nil {
		if more, err := r.begin(&c.root, e.options.PageBytes); err != nil || !more {
			return err
		}
	}
	w := e.newPageWriter(ctx, e.worker(ctx))
	in := &reader{ctx: ctx, pages: e.pages, env: e, generation: c.root.generation}
	trees, leftover, err := make(in, w, c.state.lower)
	var blobs []Blob
	if err == nil {
		blobs, err = w.take()
	}
	if err != nil {
		e.discard(w.refs)
		return err
	}
	err = e.exchange(ctx, exchange{c.state.position, c.reloads, trees, leftover, blobs, r})
	if CodeOf(err) == Conflict {
		e.discard(w.refs)
		return err
	}
	// The pages may be published even where another error is reported: they are
	// left to a later sweep then.
	e.settle(w.refs)
	return err
}

// cut is what a checkpoint folds.
type cut struct {
	state   *state
	root    root
	reloads int // of the environment
}

// cut moves all that is committed to the lower layers, which nobody writes to,
// and starts new upper ones. It needs a moment in which no commit is under way.
// It returns nil where nothing has ever been committed: the first commit brings
// the root, and must not find one there.
func (e *Env) cut(ctx context.Context) (*cut, error) {
	if err := e.turn.take(ctx); err != nil {
		return nil, err
	}
	defer e.turn.pass()
	if err := e.ready(ctx); err != nil {
		return nil, err
	}
	for {
		if err := e.writeStaged(ctx); err != nil {
			return nil, err
		}
		e.mu.Lock()
		if e.flushing == nil && e.staged == nil {
			break
		}
		e.mu.Unlock()
	}
	defer e.mu.Unlock()
	if e.rootBytes == nil {
		return nil, nil
	}
	s := *e.committed
	s.lower = e.committed.layers
	s.top, s.upper, s.layers = newMemory(), nil, nil
	s.upperBytes, s.lowerBytes = 0, e.committed.bytes()
	tip := s
	tip.sequence = e.tip.sequence
	e.tip = &tip
	e.committed = tip.freeze()
	e.behind.shown = nil
	return &cut{&s, e.root, e.reloads}, nil
}

// foldLayers merges layers into the trees of the next root: one tree, or where
// little of a large base is touched, a run above it.
func (e *Env) foldLayers(in *reader, w *pageWriter, layers []layer, whole bool, r *renewal) ([]tree, []Ref, error) {
	n := len(layers)
	if !whole {
		var err error
		if n, err = e.depth(in, layers); err != nil {
			return nil, nil, err
		}
	}
	kept := make([]tree, 0, 1+len(layers)-n)
	bottom := n == len(layers)
	var dropped func(space) bool
	if bottom {
		var err error
		if dropped, err = droppedSpaces(in, layers); err != nil {
			return nil, nil, err
		}
	}
	merged, leftover, err := e.merge(in, w, layers[:n], bottom, dropped, r)
	if err != nil {
		return nil, nil, err
	}
	if !merged.empty() {
		kept = append(kept, merged)
	}
	for _, l := range layers[n:] {
		kept = append(kept, l.tree)
	}
	return kept, leftover, nil
}

// merge folds layers into one tree and lists the blobs that it leaves over.
func (e *Env) merge(in *reader, w *pageWriter, layers []layer, bottom bool, dropped func(space) bool, r *renewal) (tree, []Ref, error) {
	f := &fold{in: in, out: w, target: e.options.PageBytes, bottom: bottom, dropped: dropped, renewal: r}
	merged, err := f.run(layers)
	if err != nil {
		return tree{}, nil, err
	}
	leftover, err := f.leftover(layers)
	return merged, append(leftover, chunkRefs(f.dead)...), err
}

// depth decides how many of the layers, from the newest, to merge. Rewriting a
// leaf for every few entries would multiply what is written, so as long as the
// changes are sparse in the tree below them they become a run of their own.
func (e *Env) depth(in *reader, layers []layer) (int, error) {
	n, size := unwritten(layers)
	for ; n < len(layers); n++ {
		below := layers[n].tree
		if len(layers)-n > maxRuns {
			size += below.root.bytes
			continue
		}
		touched, err := e.touched(in, layers[:n], below)
		if err != nil {
			return 0, err
		}
		if touched > sparse*size {
			return n, nil
		}
		size += below.root.bytes
	}
	return n, nil
}

// unwritten counts the layers down to the last one in memory, all of which a
// checkpoint has to write, and their bytes.
func unwritten(layers []layer) (n int, size int64) {
	var below int64
	for i, l := range layers {
		if l.memory == nil {
			below += l.tree.root.bytes
			continue
		}
		n, size = i+1, size+below+int64(l.memory.bytes())
		below = 0
	}
	return n, size
}

// sparse is how many times as much as it changes a merge may rewrite.
const sparse = 4

// touched is the plain size of the leaves of a tree that layers above it change.
func (e *Env) touched(in *reader, above []layer, below tree) (int64, error) {
	if below.level == 0 {
		return below.root.bytes, nil
	}
	var size int64
	m := newMerge(layerSources(nil, above, in, KeyRange{}), KeyRange{})
	c := newTreeCursor(in, below, KeyRange{})
	work := e.worker(in.ctx)
	for m.seek(nil); m.valid(); {
		c.seekLeaf(m.key())
		leaf, _ := c.atLeaf()
		size += leaf.bytes
		if c.failed != nil {
			return 0, c.failed
		}
		end := c.leafEnd()
		if end == nil {
			break
		}
		m.seek(end)
		if err := work(256); err != nil {
			return 0, err
		}
	}
	return size, m.err()
}

// droppedSpaces tells which databases are gone, nil if none is.
func droppedSpaces(in *reader, layers []layer) (func(space) bool, error) {
	bounds := catalogue.bounds(KeyRange{})
	held := make(map[space]bool)
	var last uint32
	m := newMerge(layerSources(nil, layers, in, bounds), bounds)
	for m.seek(nil); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return nil, err
		}
		if e.kind == deleted {
			continue
		}
		if len(m.key()) == spaceBytes {
			if last, _, err = msgp.ReadUint32Bytes(e.value); err != nil {
				return nil, fail(Corrupt, "checkpoint: catalogue", "", nil)
			}
			continue
		}
		stored, err := in.value(e)
		if err != nil {
			return nil, err
		}
		db, ok := decodeDatabase(stored)
		if !ok {
			return nil, fail(Corrupt, "checkpoint: catalogue", "", nil)
		}
		held[db.space] = true
	}
	if err := m.err(); err != nil {
		return nil, err
	}
	if len(held) == int(last) {
		return nil, nil
	}
	return func(id space) bool { return id != catalogue && !held[id] }, nil
}

// exchange is what a checkpoint puts in place of the lower layers.
type exchange struct {
	position uint64 // what the trees cover
	reloads  int    // of the environment, when the lower layers were cut off
	trees    []tree
	leftover []Ref
	blobs    []Blob
	renewal  *renewal // that came with it, nil if none did
}

// exchange publishes a checkpoint.
func (e *Env) exchange(ctx context.Context, x exchange) error {
	e.mu.Lock()
	next, old, overtaken := e.root, e.rootBytes, e.reloads != x.reloads
	e.mu.Unlock()
	if overtaken {
		return fail(Conflict, "checkpoint", "", nil)
	}
	next.generation++
	next.position = x.position
	next.trees = x.trees
	batch := &Batch{Put: x.blobs}
	if x.renewal != nil {
		if err := e.advance(ctx, batch, &next, x.renewal); err != nil {
			return err
		}
	}
	stored, err := e.pages.sealer.sealRoot(ctx, &next)
	if err != nil {
		return err
	}
	batch.Root = &RootSwap{Old: old, New: stored}
	if x.position > 0 && !e.shared() {
		batch.DeleteRange = &NameRange{From: logName(0), To: logName(x.position)}
	}
	if !e.info.PrefixDurable {
		batch.Durability = Strict
	}
	err = e.backend.Commit(ctx, batch)
	if CodeOf(err) == Conflict {
		return err // another context has published: nothing of this has happened
	}
	if err == nil && x.renewal != nil && next.header != nil {
		_, err = e.pages.sealer.load(ctx, next.id, next.header) // what it names is sealed by that already
	}
	e.mu.Lock()
	if err != nil || e.reloads != x.reloads {
		// It may have happened, or what was reloaded may be from before it.
		e.suspect = true
		e.mu.Unlock()
		return backendError("checkpoint", err)
	}
	e.root, e.rootBytes = next, stored
	if x.renewal != nil && next.resealing == nil {
		_ = e.pages.sealer.adopt(&next) // it lacks nothing
	}
	if e.shared() {
		e.covered = append(e.covered, covered{x.position, next.generation})
	}
	committed, tip := *e.committed, *e.tip
	committed.onto(layersOf(x.trees), 0)
	tip.lower, tip.lowerBytes = committed.lower, 0
	e.committed, e.tip = &committed, &tip
	e.behind.shown = nil
	e.retire(x.leftover)
	e.mu.Unlock()
	e.forgetBodies(x.position)
	if err := e.repin(ctx); err != nil {
		return err
	}
	return e.collect(ctx)
}
