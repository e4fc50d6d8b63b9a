package store

import (
	"bytes"
	"iter"
)

// The moves below are among the values of one key in a DupSort database. In any
// other a key has one value, which is both the first and the last.

// FirstDup stands on the first value of the current key.
func (c *Cursor) FirstDup() bool { return c.on && c.seekWithin(c.valuesHere()) }

// LastDup stands on the last value of the current key.
func (c *Cursor) LastDup() bool {
	if !c.on {
		return false
	}
	bounds := c.valuesHere()
	return c.seekBefore(bounds.High) && within(c.now, bounds) || c.leaveTo(bounds)
}

// NextDup moves to the following value of the current key.
func (c *Cursor) NextDup() bool { return c.stepWithin(false) }

// PrevDup moves to the value before of the current key.
func (c *Cursor) PrevDup() bool { return c.stepWithin(true) }

// NextNoDup moves to the first value of the following key.
func (c *Cursor) NextNoDup() bool {
	if !c.on || c.db.flags&DupSort == 0 {
		return c.Next()
	}
	return c.seek(c.valuesHere().High)
}

// PrevNoDup moves to the last value of the key before.
func (c *Cursor) PrevNoDup() bool {
	if !c.on || c.db.flags&DupSort == 0 {
		return c.Prev()
	}
	return c.seekBefore(c.valuesHere().Low)
}

// SeekPair stands on the first value of key at or above value.
func (c *Cursor) SeekPair(key, value []byte) bool {
	bounds := c.db.values(key)
	if c.db.flags&DupSort != 0 {
		bounds.Low = append(bounds.Low, value...)
		return c.seekWithin(bounds)
	}
	if !c.seekWithin(bounds) {
		return false
	}
	held, ok := c.value()
	return ok && bytes.Compare(held, value) >= 0 || c.leave()
}

// SeekExactPair stands on this value of key.
func (c *Cursor) SeekExactPair(key, value []byte) bool {
	if c.db.flags&DupSort != 0 {
		low := append(c.db.whole(key), value...)
		return c.seekWithin(KeyRange{Low: low, High: append(low[:len(low):len(low)], 0)})
	}
	if !c.seekWithin(c.db.values(key)) {
		return false
	}
	held, ok := c.value()
	return ok && bytes.Equal(held, value) || c.leave()
}

// CountDups counts the values of the current key.
func (c *Cursor) CountDups() (int64, error) {
	if !c.on {
		return 0, c.failed
	}
	if err := c.db.usable("count"); err != nil {
		return 0, err
	}
	return c.db.count(c.valuesHere())
}

// Dups yields the values of the current key, from the current one on, and leaves
// the cursor on the last of them. Should it end early, Err tells why.
func (c *Cursor) Dups() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !c.on {
			return
		}
		bounds := c.valuesHere()
		for {
			value, ok := c.value()
			c.carried = false
			if !ok || !yield(value) || !c.on || !within(c.now, bounds) {
				return
			}
			if c.carried { // to the next value, this one was deleted
				continue
			}
			last := bytes.Clone(c.now)
			if c.step(false) && within(c.now, bounds) {
				continue
			}
			if c.leaveTo(bounds); c.failed == nil {
				c.seek(last)
			}
			return
		}
	}
}

// valuesHere are the bounds of all entries of the current key, in the database's
// space as it is now.
func (c *Cursor) valuesHere() KeyRange { return c.db.values(c.Key()) }

// stepWithin moves by one and stays within the current key.
func (c *Cursor) stepWithin(reverse bool) bool {
	if !c.on {
		return false
	}
	if c.db.flags&DupSort == 0 {
		return c.leave()
	}
	bounds := c.valuesHere()
	return c.step(reverse) && within(c.now, bounds) || c.leaveTo(bounds)
}

// leaveTo is leave for a walk that has run out of bounds, and is to have read up
// to them only.
func (c *Cursor) leaveTo(bounds KeyRange) bool {
	if c.failed != nil {
		return false
	}
	read := KeyRange{Low: bytes.Clone(c.from), High: bounds.High}
	if c.reverse {
		read = KeyRange{Low: bounds.Low, High: read.Low}
	}
	c.db.tx.noteRead(read)
	c.on, c.noted = false, true
	return false
}

func within(whole []byte, bounds KeyRange) bool {
	return bytes.Compare(whole, bounds.Low) >= 0 && bytes.Compare(whole, bounds.High) < 0
}

// value is Value for moves that depend on it.
func (c *Cursor) value() ([]byte, bool) {
	value, err := c.Value()
	if err != nil {
		c.failed, c.on = err, false
		return nil, false
	}
	return value, true
}
