package store

import "context"

// CopyOptions say how Copy works. The zero value is usable.
type CopyOptions struct {
	// Compact builds new trees instead of copying the blobs there are: the copy has
	// no trace of what was deleted or overwritten, full pages, and another id, unless
	// it is encrypted: it has the same keys then. It takes longer, as every entry is
	// read and written.
	Compact bool
	// Modifiers, where not nil, are the chain of the copy, which is then compact and has
	// another id. None of them may be one that this environment uses and that has keys.
	Modifiers []Modifier
	// Progress is told how far the copy is, in bytes of plain pages; a compacting
	// one in entries.
	Progress func(done, total int64)
}

// Copy writes everything the environment holds, as of now, to another backend,
// which must be empty. Commits go on meanwhile. The copy is opened like the
// environment itself, with the same modifiers unless CopyOptions say others; the backend stays the caller's.
//
// Without CopyOptions.Compact the blobs are copied as they are, each checked on
// its way, and recent commits that are in no tree yet become one. The root comes
// last: a copy that was cut short by a crash does not open. After an error the
// backend is empty again, unless it fails at that too.
//
// Errors: NotEmpty; Corrupt where a blob is missing or damaged; TooLarge where
// the backend takes smaller blobs than these; Quota, Aborted, Closed, BackendFailed.
func (e *Env) Copy(ctx context.Context, to Backend, options CopyOptions) error {
	tx, from, err := e.beginCopy(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	held, err := to.List(ctx, "")
	if err != nil {
		return backendError("copy", err)
	}
	if len(held) > 0 {
		return fail(NotEmpty, "copy", "", nil)
	}
	target, err := e.openCopy(ctx, to, &from, options)
	if err != nil {
		return err
	}
	if options.Compact || options.Modifiers != nil {
		err = tx.rebuildIn(ctx, target, options.Progress)
	} else {
		c := &copier{tx: tx, from: from, in: newExporter(tx, nil).in, to: target, progress: options.Progress}
		err = c.run()
	}
	if err != nil {
		target.awaitIdle(context.WithoutCancel(ctx))
		empty(context.WithoutCancel(ctx), to)
	}
	return err
}

// beginCopy begins the transaction that is copied, with the root it begins on.
func (e *Env) beginCopy(ctx context.Context) (*Tx, root, error) {
	for {
		tx, err := e.Begin(ctx, false)
		if err != nil {
			return nil, root{}, err
		}
		e.mu.Lock()
		from := e.root
		e.mu.Unlock()
		if from.generation == tx.in.generation {
			return tx, from, nil
		}
		tx.Rollback()
	}
}

// openCopy opens the environment that is copied to. It has the same keys, and so the same id,
// where it has the same chain.
func (e *Env) openCopy(ctx context.Context, to Backend, from *root, options CopyOptions) (*Env, error) {
	c := e.pages.sealer.chain.Load()
	e.mu.Lock()
	opening := e.options
	e.mu.Unlock()
	opening.like, opening.Modifiers = nil, options.Modifiers
	if options.Modifiers != nil {
		return Open(ctx, to, opening)
	}
	opening.Modifiers = c.seal
	if !options.Compact {
		opening.Modifiers = c.all // blobs may have passed any of them
	}
	if !options.Compact || c.keyed != nil && hasStage(stagesOf(c.seal), c.keyed.Stage()) {
		opening.like = from
	}
	target, err := Open(ctx, to, opening)
	if err == nil && !options.Compact {
		err = target.pages.sealer.change(func(*chain) (*chain, error) { return c, nil })
	}
	return target, err
}

// empty deletes every blob, as far as that goes.
func empty(ctx context.Context, b Backend) {
	names, err := b.List(ctx, "")
	for len(names) > 0 && err == nil {
		n := min(len(names), deleteBlobs)
		err = b.Commit(ctx, &Batch{Delete: names[:n]})
		names = names[n:]
	}
}

// rebuildIn loads everything the transaction sees into another environment, and
// leaves it as one tree.
func (tx *Tx) rebuildIn(ctx context.Context, target *Env, progress func(done, total int64)) error {
	fresh, err := target.Begin(ctx, true)
	if err != nil {
		return err
	}
	defer fresh.Rollback()
	l, err := newLoader(fresh, false)
	if err != nil {
		return err
	}
	x := newExporter(tx, progress)
	if err := x.run(l); err != nil {
		return err
	}
	if err := l.finish(); err != nil {
		return err
	}
	fresh.SetDurability(Strict)
	if err := fresh.Commit(ctx); err != nil {
		return err
	}
	if err := target.Checkpoint(ctx); err != nil {
		return err
	}
	x.tell()
	return nil
}

// copier copies the trees of a transaction's snapshot blob by blob, and makes
// trees of its layers in memory.
type copier struct {
	tx       *Tx
	from     root // that tx began on
	in       *reader
	to       *Env
	progress func(done, total int64)

	done, total int64
	kind        BlobKind // of the names that wait
	names       []string
}

// copyBlobs is how many blobs are copied at once: 4 MiB at most.
const copyBlobs = 64

func (c *copier) run() error {
	for _, l := range c.tx.layers {
		if l.memory == nil {
			c.total += l.tree.root.bytes
		}
	}
	w := c.to.newPageWriter(c.in.ctx, c.tx.Work)
	var trees []tree
	for _, l := range c.tx.layers {
		t := l.tree
		var err error
		if l.memory == nil {
			err = c.tree(t)
		} else {
			t, err = c.build(w, l.memory)
		}
		if err != nil {
			return err
		}
		if !t.empty() {
			trees = append(trees, t)
		}
	}
	if err := c.flush(); err != nil {
		return err
	}
	return c.publish(w, trees)
}

// tree copies the blobs of a tree: its pages, and the large values in them.
func (c *copier) tree(t tree) error {
	return c.in.walkPages(t, func(at child, level int) error {
		if err := c.blob(PageBlob, at.ref); err != nil || level > 0 {
			return err
		}
		c.done += at.bytes
		if at.overflows == 0 {
			return nil
		}
		p, err := c.in.node(at.ref, 0)
		if err != nil {
			return err
		}
		for i := range p.len() {
			if err := c.chunks(p.entry(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// build writes a tree of what a layer in memory holds.
func (c *copier) build(w *pageWriter, m *memory) (tree, error) {
	b := newBuilder(w, c.to.options.PageBytes)
	s := newMemoryCursor(m)
	for s.seek(nil); s.valid(); s.next() {
		if err := c.chunks(s.now); err != nil {
			return tree{}, err
		}
		if err := b.add(s.key(), s.now); err != nil {
			return tree{}, err
		}
		if err := c.tx.Work(len(s.key()) + len(s.now.value)); err != nil {
			return tree{}, err
		}
	}
	return b.finish()
}

// chunks copies what a large value is stored in.
func (c *copier) chunks(e entry) error {
	if e.kind != overflow {
		return nil
	}
	o, ok := readOverflow(e.value)
	if !ok {
		return fail(Corrupt, "copy: large value", "", nil)
	}
	for i := range o.Chunks {
		if err := c.blob(ChunkBlob, o.First.plus(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) blob(kind BlobKind, ref Ref) error {
	if kind != c.kind || len(c.names) == copyBlobs {
		if err := c.flush(); err != nil {
			return err
		}
		c.kind = kind
	}
	c.names = append(c.names, ref.name())
	return nil
}

// flush copies the blobs that wait. Their envelopes are checked, not opened.
func (c *copier) flush() error {
	names := c.names
	c.names = nil
	if len(names) == 0 {
		return nil
	}
	stored, err := c.tx.env.backend.Read(c.in.ctx, names)
	if err != nil {
		return backendError("copy", err)
	}
	blobs := make([]Blob, len(names))
	size := 0
	for i, name := range names {
		blobs[i] = Blob{name, stored[i]}
		if stored[i] == nil {
			return c.in.explain(fail(Corrupt, "copy", name, errMissing))
		}
		if _, err := openEnvelope(c.kind, blobs[i]); err != nil {
			return err
		}
		if limit := c.to.info.MaxBlob; limit > 0 && len(stored[i]) > limit {
			return fail(TooLarge, "copy: blob", name, nil)
		}
		size += len(stored[i])
	}
	if err := c.to.backend.Commit(c.in.ctx, &Batch{Put: blobs}); err != nil {
		return backendError("copy", err)
	}
	if c.progress != nil {
		c.progress(c.done, max(c.total, c.done))
	}
	return c.tx.Work(size)
}

// publish writes the root: everything that it names is there.
func (c *copier) publish(w *pageWriter, trees []tree) error {
	position := c.tx.base.position
	if len(trees) == 0 && position == 0 {
		return nil // as empty as what was copied
	}
	rest, err := w.take()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		if err := c.to.backend.Commit(c.in.ctx, &Batch{Put: rest}); err != nil {
			return backendError("copy", err)
		}
	}
	r := &root{id: c.from.id, header: c.from.header, stages: c.from.stages, generation: 1, position: position, trees: trees}
	if w := c.from.resealing; w != nil {
		r.resealing = &resealing{target: w.target, plain: w.plain}
	}
	stored, err := c.to.pages.sealer.sealRoot(c.in.ctx, r)
	if err != nil {
		return err
	}
	batch := &Batch{Put: r.keys(), Root: &RootSwap{New: stored}, Durability: Strict}
	if err := c.to.backend.Commit(c.in.ctx, batch); err != nil {
		return backendError("copy", err)
	}
	if c.progress != nil {
		c.progress(c.total, c.total)
	}
	return nil
}
