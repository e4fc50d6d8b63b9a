package store

import "bytes"

// Skip moves n entries on, as n calls of Next would. Where a single tree holds what
// lies ahead, it costs no more than one of them, for branches count what is below them;
// what was written since costs a search for each change that is passed over.
func (c *Cursor) Skip(n int64) bool { return c.skip(n, false) }

// SkipBack moves n entries back, as n calls of Prev would, at the cost of Skip.
func (c *Cursor) SkipBack(n int64) bool { return c.skip(n, true) }

// changeSteps is how many steps of a walk cost as much as finding out what one
// change of a newer layer means to the oldest.
const changeSteps = 8

func (c *Cursor) skip(n int64, reverse bool) bool {
	if n > 0 && !c.on {
		return onward(c, reverse) && c.skip(n-1, reverse)
	}
	for tried := false; n > 0; n-- {
		passed, page := c.pass(n, reverse)
		if n -= passed; n == 0 {
			break
		}
		if n > max(page, changeSteps) && !tried {
			if moved, done := c.jump(n, reverse); done {
				return moved
			}
			tried = true
		}
		if !onward(c, reverse) {
			return false
		}
		if c.failed = c.db.tx.Work(memoryEntryBytes); c.failed != nil {
			c.on = false
			return false
		}
	}
	return c.on
}

// pass moves at most n entries on within a page, without looking at them. It tells how many
// that were, and how many the page has, 0 where none is at hand.
func (c *Cursor) pass(n int64, reverse bool) (passed, page int64) {
	if reverse {
		return 0, 0
	}
	leaf, from, to := c.stretch()
	if leaf == nil || !c.merge.live() {
		return 0, 0
	}
	passed = max(min(n, int64(to-from)), 0)
	if passed > 0 {
		c.carried = false
		c.resume(from + int(passed) - 1)
	}
	return passed, int64(leaf.len())
}

// jump is a skip by counting; not done where stepping costs less.
func (c *Cursor) jump(n int64, reverse bool) (moved, done bool) {
	if !c.db.sound() {
		return false, false // the next step says why
	}
	c.follow()
	ahead := KeyRange{Low: c.now, High: c.bounds.High}
	if reverse {
		ahead = KeyRange{Low: c.bounds.Low, High: c.now}
	}
	s, err := c.db.tx.newSelection(ahead, n)
	if s == nil && err == nil {
		return false, false
	}
	var key []byte
	if err == nil && reverse {
		var before int64
		if before, err = c.db.tx.count(ahead); err == nil {
			n = before - n
		}
	}
	if err == nil && n >= 0 {
		key, err = s.find(n)
	}
	return c.land(key, reverse, err), true
}

// land stands on an entry further on, or nowhere where there is none.
func (c *Cursor) land(key []byte, reverse bool, err error) bool {
	c.carried = false
	if c.reverse != reverse {
		c.note()
		c.from, c.reverse, c.noted = append(c.from[:0], c.now...), reverse, false
	}
	switch {
	case err != nil:
		c.failed, c.on = err, false
	case key == nil || !c.open():
		c.on = false
	case reverse:
		c.merge.seekBefore(append(key[:len(key):len(key)], 0))
		return c.settle(true)
	default:
		c.merge.seek(key)
		return c.settle(false)
	}
	return false
}

// selection finds entries of a range by how many precede them. It counts in the
// oldest layer that has any there, and corrects for what the newer ones change.
type selection struct {
	tx     *Tx
	bounds KeyRange
	oldest tree
	first  int64 // how many entries of the oldest layer lie below the range
	newer  []holder
}

// newSelection is nil where walking over n entries costs less, or where the oldest
// layer cannot be counted in.
func (tx *Tx) newSelection(bounds KeyRange, n int64) (*selection, error) {
	held, err := tx.holders(bounds, n/changeSteps+1)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	last := len(held) - 1
	var changes int64
	for _, h := range held[:last] {
		changes += h.entries
	}
	if !held[last].counted || changes*changeSteps > n {
		return nil, nil
	}
	s := &selection{tx: tx, bounds: bounds, oldest: held[last].layer.tree, newer: held[:last]}
	s.first, err = tx.in.rank(s.oldest, bounds.Low)
	return s, err
}

// find returns the whole key of the entry that n others in the range precede, nil
// where there are not so many.
func (s *selection) find(n int64) ([]byte, error) {
	var newer []source
	for _, h := range s.newer {
		newer = h.sources(newer, &s.tx.in, s.bounds)
	}
	more := int64(0) // entries that the newer layers add so far, without those they take away
	m := newMerge(newer, s.bounds)
	for m.seek(s.bounds.Low); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return nil, err
		}
		at, held, err := s.tx.in.place(s.oldest, m.key())
		if err != nil {
			return nil, err
		}
		before := at - s.first + more
		switch {
		case before > n:
			return s.inOldest(n - more)
		case held && e.kind == deleted:
			more--
		case !held && e.kind != deleted:
			if before == n {
				return bytes.Clone(m.key()), nil
			}
			more++
		}
		if err := s.tx.Work(memoryEntryBytes); err != nil {
			return nil, err
		}
	}
	if m.err() != nil {
		return nil, m.err()
	}
	return s.inOldest(n - more)
}

// inOldest returns the key of an entry of the oldest layer by its place in the range.
func (s *selection) inOldest(n int64) ([]byte, error) {
	if s.first+n >= s.oldest.root.entries {
		return nil, nil
	}
	c := newTreeCursor(&s.tx.in, s.oldest, s.bounds)
	c.seekRank(s.first + n)
	if !c.valid() || bytes.Compare(c.key(), s.bounds.High) >= 0 {
		return nil, c.err()
	}
	return bytes.Clone(c.key()), nil
}
