package store

import "iter"

// The iterations below go from where the cursor stands, from the first or last
// entry where it stands nowhere, to the end of its range. The cursor goes with
// them: what is put meanwhile is met where it lies ahead, and where the entry at
// hand is deleted through the cursor none is passed over. When an iteration has
// ended, Err tells whether it came to the end. A key is valid for one round.

// Forward yields keys and values, ascending.
func (c *Cursor) Forward() iter.Seq2[[]byte, []byte] { return c.pairs(false) }

// Backward yields keys and values, descending.
func (c *Cursor) Backward() iter.Seq2[[]byte, []byte] { return c.pairs(true) }

// Keys yields keys alone, ascending. No large value is read for it.
func (c *Cursor) Keys() iter.Seq[[]byte] { return c.keysOnly(false) }

// KeysBackward yields keys alone, descending.
func (c *Cursor) KeysBackward() iter.Seq[[]byte] { return c.keysOnly(true) }

// Values yields values alone, in ascending order of their keys.
func (c *Cursor) Values() iter.Seq[[]byte] { return c.valuesOnly(false) }

// ValuesBackward yields values alone, in descending order of their keys.
func (c *Cursor) ValuesBackward() iter.Seq[[]byte] { return c.valuesOnly(true) }

func (c *Cursor) pairs(reverse bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c.each(reverse, func() bool {
			value, ok := c.value()
			return ok && yield(c.Key(), value)
		})
	}
}

func (c *Cursor) keysOnly(reverse bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c.each(reverse, func() bool { return yield(c.Key()) })
	}
}

func (c *Cursor) valuesOnly(reverse bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c.each(reverse, func() bool {
			value, ok := c.value()
			return ok && yield(value)
		})
	}
}

// each visits entries until visit says that this is enough.
func (c *Cursor) each(reverse bool, visit func() bool) {
	for ok := c.on || begin(c, reverse); ok; {
		c.carried = false
		if !visit() {
			return
		}
		switch {
		case c.carried && !reverse:
			ok = c.on // on what follows the entry that was deleted
		case c.carried || c.on:
			ok = onward(c, reverse)
		default: // it was moved off the range
			return
		}
		if ok {
			if err := c.db.tx.Work(memoryEntryBytes); err != nil {
				c.failed, ok = err, false
			}
		}
	}
}
