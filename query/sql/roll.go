package sql

import (
	"encoding/binary"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// roll is rows in the order in which they came, by their numbers. The first ones are
// in memory; those that there is no room for lie in a spool, from which a block comes
// back when one of its rows is asked for.
type roll struct {
	kept   kept
	count  int
	out    *spooled
	key    []byte
	packed []value.Value
	blocks [8]block
}

// block is rows of a roll that have come back.
type block struct {
	number int
	rows   [][]value.Value
}

const blockRows = 64

//go:noinline
func newRoll(width int) *roll {
	return &roll{kept: kept{width: width}, packed: make([]value.Value, width)}
}

// add takes in what is in places of the run's row.
func (l *roll) add(r *run, slots []int) error {
	if l.kept.bytes <= r.ceiling && l.out == nil {
		l.kept.add(r, slots)
		l.count++
		return nil
	}
	for i, slot := range slots {
		l.packed[i] = r.row[slot]
	}
	return l.push(r, l.packed)
}

// push takes in a row.
func (l *roll) push(r *run, row []value.Value) error {
	l.count++
	if l.kept.bytes <= r.ceiling && l.out == nil {
		l.kept.push(r, row)
		return nil
	}
	if err := openSpool(r, &l.out); err != nil {
		return err
	}
	n := l.count - 1
	if b := &l.blocks[n/blockRows%len(l.blocks)]; b.number == n/blockRows {
		b.rows = nil // it was read before it was full
	}
	l.key = binary.BigEndian.AppendUint64(l.key[:0], uint64(n))
	return l.out.add(l.key, row)
}

// row returns row i, which stays as it is. What cannot be read is NULLs, and the run
// fails.
func (l *roll) row(r *run, i int) []value.Value {
	if i < l.kept.count {
		return l.kept.row(i)
	}
	n := i / blockRows
	b := &l.blocks[n%len(l.blocks)]
	if b.rows == nil || b.number != n {
		if err := l.fetch(b, n); err != nil {
			r.fail(err)
			return make([]value.Value, l.kept.width)
		}
	}
	return b.rows[i-max(n*blockRows, l.kept.count)]
}

// fetch reads block n.
func (l *roll) fetch(b *block, n int) error {
	b.number, b.rows = n, nil
	within := query.KeyRange{
		Low:  binary.BigEndian.AppendUint64(nil, uint64(n*blockRows)),
		High: binary.BigEndian.AppendUint64(nil, uint64((n+1)*blockRows)),
	}
	return l.out.spool.Each(within, func(_, packed []byte) error {
		row := make([]value.Value, l.kept.width)
		unpack(packed, row)
		b.rows = append(b.rows, row)
		return nil
	})
}

// each enters each row in places of the run's row.
func (l *roll) each(r *run, slots []int, emit func() error) error {
	for i := range l.kept.count {
		l.kept.load(r, slots, i)
		if err := r.tick(); err != nil {
			return err
		}
		if err := emit(); err != nil {
			return err
		}
	}
	if l.out == nil {
		return nil
	}
	return l.out.each(r, all, slots, func([]byte) error { return emit() })
}

// clear forgets all rows.
func (l *roll) clear() error {
	l.kept.clear()
	l.count = 0
	l.blocks = [8]block{}
	out := l.out
	l.out = nil
	return out.close(nil)
}
