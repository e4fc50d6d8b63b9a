package policies

import "github.com/stowage-db/stowage/store"

// Exec runs an SQL statement in a transaction, and has the policies of tables hear of what it
// writes there as of what the tables write, once it has run: what they change is stored, and after an
// error nothing of all that has been done. Of a document that it has written more than once they hear
// what came of it; one that got another identity is deleted, and is a new one. The rows are
// those of the statement. It fails as store.Tx.Exec does, and as the policies do.
func Exec(tx *store.Tx, tables []*Table, text string, values ...any) (rows []store.Row, changed int64, err error) {
	err = tx.Update(func(child *store.Tx) error {
		written := make([]written, len(tables))
		for _, t := range tables {
			if err := t.purge(child); err != nil {
				return err
			}
		}
		rows, changed, err = child.ExecTelling(func(name string, before, after []byte) error {
			for i, t := range tables {
				if t.table.Name() == name {
					return written[i].note(t, before, after)
				}
			}
			return nil
		}, text, values...)
		for i, t := range tables {
			if err == nil {
				err = t.hear(child, written[i].changes)
			}
		}
		return err
	})
	return rows, changed, err
}

// written is what a statement has written to a table.
type written struct {
	changes []change
	places  map[string]int // by the keys of the documents
}

// change is what became of a document: nil where there was none, or is none.
type change struct{ before, after []byte }

func (w *written) note(t *Table, before, after []byte) error {
	doc := after
	if doc == nil {
		doc = before
	}
	key, err := t.key(doc)
	if err != nil {
		return err
	}
	at, again := w.places[string(key)]
	if !again {
		if w.places == nil {
			w.places = map[string]int{}
		}
		at = len(w.changes)
		w.places[string(key)] = at
		w.changes = append(w.changes, change{before: clone(before)})
	}
	w.changes[at].after = clone(after)
	return nil
}

// clone keeps nil, which stands for no document.
func clone(doc []byte) []byte { return append([]byte(nil), doc...) }

// hear takes documents that have been written through the policies.
func (t *Table) hear(tx *store.Tx, changes []change) error {
	var stored [][]byte
	for _, c := range changes {
		packed, err := t.heard(tx, c)
		if err != nil {
			return err
		}
		if packed != nil {
			stored = append(stored, packed)
		}
	}
	if len(stored) == 0 {
		return nil
	}
	ids, err := t.table.Put(tx, stored)
	if err != nil {
		return err
	}
	return t.settle(tx, ids)
}

// heard returns what is to be stored of a document; nil where it is gone.
func (t *Table) heard(tx *store.Tx, c change) (packed []byte, err error) {
	var before, doc Document
	if c.before != nil {
		if before, err = t.load(c.before); err != nil {
			return nil, err
		}
	}
	switch {
	case c.after == nil && c.before == nil:
		return nil, nil
	case c.after == nil:
		return nil, t.deleted(tx, before)
	case c.before == nil:
		if doc, err = unpack(c.after); err == nil {
			err = t.created(tx, doc)
		}
	default:
		if doc, err = t.load(c.after); err == nil {
			err = t.updated(tx, doc, before)
		}
	}
	if err == nil {
		packed, err = t.pack(doc)
	}
	if err == nil {
		err = t.mustKeep("statement", c.after, packed)
	}
	return packed, err
}

// mustKeep fails where what takes the place of a document has another identity.
func (t *Table) mustKeep(op string, doc, packed []byte) error {
	was, err := t.key(doc)
	if err != nil {
		return err
	}
	if now, err := t.key(packed); err != nil || string(now) != string(was) {
		return &store.Error{Code: store.InvalidDocument, Op: op + ": the identity cannot change", Name: t.table.Name(), Err: err}
	}
	return nil
}
