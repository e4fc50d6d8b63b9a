package store

import (
	"encoding/binary"

	"github.com/stowage-db/stowage/query"
)

// aggregate calls emit for every row of the query's aggregate.
func (s *search) aggregate(emit func(row []byte) error) error {
	tally := query.NewTally(s.query.Aggregate)
	err := s.each(func(_, doc []byte) error {
		rank, err := s.rank(tally)
		if err != nil {
			return err
		}
		return tally.Add(doc, rank)
	})
	if err != nil {
		return s.table.failed("aggregate", err)
	}
	return tally.Rows(func(row []byte) error {
		if err := s.tx.Work(len(row)); err != nil {
			return err
		}
		return emit(row)
	})
}

// rank tells where in the query's order the document at hand is, if that matters.
// Where all documents that match are wanted they are read in another order.
func (s *search) rank(tally *query.Tally) ([]byte, error) {
	switch {
	case !tally.Ranked():
		return nil, nil
	case s.whole():
		err := s.makeSortKey()
		return s.sortKey, err
	default:
		s.sortKey = binary.BigEndian.AppendUint64(s.sortKey[:0], uint64(s.results))
		return s.sortKey, nil
	}
}

// whole reports whether every document that matches is wanted.
func (s *search) whole() bool {
	return s.query.Limit < 0 && s.query.Skip == 0 && s.query.After == nil
}

// project calls emit for what is left of every document.
func (s *search) project(emit func(left []byte) error) error {
	var left []byte
	return s.each(func(_, doc []byte) (err error) {
		if left, err = s.query.Projection.Append(left[:0], doc); err != nil {
			return s.table.failed("find", err)
		}
		return emit(left)
	})
}
