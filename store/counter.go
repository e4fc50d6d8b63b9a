package store

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// counter is the greatest integer identity that a table ever used. It is kept in
// the database "<table> 0x00", under the key 0x00, as a MessagePack integer. What is
// deleted counts as well: an identity is never given out twice.
type counter struct {
	db       *DB // nil until the counter is read
	greatest int64
	changed  bool
}

var counterKey = []byte{0}

// counterName is that of the counter's database in the catalogue.
func (t *Table) counterName() string { return t.name + "\x00" }

// loadCounter reads the counter. A table that has not counted yet begins at its
// greatest number.
func (s *session) loadCounter() error {
	c := &s.counter
	if c.db != nil {
		return nil
	}
	db, err := s.tx.inner(s.table.counterName())
	if err != nil {
		return err
	}
	stored, found, err := db.Get(counterKey)
	if err != nil {
		return err
	}
	if !found {
		c.greatest, err = s.greatestNumber()
	} else if c.greatest, _, err = msgp.ReadInt64Bytes(stored); err != nil {
		err = fail(Corrupt, "read counter", s.table.name, err)
	}
	if err == nil {
		c.db = db
	}
	return err
}

// greatestNumber finds the last identity that is a number; 0 if it is negative.
func (s *session) greatestNumber() (int64, error) {
	c := s.docs.Cursor(query.Numbers())
	defer c.Close()
	if !c.Last() {
		return 0, c.Err()
	}
	id, _, err := query.DecodeKey(nil, c.Key())
	if err != nil {
		return 0, fail(Corrupt, "read identity", s.table.name, err)
	}
	greatest, _ := query.Floor(id)
	return greatest, nil
}

// saveCounter writes the counter if this session has moved it.
func (s *session) saveCounter() error {
	if !s.counter.changed {
		return nil
	}
	return s.counter.db.Put(counterKey, msgp.AppendInt64(nil, s.counter.greatest))
}

// passNumber takes note of an identity that was given.
func (s *session) passNumber(id []byte) error {
	n, ok := query.Floor(id)
	if !ok {
		return nil
	}
	if err := s.loadCounter(); err != nil {
		return err
	}
	if n > s.counter.greatest {
		s.counter.greatest, s.counter.changed = n, true
	}
	return nil
}

// nextNumber is the next integer that is given out.
func (s *session) nextNumber() (int64, error) {
	if err := s.loadCounter(); err != nil {
		return 0, err
	}
	if s.counter.greatest >= query.MaxInteger {
		return 0, fail(InvalidKey, "identity: no integer is left", s.table.name, nil)
	}
	return s.counter.greatest + 1, nil
}

// number returns doc with the next integer as its identity, and s.offsets as
// they are there.
func (s *session) number(doc []byte) ([]byte, error) {
	next, err := s.nextNumber()
	if err != nil {
		return nil, err
	}
	s.counter.greatest = next
	s.counter.changed = true
	var id [9]byte
	return s.give(doc, msgp.AppendInt64(id[:0], s.counter.greatest))
}
