package policies

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/coder"
)

// Steps are what a policy does. Each is optional. Documents may be changed in place.
// Writes go through the policies in their order, reads in reverse.
type Steps struct {
	// Stale selects what is deleted before any write.
	Stale func() query.Expr
	// Created is called before a document is stored that was not there.
	Created func(tx *store.Tx, doc Document) error
	// Updated is called before a document takes the place of another.
	Updated func(tx *store.Tx, doc, before Document) error
	// Settled is called at the end of a write with the keys of what it has stored.
	// What is deleted through the table the other policies hear of.
	Settled   func(tx *store.Tx, t *Table, keys [][]byte) error
	Deleted   func(tx *store.Tx, doc Document) error
	Truncated func(tx *store.Tx) error
	// Read is called before a document is handed out, and may hide it.
	Read func(tx *store.Tx, doc Document) (hidden bool, err error)
	// Used is told the key of every document that is handed out.
	Used func(key []byte)
	// Narrow narrows what is asked for. The filter may be nil.
	Narrow func(filter query.Expr) query.Expr
}

// Policy is TableHooks, or what Timestamps, Bounded and Expiring return.
type Policy interface{ steps() Steps }

func (s Steps) steps() Steps { return s }

func (t *Table) created(tx *store.Tx, doc Document) error {
	for _, p := range t.policies {
		if f := p.steps().Created; f != nil {
			if err := f(tx, doc); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Table) updated(tx *store.Tx, doc, before Document) error {
	for _, p := range t.policies {
		if f := p.steps().Updated; f != nil {
			if err := f(tx, doc, before); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Table) deleted(tx *store.Tx, doc Document) error {
	for _, p := range t.policies {
		if f := p.steps().Deleted; f != nil {
			if err := f(tx, doc); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Table) settle(tx *store.Tx, ids [][]byte) error {
	keys := make([][]byte, len(ids))
	for i, id := range ids {
		var err error
		if keys[i], err = store.AppendIdentity(nil, id); err != nil {
			return err
		}
	}
	for _, p := range t.policies {
		if f := p.steps().Settled; f != nil {
			if err := f(tx, t, keys); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver makes of a stored document what is handed out.
func (t *Table) deliver(tx *store.Tx, stored []byte) (doc []byte, hidden bool, err error) {
	if doc, err = t.storage.through("read.post", t.table.Name(), stored); err != nil {
		return nil, false, err
	}
	var read Document
	for i := len(t.policies) - 1; i >= 0; i-- {
		f := t.policies[i].steps().Read
		if f == nil {
			continue
		}
		if read == nil {
			if read, err = unpack(doc); err != nil {
				return nil, false, err
			}
		}
		if hidden, err = f(tx, read); err != nil || hidden {
			return nil, hidden, err
		}
	}
	if err := t.use(stored); err != nil {
		return nil, false, err
	}
	if read != nil {
		doc, err = coder.MessagePack.Append(nil, read)
	}
	return doc, false, err
}

func (t *Table) use(stored []byte) error {
	for _, p := range t.policies {
		if used := p.steps().Used; used != nil {
			key, err := t.key(stored)
			if err != nil {
				return err
			}
			used(key)
		}
	}
	return nil
}

// load makes of a stored document the form in which it is changed.
func (t *Table) load(stored []byte) (Document, error) {
	doc, err := t.storage.through("read.post", t.table.Name(), stored)
	if err != nil {
		return nil, err
	}
	return unpack(doc)
}

// pack makes of a document what is stored.
func (t *Table) pack(doc Document) ([]byte, error) {
	packed, err := coder.MessagePack.Append(nil, doc)
	if err != nil {
		return nil, err
	}
	return t.storage.through("write.pre", t.table.Name(), packed)
}

func unpack(packed []byte) (Document, error) {
	v, err := coder.MessagePack.Decode(packed)
	doc, ok := v.(Document)
	if err != nil || !ok {
		return nil, &store.Error{Code: store.InvalidDocument, Op: "policies: not a document", Err: err}
	}
	return doc, nil
}

// key is that of a document's identity.
func (t *Table) key(packed []byte) ([]byte, error) {
	id, _, err := query.Lookup(packed, t.table.Schema().Key)
	if err != nil {
		return nil, err
	}
	return store.AppendIdentity(nil, id)
}

func (t *Table) keys(tx *store.Tx, q *query.Query) (keys [][]byte, err error) {
	err = t.table.Find(tx, q, func(stored []byte) error {
		key, err := t.key(stored)
		keys = append(keys, key)
		return err
	})
	return keys, err
}
