package store

import (
	"math"
	"sync"

	"github.com/stowage-db/stowage/query"
)

// statistics are what a planner asks of a table: about how many documents it has, and in each
// index, for every number of first components, about how many different ones. They are read
// off the trees, whose branches count what is below them, when a statement is prepared, and
// looked at anew once the table has become much larger or smaller. What is read for them is
// not noted.
type statistics struct {
	mu       sync.Mutex
	of       space
	sequence uint64
	rows     int64
	counted  bool

	indexes string // those that distinct is of
	basis   int64  // rows when distinct was told
	told    [][]int64
}

const (
	// leaps is how many different beginnings of entries are looked at.
	leaps = 96
	// drift is by how many parts of a table it may grow or shrink before it is looked at anew.
	drift = 4
)

// count is about for those who ask for nothing else.
func (st *statistics) count(tx *Tx, docs *DB) (int64, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.about(tx, docs)
}

// about returns about how many documents there are.
func (st *statistics) about(tx *Tx, docs *DB) (int64, error) {
	changed := tx.env.changedAt(docs.space)
	if st.counted && st.of == docs.space && changed <= min(st.sequence, tx.base.sequence) && !tx.hasWritten(docs.space) {
		return st.rows, nil
	}
	rows, err := tx.about(docs.space.bounds(KeyRange{}))
	if err != nil {
		return 0, err
	}
	st.of, st.sequence, st.rows, st.counted = docs.space, tx.base.sequence, rows, true
	return rows, nil
}

// read returns the statistics of a table as the transaction sees it; anew where they are not to
// be those from before, however little has changed.
func (st *statistics) read(s *session, anew bool) (rows int64, distinct [][]int64, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if rows, err = st.about(s.tx, s.docs); err != nil {
		return 0, nil, err
	}
	indexes := string(s.meta)
	apart := max(rows-st.basis, st.basis-rows)
	if !anew && st.told != nil && st.indexes == indexes && apart*drift <= max(rows, st.basis) {
		return rows, st.told, nil
	}
	finished := s.schema.finished()
	distinct = make([][]int64, len(finished))
	for i, index := range finished {
		db, err := s.tx.inner(s.names[i])
		if err != nil {
			return 0, nil, err
		}
		for n := range index.Paths {
			different, err := s.tx.different(db.space, n+1)
			if err != nil {
				return 0, nil, err
			}
			distinct[i] = append(distinct[i], different)
		}
	}
	st.indexes, st.basis, st.told = indexes, rows, distinct
	return rows, distinct, nil
}

// about is a count that takes no account of what newer layers have overwritten or deleted.
func (tx *Tx) about(bounds KeyRange) (n int64, err error) {
	held, err := tx.holders(bounds, math.MaxInt64)
	for _, h := range held {
		n += h.entries
	}
	return n, err
}

// different tells about how many entries of an index differ in their first components. It
// leaps over those that are alike for a while, and supposes that the rest is like those.
func (tx *Tx) different(index space, components int) (int64, error) {
	bounds := index.bounds(KeyRange{})
	total, err := tx.about(bounds)
	if err != nil {
		return 0, err
	}
	low, first, err := tx.leap(bounds, components)
	if err != nil || low == nil {
		return first, err
	}
	passed, err := tx.about(KeyRange{Low: bounds.Low, High: low})
	if err != nil {
		return 0, err
	}
	return max(first, first*total/max(1, passed)), nil
}

// leap counts different beginnings until there are enough, and returns where it has come to:
// nil where it met all.
func (tx *Tx) leap(bounds KeyRange, components int) (at []byte, met int64, err error) {
	m := newMerge(tx.sources(bounds), bounds)
	for m.seek(bounds.Low); m.valid(); {
		e, err := m.entry()
		if err != nil {
			return nil, 0, err
		}
		if e.kind == deleted {
			m.next()
			continue
		}
		if met++; met > leaps {
			return append([]byte(nil), m.key()...), met - 1, nil
		}
		key := m.key()
		beyond := query.PrefixRange(key[:spaceBytes+componentsLen(key[spaceBytes:], components)]).High
		if err := tx.Work(entryWork); err != nil {
			return nil, 0, err
		}
		m.seek(beyond)
	}
	return nil, met, m.err()
}
