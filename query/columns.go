package query

import (
	"encoding/binary"
	"slices"
)

// Columns finds what a Finder does in many documents at once. One member after the other is
// looked for in all of them, where one document had it that was learned; those that differ
// are left to a Finder. It serves one scan at a time.
type Columns struct {
	odd     *Finder // for documents that are not as the one that was learned
	learned bool    // the members are those of such a one, and all else is missing in offsets
	head    uint32  // what it begins with, its own bytes of the first four
	mask    uint32  // which these are
	body    int     // where its first member stands
	members []columnMember
	offsets [][]int // by slot and document
	at      []int   // where the next member stands in each document
}

// columnMember is a member of the document that was learned.
type columnMember struct {
	member
	tail   uint64 // the last eight bytes of a longer name
	starts []int  // the offsets of its slot, nil where it is not looked for
}

// NewColumns begins a scan for the paths of an extractor.
func NewColumns(x *Extractor) *Columns {
	return &Columns{odd: x.Finder(), offsets: make([][]int, x.size)}
}

// Find returns, of each slot, where in each document its value begins, negative where there
// is none, until it is called again.
func (c *Columns) Find(docs [][]byte) (offsets [][]int, err error) {
	if len(docs) > len(c.at) {
		c.at = make([]int, len(docs))
		for slot := range c.offsets {
			c.offsets[slot] = make([]int, len(docs))
		}
		c.learned = false
	}
	if len(docs) == 1 { // which is not worth learning
		c.at[0] = missing
		return c.offsets, c.others(docs)
	}
	if !c.learned {
		if err := c.learn(docs[0]); err != nil {
			return nil, err
		}
	}
	for i, doc := range docs {
		if c.at[i] = c.body; !c.learned || len(doc) < 8 || binary.LittleEndian.Uint32(doc)&c.mask != c.head {
			c.at[i] = missing
		}
	}
	for i := range c.members {
		c.members[i].pass(docs, c.at)
	}
	return c.offsets, c.others(docs)
}

// learn remembers the members of a document up to the last one that is looked for, all where
// there is none of something. One of very many members, or that is looked into, is like no other.
func (c *Columns) learn(doc []byte) error {
	c.odd.members = c.odd.members[:0]
	if _, err := c.odd.Find(doc); err != nil {
		return err
	}
	_, c.body = mapHead(doc, 0)
	if c.learned = len(doc) >= 8 && c.body < 4 && len(c.odd.members) < maxMembers; !c.learned {
		return nil
	}
	c.mask = ^uint32(0) >> (32 - 8*c.body)
	c.head = binary.LittleEndian.Uint32(doc) & c.mask
	for _, starts := range c.offsets {
		for i := range starts {
			starts[i] = missing
		}
	}
	c.members = c.members[:0]
	for _, m := range c.odd.members {
		own := columnMember{member: m}
		if m.rest != "" {
			name := append(binary.LittleEndian.AppendUint64(nil, m.head), m.rest...)
			own.tail = binary.LittleEndian.Uint64(name[len(name)-8:])
		}
		if m.to != nil && !c.looksFor(m.to) { // of equal names the first counts
			own.starts = c.offsets[m.to.slot]
			c.learned = c.learned && len(m.to.limbs) == 0
		}
		c.members = append(c.members, own)
	}
	return nil
}

// looksFor reports whether a member so far is what leads to a branch.
func (c *Columns) looksFor(to *branch) bool {
	return slices.ContainsFunc(c.members, func(m columnMember) bool { return m.to == to })
}

// pass goes over the member in documents, each of which stands before it: at is where, and
// becomes missing where it has another one.
func (m *columnMember) pass(docs [][]byte, at []int) {
	head, mask, size, tail, starts := m.head, m.mask, m.size, m.tail, m.starts
	for i, doc := range docs {
		from := at[i]
		if from < 0 {
			continue
		}
		start, name := from+size, uint64(0)
		if from+8 <= len(doc) {
			name = binary.LittleEndian.Uint64(doc[from:])
		} else if from < len(doc) {
			name = binary.LittleEndian.Uint64(doc[len(doc)-8:]) >> (8 * (from + 8 - len(doc)))
		}
		if name&mask != head || start >= len(doc) || size > 8 && (binary.LittleEndian.Uint64(doc[start-8:]) != tail || size > 16 && string(doc[from+8:start]) != m.rest) {
			at[i] = missing
			continue
		}
		if starts != nil {
			starts[i] = start
		}
		if shape := int(shapes[doc[start]]); 0 < shape && shape < 0x100 {
			at[i] = start + shape
		} else if doc[start] == 0xd9 && start+1 < len(doc) { // a text of up to 255 bytes
			at[i] = start + 2 + int(doc[start+1])
		} else {
			at[i] = skip(doc, start)
		}
	}
}

// others finds all in those documents that are not as the one that was learned. The next
// first document is learned where there are any.
func (c *Columns) others(docs [][]byte) error {
	odd := 0
	for i, doc := range docs {
		if c.at[i] >= 0 {
			continue
		}
		odd++
		found, err := c.odd.Find(doc)
		if err != nil {
			c.learned = false
			return err
		}
		for slot, at := range found {
			c.offsets[slot][i] = at
		}
	}
	c.learned = odd == 0
	return nil
}
