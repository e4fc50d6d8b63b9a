package store

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// Identities are those of the documents that a call has met, in its order.
type Identities struct {
	room []byte // their keys, one after the other
	ends []int
}

// Len is how many there are.
func (ids *Identities) Len() int { return len(ids.ends) }

// Key is the key of one of them.
func (ids *Identities) Key(i int) []byte {
	start := 0
	if i > 0 {
		start = ids.ends[i-1]
	}
	return ids.room[start:ids.ends[i]]
}

// Append appends them as an array in MessagePack.
func (ids *Identities) Append(dst []byte) ([]byte, error) {
	dst = msgp.AppendArrayHeader(dst, uint32(ids.Len()))
	for i := range ids.ends {
		var err error
		if dst, _, err = query.DecodeKey(dst, ids.Key(i)); err != nil {
			return nil, fail(Corrupt, "read identity", "", err)
		}
	}
	return dst, nil
}

// Add adds the key of one more, of which it keeps a copy.
func (ids *Identities) Add(key []byte) {
	ids.room = append(ids.room, key...)
	ids.ends = append(ids.ends, len(ids.room))
}

// DeleteWhere removes the documents that Find would deliver and returns which they were.
func (t *Table) DeleteWhere(tx *Tx, q *query.Query) (Identities, error) {
	return t.change(tx, "delete", q, func(s *session, key []byte) error {
		_, err := s.delete(key)
		return err
	})
}

// UpdateWhere changes the documents that Find would deliver as Update does, and
// returns which they were.
func (t *Table) UpdateWhere(tx *Tx, q *query.Query, change []byte) (Identities, error) {
	alter, err := readChange(change)
	if err != nil {
		return Identities{}, t.failed("update", err)
	}
	return t.alter(tx, q, alter)
}

// UpdateFunc puts what f makes of them in the place of the documents that Find would
// deliver, and returns which they were. f gets raw MessagePack as Find hands it out, and
// may run more than once for a document, in transactions begun anew. Its error is
// returned as it is.
func (t *Table) UpdateFunc(tx *Tx, q *query.Query, f func(doc []byte) ([]byte, error)) (Identities, error) {
	return t.alter(tx, q, func(_ *session, doc []byte) ([]byte, error) {
		made, err := f(tx.env.handOut(doc))
		return tx.env.takeIn(made), err
	})
}

func (t *Table) alter(tx *Tx, q *query.Query, alter alteration) (Identities, error) {
	return t.change(tx, "update", q, func(s *session, key []byte) error {
		_, err := s.update(key, alter)
		return err
	})
}

// change finds first and writes then: what it writes must not be found again.
func (t *Table) change(tx *Tx, op string, q *query.Query, one func(s *session, key []byte) error) (met Identities, err error) {
	if !tx.Writable() {
		return met, fail(ReadOnly, op, t.name, nil)
	}
	search, err := t.begin(tx, q, false)
	if err != nil {
		return met, err
	}
	err = search.each(func(key, _ []byte) error {
		met.Add(key)
		return nil
	})
	search.close()
	if err != nil {
		return Identities{}, err
	}
	s, err := t.open(tx)
	if err != nil {
		return Identities{}, err
	}
	for i := range met.ends {
		s.document = i
		if err := one(s, met.Key(i)); err != nil {
			return Identities{}, s.failedAt(op, i, met.Len(), err)
		}
	}
	if i, err := s.settle(); err != nil {
		return Identities{}, s.failedAt(op, i, met.Len(), err)
	}
	return met, nil
}
