package store

import "github.com/stowage-db/stowage/query"

// Replace is Put for documents that are there: it fails with NotFound where there is
// none of that identity.
func (t *Table) Replace(tx *Tx, docs [][]byte) (ids [][]byte, err error) {
	return t.write(tx, "replace", docs, (*session).swap)
}

func (s *session) swap(doc []byte, known bool) error {
	if known {
		old, found, err := s.docs.Get(s.key)
		if err != nil {
			return err
		}
		if found {
			return s.exchangeDocument(old, doc)
		}
	}
	return fail(NotFound, "replace: no document has this identity", s.table.name, nil)
}

// Upsert sets the fields of doc in the documents that q finds, and inserts it where
// there are none. An identity in doc says which one is meant, of those that q finds, or where q is
// nil of all. It returns the identities of what was changed or inserted.
//
// Errors: those of UpdateWhere and Insert; InvalidArgument where neither q nor an
// identity is given.
func (t *Table) Upsert(tx *Tx, doc []byte, q *query.Query) (Identities, error) {
	q, err := t.Meant(doc, q)
	if err != nil {
		return Identities{}, err
	}
	met, err := t.UpdateWhere(tx, q, doc)
	if err != nil || met.Len() > 0 {
		return met, err
	}
	ids, err := t.Insert(tx, [][]byte{doc})
	if err != nil {
		return Identities{}, err
	}
	key, err := AppendIdentity(nil, ids[0])
	met.Add(key)
	return met, err
}

// Meant is the query for the documents that Upsert changes: those of q, which may be nil, but for
// the identity that doc has. It fails with InvalidArgument where neither is given.
func (t *Table) Meant(doc []byte, q *query.Query) (*query.Query, error) {
	path := t.Schema().Key
	id, found, err := query.Lookup(doc, path)
	switch {
	case err != nil:
		return nil, t.failed("upsert", err)
	case !found && q == nil:
		return nil, fail(InvalidArgument, "upsert: needs a query, or a document with an identity", t.name, nil)
	case !found:
		return q, nil
	case q == nil:
		return query.Select(query.Eq(path, query.Raw(id)))
	}
	return q.Narrow(query.Eq(path, query.Raw(id)))
}

// Change is what UpdateMany is told to do: a change as Update has it, or a function as
// UpdateFunc has it, and the query for the documents that it is made to.
type Change struct {
	Raw   []byte
	Func  func(doc []byte) ([]byte, error) // in the place of Raw
	Query *query.Query
}

// UpdateMany makes changes one after the other: each query meets what those before
// have left. An identity is returned once for each change that was made to it.
func (t *Table) UpdateMany(tx *Tx, changes []Change) (Identities, error) {
	var met Identities
	for _, c := range changes {
		one, err := t.make(tx, c)
		if err != nil {
			return Identities{}, err
		}
		for i := range one.Len() {
			met.Add(one.Key(i))
		}
	}
	return met, nil
}

func (t *Table) make(tx *Tx, c Change) (Identities, error) {
	if c.Func != nil {
		return t.UpdateFunc(tx, c.Query, c.Func)
	}
	return t.UpdateWhere(tx, c.Query, c.Raw)
}

// Contains reports whether Find would deliver anything.
func (t *Table) Contains(tx *Tx, q *query.Query) (bool, error) {
	found := false
	one := *q
	if one.Limit != 0 {
		one.Limit = 1
	}
	err := t.find(tx, &one, func([]byte) error { found = true; return nil })
	return found, err
}
