package main

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// write carries out an operation that changes documents, in the request's
// transaction or one of its own.
func (o *operation) write() error {
	t := o.bridge.tables[o.request.Table]
	if t == nil {
		return &store.Error{Code: store.Internal, Op: "write: no such table"}
	}
	return o.writing(func(o *operation, tx *store.Tx) error { return o.writeTo(t, tx) })
}

// writing runs f in the request's transaction, or in one of its own; then maybe
// more than once.
func (o *operation) writing(f func(*operation, *store.Tx) error) error {
	if o.request.Transaction == 0 {
		return o.update(f)
	}
	return o.within(func(within *transaction) error {
		if within.failed != nil {
			return within.failed
		}
		return within.spoil(o.request.Op, f(o, within.tx))
	})
}

// update runs f in a transaction of its own. A buffered one may have to be run again when the
// operation is over and its result delivered: then as an operation that nobody waits for.
func (o *operation) update(f func(*operation, *store.Tx) error) error {
	over := false
	err := o.bridge.env.Update(o.ctx, func(tx *store.Tx) error {
		if over {
			return f(&operation{bridge: o.bridge, ctx: context.Background(), request: o.request}, tx)
		}
		return f(o, tx)
	})
	over = true
	return err
}

// writeTo may run more than once, each time in another transaction.
func (o *operation) writeTo(t *store.Table, tx *store.Tx) error {
	o.result = o.result[:0]
	switch o.request.Op {
	case wire.Insert, wire.Put:
		return o.store(t, tx)
	case wire.Update:
		key, patch, err := o.request.KeyPatch()
		if err != nil {
			return err
		}
		found, err := t.Update(tx, key, patch)
		return o.count(one(found), err)
	case wire.UpdateWhere:
		q, patch, err := o.request.QueryPatch()
		if err != nil {
			return err
		}
		q.Host = o.ask
		return o.count(t.UpdateWhere(tx, q, patch))
	case wire.DeleteWhere:
		q, err := o.query()
		if err != nil {
			return err
		}
		return o.count(t.DeleteWhere(tx, q))
	default:
		return o.delete(t, tx)
	}
}

// store inserts or puts. Its result is the identities, or nil where the host
// knows them itself.
func (o *operation) store(t *store.Table, tx *store.Tx) error {
	wanted, documents, err := o.request.Documents()
	if err != nil {
		return err
	}
	var ids [][]byte
	if o.request.Op == wire.Insert {
		ids, err = t.Insert(tx, documents)
	} else {
		ids, err = t.Put(tx, documents)
	}
	if err != nil {
		return err
	}
	if !wanted {
		o.result = msgp.AppendNil(o.result)
		return nil
	}
	o.result = msgp.AppendArrayHeader(o.result, uint32(len(ids)))
	for _, id := range ids {
		o.result = append(o.result, id...)
	}
	return nil
}

func (o *operation) delete(t *store.Table, tx *store.Tx) error {
	keys, err := o.request.Keys()
	if err != nil {
		return err
	}
	return o.count(t.DeleteMany(tx, keys))
}

// count results in how many documents were met.
func (o *operation) count(n int64, err error) error {
	o.result = msgp.AppendInt64(o.result, n)
	return err
}

func one(found bool) int64 {
	if found {
		return 1
	}
	return 0
}
