package store

import "bytes"

const (
	// spillBytes is how much a transaction holds in memory before it writes a
	// run of pages that nothing refers to until it commits.
	spillBytes = 4 << 20
	// runBytes is how large a commit must be to be written as pages at once,
	// rather than to the log first and to pages again.
	runBytes = 256 << 10
	// maxInline is the largest value kept within a page.
	maxInline = 16 << 10
)

// spill moves the writes held in memory into a run of pages. With flush the
// pages are written at once; without, they wait for the commit.
func (tx *Tx) spill(flush bool) error { return tx.finishRun(tx.newBuilder(), true, flush) }

// finishRun makes a run of what a builder has, with the writes held in memory where they come after that.
func (tx *Tx) finishRun(b *builder, along, flush bool) error {
	w := b.out
	defer func() { tx.written = append(tx.written, w.refs...) }()
	if along {
		if err := tx.build(b); err != nil {
			return err
		}
	}
	run, err := b.finish()
	if err != nil {
		return err
	}
	blobs, err := w.take()
	if err != nil {
		return err
	}
	tx.unsaved = append(tx.unsaved, blobs...)
	tx.runs = append([]tree{run}, tx.runs...)
	tx.changes++
	if !flush {
		return nil
	}
	if err := tx.save(); err != nil {
		return err
	}
	return tx.compact()
}

// newPageWriter writes blobs that only this transaction knows until it commits.
func (tx *Tx) newPageWriter() *pageWriter {
	if tx.sealedBy == 0 {
		tx.sealedBy = tx.env.pages.sealer.version.Load()
	}
	w := tx.env.newPageWriter(tx.in.ctx, tx.Work)
	w.ahead = tx.env.ensureRoot
	return w
}

// stale reports whether the transaction has blobs that are not sealed as they are to be now.
// Committing would bring them back behind those who have sealed everything anew.
func (tx *Tx) stale() bool {
	return tx.sealedBy != 0 && tx.sealedBy != tx.env.pages.sealer.version.Load()
}

// newBuilder builds a run.
func (tx *Tx) newBuilder() *builder {
	return newBuilder(tx.newPageWriter(), tx.env.options.PageBytes)
}

// build moves the writes held in memory into pages.
func (tx *Tx) build(b *builder) error {
	if err := tx.externalise(b.out); err != nil {
		return err
	}
	tx.span()
	err := tx.writes.all(func(whole []byte, e entry) error {
		if err := b.add(whole, e); err != nil {
			return err
		}
		return tx.Work(len(whole) + len(e.value))
	})
	if err == nil {
		tx.writes = &writeSet{}
	}
	return err
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
		w := tx.newPageWriter()
		merged, leftover, err := tx.env.merge(&tx.in, w, layersOf(tx.runs[:n]), false, nil, nil)
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
		o, err := w.value(values[i], spaceOf(whole) >= uncompressed)
		if err != nil {
			return err
		}
		tx.writes.space(spaceOf(whole)).replace(whole, entry{kind: overflow, value: o.append(nil)})
	}
	tx.writes.large = nil
	return nil
}

// span notes the keys that a run is about to hold: what other transactions are
// validated against. That is a range per database, but each key of the catalogue:
// what stands between two databases there, everybody reads.
func (tx *Tx) span() {
	for _, s := range tx.writes.spaces {
		if len(s.tail) > 0 {
			s.join()
		}
		if s.space == catalogue {
			for _, slot := range s.sorted {
				tx.spans = append(tx.spans, pointAt(bytes.Clone(tx.writes.key(slot))))
			}
			continue
		}
		low, high := tx.writes.key(s.sorted[0]), tx.writes.key(s.sorted[len(s.sorted)-1])
		tx.spans = append(tx.spans, KeyRange{Low: bytes.Clone(low), High: append(bytes.Clone(high), 0)})
	}
}
