package main

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// transaction is one that the host began and refers to by number. Its
// operations go one after the other, for the engine's may not overlap.
type transaction struct {
	tx     *store.Tx
	busy   bool
	queue  []store.Gate
	failed error // of a write: half of it may stand in tx, so it cannot be committed

	parent  *transaction
	cursors map[uint32]*store.Cursor // by number
}

// spoil keeps a transaction from being committed when a write in it has failed.
func (t *transaction) spoil(op wire.Op, err error) error {
	if err != nil && !harmless(op, store.CodeOf(err)) {
		t.failed = err
	}
	return err
}

// harmless tells of a failure that has changed nothing: databases refuse
// arguments before they act on them, tables may have taken some documents by then; a
// statement that fails has done nothing, and a transaction that only reads never has.
func harmless(op wire.Op, code store.Code) bool {
	if op == wire.SQL || code == store.ReadOnly {
		return true
	}
	if op < wire.DBGet || op == wire.DBDelete {
		return false
	}
	switch code {
	case store.InvalidArgument, store.InvalidKey, store.TooLarge, store.Unsupported,
		store.NotFound, store.SchemaMismatch, store.TxBusy:
		return true
	default:
		return false
	}
}

// begin starts a transaction, or within one a child of it. Its result is its
// number and its id.
func (o *operation) begin() error {
	access, durability, err := o.request.Access()
	if err != nil {
		return err
	}
	if o.request.Transaction != 0 {
		return o.within(o.beginChild)
	}
	env := o.bridge.env
	var tx *store.Tx
	switch access {
	case wire.Exclusive:
		tx, err = env.BeginExclusive(o.ctx)
	case wire.Again:
		tx, err = env.BeginAgain(o.ctx)
	default:
		tx, err = env.Begin(o.ctx, access == wire.Writing)
	}
	if err != nil {
		return err
	}
	if durability != nil {
		tx.SetDurability(*durability)
	}
	o.keep(&transaction{tx: tx})
	return nil
}

// beginChild starts a child, whose writes its parent sees once it is committed.
func (o *operation) beginChild(parent *transaction) error {
	if parent.failed != nil {
		return parent.failed
	}
	tx, err := parent.tx.Child()
	if err != nil {
		return err
	}
	o.keep(&transaction{tx: tx, parent: parent})
	return nil
}

// keep gives a transaction a number.
func (o *operation) keep(t *transaction) {
	o.bridge.lastNumber++
	o.bridge.transactions[o.bridge.lastNumber] = t
	o.result = msgp.AppendArrayHeader(o.result, 2)
	o.result = msgp.AppendUint32(o.result, o.bridge.lastNumber)
	o.result = msgp.AppendUint64(o.result, t.tx.ID())
}

// forget takes off a transaction that ends, and what cannot outlive it.
func (o *operation) forget(ending *transaction) {
	for number, t := range o.bridge.transactions {
		if t == ending || t.under(ending) {
			delete(o.bridge.transactions, number)
		}
	}
}

func (t *transaction) under(other *transaction) bool {
	for t = t.parent; t != nil; t = t.parent {
		if t == other {
			return true
		}
	}
	return false
}

// commit results in the transaction's id: the position of what it wrote.
func (o *operation) commit() error {
	return o.within(func(t *transaction) error {
		if t.failed != nil {
			o.forget(t)
			t.tx.Rollback()
			return t.failed
		}
		err := t.tx.Commit(o.ctx)
		if store.CodeOf(err) != store.TxBusy {
			o.forget(t)
		}
		o.result = msgp.AppendUint64(o.result, t.tx.ID())
		return err
	})
}

func (o *operation) rollback() error {
	o.result = msgp.AppendNil(o.result)
	return o.within(func(t *transaction) error {
		o.forget(t)
		t.tx.Rollback()
		return nil
	})
}

// within runs f in the request's transaction when its turn comes.
func (o *operation) within(f func(*transaction) error) error {
	t := o.bridge.transactions[o.request.Transaction]
	if t == nil {
		return &store.Error{Code: store.TxEnded, Op: "transaction"}
	}
	if err := t.take(o.ctx, scheduler{o.bridge}); err != nil {
		return err
	}
	defer t.pass()
	if o.bridge.transactions[o.request.Transaction] != t {
		return &store.Error{Code: store.TxEnded, Op: "transaction"}
	}
	t.tx.SetContext(o.ctx)
	return f(t)
}

// take waits for the transaction's turn.
func (t *transaction) take(ctx context.Context, s scheduler) error {
	for t.busy {
		gate := s.NewGate()
		t.queue = append(t.queue, gate)
		if err := gate.Wait(ctx); err != nil {
			return err
		}
	}
	t.busy = true
	return nil
}

// pass lets all that wait try again; the first one to be stepped takes the turn.
func (t *transaction) pass() {
	t.busy = false
	waiting := t.queue
	t.queue = nil
	for _, gate := range waiting {
		gate.Open()
	}
}
