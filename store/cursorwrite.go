package store

import "bytes"

// Put puts as DB.Put does and stands on what it put. A key outside the cursor's
// range is an InvalidArgument.
func (c *Cursor) Put(key, value []byte) error {
	if err := c.reaches("put", key); err != nil {
		return err
	}
	if err := c.db.Put(key, value); err != nil {
		return err
	}
	return c.stand(key, value)
}

// Replace replaces as DB.Replace does and stands on what it put.
func (c *Cursor) Replace(key, value []byte) (old []byte, found bool, err error) {
	if err := c.reaches("replace", key); err != nil {
		return nil, false, err
	}
	key = bytes.Clone(key) // it may be the cursor's
	if old, found, err = c.db.Replace(key, value); err != nil {
		return nil, false, err
	}
	return old, found, c.stand(key, value)
}

// Pop pops as DB.Pop does and stands on the entry that follows.
func (c *Cursor) Pop(key []byte) (value []byte, found bool, err error) {
	if err := c.reaches("pop", key); err != nil {
		return nil, false, err
	}
	key = bytes.Clone(key)
	if value, found, err = c.db.Pop(key); err != nil || !found {
		c.leave()
		return nil, false, err
	}
	next := c.db.whole(key)
	if c.db.flags&DupSort != 0 {
		next = append(next, value...)
	}
	c.seek(next)
	c.carried = true
	return value, true, c.failed
}

// Delete removes the entry at hand, with DupSort one value of its key, and stands
// on the entry that follows. It reports whether there was one at hand.
func (c *Cursor) Delete() (bool, error) {
	if err := c.db.writable("delete"); err != nil || !c.on {
		return false, err
	}
	if c.db.tx.changes != c.changes && !c.still() {
		c.carried = true
		return false, c.failed
	}
	if err := c.db.set(bytes.Clone(c.now[spaceBytes:]), entry{kind: deleted}); err != nil {
		return false, err
	}
	c.step(false)
	c.carried = true
	return true, c.failed
}

// DeleteKey removes all values of the key at hand, and stands on the key that
// follows. It reports whether there was one at hand.
func (c *Cursor) DeleteKey() (bool, error) {
	if err := c.db.writable("delete"); err != nil || !c.on {
		return false, err
	}
	bounds := c.valuesHere()
	found, err := c.db.Delete(c.Key())
	if err != nil {
		return false, err
	}
	c.seek(bounds.High)
	c.carried = true
	return found, c.failed
}

// still reports whether the entry at hand is there in spite of other writes, and
// stands on it; else on what follows.
func (c *Cursor) still() bool {
	c.follow()
	now := bytes.Clone(c.now)
	return c.seek(now) && bytes.Equal(c.now, now)
}

// reaches fails where a key cannot be stored, or not within the cursor's range.
func (c *Cursor) reaches(op string, key []byte) error {
	if err := c.db.writable(op); err != nil {
		return err
	}
	if err := validKey(key); err != nil {
		return err
	}
	if !within(c.db.whole(key), c.db.bounds(c.keys)) {
		return fail(InvalidArgument, op+": a key outside the cursor's range", c.db.Name(), nil)
	}
	return nil
}

// stand stands on a pair that was just put.
func (c *Cursor) stand(key, value []byte) error {
	whole := c.db.whole(key)
	if c.db.flags&DupSort != 0 {
		whole = append(whole, value...)
	}
	c.seek(whole)
	return c.failed
}
