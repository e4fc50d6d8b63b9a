package store

import (
	"bytes"
	"slices"

	"github.com/stowage-db/stowage/query"
)

// entries are a document's keys in an index. Each is
//
//	components of the values at the index's paths, then that of the identity
//
// and has an empty value. A document has exactly one entry in an index; a value
// that is missing or has no order has a component that says so. In a multi-entry
// index it has one for each distinct element of the list at the path, none where
// there is no list, and one under other for a string, whose substrings are asked
// for by the same operator as the elements of a list.
type entries struct {
	room []byte   // the keys, one after the other
	ends []int    // of each in room
	keys [][]byte // parts of room, ascending and distinct
}

func (e *entries) reset() {
	e.room, e.ends, e.keys = e.room[:0], e.ends[:0], e.keys[:0]
}

// fill makes the entries of a document in index i. offsets tell where doc has
// its values.
func (s *session) fill(e *entries, i int, doc []byte, offsets []int, key []byte) error {
	e.reset()
	if s.schema.Indexes[i].Multi {
		return s.fillMulti(e, offsets[s.slots[i][0]], doc, key)
	}
	for _, slot := range s.slots[i] {
		at := offsets[slot]
		if at < 0 {
			e.room = query.AppendKeyMissing(e.room)
			continue
		}
		var err error
		if e.room, _, err = query.AppendKeyRaw(e.room, doc[at:]); err != nil {
			return err
		}
	}
	e.room = append(e.room, key...)
	e.keys = append(e.keys, e.room)
	return nil
}

// fillMulti makes the entries for a list, at offset at in doc.
func (s *session) fillMulti(e *entries, at int, doc, key []byte) error {
	if at < 0 {
		return nil
	}
	var err error
	if e.room, e.ends, err = query.AppendElementKeys(e.room, e.ends, doc[at:], key); err != nil {
		return err
	}
	start := 0
	for _, end := range e.ends {
		e.keys = append(e.keys, e.room[start:end])
		start = end
	}
	slices.SortFunc(e.keys, bytes.Compare)
	e.keys = slices.CompactFunc(e.keys, bytes.Equal)
	return nil
}

// add puts a new document's entries into all indexes.
func (s *session) add(doc, key []byte) error {
	now := &s.entries[0]
	for i := range s.indexes {
		if err := s.fill(now, i, doc, s.offsets, key); err != nil {
			return err
		}
		for _, entry := range now.keys {
			if err := s.enter(i, entry, len(key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace brings all indexes from an old document to a new one of the same
// identity, either of which may be nil. It touches only the entries that differ.
func (s *session) replace(old []byte, oldOffsets []int, doc []byte, offsets []int, key []byte) error {
	now, before := &s.entries[0], &s.entries[1]
	for i := range s.indexes {
		now.reset()
		before.reset()
		if old != nil {
			if err := s.fill(before, i, old, oldOffsets, key); err != nil {
				return err
			}
		}
		if doc != nil {
			if err := s.fill(now, i, doc, offsets, key); err != nil {
				return err
			}
		}
		if err := s.exchange(i, before.keys, now.keys, len(key)); err != nil {
			return err
		}
	}
	return nil
}

// exchange takes out the entries that are only in before, then puts in those
// that are only in now. Both are ascending.
func (s *session) exchange(i int, before, now [][]byte, keyLength int) error {
	for _, entry := range before {
		if _, stays := slices.BinarySearchFunc(now, entry, bytes.Compare); stays {
			continue
		}
		if err := s.leave(i, entry, keyLength); err != nil {
			return err
		}
	}
	for _, entry := range now {
		if _, was := slices.BinarySearchFunc(before, entry, bytes.Compare); was {
			continue
		}
		if err := s.enter(i, entry, keyLength); err != nil {
			return err
		}
	}
	return nil
}

// enter puts one entry, whose identity has keyLength bytes, into index i.
func (s *session) enter(i int, entry []byte, keyLength int) error {
	if s.schema.Indexes[i].Unique {
		return s.claims[i].note(entry, len(entry)-keyLength, s.document, true)
	}
	return s.indexes[i].Put(entry, nil)
}

// leave takes one entry out of index i.
func (s *session) leave(i int, entry []byte, keyLength int) error {
	if s.schema.Indexes[i].Unique {
		return s.claims[i].note(entry, len(entry)-keyLength, s.document, false)
	}
	return s.indexes[i].Clear(entry)
}
