package main

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// cursor carries out an operation on a cursor. Cursors belong to a transaction
// that the host began, and end with it.
//
// The other end is js/src/store/cursor.ts.
func (o *operation) cursor() error {
	return o.within(func(t *transaction) error {
		switch o.request.Op {
		case wire.CursorOpen:
			return o.openCursor(t)
		case wire.CursorMove:
			return o.moveCursor(t)
		case wire.CursorEdit:
			if t.failed != nil {
				return t.failed
			}
			return t.spoil(o.request.Op, o.editCursor(t))
		case wire.CursorCount:
			return o.countAtCursor(t)
		case wire.CursorWalk:
			return o.walkCursor(t)
		default:
			return o.closeCursor(t)
		}
	})
}

// openCursor results in the cursor's number.
func (o *operation) openCursor(t *transaction) error {
	d, bounds, err := o.request.DatabaseRange()
	if err != nil {
		return err
	}
	var db *store.DB
	if t.tx.Writable() {
		db, err = openToWrite(t.tx, d)
	} else {
		db, err = openToRead(t.tx, d)
	}
	if err != nil {
		return err
	}
	if t.cursors == nil {
		t.cursors = make(map[uint32]*store.Cursor)
	}
	o.bridge.lastNumber++
	t.cursors[o.bridge.lastNumber] = nil // over nothing
	if db != nil {
		t.cursors[o.bridge.lastNumber] = db.Cursor(keyRange(db, bounds))
	}
	o.result = msgp.AppendUint32(o.result, o.bridge.lastNumber)
	return nil
}

// find returns a cursor by its number; it is nil where the database does not exist.
func (t *transaction) find(number uint32) (*store.Cursor, error) {
	c, open := t.cursors[number]
	if !open {
		return nil, &store.Error{Code: store.TxEnded, Op: "cursor: closed"}
	}
	return c, nil
}

// moveCursor results in the entry it then stands on, or nil.
func (o *operation) moveCursor(t *transaction) error {
	number, move, key, value, err := o.request.CursorStep()
	if err != nil {
		return err
	}
	c, err := t.find(number)
	if err != nil {
		return err
	}
	if c == nil || !travel(c, wire.Move(move), key, value) {
		o.result = msgp.AppendNil(o.result)
		if c != nil {
			err = c.Err()
		}
		return err
	}
	return o.entry(c)
}

func travel(c *store.Cursor, move wire.Move, key, value []byte) bool {
	switch move {
	case wire.First:
		return c.First()
	case wire.Last:
		return c.Last()
	case wire.Next:
		return c.Next()
	case wire.Prev:
		return c.Prev()
	case wire.FirstDup:
		return c.FirstDup()
	case wire.LastDup:
		return c.LastDup()
	case wire.NextDup:
		return c.NextDup()
	case wire.PrevDup:
		return c.PrevDup()
	case wire.NextNoDup:
		return c.NextNoDup()
	case wire.PrevNoDup:
		return c.PrevNoDup()
	case wire.Seek:
		return c.Seek(key)
	case wire.SeekExact:
		return c.SeekExact(key)
	case wire.SeekFloor:
		return c.SeekFloor(key)
	case wire.SeekBelow:
		return c.SeekReverse(key)
	case wire.SeekPair:
		return c.SeekPair(key, value)
	default:
		return c.SeekExactPair(key, value)
	}
}

// entry results in [key, value] of where a cursor stands, nil where that is nowhere.
func (o *operation) entry(c *store.Cursor) error {
	key := c.Key()
	if key == nil {
		o.result = msgp.AppendNil(o.result)
		return c.Err()
	}
	value, err := c.Value()
	if err != nil {
		return err
	}
	o.result = msgp.AppendArrayHeader(o.result, 2)
	o.result = msgp.AppendBytes(o.result, key)
	o.result = msgp.AppendBytes(o.result, value)
	return nil
}

// editCursor results in [what the edit tells, the entry the cursor then stands on or nil].
func (o *operation) editCursor(t *transaction) error {
	number, edit, key, value, err := o.request.CursorStep()
	if err != nil {
		return err
	}
	c, err := t.find(number)
	if err != nil {
		return err
	}
	if c == nil {
		return &store.Error{Code: store.ReadOnly, Op: "cursor"}
	}
	o.result = msgp.AppendArrayHeader(o.result, 2)
	var found bool
	switch wire.Edit(edit) {
	case wire.EditPut:
		o.result = msgp.AppendNil(o.result)
		err = c.Put(key, value)
	case wire.EditReplace:
		value, found, err = c.Replace(key, value)
		o.value(value, found)
	case wire.EditPop:
		value, found, err = c.Pop(key)
		o.value(value, found)
	case wire.EditDelete:
		found, err = c.Delete()
		o.result = msgp.AppendBool(o.result, found)
	default:
		found, err = c.DeleteKey()
		o.result = msgp.AppendBool(o.result, found)
	}
	if err != nil {
		return err
	}
	return o.entry(c)
}

func (o *operation) countAtCursor(t *transaction) error {
	number, err := o.request.Cursor()
	if err != nil {
		return err
	}
	c, err := t.find(number)
	if err != nil || c == nil {
		return o.count(0, err)
	}
	return o.count(c.CountDups())
}

// walkBytes is about how much a part of a walk with a cursor holds.
const walkBytes = 64 << 10

// walkCursor results in the entries that follow, as many as make one part; none
// where nothing follows. It uses the cursor up: after the last entry it is over
// nothing, rather than nowhere, from where it would begin again.
func (o *operation) walkCursor(t *transaction) error {
	number, w, err := o.request.CursorWalk()
	if err != nil {
		return err
	}
	c, err := t.find(number)
	if err != nil {
		return err
	}
	rows := o.rows()
	passed := c == nil || pass(c, w)
	for n := w.Limit; c != nil && n != 0 && len(o.result) < walkBytes; n-- {
		if !passed || !advance(c, w.Reverse) {
			t.cursors[number] = nil
			c.Close()
			err = c.Err()
			break
		}
		if err := rows.entry(c, w.Fields); err != nil {
			return err
		}
	}
	rows.end()
	return err
}

func (o *operation) closeCursor(t *transaction) error {
	o.result = msgp.AppendNil(o.result)
	number, err := o.request.Cursor()
	if err != nil {
		return err
	}
	if c := t.cursors[number]; c != nil {
		c.Close()
	}
	delete(t.cursors, number)
	return nil
}
