package store

import "github.com/stowage-db/stowage/query"

// DeleteWhere removes the documents that Find would deliver and returns how many.
func (t *Table) DeleteWhere(tx *Tx, q *query.Query) (int64, error) {
	return t.change(tx, "delete", q, func(s *session, key []byte) error {
		_, err := s.delete(key)
		return err
	})
}

// UpdateWhere changes the documents that Find would deliver as Update does, and
// returns how many.
func (t *Table) UpdateWhere(tx *Tx, q *query.Query, patch []byte) (int64, error) {
	if err := query.Validate(patch, query.MaxDepth); err != nil {
		return 0, t.failed("update", err)
	}
	return t.change(tx, "update", q, func(s *session, key []byte) error {
		_, err := s.update(key, patch)
		return err
	})
}

// change finds first and writes then: what it writes must not be found again.
func (t *Table) change(tx *Tx, op string, q *query.Query, one func(s *session, key []byte) error) (int64, error) {
	if !tx.Writable() {
		return 0, fail(ReadOnly, op, t.name, nil)
	}
	search, err := t.begin(tx, q, false)
	if err != nil {
		return 0, err
	}
	var room []byte
	var ends []int
	err = search.each(func(key, _ []byte) error {
		room = append(room, key...)
		ends = append(ends, len(room))
		return nil
	})
	search.close()
	if err != nil {
		return 0, err
	}
	s, err := t.open(tx)
	if err != nil {
		return 0, err
	}
	start := 0
	for i, end := range ends {
		s.document = i
		if err := one(s, room[start:end]); err != nil {
			return 0, s.failedAt(op, i, len(ends), err)
		}
		start = end
	}
	if i, err := s.settle(); err != nil {
		return 0, s.failedAt(op, i, len(ends), err)
	}
	return int64(len(ends)), nil
}
