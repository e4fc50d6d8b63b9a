package store

import (
	"context"
	"io"
)

// Export writes everything the environment holds, as of now, to out: one stream
// that Import reads back into an environment on any backend. Commits go on
// meanwhile. It holds a few hundred kilobytes at a time, and the largest value;
// when out makes it wait, nobody else does. FORMAT.md tells what it writes.
//
// The stream passes the environment's modifiers: what is encrypted in the
// backend is encrypted in the stream, and whoever imports it needs the same stages. The
// header of their keys comes with it, so that a passphrase of now opens it for ever.
//
// progress, which may be nil, is told how many entries are written, of about how
// many. Errors: Aborted, Closed, Conflict where the keys were changed meanwhile, BackendFailed where out fails with an error that
// has no code of its own, and those of reading.
func (e *Env) Export(ctx context.Context, out io.Writer, progress func(done, total int64)) error {
	tx, err := e.Begin(ctx, false)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	x := newExporter(tx, progress)
	w := &partWriter{ctx: ctx, out: out, sealer: e.pages.sealer}
	e.mu.Lock()
	id := e.root.id
	e.mu.Unlock()
	head := item{kind: headItem, name: id[:], numbers: [3]uint64{tx.base.position, uint64(x.total)}}
	if err := w.begin(head); err != nil {
		return err
	}
	if err := x.run(w); err != nil {
		return err
	}
	if err := w.end(x.databases, x.entries); err != nil {
		return err
	}
	x.tell()
	return nil
}

// sink takes what an environment holds: each database, in order of names, and
// behind it its entries, in order of keys. The slices are its for the call only,
// except for values.
type sink interface {
	// database takes a database's name and entry in the catalogue.
	database(name, stored []byte) error
	entry(key, value []byte) error
}

// exporter walks everything that one transaction sees.
type exporter struct {
	tx       *Tx
	in       *reader
	progress func(done, total int64)

	// unreadable, where not nil, is told why the value of a whole key cannot be
	// read, and may have it passed over.
	unreadable func(whole []byte, err error) error

	total     int64 // about how many entries there are
	databases int64
	entries   int64
}

// exportCacheBytes is room for the branches and for what is read ahead: a walk
// over everything would only push out of the environment's cache what is in use.
const exportCacheBytes = 2 << 20

func newExporter(tx *Tx, progress func(done, total int64)) *exporter {
	e := tx.env
	pages := &pager{backend: e.backend, sealer: e.pages.sealer, cache: newCache(exportCacheBytes)}
	x := &exporter{tx: tx, in: &reader{ctx: tx.in.ctx, pages: pages, env: e, generation: tx.in.generation}, progress: progress}
	for _, l := range tx.layers {
		if l.memory != nil {
			x.total += int64(l.memory.size)
		} else {
			x.total += l.tree.root.entries
		}
	}
	return x
}

// run hands everything to a sink.
func (x *exporter) run(to sink) error {
	names := catalogue.bounds(KeyRange{Low: []byte{0}}) // the empty name is the greatest id
	return x.each(names, func(key []byte, value []byte) error {
		db, ok := decodeDatabase(value)
		if !ok {
			return fail(Corrupt, "export: catalogue", "", nil)
		}
		if private(key) {
			return nil
		}
		x.databases++
		if err := to.database(key, value); err != nil {
			return err
		}
		return x.each(db.space.bounds(KeyRange{}), func(key, value []byte) error {
			x.entries++
			if x.entries%progressEntries == 0 {
				x.tell()
			}
			return to.entry(key, value)
		})
	})
}

// progressEntries is how many entries pass between two tellings of progress.
const progressEntries = 1024

func (x *exporter) tell() {
	if x.progress != nil {
		x.progress(x.entries, max(x.total, x.entries))
	}
}

// each visits the entries within bounds, of one database, in order.
func (x *exporter) each(bounds KeyRange, visit func(key, value []byte) error) error {
	m := newMerge(layerSources(nil, x.tx.layers, x.in, bounds), bounds)
	for m.seek(nil); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return err
		}
		if e.kind == deleted {
			continue
		}
		value, err := x.in.value(e)
		if err != nil && x.unreadable != nil {
			if err := x.unreadable(m.key(), err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(m.key()[spaceBytes:], value); err != nil {
			return err
		}
		if err := x.tx.Work(len(value) + memoryEntryBytes); err != nil {
			return err
		}
	}
	return m.err()
}
