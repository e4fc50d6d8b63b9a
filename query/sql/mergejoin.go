package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// A merge join reads both sides once, in the order of what they are joined by. Rows of
// the right side are read ahead, a stretch of them that moves on when the left side asks
// for a greater key. That left comes in order makes it cheap and not right: a key
// that lies elsewhere moves the stretch there.

const (
	longestStretch = 256
	firstStretch   = 16
	// widestKey is how many rows of one key a stretch holds. More are looked up for each
	// row on the left.
	widestKey = 1024
)

// lead is a column in whose order the rows of a join come.
type lead struct {
	origin *origin
	column int
}

// leads are the columns in whose order a probe's rows come.
func leads(o *operand, p *probe) []lead {
	n := len(p.parts)
	if p.arms != nil || p.reverse || p.index >= 0 && !p.covers || p.multi(o.table.table) || n >= len(p.path) || n > 0 && len(p.parts[n-1].values) != 1 {
		return nil
	}
	for i := range o.table.columns {
		if o.table.columns[i].path.Equal(p.path[n]) {
			return []lead{{o.table, i}}
		}
	}
	return nil
}

// ordered reports whether the rows so far come in the order of a term.
func (j *joiner) ordered(t *term) bool {
	return t.kind == termSlot && slices.Contains(j.leads, lead{t.origin, t.column})
}

// follow adds the columns of an operand that are equal to one in whose order the rows come.
func (j *joiner) follow(o *operand, keys []equality) {
	for _, key := range keys {
		if o.kind == joinInner && j.ordered(key.other) && key.own.kind == termSlot {
			j.leads = append(j.leads, lead{key.own.origin, key.own.column})
		}
	}
}

// merger is how an operand is read in the order of a key that what is before it comes in.
type merger struct {
	key     equality
	equal   *probe // looks up the key
	onwards *probe // begins with it
	work    float64
}

// merge returns the merger for an operand that is worth more than so much work, nil where
// there is none.
func (j *joiner) merge(o *operand, keys []equality, terms []*term, work float64) *merger {
	if o.table == nil || o.written() {
		return nil
	}
	for i, key := range keys {
		if !j.ordered(key.other) || key.own.kind != termSlot || key.own.origin != o.table || key.collation != value.Binary {
			continue
		}
		path := o.table.columns[key.own.column].path
		pool := []*pooled{{term: terms[i]}}
		for index := -1; index < len(o.table.table.Indexes); index++ {
			p := newProbe(o, index, pool, j.bound)
			if len(p.parts) == 0 || !p.path[0].Equal(path) || p.multi(o.table.table) || index >= 0 && !p.covers {
				continue
			}
			each := 1.0
			if index >= 0 {
				each = workEntry
			}
			if needs := o.rows*each + j.rows; needs < work {
				onwards := &probe{index: index, path: p.path, covers: p.covers, low: []limit{{term: key.other, affinity: key.other.takes(key.affinity)}}}
				return &merger{key: key, equal: p, onwards: onwards, work: needs}
			}
		}
	}
	return nil
}

// feed is the operand's, of whose rows local holds.
func (m *merger) feed(c *compiler, o *operand, local []*term) feed {
	equal, onwards := c.scan(o, m.equal, local, false), c.scan(o, m.onwards, local, false)
	inOrder := (&probe{index: m.onwards.index, path: m.onwards.path}).orderChecker(o, 1)
	other, affinity := evaluator(m.key.other), m.key.other.takes(m.key.affinity)
	return func(r *run, next func() error) func() error {
		w := &stretch{r: r, slots: o.slots(), full: newStop(), size: firstStretch}
		w.rows.width = len(w.slots)
		w.at = slices.Index(w.slots, m.key.own.slot)
		w.fill = onwards(r, w.take)
		search := equal(r, next)
		asked, usable := false, false
		return func() error {
			key := affinity.Apply(other(r))
			if key.IsNull() || r.err != nil {
				return r.err
			}
			if !asked {
				asked, usable = true, inOrder(r)
			}
			if usable && !w.holds(key) && !w.passes(key) {
				if err := w.move(key); err != nil {
					return err
				}
			}
			if !usable || !w.holds(key) {
				return search()
			}
			return w.each(key, next)
		}
	}
}

// stretch is rows of the right side of a merge join, ordered by their keys: all from low up to
// high.
type stretch struct {
	r     *run
	fill  func() error // hands rows to take, from the key on that the run's row asks for
	full  error        // ends fill
	rows  kept
	slots []int
	at    int // which of the slots is the key's

	low, high value.Value
	moved     bool // it is somewhere
	endless   bool // there are no rows behind it
	group     int  // where the rows of the last key begin
	wide      value.Value
	size      int // rows to be read ahead
	used      int // rows handed on since it was moved
}

func (w *stretch) key(i int) value.Value { return w.rows.row(i)[w.at] }

func (w *stretch) holds(key value.Value) bool {
	return w.moved && value.Compare(key, w.low, value.Binary) >= 0 && (w.endless || value.Compare(key, w.high, value.Binary) < 0)
}

// passes reports whether a key has more rows than a stretch holds.
func (w *stretch) passes(key value.Value) bool {
	return !w.wide.IsNull() && value.Equal(key, w.wide, value.Binary)
}

// move reads the rows from a key on: more at a time while they are wanted.
func (w *stretch) move(key value.Value) error {
	if w.used > 1 {
		w.size = min(2*w.size, longestStretch)
	} else {
		w.size = firstStretch
	}
	w.rows.clear()
	w.low, w.moved, w.endless, w.group, w.used = key.Clone(), true, true, 0, 0
	if err := w.fill(); err != w.full {
		return err
	}
	return nil
}

// take enters the run's row in the stretch, or ends it before that.
func (w *stretch) take() error {
	n, key := w.rows.count, w.r.row[w.slots[w.at]]
	switch {
	case n == 0 || !value.Equal(key, w.key(n-1), value.Binary):
		if n >= w.size {
			return w.end(n, key)
		}
		w.group = n
	case n-w.group >= widestKey || w.rows.bytes > w.r.ceiling:
		w.wide = key.Clone()
		return w.end(w.group, key)
	}
	w.rows.add(w.r, w.slots)
	return nil
}

// end leaves so many rows, before a key.
func (w *stretch) end(count int, key value.Value) error {
	w.rows.count, w.high, w.endless = count, key.Clone(), false
	return w.full
}

// each enters each row of a key in the run's row.
func (w *stretch) each(key value.Value, next func() error) error {
	low, high := 0, w.rows.count
	for low < high {
		if middle := (low + high) / 2; value.Compare(w.key(middle), key, value.Binary) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for ; low < w.rows.count && value.Equal(w.key(low), key, value.Binary); low++ {
		w.rows.load(w.r, w.slots, low)
		w.used++
		if err := w.r.tick(); err != nil {
			return err
		}
		if err := next(); err != nil {
			return err
		}
	}
	return nil
}
