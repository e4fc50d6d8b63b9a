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
	return s.scanDocuments(on, &plan, a, emit)
}

var everything = []KeyRange{{}}

// scanDocuments reads documents, and hands over many at once to whoever takes so many. The
// walk then stands on the last of them, so that whoever gets them may write.
func (s *statement) scanDocuments(on *session, plan *query.Plan, a *sql.Access, emit func(*sql.Record) error) error {
	walk := newWalk(on.docs, plan)
	defer walk.close()
	h := s.handful
	s.handful = handful{} // a scan inside of this one has one of its own
	defer func() {
		h.pages, h.offered = nil, offered{} // they hold on to what the statement has opened
		s.handful = h
	}()
	h.statement, h.walk, h.identities = s, walk, a.Keys
	h.sweep, _ = walk.(*sweep)
	h.pages, h.offered = a.Page, offered{}
	size := 1
	for {
		if a.Many != nil {
			size = min(4*size, mostDocuments)
		}
		err := h.fill(size)
		if err == nil {
			err = s.tx.Work(h.bytes)
		}
		switch {
		case err != nil:
			return err
		case len(h.docs) == 0:
			return walk.err()
		case a.Many != nil:
			err = a.Many(h.docs, h.keys)
		default:
			err = emit(&sql.Record{Key: h.keys[0], Doc: h.docs[0]})
		}
		if err != nil {
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
