package policies

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/store"
)

// Insert adds documents, as store.Table does. It fails as that does, and as the policies do.
func (t *Table) Insert(tx *store.Tx, docs [][]byte) (ids [][]byte, err error) {
	return t.store(tx, docs, t.fresh, t.table.Insert)
}

// Put adds or replaces documents, as store.Table does. It fails as that does, with
// InvalidDocument where a policy changes the identity of a document that is there, and as the
// policies do.
func (t *Table) Put(tx *store.Tx, docs [][]byte) (ids [][]byte, err error) {
	return t.store(tx, docs, t.over("put", t.fresh), t.table.Put)
}

// Replace is Put for documents that are there: it fails with NotFound where there is none of that
// identity, or one that has expired.
func (t *Table) Replace(tx *store.Tx, docs [][]byte) (ids [][]byte, err error) {
	return t.store(tx, docs, t.over("replace", func(*store.Tx, []byte) ([]byte, error) {
		return nil, &store.Error{Code: store.NotFound, Op: "replace: no document has this identity", Name: t.Name()}
	}), t.table.Replace)
}

// readying makes a document that was handed in what is stored.
type readying func(tx *store.Tx, packed []byte) (stored []byte, err error)

// over readies documents for the places of those that are there, and leaves the others to absent.
func (t *Table) over(op string, absent readying) readying {
	return func(tx *store.Tx, packed []byte) ([]byte, error) {
		old, found, err := t.predecessor(tx, packed)
		if err != nil {
			return nil, err
		}
		if !found {
			return absent(tx, packed)
		}
		return t.next(tx, op, old, packed)
	}
}

// store has each document made ready, and writes what came of them.
func (t *Table) store(
	tx *store.Tx, docs [][]byte,
	ready readying,
	write func(tx *store.Tx, docs [][]byte) ([][]byte, error),
) (ids [][]byte, err error) {
	err = t.within(tx, func(tx *store.Tx) error {
		stored := make([][]byte, len(docs))
		for i, packed := range docs {
			var err error
			if stored[i], err = ready(tx, packed); err != nil {
				return err
			}
		}
		if ids, err = write(tx, stored); err != nil {
			return err
		}
		return t.settle(tx, ids)
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// within runs a write as a child, once what has expired is deleted.
func (t *Table) within(tx *store.Tx, write func(tx *store.Tx) error) error {
	return tx.Update(func(child *store.Tx) error {
		if err := t.purge(child); err != nil {
			return err
		}
		return write(child)
	})
}

// fresh makes a document that was not there what is stored.
func (t *Table) fresh(tx *store.Tx, packed []byte) (stored []byte, err error) {
	doc, err := unpack(packed)
	if err == nil {
		err = t.created(tx, doc)
	}
	if err != nil {
		return nil, err
	}
	return t.pack(doc)
}

// predecessor is the stored document in whose place one comes. What is wrong with its
// identity is found when it is written.
func (t *Table) predecessor(tx *store.Tx, packed []byte) (old []byte, found bool, err error) {
	key, err := t.key(packed)
	if err != nil {
		return nil, false, nil
	}
	return t.table.Get(tx, key)
}

// next makes a document that takes the place of a stored one what is stored.
func (t *Table) next(tx *store.Tx, op string, old, packed []byte) (stored []byte, err error) {
	before, err := t.load(old)
	if err != nil {
		return nil, err
	}
	doc, err := unpack(packed)
	if err == nil {
		err = t.updated(tx, doc, before)
	}
	if err == nil {
		stored, err = t.pack(doc)
	}
	if err == nil {
		err = t.mustKeep(op, old, stored)
	}
	return stored, err
}

// Update changes the document under a key, as store.Table does: the change is made to the
// document in the form in which it is handed out, but for what policies add to what is read. It
// fails as store.Table does, and as the policies do.
func (t *Table) Update(tx *store.Tx, key, change []byte) (found bool, err error) {
	alter, err := t.reading(change)
	if err != nil {
		return false, err
	}
	err = t.within(tx, func(tx *store.Tx) error {
		met, err := t.alter(tx, [][]byte{key}, alter)
		found = met.Len() > 0
		return err
	})
	return found && err == nil, err
}

// UpdateWhere changes the documents that a query asks for as Update does, all or none, and
// returns which they were.
func (t *Table) UpdateWhere(tx *store.Tx, q *query.Query, change []byte) (store.Identities, error) {
	alter, err := t.reading(change)
	if err != nil {
		return store.Identities{}, err
	}
	return t.alterWhere(tx, q, alter)
}

// UpdateFunc puts what f makes of them in the place of the documents that a query asks for, all or
// none, and returns which they were. f gets them in the form in which Update changes them; its error is
// returned as it is.
func (t *Table) UpdateFunc(tx *store.Tx, q *query.Query, f func(doc []byte) ([]byte, error)) (store.Identities, error) {
	return t.alterWhere(tx, q, f)
}

// UpdateMany makes changes one after the other, all or none: each query meets what those before have
// left. An identity is returned once for each change that was made to it.
func (t *Table) UpdateMany(tx *store.Tx, changes []store.Change) (met store.Identities, err error) {
	err = t.within(tx, func(tx *store.Tx) error {
		for _, c := range changes {
			alter := alteration(c.Func)
			if alter == nil {
				if alter, err = t.reading(c.Raw); err != nil {
					return err
				}
			}
			keys, err := t.keys(tx, c.Query)
			if err != nil {
				return err
			}
			one, err := t.alter(tx, keys, alter)
			if err != nil {
				return err
			}
			for i := range one.Len() {
				met.Add(one.Key(i))
			}
		}
		return nil
	})
	return settled(met, err)
}

// Upsert sets the fields of doc in the documents that q finds, and inserts it where there are
// none, as store.Table does. It fails as UpdateWhere and Insert do; with InvalidArgument where neither q
// nor an identity is given.
func (t *Table) Upsert(tx *store.Tx, doc []byte, q *query.Query) (met store.Identities, err error) {
	if q, err = t.table.Meant(doc, q); err != nil {
		return met, err
	}
	err = t.within(tx, func(tx *store.Tx) error {
		if met, err = t.UpdateWhere(tx, q, doc); err != nil || met.Len() > 0 {
			return err
		}
		ids, err := t.Insert(tx, [][]byte{doc})
		if err != nil {
			return err
		}
		key, err := store.AppendIdentity(nil, ids[0])
		met.Add(key)
		return err
	})
	return settled(met, err)
}

// alteration makes of a document the one to take its place.
type alteration func(doc []byte) ([]byte, error)

// reading reads what Update is told to do.
func (t *Table) reading(change []byte) (alteration, error) {
	alter, err := readChange(change)
	return func(doc []byte) ([]byte, error) {
		changed, err := alter(doc)
		return changed, t.failed("update", err)
	}, t.failed("update", err)
}

func readChange(change []byte) (alteration, error) {
	if msgp.NextType(change) == msgp.ArrayType {
		list, err := op.Parse(change)
		return list.Apply, err
	}
	return func(doc []byte) ([]byte, error) {
		room := make([]byte, 0, op.MergedRoom+len(doc)+len(change))
		changed, start, err := op.AppendMerged(room, doc, change)
		if err != nil {
			return nil, err
		}
		return changed[start:], nil
	}, query.Validate(change, query.MaxDepth)
}

// failed says of an error by which operation of which table it was met.
func (t *Table) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &store.Error{Code: store.CodeOf(err), Op: op, Name: t.Name(), Err: err}
}

func (t *Table) alterWhere(tx *store.Tx, q *query.Query, change alteration) (met store.Identities, err error) {
	err = t.within(tx, func(tx *store.Tx) error {
		keys, err := t.keys(tx, q)
		if err == nil {
			met, err = t.alter(tx, keys, change)
		}
		return err
	})
	return settled(met, err)
}

// alter changes the documents under keys, and returns which there were.
func (t *Table) alter(tx *store.Tx, keys [][]byte, change alteration) (met store.Identities, err error) {
	var stored [][]byte
	for _, key := range keys {
		old, found, err := t.table.Get(tx, key)
		if err != nil {
			return met, err
		}
		if !found {
			continue
		}
		next, err := t.changed(tx, old, change)
		if err != nil {
			return met, err
		}
		stored = append(stored, next)
		met.Add(key)
	}
	if len(stored) == 0 {
		return met, nil
	}
	ids, err := t.table.Put(tx, stored)
	if err == nil {
		err = t.settle(tx, ids)
	}
	return met, err
}

// changed makes of a stored document what takes its place.
func (t *Table) changed(tx *store.Tx, old []byte, change alteration) (stored []byte, err error) {
	plain, err := t.storage.through("read.post", t.Name(), old)
	if err != nil {
		return nil, err
	}
	packed, err := change(plain)
	if err != nil {
		return nil, err
	}
	return t.next(tx, "update", old, packed)
}

// Delete deletes the document under a key and reports whether there was one.
func (t *Table) Delete(tx *store.Tx, key []byte) (found bool, err error) {
	n, err := t.DeleteMany(tx, [][]byte{key})
	return n > 0, err
}

// DeleteMany deletes the documents under several keys, all or none, and returns how many there were.
func (t *Table) DeleteMany(tx *store.Tx, keys [][]byte) (n int64, err error) {
	err = t.within(tx, func(tx *store.Tx) error {
		met, err := t.remove(tx, keys)
		n = int64(met.Len())
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// DeleteWhere deletes the documents that a query asks for, all or none, and returns which they were.
func (t *Table) DeleteWhere(tx *store.Tx, q *query.Query) (met store.Identities, err error) {
	err = t.within(tx, func(tx *store.Tx) error {
		keys, err := t.keys(tx, q)
		if err == nil {
			met, err = t.remove(tx, keys)
		}
		return err
	})
	return settled(met, err)
}

// settled is whom a write has met: nobody where it has failed.
func settled(met store.Identities, err error) (store.Identities, error) {
	if err != nil {
		return store.Identities{}, err
	}
	return met, nil
}

// Truncate deletes all documents.
func (t *Table) Truncate(tx *store.Tx) error {
	return tx.Update(func(child *store.Tx) error {
		if err := t.table.Truncate(child); err != nil {
			return err
		}
		for _, p := range t.policies {
			if f := p.steps().Truncated; f != nil {
				if err := f(child); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// remove deletes the documents under keys and tells of them.
func (t *Table) remove(tx *store.Tx, keys [][]byte) (met store.Identities, err error) {
	for _, key := range keys {
		stored, found, err := t.table.Get(tx, key)
		if err != nil {
			return met, err
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
			return met, err
		}
		met.Add(key)
	}
	return met, nil
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
