package policies

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// Table is a table with policies, and has all that store.Table has, by the same names. A write
// runs in a child of the transaction that it is given, which is what the policies are handed: one that
// fails has changed nothing.
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

// Name is the table's name.
func (t *Table) Name() string { return t.table.Name() }

// Schema is what the table was last seen to have.
func (t *Table) Schema() store.Schema { return t.table.Schema() }

// CacheQueries is that of store.Table: what is kept is which documents were found, before
// policies read them.
func (t *Table) CacheQueries(n int) { t.table.CacheQueries(n) }

// ClearCache forgets the answers that CacheQueries keeps.
func (t *Table) ClearCache() { t.table.ClearCache() }

// Cached is how many answers are kept.
func (t *Table) Cached() int { return t.table.Cached() }

// Get returns the document under a key. What a policy hides is not found.
func (t *Table) Get(tx *store.Tx, key []byte) (doc []byte, found bool, err error) {
	if doc, found, err = t.table.Get(tx, key); err != nil || !found {
		return nil, false, err
	}
	doc, hidden, err := t.deliver(tx, doc)
	return doc, err == nil && !hidden, err
}

// GetMany calls emit for each of several keys with the document under it, nil where
// there is none or a policy hides it, in order.
func (t *Table) GetMany(tx *store.Tx, keys [][]byte, emit func(doc []byte) error) error {
	return t.table.GetMany(tx, keys, func(stored []byte) error {
		if stored == nil {
			return emit(nil)
		}
		doc, hidden, err := t.deliver(tx, stored)
		if err != nil {
			return err
		}
		if hidden {
			doc = nil
		}
		return emit(doc)
	})
}

// Select is query.Select for this table: policies narrow it. All calls that take a query take
// one of these.
func (t *Table) Select(filter query.Expr) (*query.Query, error) {
	for _, p := range t.policies {
		if narrow := p.steps().Narrow; narrow != nil {
			filter = narrow(filter)
		}
	}
	return query.Select(filter)
}

// Find calls emit for every document that a query asks for, as store.Table does.
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

// Count counts the documents that a query asks for, as they are stored.
func (t *Table) Count(tx *store.Tx, q *query.Query) (int64, error) { return t.table.Count(tx, q) }

// Contains reports whether a query asks for any document, as they are stored.
func (t *Table) Contains(tx *store.Tx, q *query.Query) (bool, error) { return t.table.Contains(tx, q) }

// Explain runs a query as Find does and tells how it went. Policies are told nothing of it.
func (t *Table) Explain(tx *store.Tx, q *query.Query) (*store.Explanation, error) {
	return t.table.Explain(tx, q)
}
