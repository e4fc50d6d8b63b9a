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
}

// begin starts a transaction. Its result is its number.
func (o *operation) begin() error {
	access, durability, err := o.request.Access()
	if err != nil {
		return err
	}
	env := o.bridge.env
	var tx *store.Tx
	if access == wire.Exclusive {
		tx, err = env.BeginExclusive(o.ctx)
	} else {
		tx, err = env.Begin(o.ctx, access == wire.Writing)
	}
	if err != nil {
		return err
	}
	if durability != nil {
		tx.SetDurability(*durability)
	}
	o.bridge.lastNumber++
	o.bridge.transactions[o.bridge.lastNumber] = &transaction{tx: tx}
	o.result = msgp.AppendUint32(o.result, o.bridge.lastNumber)
	return nil
}

func (o *operation) commit() error {
	o.result = msgp.AppendNil(o.result)
	return o.within(func(t *transaction) error {
		delete(o.bridge.transactions, o.request.Transaction)
		if t.failed != nil {
			t.tx.Rollback()
			return t.failed
		}
		return t.tx.Commit(o.ctx)
	})
}

func (o *operation) rollback() error {
	o.result = msgp.AppendNil(o.result)
	return o.within(func(t *transaction) error {
		delete(o.bridge.transactions, o.request.Transaction)
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
