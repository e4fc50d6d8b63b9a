package store

import "bytes"

// Cursor walks the entries of a database in order, both ways, within a range: its
// keys, with DupSort all values of each. All moves report whether they found an
// entry; after false the cursor stands nowhere, and Err tells whether that was the
// end or a failure. It starts nowhere: from there Next goes to the first entry
// and Prev to the last, but after a failure only First, Last and the seeks go on.
// Writes of its own transaction show up as it moves.
type Cursor struct {
	db      *DB
	keys    KeyRange
	bounds  KeyRange // whole keys
	merge   *merge
	changes int // of the transaction, when merge was made

	now     []byte // the whole key of the current entry, the merge's until it moves
	entry   entry
	head    int    // with flags: where, in now, the stored key ends
	plain   []byte // with flags: the key, as it was given
	on      bool
	carried bool   // a deletion has brought it to where it stands
	noted   bool   // among the transaction's reads
	from    []byte // where the walk since the last seek began
	reverse bool
	failed  error
}

// Cursor opens a cursor over a range of keys.
func (db *DB) Cursor(r KeyRange) *Cursor {
	c := &Cursor{db: db, keys: r, bounds: db.bounds(r)}
	if err := db.usable("cursor"); err != nil {
		c.failed = err
	}
	db.tx.noteCursor(c)
	return c
}

// over makes another range the cursor's, which stands nowhere then. What it has opened it goes
// on with.
//
//go:noinline
func (c *Cursor) over(r KeyRange) {
	c.leave()
	c.keys, c.bounds = r, c.db.bounds(r)
	if c.merge != nil {
		c.merge.rebind(c.bounds)
	}
}

// Close ends the cursor. A transaction's end closes it as well.
func (c *Cursor) Close() {
	c.note()
	c.on, c.merge = false, nil
}

// First stands on the first entry of the range.
func (c *Cursor) First() bool {
	c.follow()
	return c.seek(c.bounds.Low)
}

// Last stands on the last entry of the range.
func (c *Cursor) Last() bool {
	c.follow()
	return c.seekBefore(c.bounds.High)
}

// Seek stands on the first entry at or above key.
func (c *Cursor) Seek(key []byte) bool { return c.seek(c.db.whole(key)) }

// SeekExact stands on the entry of key, with DupSort on its first value.
func (c *Cursor) SeekExact(key []byte) bool { return c.seekWithin(c.db.values(key)) }

// SeekFloor stands on the last entry at or below key.
func (c *Cursor) SeekFloor(key []byte) bool { return c.seekBefore(c.db.values(key).High) }

// SeekReverse stands on the last entry below key.
func (c *Cursor) SeekReverse(key []byte) bool { return c.seekBefore(c.db.whole(key)) }

func (c *Cursor) seek(whole []byte) bool {
	if !c.begin(whole, false) {
		return false
	}
	c.merge.seek(whole)
	return c.settle(false)
}

func (c *Cursor) seekBefore(whole []byte) bool {
	if !c.begin(whole, true) {
		return false
	}
	c.merge.seekBefore(whole)
	return c.settle(true)
}

// seekWithin stands on the first entry within narrower bounds, and has read no
// more than those where there is none.
func (c *Cursor) seekWithin(bounds KeyRange) bool {
	c.follow()
	if bytes.Compare(bounds.Low, c.bounds.Low) < 0 {
		bounds.Low = c.bounds.Low
	}
	if bytes.Compare(bounds.High, c.bounds.High) > 0 {
		bounds.High = c.bounds.High
	}
	if bytes.Compare(bounds.Low, bounds.High) >= 0 {
		return c.leave()
	}
	if !c.seek(bounds.Low) || bytes.Compare(c.now, bounds.High) < 0 {
		return c.on
	}
	c.db.tx.noteRead(bounds)
	c.on, c.noted = false, true
	return false
}

// leave makes the cursor stand nowhere, having read no further than it has come.
func (c *Cursor) leave() bool {
	c.note()
	c.on = false
	return false
}

// begin starts a walk at a whole key.
func (c *Cursor) begin(whole []byte, reverse bool) bool {
	c.note()
	c.on, c.carried = false, false
	if c.failed != nil {
		c.failed, c.merge = nil, nil
	}
	if !c.open() || bytes.Compare(c.bounds.Low, c.bounds.High) >= 0 {
		return false
	}
	if bytes.Compare(whole, c.bounds.Low) < 0 {
		whole = c.bounds.Low
	} else if bytes.Compare(whole, c.bounds.High) > 0 {
		whole = c.bounds.High
	}
	c.from, c.reverse, c.noted = append(c.from[:0], whole...), reverse, false
	return true
}

// open makes the merge, anew when the transaction has written since.
func (c *Cursor) open() bool {
	if err := c.db.usable("cursor"); err != nil {
		c.failed = err
		return false
	}
	if c.merge == nil || c.changes != c.db.tx.changes {
		c.follow()
		c.merge = newMerge(c.db.tx.sources(c.bounds), c.bounds)
		c.changes = c.db.tx.changes
	}
	return true
}

// follow goes with a database that was emptied to its new space.
func (c *Cursor) follow() {
	if spaceOf(c.bounds.Low) == c.db.space {
		return
	}
	c.note()
	c.bounds = c.db.bounds(c.keys)
	if c.on {
		c.now = append(c.db.space.whole(nil), c.now[spaceBytes:]...)
		c.from, c.noted = append(c.from[:0], c.now...), false
	}
}

// Next moves to the following entry.
func (c *Cursor) Next() bool {
	if !c.on {
		return c.failed == nil && c.First()
	}
	return c.step(false)
}

// Prev moves to the entry before.
func (c *Cursor) Prev() bool {
	if !c.on {
		return c.failed == nil && c.Last()
	}
	return c.step(true)
}

func (c *Cursor) step(reverse bool) bool {
	c.carried = false
	if !c.db.sound() {
		c.failed, c.on = c.db.unusable("cursor"), false
		return false
	}
	if c.reverse != reverse {
		c.note()
		c.from, c.reverse, c.noted = append(c.from[:0], c.now...), reverse, false
	}
	if c.changes != c.db.tx.changes {
		if !c.open() {
			c.on = false
			return false
		}
		if reverse {
			c.merge.seekBefore(c.now)
		} else {
			c.merge.seek(append(c.now[:len(c.now):len(c.now)], 0))
		}
		return c.settle(reverse)
	}
	c.move(reverse)
	return c.settle(reverse)
}

func (c *Cursor) move(reverse bool) {
	if reverse {
		c.merge.prev()
	} else {
		c.merge.next()
	}
}

// stretch returns the entries of a page behind the current one, [from, to), that are the
// next ones as long as the cursor is steady: whoever has gone through some of them goes on
// from the last one by resume. There are none of a database whose keys hold values.
func (c *Cursor) stretch() (leaf *page, from, to int) {
	if !c.on || c.reverse || c.db.flags&^Uncompressed != 0 || !c.steady() {
		return nil, 0, 0
	}
	return c.merge.stretch()
}

// steady reports whether what stretch told still holds: nothing was written since.
func (c *Cursor) steady() bool { return c.changes == c.db.tx.changes && c.db.sound() }

// resume stands on entry i of the page that stretch told of.
func (c *Cursor) resume(i int) bool {
	c.merge.resume(i)
	return c.settle(false)
}

// settle passes over tombstones and takes in the entry the merge stands on.
func (c *Cursor) settle(reverse bool) bool {
	for c.merge.valid() {
		e, err := c.merge.entry()
		if err != nil {
			c.failed = err
			break
		}
		if e.kind != deleted {
			c.now, c.entry, c.on = c.merge.key(), e, true
			return c.db.flags == 0 || c.read()
		}
		if c.failed = c.db.tx.Work(memoryEntryBytes); c.failed != nil {
			break
		}
		c.move(reverse)
	}
	if c.failed == nil {
		c.failed = c.merge.err()
	}
	c.on = false
	return false
}

// read takes the key out of a stored key that differs from it.
func (c *Cursor) read() bool {
	head, ok := c.db.flags.headOf(c.now[spaceBytes:])
	if !ok {
		c.failed, c.on = fail(Corrupt, "cursor: key", c.db.Name(), nil), false
		return false
	}
	c.head = spaceBytes + len(head)
	c.plain = c.db.flags.appendPlain(c.plain[:0], head)
	return true
}

// Key is the current entry's key, valid until the cursor moves; nil where it
// stands nowhere.
func (c *Cursor) Key() []byte {
	if !c.on {
		return nil
	}
	if c.db.flags != 0 {
		return c.plain
	}
	return c.now[spaceBytes:]
}

// Value is the current entry's value.
func (c *Cursor) Value() ([]byte, error) {
	if !c.on {
		return nil, c.failed
	}
	if err := c.db.tx.usable("cursor"); err != nil {
		return nil, err
	}
	if c.db.flags&DupSort != 0 {
		return append([]byte{}, c.now[c.head:]...), nil
	}
	return c.db.tx.in.value(c.entry)
}

// Err is why the last move failed, nil where it only came to the end.
func (c *Cursor) Err() error { return c.failed }

// note adds the walk so far to the transaction's reads.
func (c *Cursor) note() {
	tx := c.db.tx
	if c.noted || c.merge == nil || !tx.noted() || tx.exclusive {
		return
	}
	c.noted = true
	read := KeyRange{Low: bytes.Clone(c.from), High: c.bounds.High}
	if c.reverse {
		read = KeyRange{Low: c.bounds.Low, High: bytes.Clone(c.from)}
	}
	if c.on && c.reverse {
		read.Low = bytes.Clone(c.now)
	} else if c.on {
		read.High = append(bytes.Clone(c.now), 0)
	}
	tx.reads.add(read)
}
