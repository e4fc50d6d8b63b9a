package store

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
)

// walk goes through the entries that a plan wants read, in the plan's order. It
// stands nowhere before the first next.
type walk interface {
	// next moves to the next entry. Its key is valid until the next move.
	next() (key []byte, ok bool)
	// skip passes over the next n entries.
	skip(n int64)
	value() ([]byte, error) // of the entry at hand
	err() error             // why next failed, nil at the end
	close()
}

// newWalk chooses how to read a plan's ranges of a database.
func newWalk(db *DB, plan *query.Plan) walk {
	switch {
	case plan.Merge != nil:
		return newWeave(db, plan)
	case plan.Index < 0 && allPoints(plan.Ranges):
		return &lookups{db: db, ahead: newAhead(db), ranges: plan.Ranges, reverse: plan.Reverse}
	default:
		return &sweep{db: db, ranges: plan.Ranges, reverse: plan.Reverse}
	}
}

func allPoints(ranges []KeyRange) bool {
	for _, r := range ranges {
		if _, ok := r.Point(); !ok {
			return false
		}
	}
	return true
}

// takeRange takes the range to be read next off ranges.
func takeRange(ranges []KeyRange, reverse bool) (r KeyRange, rest []KeyRange) {
	if reverse {
		last := len(ranges) - 1
		return ranges[last], ranges[:last]
	}
	return ranges[0], ranges[1:]
}

// sweep reads one range after the other.
type sweep struct {
	db      *DB
	ranges  []KeyRange // still to be read
	reverse bool
	cursor  *Cursor // nil before the first range
	within  bool    // a range, not between two
	ahead   bool    // the cursor stands on the entry that next is to move to
	failed  error
}

func (w *sweep) next() (key []byte, ok bool) {
	if w.ahead {
		w.ahead = false
		return w.cursor.Key(), true
	}
	for w.failed == nil {
		if w.within {
			if onward(w.cursor, w.reverse) {
				return w.cursor.Key(), true
			}
			w.leave()
			continue
		}
		if len(w.ranges) == 0 {
			return nil, false
		}
		if w.enter() {
			return w.cursor.Key(), true
		}
	}
	return nil, false
}

// enter stands on the first entry of the next range.
func (w *sweep) enter() bool {
	var r KeyRange
	r, w.ranges = takeRange(w.ranges, w.reverse)
	if w.cursor == nil {
		w.cursor = w.db.Cursor(r)
	} else {
		w.cursor.over(r)
	}
	if w.within = begin(w.cursor, w.reverse); !w.within {
		w.leave()
	}
	return w.within
}

func (w *sweep) leave() {
	w.failed, w.within = w.cursor.Err(), false
	w.cursor.leave()
}

// skip drops whole ranges as long as they have no more than n entries. It is
// called before the first next.
func (w *sweep) skip(n int64) {
	for len(w.ranges) > 0 && w.failed == nil {
		r, rest := takeRange(w.ranges, w.reverse)
		var count int64
		if count, w.failed = w.db.Count(r); w.failed != nil {
			return
		}
		if count > n {
			break
		}
		n -= count
		w.ranges = rest
	}
	if len(w.ranges) == 0 || w.failed != nil || !w.enter() {
		return
	}
	if w.reverse {
		w.ahead = w.cursor.SkipBack(n)
	} else {
		w.ahead = w.cursor.Skip(n)
	}
}

// jump has next go on at a key or behind it, as long as that is in the range at hand.
// It is not called of one read in reverse.
func (w *sweep) jump(key []byte) {
	if w.ahead = w.cursor.Seek(key); !w.ahead {
		w.leave()
	}
}

func (w *sweep) value() ([]byte, error) { return w.cursor.Value() }
func (w *sweep) err() error             { return w.failed }

func (w *sweep) close() {
	if w.cursor != nil {
		w.cursor.Close()
	}
}

func begin(c *Cursor, reverse bool) bool {
	if reverse {
		return c.Last()
	}
	return c.First()
}

func onward(c *Cursor, reverse bool) bool {
	if reverse {
		return c.Prev()
	}
	return c.Next()
}

// lookups reads ranges that hold one key each.
type lookups struct {
	db      *DB
	ahead   ahead
	ranges  []KeyRange
	reverse bool
	taken   int
	rising  rising
	found   []byte
	failed  error
}

func (w *lookups) next() (key []byte, ok bool) {
	for len(w.ranges) > 0 && w.failed == nil {
		if w.failed = w.ahead.before(w.taken, w.coming); w.failed != nil {
			break
		}
		var r KeyRange
		r, w.ranges = takeRange(w.ranges, w.reverse)
		w.taken++
		if w.found, ok, w.failed = w.rising.get(w.db, r.Low); w.failed == nil {
			w.failed = w.db.tx.Work(entryWork)
		}
		if ok && w.failed == nil {
			return r.Low, true
		}
	}
	return nil, false
}

// coming are the keys to be looked up next, as many as from and to tell.
func (w *lookups) coming(from, to int) [][]byte {
	n := min(to-from, len(w.ranges))
	ranges := w.ranges[:n]
	if w.reverse {
		ranges = w.ranges[len(w.ranges)-n:]
	}
	keys := make([][]byte, n)
	for i, r := range ranges {
		keys[i] = r.Low
	}
	return keys
}

func (w *lookups) skip(n int64) { skipEach(w, n) }

func skipEach(w walk, n int64) {
	for ; n > 0; n-- {
		if _, ok := w.next(); !ok {
			return
		}
	}
}

func (w *lookups) value() ([]byte, error) { return w.found, nil }
func (w *lookups) err() error             { return w.failed }
func (w *lookups) close()                 {}

// weave reads several ranges at once, in the order of what their keys hold
// behind what each range's keys have in common. Entries that are equal there
// come once.
type weave struct {
	strands []strand // that have not come to their end
	at      int      // the strand with the entry at hand
	reverse bool
	begun   bool
	failed  error
}

// strand is one of the ranges.
type strand struct {
	cursor *Cursor
	common int // bytes
}

func (s strand) rest() []byte { return s.cursor.Key()[s.common:] }

func newWeave(db *DB, plan *query.Plan) *weave {
	w := &weave{reverse: plan.Reverse}
	for i, r := range plan.Ranges {
		w.strands = append(w.strands, strand{db.Cursor(r), plan.Merge[i]})
	}
	return w
}

func (w *weave) next() (key []byte, ok bool) {
	switch {
	case w.failed != nil || len(w.strands) == 0:
		return nil, false
	case !w.begun:
		w.begun = true
		w.each(func(s strand) bool { return begin(s.cursor, w.reverse) })
	default:
		rest := bytes.Clone(w.strands[w.at].rest())
		w.each(func(s strand) bool { return !bytes.Equal(s.rest(), rest) || onward(s.cursor, w.reverse) })
	}
	for i := range w.strands {
		if i == 0 {
			w.at = 0
			continue
		}
		c := bytes.Compare(w.strands[i].rest(), w.strands[w.at].rest())
		if c < 0 && !w.reverse || c > 0 && w.reverse {
			w.at = i
		}
	}
	if len(w.strands) == 0 || w.failed != nil {
		return nil, false
	}
	return w.strands[w.at].cursor.Key(), true
}

// each moves the strands and drops those that have come to their end.
func (w *weave) each(move func(strand) bool) {
	left := w.strands[:0]
	for _, s := range w.strands {
		if move(s) {
			left = append(left, s)
			continue
		}
		if err := s.cursor.Err(); err != nil && w.failed == nil {
			w.failed = err
		}
		s.cursor.Close()
	}
	w.strands = left
}

func (w *weave) skip(n int64) { skipEach(w, n) }

func (w *weave) value() ([]byte, error) { return w.strands[w.at].cursor.Value() }
func (w *weave) err() error             { return w.failed }

func (w *weave) close() {
	for _, s := range w.strands {
		s.cursor.Close()
	}
}
