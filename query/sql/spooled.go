package sql

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// spooled is rows that a run has put outside of memory, by keys that order their bytes
// as the rows are to come.
type spooled struct {
	spool Spool
	row   []byte
}

// openSpool makes a spool where there is none yet.
func openSpool(r *run, out **spooled) error {
	if *out != nil {
		return nil
	}
	spool, err := r.source.Spool()
	if err == nil {
		*out = &spooled{spool: spool}
	}
	return err
}

func (s *spooled) add(key []byte, row []value.Value) error {
	s.row = s.row[:0]
	for _, v := range row {
		s.row = v.AppendMsgpack(s.row)
	}
	return s.spool.Add(key, s.row)
}

// each enters each row in places of the run's row.
func (s *spooled) each(r *run, slots []int, emit func(key []byte) error) error {
	return s.spool.Each(func(key, row []byte) error {
		row = bytes.Clone(row) // for values are kept as long as anybody likes
		for _, slot := range slots {
			raw := query.ValueAt(row, 0)
			r.row[slot] = value.FromMsgpack(raw)
			row = row[len(raw):]
		}
		if err := r.tick(); err != nil {
			return err
		}
		return emit(key)
	})
}

// close gives the spool back, if there is one, and returns the first error.
func (s *spooled) close(err error) error {
	if s == nil {
		return err
	}
	if failed := s.spool.Close(); err == nil {
		return failed
	}
	return err
}

// appendKey appends bytes that are ordered as the key orders values.
func (k *sortKey) appendKey(dst []byte, v value.Value) []byte {
	if k.nulls != nullsNatural {
		if v.IsNull() == (k.nulls == nullsFirst) {
			dst = append(dst, 0)
		} else {
			dst = append(dst, 1)
		}
	}
	start := len(dst)
	switch v.Kind() {
	case value.Text, value.Document:
		dst = query.AppendKeyString(dst, k.collation.Key(v.Text()))
	default:
		dst = appendValue(dst, v)
	}
	if k.desc {
		for i := range dst[start:] {
			dst[start+i] ^= 0xff
		}
	}
	return dst
}
