package store

import (
	"bytes"
	"errors"
	"slices"
	"strconv"

	"github.com/stowage-db/stowage/query"
)

// Insert adds documents, raw MessagePack maps, and returns their identities as
// raw MessagePack, in order; they are parts of the documents. A document without
// an identity gets the next integer where the table increments, and one of Schema.Identity where
// there is that. Whether a program may change the documents afterwards, Options.Isolation says.
//
// After an error some of the documents may have been written: the transaction, or
// the child it was done in, must be given up.
//
// Errors: InvalidDocument, TooDeep, TooLarge, InvalidKey where there is no
// identity, not one with an order, or none of the table's kind, DuplicateKey where there is a document of
// that identity or one with the same values in a unique index, ReadOnly.
func (t *Table) Insert(tx *Tx, docs [][]byte) (ids [][]byte, err error) {
	return t.write(tx, "insert", docs, (*session).insert)
}

// Put is Insert, except that a document replaces the one of the same identity.
func (t *Table) Put(tx *Tx, docs [][]byte) (ids [][]byte, err error) {
	return t.write(tx, "put", docs, (*session).put)
}

// write identifies each document and hands it to one.
func (t *Table) write(tx *Tx, op string, docs [][]byte, one func(s *session, doc []byte, known bool) error) ([][]byte, error) {
	if !tx.Writable() {
		return nil, fail(ReadOnly, op, t.name, nil)
	}
	s, err := t.open(tx)
	if err != nil {
		return nil, err
	}
	defer s.end()
	ids := make([][]byte, len(docs))
	ahead := newAhead(s.docs)
	for i, doc := range docs {
		var fresh bool
		s.document = i
		if err := ahead.before(i, s.identitiesOf(docs)); err != nil {
			return nil, err
		}
		doc, ids[i], fresh, err = s.identify(doc)
		if err == nil {
			err = one(s, tx.env.takeIn(doc), !fresh)
		}
		if err == nil {
			err = tx.Work(len(doc))
		}
		if err != nil {
			return nil, s.failedAt(op, i, len(docs), err)
		}
	}
	if i, err := s.settle(); err != nil {
		return nil, s.failedAt(op, i, len(docs), err)
	}
	return ids, s.saveCounter()
}

// identitiesOf returns the keys of a part of docs, as far as there are any and they
// have one: what is wrong with the others is found when their turn comes.
func (s *session) identitiesOf(docs [][]byte) func(from, to int) [][]byte {
	return func(from, to int) [][]byte {
		var keys [][]byte
		for _, doc := range docs[from:min(to, len(docs))] {
			offsets, err := s.examine(doc)
			if err != nil || offsets[s.identity] < 0 {
				continue
			}
			if key, _, err := query.AppendKeyRaw(nil, doc[offsets[s.identity]:]); err == nil {
				keys = append(keys, key)
			}
		}
		return keys
	}
}

// DocumentError tells which of the documents of one call an error is about,
// counted from 0.
type DocumentError struct {
	Document int
	Err      error
}

func (e *DocumentError) Error() string {
	return "document " + strconv.Itoa(e.Document) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *DocumentError) Unwrap() error { return e.Err }

// failedAt says of an error which document of several it was, and by which
// table's operation it was met. Errors of the engine pass as they are.
func (s *session) failedAt(op string, i, of int, err error) error {
	code, name := CodeOf(err), s.table.name
	switch code {
	case InvalidDocument, InvalidKey, TooDeep, TooLarge, DuplicateKey:
	default:
		return err
	}
	var inner *Error
	if errors.As(err, &inner) && inner.Name != "" {
		name = inner.Name
	}
	if of > 1 {
		err = &DocumentError{i, err}
	}
	return fail(code, op, name, err)
}

// identify validates a document, finds its values and makes the key of its
// identity, which it returns raw as well. fresh tells that the identity was given
// out now, so that nothing can be stored under it.
func (s *session) identify(doc []byte) (whole, id []byte, fresh bool, err error) {
	if err := s.extract.Extract(doc, query.MaxDepth, s.offsets); err != nil {
		return nil, nil, false, err
	}
	at := s.offsets[s.identity]
	kind := s.table.kind
	if at < 0 || query.IsUndefined(doc[at:]) {
		switch {
		case s.schema.Increment:
			doc, err = s.number(doc)
			fresh = true
		case kind != nil:
			doc, err = s.draw(doc)
		default:
			err = fail(InvalidKey, "identity: missing", s.table.name, nil)
		}
		if err != nil {
			return nil, nil, false, err
		}
		at, kind = s.offsets[s.identity], nil
	}
	size, _ := query.Skip(doc[at:])
	id = doc[at : at+size : at+size]
	if kind != nil && !kind.Accepts(id) {
		return nil, nil, false, fail(InvalidKey, "identity: not of the table's kind", s.table.name, nil)
	}
	if s.key, err = AppendIdentity(s.key[:0], id); err != nil {
		return nil, nil, false, err
	}
	if s.schema.Increment && !fresh {
		err = s.passNumber(id)
	}
	return doc, id, fresh, err
}

// AppendIdentity appends the key of an identity, given as raw MessagePack. It
// fails with InvalidKey where that is undefined, null, NaN, a map, not exactly
// one value, or one that a program could not ask for: text that is not UTF-8,
// a list that holds undefined.
func AppendIdentity(dst, id []byte) ([]byte, error) {
	start := len(dst)
	if n, ok := query.Skip(id); !ok || n < len(id) {
		return nil, fail(InvalidKey, "identity: not one value", "", nil)
	}
	dst, _, err := query.AppendKeyRaw(dst, id)
	if err != nil {
		return nil, fail(CodeOf(err), "identity", "", err)
	}
	if !query.Identifies(dst[start:], id) {
		return nil, fail(InvalidKey, "identity: a value that cannot be one", "", nil)
	}
	return dst, nil
}

// insert writes a document that nothing may be stored under the key of.
func (s *session) insert(doc []byte, known bool) error {
	if known {
		_, found, err := s.docs.Get(s.key)
		if err != nil {
			return err
		}
		if found {
			return fail(DuplicateKey, "identity", s.table.name, nil)
		}
	}
	if err := s.docs.Put(s.key, doc); err != nil {
		return err
	}
	return s.add(doc, s.key)
}

// put writes a document in the place of the one under its key, if there is one.
func (s *session) put(doc []byte, known bool) error {
	if !known {
		return s.insert(doc, known)
	}
	old, found, err := s.docs.Get(s.key)
	if err != nil {
		return err
	}
	if !found {
		return s.insert(doc, false)
	}
	return s.exchangeDocument(old, doc)
}

// exchangeDocument writes doc, whose values offsets tell, in the place of old.
func (s *session) exchangeDocument(old, doc []byte) error {
	if s.indexedBefore(shared(old, doc), doc) {
		return s.docs.Put(s.key, doc)
	}
	before, err := s.examine(old)
	if err != nil {
		return err
	}
	if err := s.docs.Put(s.key, doc); err != nil {
		return err
	}
	return s.replace(old, before, doc, s.offsets, s.key)
}

// shared is how many bytes two documents begin with that are the same.
func shared(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// indexedBefore reports whether all that indexes hold of doc stands before a place in it. What
// is the same up to there has the same entries.
func (s *session) indexedBefore(end int, doc []byte) bool {
	for _, slots := range s.slots {
		for _, slot := range slots {
			at := s.offsets[slot]
			if at < 0 || at >= end {
				return false
			}
			if n, ok := query.Skip(doc[at:]); !ok || at+n > end {
				return false
			}
		}
	}
	return true
}

// concerns reports whether the identity or an index is made of what is in any of some members.
func (l *layout) concerns(members []string) bool {
	within := func(path query.Path) bool { return slices.Contains(members, path[0].Name) }
	return within(l.schema.Key) || slices.ContainsFunc(l.schema.Indexes, func(index query.Index) bool {
		return slices.ContainsFunc(index.Paths, within)
	})
}

// examine finds the values of a stored document.
func (s *session) examine(doc []byte) (offsets []int, err error) {
	if s.before == nil {
		s.before = s.extract.Offsets()
	}
	if err := s.extract.Extract(doc, query.MaxDepth, s.before); err != nil {
		return nil, fail(Corrupt, "read document", s.table.name, err)
	}
	return s.before, nil
}

// Get returns the document under a key, the key of its identity.
func (t *Table) Get(tx *Tx, key []byte) (doc []byte, found bool, err error) {
	docs, err := tx.database(t.name, false, 0)
	if err != nil {
		return nil, false, err
	}
	doc, found, err = docs.Get(key)
	return tx.env.handOut(doc), found, err
}

// GetMany calls emit for each of several keys with the document under it, nil
// where there is none, in order.
func (t *Table) GetMany(tx *Tx, keys [][]byte, emit func(doc []byte) error) error {
	docs, err := tx.database(t.name, false, 0)
	if err != nil {
		return err
	}
	ahead := newAhead(docs)
	for i, key := range keys {
		if err := ahead.before(i, docs.storedForms(keys)); err != nil {
			return err
		}
		doc, _, err := docs.Get(key)
		if err == nil {
			err = emit(tx.env.handOut(doc))
		}
		if err == nil {
			err = tx.Work(len(doc))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete removes the document under a key and reports whether there was one.
func (t *Table) Delete(tx *Tx, key []byte) (found bool, err error) {
	n, err := t.DeleteMany(tx, [][]byte{key})
	return n > 0, err
}

// DeleteMany removes the documents under several keys and returns how many there
// were.
func (t *Table) DeleteMany(tx *Tx, keys [][]byte) (n int64, err error) {
	if !tx.Writable() {
		return 0, fail(ReadOnly, "delete", t.name, nil)
	}
	s, err := t.open(tx)
	if err != nil {
		return 0, err
	}
	defer s.end()
	ahead := newAhead(s.docs)
	for i, key := range keys {
		if err := ahead.before(i, s.docs.storedForms(keys)); err != nil {
			return 0, err
		}
		found, err := s.delete(key)
		if err != nil {
			return 0, err
		}
		if found {
			n++
		}
	}
	_, err = s.settle()
	return n, err
}

func (s *session) delete(key []byte) (found bool, err error) {
	old, found, err := s.docs.Get(key)
	if err != nil || !found {
		return false, err
	}
	before, err := s.examine(old)
	if err != nil {
		return false, err
	}
	if err := s.docs.Clear(key); err != nil {
		return false, err
	}
	if err := s.replace(old, before, nil, nil, key); err != nil {
		return false, err
	}
	return true, s.tx.Work(len(old))
}

// Update changes the document under a key and reports whether there is one. A change
// is a patch, a raw MessagePack map: its fields take the place of those of the
// same name, as they are, and undefined removes a field. Or it is a list of operations:
// see op.Append.
//
// Errors: InvalidDocument for a patch that is no map, an operation that does not fit
// the document, and where the identity would change; InvalidArgument and InvalidPath
// for what is no operation; DuplicateKey, TooDeep, TooLarge, ReadOnly.
func (t *Table) Update(tx *Tx, key, change []byte) (found bool, err error) {
	if !tx.Writable() {
		return false, fail(ReadOnly, "update", t.name, nil)
	}
	s, err := t.open(tx)
	if err != nil {
		return false, err
	}
	alter, err := readChange(change)
	if err != nil {
		return false, t.failed("update", err)
	}
	found, err = s.update(key, alter)
	if err == nil && found {
		_, err = s.settle()
	}
	s.end()
	return found && err == nil, t.failed("update", err)
}

func (s *session) update(key []byte, alter alteration) (found bool, err error) {
	old, found, err := s.docs.Get(key)
	if err != nil || !found {
		return false, err
	}
	doc, err := alter(s, old)
	if err != nil {
		return false, err
	}
	if err := s.extract.Extract(doc, query.MaxDepth, s.offsets); err != nil {
		return false, err
	}
	s.key = s.key[:0]
	if at := s.offsets[s.identity]; at >= 0 {
		if s.key, _, err = query.AppendKeyRaw(s.key, doc[at:]); err != nil {
			return false, err
		}
	}
	if !bytes.Equal(s.key, key) {
		return false, fail(InvalidDocument, "update: the identity cannot change", s.table.name, nil)
	}
	if err := s.exchangeDocument(old, doc); err != nil {
		return false, err
	}
	return true, s.tx.Work(len(doc))
}
