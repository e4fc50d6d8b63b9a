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

// Table is a table with policies. After an error some of a write may have been done: the
// transaction, or the child it was done in, must be given up.
type Table struct {
	table    *store.Table
	storage  *StorageHooks
	policies []Policy
}

// Over puts policies, and hooks of the storage, which may be nil, over a table.
func Over(table *store.Table, storage *StorageHooks, policies ...Policy) *Table {
	if storage == nil {
		storage = NewStorageHooks()
	}
	return &Table{table, storage, policies}
}

// Insert adds documents, as store.Table does.
func (t *Table) Insert(tx *store.Tx, docs [][]byte) (ids [][]byte, err error) {
	if err := t.purge(tx); err != nil {
		return nil, err
	}
	stored := make([][]byte, len(docs))
	for i, packed := range docs {
		doc, err := unpack(packed)
		if err == nil {
			err = t.created(tx, doc)
		}
		if err == nil {
			stored[i], err = t.pack(doc)
		}
		if err != nil {
			return nil, err
		}
	}
	if ids, err = t.table.Insert(tx, stored); err != nil {
		return nil, err
	}
	return ids, t.settle(tx, ids)
}

// Put adds or replaces documents, as store.Table does.
func (t *Table) Put(tx *store.Tx, docs [][]byte) (ids [][]byte, err error) {
	if err := t.purge(tx); err != nil {
		return nil, err
	}
	stored := make([][]byte, len(docs))
	for i, packed := range docs {
		doc, err := unpack(packed)
		if err == nil {
			err = t.replace(tx, packed, doc)
		}
		if err == nil {
			stored[i], err = t.pack(doc)
		}
		if err != nil {
			return nil, err
		}
	}
	if ids, err = t.table.Put(tx, stored); err != nil {
		return nil, err
	}
	return ids, t.settle(tx, ids)
}

// replace tells of a document that takes the place of another, or is new.
func (t *Table) replace(tx *store.Tx, packed []byte, doc Document) error {
	if key, err := t.key(packed); err == nil {
		old, found, err := t.table.Get(tx, key)
		if err != nil {
			return err
		}
		if found {
			before, err := t.load(old)
			if err != nil {
				return err
			}
			return t.updated(tx, doc, before)
		}
	}
	return t.created(tx, doc)
}

// Get returns the document under a key.
func (t *Table) Get(tx *store.Tx, key []byte) (doc []byte, found bool, err error) {
	if doc, found, err = t.table.Get(tx, key); err != nil || !found {
		return nil, false, err
	}
	doc, hidden, err := t.deliver(tx, doc)
	return doc, err == nil && !hidden, err
}

// Select is query.Select for this table: policies narrow it.
func (t *Table) Select(filter query.Expr) (*query.Query, error) {
	for _, p := range t.policies {
		if narrow := p.steps().Narrow; narrow != nil {
			filter = narrow(filter)
		}
	}
	return query.Select(filter)
}

// Find calls emit for every document that a query of Select asks for, as store.Table does.
func (t *Table) Find(tx *store.Tx, q *query.Query, emit func(doc []byte) error) error {
	return t.table.Find(tx, q, func(stored []byte) error {
		if q.Aggregate != nil {
			return emit(stored)
		}
		doc, hidden, err := t.deliver(tx, stored)
		if err != nil || hidden {
			return err
		}
		return emit(doc)
	})
}

// Count counts the documents that a query of Select asks for.
func (t *Table) Count(tx *store.Tx, q *query.Query) (int64, error) { return t.table.Count(tx, q) }

// Update changes the document under a key, as store.Table does: the change is made to the
// document in the form in which it is handed out.
func (t *Table) Update(tx *store.Tx, key, change []byte) (found bool, err error) {
	if err := t.purge(tx); err != nil {
		return false, err
	}
	old, found, err := t.table.Get(tx, key)
	if err != nil || !found {
		return false, err
	}
	before, err := t.load(old)
	if err != nil {
		return false, err
	}
	plain, err := coder.MessagePack.Append(nil, before)
	if err == nil {
		_, err = t.table.Put(tx, [][]byte{plain})
	}
	if err == nil {
		_, err = t.table.Update(tx, key, change)
	}
	if err != nil {
		return false, err
	}
	changed, _, err := t.table.Get(tx, key)
	if err != nil {
		return false, err
	}
	doc, err := unpack(changed)
	if err == nil {
		err = t.updated(tx, doc, before)
	}
	if err != nil {
		return false, err
	}
	packed, err := t.pack(doc)
	if err != nil {
		return false, err
	}
	if err := t.mustKeep("update", changed, packed); err != nil {
		return false, err
	}
	ids, err := t.table.Put(tx, [][]byte{packed})
	if err != nil {
		return false, err
	}
	return true, t.settle(tx, ids)
}

// UpdateWhere changes the documents that a query of Select asks for, and returns how many there were.
func (t *Table) UpdateWhere(tx *store.Tx, q *query.Query, change []byte) (n int64, err error) {
	keys, err := t.keys(tx, q)
	for _, key := range keys {
		if err == nil {
			_, err = t.Update(tx, key, change)
			n++
		}
	}
	return n, err
}

// DeleteMany deletes the documents under several keys, and returns how many there were.
func (t *Table) DeleteMany(tx *store.Tx, keys [][]byte) (n int64, err error) {
	if err := t.purge(tx); err != nil {
		return 0, err
	}
	return t.remove(tx, keys)
}

// DeleteWhere deletes the documents that a query of Select asks for, and returns how many there were.
func (t *Table) DeleteWhere(tx *store.Tx, q *query.Query) (n int64, err error) {
	keys, err := t.keys(tx, q)
	if err != nil {
		return 0, err
	}
	return t.DeleteMany(tx, keys)
}

// Truncate deletes all documents.
func (t *Table) Truncate(tx *store.Tx) error {
	if err := t.table.Truncate(tx); err != nil {
		return err
	}
	for _, p := range t.policies {
		if f := p.steps().Truncated; f != nil {
			if err := f(tx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Table) remove(tx *store.Tx, keys [][]byte) (n int64, err error) {
	for _, key := range keys {
		stored, found, err := t.table.Get(tx, key)
		if err != nil {
			return n, err
		}
		if !found {
			continue
		}
		doc, err := t.load(stored)
		if err == nil {
			_, err = t.table.Delete(tx, key)
		}
		if err == nil {
			err = t.deleted(tx, doc)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// purge deletes what has expired.
func (t *Table) purge(tx *store.Tx) error {
	for _, p := range t.policies {
		stale := p.steps().Stale
		if stale == nil {
			continue
		}
		q, err := query.Select(stale())
		if err != nil {
			return err
		}
		keys, err := t.keys(tx, q)
		if err != nil {
			return err
		}
		if _, err := t.remove(tx, keys); err != nil {
			return err
		}
	}
	return nil
}

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
