package query

import (
	"bytes"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// Tally makes the rows of an aggregate from documents that come one by one. What it
// holds grows with the number of groups, not of documents.
type Tally struct {
	aggregate *Aggregate
	groups    map[string]*group
	size      int    // bytes that the groups are taken to hold
	key       []byte // scratch
}

// mostTally is how many bytes a tally may hold. groupSize and cellSize are what a
// group and each of its columns count as, beside the bytes that they point to.
const (
	mostTally = 32 << 20
	groupSize = 128
	cellSize  = 112
)

// group is what is known of the documents of one group.
type group struct {
	key    []byte // the components of its values
	values []byte // as the row has them
	cells  []cell // one for each column
}

// NewTally begins the rows of an aggregate.
func NewTally(a *Aggregate) *Tally {
	t := &Tally{aggregate: a, groups: make(map[string]*group)}
	if len(a.Group) == 0 {
		t.begin(a, nil) // the row that there is without any document
	}
	return t
}

// Ranked reports whether the documents' order matters to the rows.
func (t *Tally) Ranked() bool {
	return slices.ContainsFunc(t.aggregate.Columns, func(c Column) bool { return c.function.ranked })
}

// Add takes a document in, of which nothing is kept. Of two documents the one of
// the lower rank comes first in the order of the query; where order does not matter
// rank may be nil. Add fails with too_large where there are more groups than can be
// held, and with invalid_document.
func (t *Tally) Add(doc, rank []byte) error { return t.add(t.aggregate, doc, rank) }

// AddEntry is Add of an entry, as AppendEntry writes it, in the place of its document.
// Rows is what the plan says of that: the same aggregate of entries.
func (t *Tally) AddEntry(rows *Aggregate, list []byte) error { return t.add(rows, list, nil) }

func (t *Tally) add(a *Aggregate, doc, rank []byte) error {
	g, err := t.group(a, doc)
	if err != nil {
		return err
	}
	for i := range a.Columns {
		at := a.Columns[i].path.find(doc, 0)
		if at == damaged {
			return errDamaged
		}
		t.size -= g.cells[i].size()
		a.Columns[i].function.add(t, &g.cells[i], place{doc, at}, rank)
		t.size += g.cells[i].size()
	}
	if t.size > mostTally {
		return fail(codeTooLarge, "the groups are more than can be held")
	}
	return nil
}

// Enough reports whether the only column has a value: see Plan.Enough.
func (t *Tally) Enough() bool {
	for _, g := range t.groups {
		return g.cells[0].count > 0
	}
	return false
}

// place is where a document has a value: at is missing where it has none.
type place struct {
	doc []byte
	at  int
}

// group returns the group of a document, a new one for the first of it.
func (t *Tally) group(a *Aggregate, doc []byte) (*group, error) {
	t.key = t.key[:0]
	for _, path := range a.Group {
		at := path.find(doc, 0)
		if at == damaged {
			return nil, errDamaged
		}
		t.key = appendGroupKey(t.key, place{doc, at})
	}
	if g := t.groups[string(t.key)]; g != nil {
		return g, nil
	}
	return t.begin(a, doc), nil
}

// begin makes the group of t.key, to which doc belongs.
func (t *Tally) begin(a *Aggregate, doc []byte) *group {
	g := &group{key: bytes.Clone(t.key), cells: make([]cell, len(a.Columns))}
	for _, path := range a.Group {
		g.values = appendPlain(g.values, place{doc, path.find(doc, 0)})
	}
	t.groups[string(g.key)] = g
	t.size += groupSize + 2*len(g.key) + len(g.values) + cellSize*len(g.cells)
	return g
}

// appendGroupKey appends what documents of one group have alike: the component of
// the value, and what tells values apart that share the component other.
func appendGroupKey(dst []byte, p place) []byte {
	if p.at == missing {
		return AppendKeyMissing(dst)
	}
	dst, keyable, _ := appendKey(dst, p.doc, p.at)
	if !keyable {
		v, _ := decode(p.doc, p.at)
		dst = appendValueIdentity(dst, &v)
	}
	return dst
}

// appendPlain appends a value as its key gives it back; where it has none, as it is.
func appendPlain(dst []byte, p place) []byte {
	if p.at == missing {
		return append(dst, undefined...)
	}
	if key, keyable, _ := appendKey(nil, p.doc, p.at); keyable {
		if plain, ok := decodeComponent(dst, key); ok {
			return plain
		}
	}
	return append(dst, raw(p.doc, p.at)...)
}

// undefined is how MessagePack has a value that is not there.
var undefined = []byte{0xd4, extensionUndefined, 0}

// Rows calls emit for each row, in order. A row is valid until emit returns.
func (t *Tally) Rows(emit func(row []byte) error) error {
	keys := make([][]byte, 0, len(t.groups))
	for _, g := range t.groups {
		keys = append(keys, g.key)
	}
	slices.SortFunc(keys, bytes.Compare)
	var row []byte
	for _, key := range keys {
		g := t.groups[string(key)]
		row = msgp.AppendArrayHeader(row[:0], uint32(len(t.aggregate.Group)+len(g.cells)))
		row = append(row, g.values...)
		for i := range g.cells {
			row = t.aggregate.Columns[i].function.append(row, &g.cells[i])
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}
