package sql

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/stowage-db/stowage/query/sql/value"
)

func itoa(i int) string { return strconv.Itoa(i) }

// sortKey is a place that rows are ordered by.
type sortKey struct {
	slot      int
	desc      bool
	nulls     nulls
	collation value.Collation
}

// compare orders two values.
func (k *sortKey) compare(a, b value.Value) int {
	if k.nulls != nullsNatural && a.IsNull() != b.IsNull() {
		if a.IsNull() == (k.nulls == nullsFirst) {
			return -1
		}
		return 1
	}
	order := value.Compare(a, b, k.collation)
	if k.desc {
		return -order
	}
	return order
}

// sorter holds rows, keys first.
type sorter struct {
	keys  []sortKey
	slots []int // of the keys, then of what else a row has
	kept  kept
	order []int32
	most  int // how many rows are asked for; −1: all
}

func newSorter(keys []sortKey, slots []int) *sorter {
	s := &sorter{keys: keys, most: -1}
	for _, key := range keys {
		s.slots = append(s.slots, key.slot)
	}
	for _, slot := range slots {
		if !slices.Contains(s.slots, slot) {
			s.slots = append(s.slots, slot)
		}
	}
	s.kept.width = len(s.slots)
	return s
}

// compare orders rows i and j, of equal ones the one that came first.
func (s *sorter) compare(i, j int32) int {
	a, b := s.kept.row(int(i)), s.kept.row(int(j))
	for n := range s.keys {
		if order := s.keys[n].compare(a[n], b[n]); order != 0 {
			return order
		}
	}
	return int(i - j)
}

// add takes in the run's row. Where few rows are asked for, those beyond are dropped
// as soon as there are twice as many.
func (s *sorter) add(r *run) {
	s.order = append(s.order, int32(s.kept.count))
	s.kept.add(r, s.slots)
	if s.most >= 0 && s.kept.count >= 2*s.most+64 {
		s.cut(r)
	}
}

// cut keeps the first rows only.
func (s *sorter) cut(r *run) {
	s.sort()
	s.order = s.order[:min(len(s.order), s.most)]
	fewer := kept{width: s.kept.width}
	for _, i := range s.order {
		fewer.push(r, s.kept.row(int(i)))
	}
	s.kept = fewer
	for i := range s.order {
		s.order[i] = int32(i)
	}
}

func (s *sorter) sort() { slices.SortFunc(s.order, s.compare) }

func (s *sorter) clear() {
	s.kept.clear()
	s.order = s.order[:0]
}

// sortFeed hands rows on in order.
func sortFeed(from feed, slots []int, keys []sortKey, limit, offset eval) feed {
	return func(r *run, next func() error) func() error {
		s := newSorter(keys, slots)
		var out *spooled
		start := from(r, func() error {
			s.add(r)
			if s.kept.bytes > r.ceiling {
				return s.spill(r, &out)
			}
			return nil
		})
		return func() (err error) {
			s.clear()
			out = nil
			s.most = mostOf(r, limit, offset)
			defer func() { err = out.close(err) }()
			if err := start(); err != nil {
				return err
			}
			if out != nil {
				if err := s.spill(r, &out); err != nil {
					return err
				}
				return out.each(r, s.slots, func([]byte) error { return next() })
			}
			s.sort()
			for _, i := range s.order {
				s.kept.load(r, s.slots, int(i))
				if err := next(); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// spill moves what the sorter holds to where there is more room.
func (s *sorter) spill(r *run, out **spooled) error {
	if err := openSpool(r, out); err != nil {
		return err
	}
	var key []byte
	for i := range s.kept.count {
		row := s.kept.row(i)
		key = key[:0]
		for n := range s.keys {
			key = s.keys[n].appendKey(key, row[n])
		}
		if err := (*out).add(key, row); err != nil {
			return err
		}
	}
	s.clear()
	return nil
}

// mostOf is how many rows limits let through at most, −1 where there is no end.
func mostOf(r *run, limit, offset eval) int {
	if limit == nil {
		return -1
	}
	n, skip := limitOf(r, limit), int64(0)
	if offset != nil {
		skip = max(0, limitOf(r, offset))
	}
	if r.err != nil || n < 0 || n+skip < 0 || n+skip > 1<<20 {
		return -1
	}
	return int(n + skip)
}

func limitOf(r *run, e eval) int64 {
	v := value.IntegerAffinity.Apply(e(r))
	if v.Kind() != value.Integer {
		r.fail(fail(codeInvalid, -1, "datatype mismatch"))
	}
	return v.Int()
}

// limitFeed ends after so many rows.
func limitFeed(from feed, limit, offset eval) feed {
	return func(r *run, next func() error) func() error {
		var left, skip int64
		enough := newStop()
		start := from(r, func() error {
			if skip > 0 {
				skip--
				return nil
			}
			if left == 0 {
				return enough
			}
			if left > 0 {
				left--
			}
			if err := next(); err != nil {
				return err
			}
			if left == 0 {
				return enough
			}
			return nil
		})
		return func() error {
			left, skip = limitOf(r, limit), 0
			if offset != nil {
				skip = max(0, limitOf(r, offset))
			}
			if r.err != nil {
				return r.err
			}
			if left == 0 {
				return nil
			}
			if err := start(); err != enough {
				return err
			}
			return nil
		}
	}
}

// distinctFeed lets each row through once. Those that there is no room to remember
// come last. Rows have more places than those of the columns that tell them apart.
func distinctFeed(from feed, columns []outColumn, more ...int) feed {
	slots := append(slotsOf(columns), more...)
	collations := collationsOf(columns)
	return func(r *run, next func() error) func() error {
		seen := newHashed(collations)
		row := make([]value.Value, len(slots))
		var out *spooled
		var key []byte
		start := from(r, func() error {
			for i, slot := range slots {
				row[i] = r.row[slot]
			}
			if seen.rows.bytes > r.ceiling {
				if seen.find(row[:len(columns)]) >= 0 {
					return nil
				}
				if err := openSpool(r, &out); err != nil {
					return err
				}
				key = key[:0]
				for i, v := range row[:len(columns)] {
					key = (&sortKey{collation: collations[i]}).appendKey(key, v)
				}
				return out.add(key, row)
			}
			if _, added := seen.add(r, row[:len(columns)]); !added {
				return nil
			}
			return next()
		})
		return func() (err error) {
			seen.clear()
			out = nil
			defer func() { err = out.close(err) }()
			if err := start(); err != nil || out == nil {
				return err
			}
			var last []byte
			return out.each(r, slots, func(key []byte) error {
				if last != nil && bytes.Equal(key, last) {
					return nil
				}
				last = append(last[:0], key...)
				return next()
			})
		}
	}
}

func collationsOf(columns []outColumn) []value.Collation {
	list := make([]value.Collation, len(columns))
	for i := range columns {
		list[i] = columns[i].collation
	}
	return list
}
