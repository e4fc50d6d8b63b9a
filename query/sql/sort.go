package sql

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

//go:noinline
func itoa(i int) string { return strconv.Itoa(i) }

// sortKey is a place that rows are ordered by.
type sortKey struct {
	slot      int
	desc      bool
	nulls     nulls
	collation value.Collation
}

// compare orders two values.
func (k *sortKey) compare(a, b *value.Value) int {
	if order, ok := a.Against(b); ok {
		if k.desc {
			return -order
		}
		return order
	}
	if k.nulls != nullsNatural && a.IsNull() != b.IsNull() {
		if a.IsNull() == (k.nulls == nullsFirst) {
			return -1
		}
		return 1
	}
	order := value.Compare(*a, *b, k.collation)
	if k.desc {
		return -order
	}
	return order
}

// sorter brings rows in order, keys first. Those that there is no room for lie in a
// spool; then all do.
type sorter struct {
	keys  []sortKey
	slots []int // of the keys, then of what else a row has
	kept  kept
	order []int32
	at    int  // how many of order were handed out
	most  int  // how many rows are asked for; −1: all
	full  bool // so many were found when order was last cut, whose last one bounds what is to come
	out   *spooled
	key   []byte
}

func newSorter(keys []sortKey, slots []int) *sorter {
	s := &sorter{keys: keys, most: -1}
	for _, key := range keys {
		s.slots = append(s.slots, key.slot)
	}
	s.slots = withSlots(s.slots, slots)
	s.kept.width = len(s.slots)
	return s
}

// withSlots appends those of more that are not there yet.
//
//go:noinline
func withSlots(slots, more []int) []int {
	for _, slot := range more {
		if !slices.Contains(slots, slot) {
			slots = append(slots, slot)
		}
	}
	return slots
}

// compare orders rows i and j, of equal ones the one that came first.
func (s *sorter) compare(i, j int32) int {
	if order := s.apart(s.kept.row(int(i)), s.kept.row(int(j))); order != 0 {
		return order
	}
	return int(i - j)
}

// apart orders two rows by their keys.
func (s *sorter) apart(a, b []value.Value) int {
	for n := range s.keys {
		if order := s.keys[n].compare(&a[n], &b[n]); order != 0 {
			return order
		}
	}
	return 0
}

// add takes in the run's row. Where few rows are asked for, those beyond are dropped
// as soon as there are twice as many.
func (s *sorter) add(r *run) error {
	if s.full && s.beyond(r) {
		return nil
	}
	s.order = append(s.order, int32(s.kept.count))
	s.kept.add(r, s.slots)
	if s.most >= 0 && s.kept.count >= 2*s.most+64 {
		s.cut(r)
	}
	if s.kept.bytes > r.ceiling {
		return s.spill(r)
	}
	return nil
}

// beyond reports whether the run's row comes after all that are asked for.
func (s *sorter) beyond(r *run) bool {
	last := s.kept.row(s.most - 1)
	for i := range s.keys {
		if order := s.keys[i].compare(&r.row[s.slots[i]], &last[i]); order != 0 {
			return order > 0
		}
	}
	return true
}

// cut keeps the first rows only.
func (s *sorter) cut(r *run) {
	slices.SortFunc(s.order, s.compare)
	s.order = s.order[:min(len(s.order), s.most)]
	fewer := kept{width: s.kept.width}
	for _, i := range s.order {
		fewer.push(r, s.kept.row(int(i)))
	}
	s.kept = fewer
	for i := range s.order {
		s.order[i] = int32(i)
	}
	s.full = s.most > 0 && len(s.order) == s.most
}

// sort ends the taking in of rows.
func (s *sorter) sort(r *run) error {
	if s.out != nil {
		return s.spill(r)
	}
	slices.SortFunc(s.order, s.compare)
	return nil
}

// each hands out all rows in order, once they are sorted.
func (s *sorter) each(r *run, emit func() error) error {
	if s.out != nil {
		return s.out.each(r, all, s.slots, func([]byte) error { return emit() })
	}
	for _, i := range s.order {
		s.kept.load(r, s.slots, int(i))
		if err := emit(); err != nil {
			return err
		}
	}
	return nil
}

// part hands out the rows whose first key is first, where rows with a lesser one have
// been.
func (s *sorter) part(r *run, first value.Value, emit func() error) error {
	if s.out != nil {
		return s.out.each(r, query.PrefixRange(s.keys[0].appendKey(nil, first)), s.slots, func([]byte) error { return emit() })
	}
	for ; s.at < len(s.order); s.at++ {
		i := int(s.order[s.at])
		if s.keys[0].compare(&s.kept.row(i)[0], &first) != 0 {
			break
		}
		s.kept.load(r, s.slots, i)
		if err := emit(); err != nil {
			return err
		}
	}
	return nil
}

// spill moves what the sorter holds to where there is more room.
func (s *sorter) spill(r *run) error {
	if err := openSpool(r, &s.out); err != nil {
		return err
	}
	for i := range s.kept.count {
		row := s.kept.row(i)
		s.key = appendKeys(s.key[:0], s.keys, row)
		if err := s.out.add(s.key, row); err != nil {
			return err
		}
	}
	s.kept.clear()
	s.order, s.full = s.order[:0], false
	return nil
}

// clear forgets all rows.
func (s *sorter) clear() error {
	s.kept.clear()
	s.order, s.at, s.full = s.order[:0], 0, false
	out := s.out
	s.out = nil
	return out.close(nil)
}

// sortFeed hands rows on in order.
func sortFeed(from feed, slots []int, keys []sortKey, limit, offset eval, b *bar) feed {
	return func(r *run, next func() error) func() error {
		s := newSorter(keys, slots)
		if b != nil {
			r.states[b.state] = s
		}
		start := from(r, func() error { return s.add(r) })
		return func() error {
			s.most = mostOf(r, limit, offset)
			err := start()
			if err == nil {
				err = s.sort(r)
			}
			if err == nil {
				err = s.each(r, next)
			}
			if failed := s.clear(); err == nil {
				err = failed
			}
			return err
		}
	}
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
	keys := keysOf(collations)
	return func(r *run, next func() error) func() error {
		seen := newHashed(collations)
		row := make([]value.Value, len(slots))
		var out *spooled
		var key []byte
		start := from(r, func() error {
			for i, slot := range slots {
				row[i] = r.row[slot]
			}
			if seen.bytes() > r.ceiling {
				if seen.find(row[:len(columns)]) >= 0 {
					return nil
				}
				if err := openSpool(r, &out); err != nil {
					return err
				}
				key = appendKeys(key[:0], keys, row)
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
			return out.each(r, all, slots, func(key []byte) error {
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

// keysOf are keys that tell rows apart as collations do.
//
//go:noinline
func keysOf(collations []value.Collation) []sortKey {
	keys := make([]sortKey, len(collations))
	for i, collation := range collations {
		keys[i].collation = collation
	}
	return keys
}
