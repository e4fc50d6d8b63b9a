package query

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"
)

// list is the operand of in, any and all: values in the order of their keys, and apart from
// them those that have no order.
type list struct {
	sorted    []operand
	unordered []operand
}

// list reads an array of operands.
func (p *parser) list() (l list, err error) {
	count, ok := p.array()
	if !ok {
		return list{}, fail(codeInvalidQuery, "a list of values is an array")
	}
	var values []operand
	var keys [][]byte // of values, each with its place among them behind it
	for range count {
		o, err := p.operand()
		if err != nil {
			return list{}, err
		}
		key, keyable, err := AppendKeyRaw(nil, o.raw)
		switch {
		case err != nil:
			return list{}, err
		case keyable:
			keys = append(keys, binary.BigEndian.AppendUint32(key, uint32(len(values))))
			values = append(values, o)
		default:
			l.unordered = append(l.unordered, o)
		}
	}
	// Byte strings are sorted elsewhere too: sorting operands would be 4 kB more to download.
	slices.SortFunc(keys, bytes.Compare)
	for _, key := range keys {
		l.sorted = append(l.sorted, values[binary.BigEndian.Uint32(key[len(key)-4:])])
	}
	return l, nil
}

// len is the number of values.
func (l *list) len() int { return len(l.sorted) + len(l.unordered) }

// at is one of the values.
func (l *list) at(i int) *value {
	if i < len(l.sorted) {
		return &l.sorted[i].value
	}
	return &l.unordered[i-len(l.sorted)].value
}

// has reports whether v is one of the values.
func (l *list) has(v *value) bool {
	i := sort.Search(len(l.sorted), func(i int) bool { return compareKeyable(&l.sorted[i].value, v) >= 0 })
	if i < len(l.sorted) && equal(&l.sorted[i].value, v) {
		return true
	}
	for i := range l.unordered {
		if equal(&l.unordered[i].value, v) {
			return true
		}
	}
	return false
}
