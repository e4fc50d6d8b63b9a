package main

import (
	"context"
	"slices"

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
		key, change, err := o.request.KeyChange()
		if err != nil {
			return err
		}
		found, err := t.Update(tx, key, change)
		return o.count(one(found), err)
	case wire.UpdateWhere:
		q, change, wanted, err := o.request.QueryChange()
		if err != nil {
			return err
		}
		q.Host = o.ask
		met, err := t.UpdateWhere(tx, q, change)
		return o.met(&met, wanted, err)
	case wire.DeleteWhere:
		q, wanted, err := o.request.QueryDelete()
		if err != nil {
			return err
		}
		q.Host = o.ask
		met, err := t.DeleteWhere(tx, q)
		return o.met(&met, wanted, err)
	case wire.Truncate:
		return o.nothing(t.Truncate(tx))
	default:
		return o.delete(t, tx)
	}
}

// stores tells of an operation that store carries out.
func stores(r wire.Request) bool { return r.Op == wire.Insert || r.Op == wire.Put }

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
	// One in a transaction of its own may be run again when it is over: see update.
	o.copied = o.request.Transaction != 0 && !slices.ContainsFunc(documents, kept)
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

// kept tells of a document that the transaction goes on to use where it stands.
func kept(document []byte) bool { return len(document) > store.MaxCopied }

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

// met results in the identities of the documents met, or in how many there were.
func (o *operation) met(ids *store.Identities, wanted bool, err error) error {
	if err != nil || !wanted {
		return o.count(int64(ids.Len()), err)
	}
	o.result, err = ids.Append(o.result)
	return err
}

// nothing results in nil.
func (o *operation) nothing(err error) error {
	o.result = msgp.AppendNil(o.result)
	return err
}

// dropTable results in whether there was one.
func (o *operation) dropTable() error {
	name, err := o.request.Text()
	if err != nil {
		return err
	}
	return o.writing(func(o *operation, tx *store.Tx) error {
		found, err := tx.DropTable(name)
		o.result = msgp.AppendBool(o.result[:0], found)
		return err
	})
}

// listTables results in the names of all tables.
func (o *operation) listTables() error {
	return o.reading(func(tx *store.Tx) error {
		names, err := tx.Tables()
		o.result = msgp.AppendArrayHeader(o.result[:0], uint32(len(names)))
		for _, name := range names {
			o.result = msgp.AppendString(o.result, name)
		}
		return err
	})
}

func one(found bool) int64 {
	if found {
		return 1
	}
	return 0
}
