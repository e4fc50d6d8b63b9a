package main

import (
	"encoding/binary"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// read carries out an operation that changes nothing, in the request's
// transaction or one of its own.
func (o *operation) read() error {
	t := o.bridge.tables[o.request.Table]
	if t == nil {
		return &store.Error{Code: store.Internal, Op: "read: no such table"}
	}
	return o.reading(func(tx *store.Tx) error { return o.readFrom(t, tx) })
}

// reading runs f in the request's transaction, or in one of its own.
func (o *operation) reading(f func(*store.Tx) error) error {
	if o.request.Transaction != 0 {
		return o.within(func(within *transaction) error { return f(within.tx) })
	}
	return o.anew(f)
}

// maxAnew is how often an operation begins anew whose snapshot expires before it
// has handed on anything.
const maxAnew = 3

// anew runs f in a transaction of its own, and in another where that expires.
func (o *operation) anew(f func(*store.Tx) error) error {
	return o.retried(func() error {
		tx, err := o.beginReading()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return f(tx)
	})
}

// retried runs f. Where other contexts have meanwhile given back what it is to read,
// it catches up with them and runs f again.
func (o *operation) retried(f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		if store.CodeOf(err) != store.SnapshotExpired || o.delivered || attempt == maxAnew {
			return err
		}
		if err := o.bridge.env.Sync(o.ctx); err != nil {
			return err
		}
		o.result = o.result[:0]
	}
}

// beginReading begins a transaction for one operation. Those without a task
// share one: they end before another begins.
func (o *operation) beginReading() (tx *store.Tx, err error) {
	if o != &o.bridge.direct {
		return o.bridge.env.Begin(o.ctx, false)
	}
	if tx = o.bridge.reading; tx != nil {
		return tx, tx.Renew(o.ctx)
	}
	tx, err = o.bridge.env.Begin(o.ctx, false)
	o.bridge.reading = tx
	return tx, err
}

func (o *operation) readFrom(t *store.Table, tx *store.Tx) error {
	switch o.request.Op {
	case wire.Get:
		return o.get(t, tx)
	case wire.GetMany:
		return o.getMany(t, tx)
	case wire.Find:
		return o.find(t, tx)
	}
	q, err := o.query()
	if err != nil {
		return err
	}
	if o.request.Op == wire.Explain {
		return o.explain(t, tx, q)
	}
	n, err := t.Count(tx, q)
	o.result = msgp.AppendInt64(o.result, n)
	return err
}

// get results in the document or nil.
func (o *operation) get(t *store.Table, tx *store.Tx) error {
	key, err := o.request.Key()
	if err != nil {
		return err
	}
	doc, found, err := t.Get(tx, key)
	if err != nil {
		return err
	}
	if !found {
		doc = absent
	}
	o.result = append(o.result, doc...)
	return nil
}

// getMany results in the documents, nil where there is none.
func (o *operation) getMany(t *store.Table, tx *store.Tx) error {
	keys, err := o.request.Keys()
	if err != nil {
		return err
	}
	rows := o.rows()
	err = t.GetMany(tx, keys, func(doc []byte) error {
		if doc == nil {
			doc = absent
		}
		return rows.add(doc)
	})
	if err != nil {
		return err
	}
	rows.end()
	return nil
}

func (o *operation) find(t *store.Table, tx *store.Tx) error {
	q, err := o.query()
	if err != nil {
		return err
	}
	rows := o.rows()
	if err := t.Find(tx, q, rows.add); err != nil {
		return err
	}
	rows.end()
	return nil
}

// explain runs the query and results in how it was carried out.
func (o *operation) explain(t *store.Table, tx *store.Tx, q *query.Query) error {
	x, err := t.Explain(tx, q)
	if err != nil {
		return err
	}
	o.result = x.Append(o.result)
	return nil
}

// absent is MessagePack's nil: what stands for a document that is not there.
var absent = []byte{0xc0}

// rowsBytes is how large a part of a result may become: reading it takes the
// host a few milliseconds.
const rowsBytes = 1 << 20

// rows gathers values as [value …] and hands them on part by part. What is left at
// the end is the result.
type rows struct {
	operation *operation
	count     uint32
	seen      *store.Tx // nothing leaves before what this one sees is stored; may be nil
	whole     bool      // all is the result: what tells of writes must not leave before they are committed
}

// rowsHead is the size of the head, an array of 32 bits' length, which is known last.
const rowsHead = 5

func (o *operation) rows() *rows {
	if o.result == nil {
		o.result, o.bridge.spare = o.bridge.spare, nil
	}
	o.result = append(o.result[:0], 0xdd, 0, 0, 0, 0)
	return &rows{operation: o}
}

func (r *rows) add(doc []byte) error {
	if err := r.room(len(doc)); err != nil {
		return err
	}
	r.operation.result = append(r.operation.result, doc...)
	r.count++
	return nil
}

// bytes adds bytes, or nil.
func (r *rows) bytes(b []byte) error {
	if err := r.room(len(b)); err != nil {
		return err
	}
	r.operation.value(b, b != nil)
	r.count++
	return nil
}

// entry adds the key, the value or both of where a cursor stands, in one part.
func (r *rows) entry(c *store.Cursor, fields wire.Fields) error {
	key := c.Key()
	var value []byte
	if fields != wire.KeysOnly {
		var err error
		if value, err = c.Value(); err != nil {
			return err
		}
	}
	if err := r.room(len(key) + len(value)); err != nil {
		return err
	}
	o := r.operation
	if fields != wire.ValuesOnly {
		o.result = msgp.AppendBytes(o.result, key)
		r.count++
	}
	if fields != wire.KeysOnly {
		o.result = msgp.AppendBytes(o.result, value)
		r.count++
	}
	return nil
}

// room hands on what there is, where n more bytes would make too large a part.
func (r *rows) room(n int) error {
	o := r.operation
	if r.count == 0 || len(o.result)+n <= rowsBytes || r.whole {
		return nil
	}
	if r.seen != nil {
		if err := r.seen.AwaitStored(); err != nil {
			return err
		}
	}
	r.end()
	o.delivered = true
	if _, err := o.bridge.await(wire.Rows, o.result); err != nil {
		return err
	}
	o.result, r.count = o.result[:rowsHead], 0
	return o.ctx.Err()
}

func (r *rows) end() { binary.BigEndian.PutUint32(r.operation.result[1:], r.count) }
