package store

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
)

// Standing is what a query has found, for a Watch that asks it again and again. Where
// commits have changed nothing of what was read but documents that it has found, these
// pass its filter still, and entries that nobody has touched bring the order, each stands
// where it stood: then only those are read.
//
//	look := func(tx *Tx) error { return standing.Find(table, tx, q, emit) }
//	err := w.View(ctx, look)
//	… // what was found counts once View and Next have returned without an error
//	err = w.Next(ctx, look)
//
// It is of one query and one Watch. The zero value has found nothing.
type Standing struct {
	docs  space
	keys  [][]byte // of the documents found, in order
	known bool     // they tell all there is to know
}

// Find is Table.Find, but emit gets nil for a document that is the same and at the same
// place as when it was found last.
func (s *Standing) Find(t *Table, tx *Tx, q *query.Query, emit func(doc []byte) error) error {
	fresh, err := s.look(t, tx, q)
	for i := 0; i < len(fresh) && err == nil; i++ {
		err = emit(fresh[i])
	}
	if fresh != nil || err != nil {
		return err
	}
	r, err := t.begin(tx, q, false)
	if err != nil {
		return err
	}
	defer r.close()
	emit = tx.env.handingOut(emit)
	s.known = q.Aggregate == nil && q.Projection == nil && r.asking == nil && r.plan.Ordered && r.plan.Union == nil
	if !s.known {
		return r.run(emit)
	}
	s.keys, err = r.memorise(func(_, doc []byte) error { return emit(doc) })
	s.docs, s.known = r.docs.space, len(s.keys) <= mostFound
	tx.follow = s.known
	return err
}

// look gets the documents that have changed where they stand, among nil at the places of the
// others; no list where more than that may have changed.
func (s *Standing) look(t *Table, tx *Tx, q *query.Query) (fresh [][]byte, err error) {
	sight := tx.sight
	if tx.sight = nil; sight == nil || sight.lost || !s.known {
		return nil, nil
	}
	fresh = make([][]byte, len(s.keys))
	for _, whole := range sight.changed {
		key, place := whole[spaceBytes:], 0
		for place < len(fresh) && !bytes.Equal(s.keys[place], key) {
			place++
		}
		if place == len(fresh) || spaceOf(whole) != s.docs {
			return nil, nil
		}
		doc, found, err := t.Get(tx, key)
		if found && err == nil {
			found, err = q.Filter.Match(doc)
		}
		if !found || err != nil {
			return nil, err
		}
		fresh[place] = doc
	}
	tx.reads, tx.follow = sight.reads, true
	return fresh, nil
}

// sight is what a Watch had read, and what of that commits have changed since.
type sight struct {
	reads   readSet
	changed [][]byte // whole keys
	lost    bool     // they are not known: nobody asks for them, or there are many
}

// mostChanged is how many of them are kept: more are as quickly found by the whole query.
const mostChanged = 16

// note takes note of a key that has changed.
func (s *sight) note(key []byte) {
	if s.lost = s.lost || len(s.changed) == mostChanged; !s.lost {
		s.changed = append(s.changed, bytes.Clone(key))
	}
}
