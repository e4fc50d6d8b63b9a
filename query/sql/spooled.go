package sql

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// spooled is rows that a run has put outside of memory, by keys that order their bytes
// as the rows are to come. What is not closed before is closed when the run ends.
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
		r.spools = append(r.spools, *out)
	}
	return err
}

// closeSpools gives back what the run's steps still hold, and returns the first error.
func (r *run) closeSpools(err error) error {
	for _, s := range r.spools {
		err = s.close(err)
	}
	return err
}

func (s *spooled) add(key []byte, row []value.Value) error {
	s.row = s.row[:0]
	for i := range row {
		s.row = appendPacked(s.row, &row[i])
	}
	return s.spool.Add(key, s.row)
}

// all is every key.
var all query.KeyRange

// exactly is a key alone.
//
//go:noinline
func exactly(key []byte) query.KeyRange {
	return query.KeyRange{Low: key, High: append(key[:len(key):len(key)], 0)}
}

// each enters each row within a range of keys in places of the run's row.
//
//go:noinline
func (s *spooled) each(r *run, within query.KeyRange, slots []int, emit func(key []byte) error) error {
	return s.spool.Each(within, func(key, row []byte) error {
		row = bytes.Clone(row) // for values are kept as long as anybody likes
		for _, slot := range slots {
			row = loadPacked(&r.row[slot], row)
		}
		if err := r.tick(); err != nil {
			return err
		}
		return emit(key)
	})
}

// unpack reads a row that was packed.
func unpack(packed []byte, row []value.Value) {
	packed = bytes.Clone(packed)
	for i := range row {
		packed = loadPacked(&row[i], packed)
	}
}

// close gives the spool back, if there is one, and returns the first error.
func (s *spooled) close(err error) error {
	if s == nil || s.spool == nil {
		return err
	}
	failed := s.spool.Close()
	if s.spool = nil; err == nil {
		return failed
	}
	return err
}

// appendKeys appends bytes that are ordered as the keys order the first values of a row.
//
//go:noinline
func appendKeys(dst []byte, keys []sortKey, row []value.Value) []byte {
	for i := range keys {
		dst = keys[i].appendKey(dst, row[i])
	}
	return dst
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
