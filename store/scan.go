package store

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql"
)

// Scan implements sql.Source.
func (s *statement) Scan(t *sql.Table, a *sql.Access, emit func(*sql.Record) error) error {
	on, err := s.session(t)
	if err != nil {
		return err
	}
	if a.Index >= 0 {
		return s.scanIndex(on, a, emit)
	}
	if len(a.Ranges) == 1 {
		if _, point := a.Ranges[0].Point(); point {
			return s.scanOne(on, a, emit)
		}
	}
	plan := query.Plan{Index: a.Index, Ranges: a.Ranges, Reverse: a.Reverse}
	if len(plan.Ranges) == 0 {
		plan.Ranges = everything
	}
	return s.scanDocuments(on, &plan, a.Keys, emit)
}

var everything = []KeyRange{{}}

// scanDocuments reads documents. What stands together on a page is handed over without
// asking the walk for each.
func (s *statement) scanDocuments(on *session, plan *query.Plan, keys bool, emit func(*sql.Record) error) error {
	walk := newWalk(on.docs, plan)
	defer walk.close()
	sweep, _ := walk.(*sweep)
	var record sql.Record
	for {
		key, ok := walk.next()
		if !ok {
			return walk.err()
		}
		doc, err := walk.value()
		if err == nil {
			err = s.tx.Work(len(doc))
		}
		if err != nil {
			return err
		}
		if record.Doc = doc; keys {
			record.Key = s.keep(key)
		}
		if err = emit(&record); err == nil && sweep != nil {
			err = s.scanPage(sweep.cursor, &record, keys, emit)
		}
		if err != nil {
			return err
		}
	}
}

// scanPage reads on from where a cursor stands for as long as documents come from one page.
func (s *statement) scanPage(c *Cursor, record *sql.Record, keys bool, emit func(*sql.Record) error) (err error) {
	leaf, from, to := c.stretch()
	last := from - 1
	for i := from; i < to && err == nil && c.steady(); i++ {
		e := leaf.entry(i)
		if e.kind == deleted {
			continue
		}
		last, record.Doc = i, e.value
		if e.kind == overflow {
			record.Doc, err = s.tx.in.value(e)
		}
		if err == nil {
			err = s.tx.Work(len(record.Doc))
		}
		if err == nil && keys {
			s.whole = leaf.appendKey(s.whole[:0], i)
			record.Key = s.keep(s.whole[spaceBytes:])
		}
		if err == nil {
			err = emit(record)
		}
	}
	if last >= from {
		c.resume(last)
	}
	return err
}

// About implements sql.Source.
func (s *statement) About(t *sql.Table, index int, ranges []query.KeyRange) (n int64, err error) {
	on, err := s.session(t)
	if err != nil {
		return 0, err
	}
	db, err := s.tx.inner(on.names[index])
	for i := 0; i < len(ranges) && err == nil; i++ {
		var some int64
		some, err = s.tx.about(db.bounds(ranges[i]))
		n += some
	}
	return n, err
}

// Stable implements sql.Source: identities are copied, and documents are valid until
// the transaction ends.
func (s *statement) Stable() bool { return true }

// Room for keys that are kept is made so much at once, first little and then more.
const (
	leastKept = 64
	mostKept  = 16 << 10
)

// keep copies a key to where it stays as it is for as long as the statement runs.
//
//go:noinline
func (s *statement) keep(key []byte) []byte {
	if len(key) > cap(s.kept)-len(s.kept) {
		s.kept = make([]byte, 0, max(min(2*cap(s.kept), mostKept), leastKept, len(key)))
	}
	start := len(s.kept)
	s.kept = append(s.kept, key...)
	return s.kept[start:len(s.kept):len(s.kept)]
}
