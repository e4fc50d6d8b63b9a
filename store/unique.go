package store

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/stowage-db/stowage/query"
)

// claims are the changes that one call makes to a unique index. They wait for
// the end of the call: then they are looked up in ascending order, which is
// cheap, and two documents of one batch may exchange their values.
type claims struct {
	room []byte // the entries, one after the other
	list []claim
}

// claim is an entry that a document takes or gives up.
type claim struct {
	start, end int  // of the entry in room
	values     int  // how much of it are the values, before the identity
	document   int  // which of the call's documents it belongs to
	taken      bool // or else given up
}

func (c *claims) note(entry []byte, values, document int, taken bool) error {
	if err := validKey(entry); err != nil {
		return err
	}
	start := len(c.room)
	c.room = append(c.room, entry...)
	c.list = append(c.list, claim{start, len(c.room), values, document, taken})
	return nil
}

func (c *claims) entry(x claim) []byte { return c.room[x.start:x.end] }

// values are what no other document may have; nil where that is allowed.
func (c *claims) values(x claim) []byte {
	if values := c.room[x.start : x.start+x.values]; query.Distinguishes(values) {
		return values
	}
	return nil
}

// order sorts the claims by entry and leaves of each entry the last one. No entry begins
// another, so that the numbers behind them decide between equal ones alone.
func (c *claims) order(work func(int) error) error {
	order := sorter{bound: -1}
	var key []byte
	for i, x := range c.list {
		key = binary.BigEndian.AppendUint32(append(key[:0], c.entry(x)...), uint32(i))
		order.add(key, 0, nil)
	}
	sorted, err := order.sort(work)
	list := make([]claim, 0, len(c.list))
	for _, s := range sorted {
		x := c.list[binary.BigEndian.Uint32(s.bytes[s.key-4:])]
		if n := len(list); n > 0 && bytes.Equal(c.entry(list[n-1]), c.entry(x)) {
			list = list[:n-1]
		}
		list = append(list, x)
	}
	c.list = list
	return err
}

// settle carries the claims out. It fails with DuplicateKey, and tells which
// document it was, where values are taken that another document has.
func (s *session) settle() (document int, err error) {
	for i := range s.claims {
		if len(s.claims[i].list) == 0 {
			continue
		}
		if document, err = s.settleIndex(i, &s.claims[i]); err != nil {
			return document, err
		}
	}
	return 0, nil
}

func (s *session) settleIndex(i int, c *claims) (document int, err error) {
	if err := c.order(s.tx.Work); err != nil {
		return 0, err
	}
	for _, x := range c.list {
		if !x.taken {
			if err := s.indexes[i].Clear(c.entry(x)); err != nil {
				return 0, err
			}
		}
	}
	c.list = slices.DeleteFunc(c.list, func(x claim) bool { return !x.taken })
	if document, err = s.probe(i, c); err != nil {
		return document, err
	}
	for _, x := range c.list {
		if err := s.indexes[i].Put(c.entry(x), nil); err != nil {
			return x.document, err
		}
		if err := s.tx.Work(entryWork); err != nil {
			return 0, err
		}
	}
	c.room, c.list = c.room[:0], c.list[:0]
	return 0, nil
}

// probe looks for every claim whether its values are taken: by the claim before
// it, or by what the index holds. A cursor goes along with the claims, and only
// moves when it has fallen behind.
func (s *session) probe(i int, c *claims) (document int, err error) {
	cursor := s.indexes[i].Cursor(KeyRange{})
	defer cursor.Close()
	taken := fail(DuplicateKey, "unique index", s.table.name+"."+s.schema.Indexes[i].Name, nil)
	var before []byte
	begun, ahead := false, false // the cursor has moved; it stands on an entry
	for _, x := range c.list {
		values := c.values(x)
		if values == nil {
			continue
		}
		if bytes.Equal(values, before) {
			return x.document, taken
		}
		before = values
		if !begun || ahead && bytes.Compare(cursor.Key(), values) < 0 {
			ahead, begun = cursor.Seek(values), true
		}
		if ahead && query.BeginsWith(cursor.Key(), values) && !bytes.Equal(cursor.Key(), c.entry(x)) {
			return x.document, taken
		}
		if err := cursor.Err(); err != nil {
			return 0, err
		}
		if err := s.tx.Work(entryWork); err != nil {
			return 0, err
		}
	}
	return 0, nil
}
