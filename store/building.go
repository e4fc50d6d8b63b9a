package store

import (
	"bytes"
	"context"

	"github.com/stowage-db/stowage/query"
)

// Indexes of a table with many documents are built slice by slice, a transaction
// each. From the first of them on, everybody who writes documents writes the entries of
// an unfinished index too, those of documents that no slice has come to as well: to put an
// entry that is there, or to clear one that is not, changes nothing. So a slice has only
// to see to the documents that were there before, in any order with other writers, and once
// the last slice is committed no document is without its entries. How far the slices have
// come is not in the schema, which every writer reads, but in a database of its own for each
// index: the key to go on at, as its meta.

const (
	// sliceDocuments and sliceBytes are what one slice indexes at most: some ten
	// milliseconds in a browser, for which other writers of its context wait.
	sliceDocuments = 1000
	sliceBytes     = 1 << 20
)

// finish builds what is unfinished of the indexes asked for.
func (t *Table) finish(ctx context.Context, e *Env, asked *Schema, progress func(done, total int64)) error {
	for {
		var next []byte
		finished := false
		err := e.Update(ctx, func(tx *Tx) error {
			_, stored, err := t.stored(tx)
			if err != nil {
				return err
			}
			indexes := stored.unfinished(asked)
			if finished = len(indexes) == 0; finished {
				t.layout.Store(newLayout(t.name, stored))
				return nil
			}
			next, err = t.buildSlice(tx, indexes)
			return err
		})
		if CodeOf(err) == DuplicateKey {
			if err := t.abandon(ctx, e, asked); err != nil {
				return err
			}
		}
		if err != nil || finished {
			return err
		}
		if err := t.report(ctx, e, next, progress); err != nil {
			return err
		}
	}
}

// report tells how many documents stand before next, the end being nil.
func (t *Table) report(ctx context.Context, e *Env, next []byte, progress func(done, total int64)) error {
	if progress == nil {
		return nil
	}
	var done, total int64
	err := e.View(ctx, func(tx *Tx) error {
		docs, err := tx.database(t.name, false, 0)
		if err == nil {
			total, err = docs.Count(KeyRange{})
		}
		if err == nil {
			done, err = docs.Count(KeyRange{High: next})
		}
		return err
	})
	if err == nil {
		progress(done, total)
	}
	return err
}

// stored is the table as it stands in the transaction. It fails with NotFound where it
// was dropped.
func (t *Table) stored(tx *Tx) (docs *DB, schema Schema, err error) {
	if docs, err = tx.database(t.name, false, 0); err != nil {
		return nil, schema, err
	}
	if docs.Meta() == nil {
		return nil, schema, fail(NotFound, "open table", t.name, nil)
	}
	schema, err = readSchema(t.name, docs.Meta())
	return docs, schema, err
}

// buildSlice writes the entries of the documents that are next into unfinished
// indexes. It returns the key to go on at; behind the last document that is nil, and the
// indexes are finished.
func (t *Table) buildSlice(tx *Tx, indexes []IndexSpec) (next []byte, err error) {
	docs, stored, err := t.stored(tx)
	if err != nil {
		return nil, err
	}
	from, err := t.progress(tx, indexes)
	if err != nil {
		return nil, err
	}
	s, err := newSession(t, tx, newLayout(t.name, Schema{Key: stored.Key, Indexes: indexes}), docs)
	if err != nil {
		return nil, err
	}
	if next, err = s.index(from); err != nil {
		return nil, err
	}
	if next == nil {
		if err := t.dropProgress(tx, indexes); err != nil {
			return nil, err
		}
		return nil, t.reshape(tx, docs, stored.without(indexes, true))
	}
	for _, index := range indexes {
		db, err := tx.inner(t.progressName(index))
		if err == nil {
			err = db.SetMeta(next)
		}
		if err != nil {
			return nil, err
		}
	}
	return next, nil
}

// index writes the entries of the documents from a key on, as many as make a slice.
func (s *session) index(from []byte) (next []byte, err error) {
	c := s.docs.Cursor(KeyRange{Low: from})
	defer c.Close()
	documents, size := 0, 0
	for ok := c.First(); ok; ok = c.Next() {
		if documents == sliceDocuments || size >= sliceBytes {
			next = append(next, c.Key()...)
			break
		}
		doc, err := c.Value()
		if err != nil {
			return nil, err
		}
		documents, size = documents+1, size+len(doc)
		if err := s.extract.Extract(doc, query.MaxDepth, s.offsets); err != nil {
			return nil, fail(Corrupt, "build index", s.table.name, err)
		}
		if err := s.add(doc, c.Key()); err != nil {
			return nil, err
		}
		if err := s.tx.Work(len(doc)); err != nil {
			return nil, err
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	_, err = s.settle()
	return next, err
}

// progressName is the database that tells how far an index has been built.
func (t *Table) progressName(index IndexSpec) string { return t.name + "\x00" + index.Name + "\x00" }

// progress is the least key that any of the indexes is to go on at, nil for the first.
func (t *Table) progress(tx *Tx, indexes []IndexSpec) (from []byte, err error) {
	for i, index := range indexes {
		db, err := tx.database(t.progressName(index), false, 0)
		if CodeOf(err) == NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if at := db.Meta(); i == 0 || bytes.Compare(at, from) < 0 {
			from = at
		}
	}
	return from, nil
}

// abandon removes what is unfinished of the indexes asked for.
func (t *Table) abandon(ctx context.Context, e *Env, asked *Schema) error {
	return e.Update(ctx, func(tx *Tx) error {
		docs, stored, err := t.stored(tx)
		if err != nil {
			return err
		}
		indexes := stored.unfinished(asked)
		if err := t.dropIndexes(tx, indexes); err != nil {
			return err
		}
		return t.reshape(tx, docs, stored.without(indexes, false))
	})
}

func (t *Table) dropIndexes(tx *Tx, indexes []IndexSpec) error {
	for _, index := range indexes {
		db, err := tx.inner(t.name + "\x00" + index.Name)
		if err == nil {
			err = db.Drop()
		}
		if err != nil {
			return err
		}
	}
	return t.dropProgress(tx, indexes)
}

func (t *Table) dropProgress(tx *Tx, indexes []IndexSpec) error {
	for _, index := range indexes {
		db, err := tx.database(t.progressName(index), false, 0)
		if CodeOf(err) == NotFound {
			continue
		}
		if err == nil {
			err = db.Drop()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
