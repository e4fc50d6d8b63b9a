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
	plan := query.Plan{Index: a.Index, Ranges: a.Ranges, Reverse: a.Reverse}
	if len(plan.Ranges) == 0 {
		plan.Ranges = everything
	}
	if a.Index < 0 {
		return s.scanDocuments(on, &plan, a.Keys, emit)
	}
	return s.scanIndex(on, &plan, a, emit)
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

// scanIndex reads entries, and the documents that they belong to where those are wanted:
// several ahead, so that they are read together.
func (s *statement) scanIndex(on *session, plan *query.Plan, a *sql.Access, emit func(*sql.Record) error) error {
	db, err := s.tx.inner(on.names[plan.Index])
	if err != nil {
		return err
	}
	index := &on.schema.Indexes[plan.Index]
	walk := newWalk(db, plan)
	var ahead *window
	if a.Documents {
		ahead = newWindow(walk, on.docs, len(index.Paths))
		walk = ahead
	}
	defer walk.close()
	var seen map[string]struct{}
	if index.Multi {
		seen = make(map[string]struct{})
	}
	var record sql.Record
	for {
		entry, ok := walk.next()
		if !ok {
			return walk.err()
		}
		if err := s.tx.Work(entryWork); err != nil {
			return err
		}
		record.Entry, record.Key = entry, entry[componentsLen(entry, len(index.Paths)):]
		if seen != nil {
			if _, came := seen[string(record.Key)]; came {
				continue
			}
			seen[string(record.Key)] = struct{}{}
		}
		if a.Keys {
			record.Key = s.keep(record.Key)
		}
		if a.Documents {
			if record.Doc = ahead.document(); record.Doc == nil {
				record.Doc, err = s.document(on, record.Key)
			}
			if err == nil {
				err = s.tx.Work(len(record.Doc))
			}
			if err != nil {
				return err
			}
		}
		if err := emit(&record); err != nil {
			return err
		}
	}
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

// document gets the document that an index entry belongs to.
func (s *statement) document(on *session, key []byte) ([]byte, error) {
	doc, found, err := on.docs.get(key)
	if err == nil && !found {
		err = fail(Corrupt, "read index: an entry without a document", on.table.name, nil)
	}
	return doc, err
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
func (s *statement) keep(key []byte) []byte {
	if len(key) > cap(s.kept)-len(s.kept) {
		s.kept = make([]byte, 0, max(min(2*cap(s.kept), mostKept), leastKept, len(key)))
	}
	start := len(s.kept)
	s.kept = append(s.kept, key...)
	return s.kept[start:len(s.kept):len(s.kept)]
}
