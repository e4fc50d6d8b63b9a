package store

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql"
)

// What statements write goes into a table document by document, each of which is held against
// the identity and the unique indexes before anything of it is written: a statement may have
// something else in mind for what cannot be stored than to fail.

// Next implements sql.Source.
func (s *statement) Next(t *sql.Table) (int64, error) {
	on, err := s.session(t)
	if err != nil {
		return 0, err
	}
	return on.nextNumber()
}

// Insert implements sql.Source.
func (s *statement) Insert(t *sql.Table, doc []byte) (stored []byte, taken *sql.Conflict, err error) {
	on, err := s.session(t)
	if err != nil {
		return nil, nil, err
	}
	counted := on.counter
	doc, _, fresh, err := on.identify(doc)
	if err != nil {
		return nil, nil, on.failedAt("insert", 0, 1, err)
	}
	if !fresh {
		taken, err = on.occupied()
	}
	if taken == nil && err == nil {
		taken, err = on.rival(doc, nil)
	}
	if taken != nil || err != nil {
		on.counter = counted // no identity was given out
		return nil, taken, err
	}
	if err := on.insert(doc, false); err != nil {
		return nil, nil, on.failedAt("insert", 0, 1, err)
	}
	if err := s.settle(on, len(doc)); err != nil {
		return nil, nil, err
	}
	return doc, nil, s.wrote(on, nil, doc)
}

// Replace implements sql.Source.
func (s *statement) Replace(t *sql.Table, key, old, doc []byte, members []string) (stored []byte, taken *sql.Conflict, err error) {
	on, err := s.session(t)
	if err != nil {
		return nil, nil, err
	}
	if old == nil {
		var found bool
		if old, found, err = on.docs.Get(key); err != nil {
			return nil, nil, err
		}
		if !found {
			return nil, nil, fail(NotFound, "update", t.Name, nil)
		}
	}
	stays := members != nil && !on.concerns(members)
	if stays {
		on.key = append(on.key[:0], key...)
		err = on.docs.Put(on.key, doc)
	} else {
		doc, stays, taken, err = on.succeed(key, old, doc)
	}
	if err != nil {
		err = on.failedAt("update", 0, 1, err)
	}
	if taken != nil || err != nil {
		return nil, taken, err
	}
	if err := s.settle(on, len(doc)); err != nil {
		return nil, nil, err
	}
	if stays {
		return doc, nil, s.wrote(on, old, doc)
	}
	if err = s.wrote(on, old, nil); err == nil {
		err = s.wrote(on, nil, doc)
	}
	return doc, nil, err
}

// succeed puts a document in the place of another one, whose key it has unless its identity is
// another one: then it does not stay there.
func (s *session) succeed(key, old, doc []byte) (stored []byte, stays bool, taken *sql.Conflict, err error) {
	if doc, _, _, err = s.identify(doc); err != nil {
		return nil, false, nil, err
	}
	if stays = bytes.Equal(s.key, key); !stays {
		taken, err = s.occupied()
	}
	if taken == nil && err == nil {
		taken, err = s.rival(doc, key)
	}
	switch {
	case taken != nil || err != nil:
	case stays:
		err = s.exchangeDocument(old, doc)
	default:
		err = s.move(key, doc)
	}
	return doc, stays, taken, err
}

// move puts a document that was identified where its identity belongs, and takes away the
// one of the identity that it had.
func (s *session) move(from, doc []byte) error {
	if _, err := s.delete(from); err != nil {
		return err
	}
	return s.insert(doc, false)
}

// Delete implements sql.Source.
func (s *statement) Delete(t *sql.Table, key []byte) error {
	on, err := s.session(t)
	if err != nil {
		return err
	}
	var old []byte
	if s.how.Wrote != nil {
		if old, _, err = on.docs.Get(key); err != nil {
			return err
		}
	}
	found, err := on.delete(key)
	if err == nil {
		err = s.settle(on, 0)
	}
	if err != nil || !found {
		return err
	}
	return s.wrote(on, old, nil)
}

// settle ends the writing of one document.
func (s *statement) settle(on *session, size int) error {
	if _, err := on.settle(); err != nil {
		return err
	}
	return s.tx.Work(size)
}

// occupied tells whether there is a document of the identity that was made out last.
func (s *session) occupied() (*sql.Conflict, error) {
	_, found, err := s.docs.Get(s.key)
	if err != nil || !found {
		return nil, err
	}
	return &sql.Conflict{Index: -1, Key: bytes.Clone(s.key)}, nil
}

// rival finds a document, other than that of the identity own, which has what a unique index
// allows only one to have.
func (s *session) rival(doc, own []byte) (*sql.Conflict, error) {
	e := &s.entries[0]
	for i, index := range s.schema.Indexes {
		if !index.Unique {
			continue
		}
		if err := s.fill(e, i, doc, s.offsets, s.key); err != nil {
			return nil, err
		}
		for _, entry := range e.keys {
			values := entry[:len(entry)-len(s.key)]
			if !query.Distinguishes(values) {
				continue
			}
			holder, err := s.holder(i, values)
			if err != nil {
				return nil, err
			}
			if holder != nil && !bytes.Equal(holder, own) {
				return &sql.Conflict{Index: i, Key: holder}, nil
			}
		}
	}
	return nil, nil
}

// holder returns the identity under which an index holds values; nil where it does not.
func (s *session) holder(index int, values []byte) ([]byte, error) {
	c := s.indexes[index].Cursor(query.PrefixRange(values))
	defer c.Close()
	if !c.First() {
		return nil, c.Err()
	}
	return bytes.Clone(c.Key()[len(values):]), nil
}
