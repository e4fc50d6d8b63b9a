package store

import (
	"encoding/binary"

	"github.com/stowage-db/stowage/query"
)

// aggregate calls emit for every row of the query's aggregate.
func (s *search) aggregate(emit func(row []byte) error) error {
	tally := query.NewTally(s.query.Aggregate)
	gather := s.gatherAll
	if s.query.Limit >= 0 || s.query.Skip > 0 || s.query.After != nil {
		gather = s.gather
	}
	if err := gather(tally); err != nil {
		return s.table.failed("aggregate", err)
	}
	return tally.Rows(func(row []byte) error {
		if err := s.tx.Work(len(row)); err != nil {
			return err
		}
		return emit(row)
	})
}

// gather takes in the documents that the query would deliver.
func (s *search) gather(tally *query.Tally) error {
	var rank [8]byte
	return s.each(func(_, doc []byte) error {
		binary.BigEndian.PutUint64(rank[:], uint64(s.results))
		return tally.Add(doc, rank[:])
	})
}

// gatherAll takes in every document that matches, in any order, or as many as are enough:
// by its entry, where that tells enough.
func (s *search) gatherAll(tally *query.Tally) error {
	var list []byte
	for !(s.part.Enough && tally.Enough()) && s.next() {
		if rows := s.part.Rows; rows != nil {
			var ok bool
			if list, ok = query.AppendEntry(list[:0], s.entry, len(s.schema.Indexes[s.part.Index].Paths)); ok {
				if err := tally.AddEntry(rows, list); err != nil {
					return err
				}
				s.leap.over(s.entry)
				continue
			}
		}
		if err := s.gatherOne(tally); err != nil {
			return err
		}
	}
	return s.failed
}

// leap passes over entries whose first components are those of one that was seen, once
// so many were that looking for the next other one is cheaper.
type leap struct {
	sweep *sweep
	alike int    // components
	last  []byte // of the entry before
	seen  int    // in a row
}

const leapFrom = 8

// over is called with the entry at hand.
func (l *leap) over(entry []byte) {
	if l.alike == 0 {
		return
	}
	if !query.BeginsWith(entry, l.last) || l.last == nil {
		l.last, l.seen = append(l.last[:0], entry[:componentsLen(entry, l.alike)]...), 0
	}
	if l.seen++; l.seen == leapFrom {
		l.seen = 0
		l.sweep.jump(query.PrefixRange(l.last).High)
	}
}

// componentsLen is how many bytes the first n components of an entry take.
func componentsLen(entry []byte, n int) (length int) {
	for range n {
		size, ok := query.SkipComponent(entry[length:])
		if !ok {
			return len(entry)
		}
		length += size
	}
	return length
}

// gatherOne takes in the document at hand.
func (s *search) gatherOne(tally *query.Tally) error {
	if err := s.fetch(); err != nil {
		return err
	}
	if !tally.Ranked() {
		return tally.Add(s.doc, nil)
	}
	if err := s.makeSortKey(); err != nil {
		return err
	}
	return tally.Add(s.doc, s.sortKey)
}

// project calls emit for what is left of every document.
func (s *search) project(emit func(left []byte) error) error {
	var left []byte
	return s.remembered(func(_, doc []byte) (err error) {
		if left, err = s.query.Projection.Append(left[:0], doc); err != nil {
			return s.table.failed("find", err)
		}
		return emit(left)
	})
}
