package query

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Identity is a text that filters share if they have the same structure, whatever
// order the parts of an and, an or and a list of values, and the fields of a map,
// were written in. It reports false where there is none: where functions have a
// say that have no identity themselves.
//
// So two filters of one identity match the same documents. That two filters that
// match the same have one identity is not promised. JavaScript has the same ones in
// js/src/identity.ts; both are held to the vectors in testdata/identities.json.
func (f *Filter) Identity() (identity string, ok bool) {
	if f == nil {
		return noopIdentity, true
	}
	b, ok := f.root.appendIdentity(nil)
	if !ok {
		return "", false
	}
	return string(b), true
}

// Hash is a number that filters share if they have the same identity, and hardly any
// others do: FNV-1a, of 64 bits. It reports false where there is no identity.
func (f *Filter) Hash() (hash uint64, ok bool) {
	identity, ok := f.Identity()
	return hashOf(identity), ok
}

// Hash is that of the query's identity, as Filter.Hash is.
func (q *Query) Hash() (hash uint64, ok bool) {
	identity, ok := q.Identity()
	return hashOf(identity), ok
}

func hashOf(identity string) uint64 {
	hash := uint64(0xcbf29ce484222325)
	for i := range len(identity) {
		hash = (hash ^ uint64(identity[i])) * 0x100000001b3
	}
	return hash
}

// Identity is a text that queries share if their filters do and all else about what
// they find is the same. It reports false where the filter has none.
func (q *Query) Identity() (identity string, ok bool) {
	identity, ok = q.Filter.Identity()
	if !ok {
		return "", false
	}
	b := appendCounted(nil, identity)
	for _, column := range q.Order {
		b = append(column.Path.appendIdentity(b), byte(boolInt(column.Desc)))
	}
	b = binary.AppendVarint(binary.AppendVarint(append(b, 0, byte(boolInt(q.Reverse))), q.Limit), q.Skip)
	for _, value := range q.After {
		b = append(b, value...)
	}
	return string(b), true
}

// noopIdentity is that of a filter that matches everything.
const noopIdentity = "noop(\x00"

// appendIdentity writes the node such that no two nodes' texts are the beginning of
// one another: every part tells its length or its end.
func (n *node) appendIdentity(dst []byte) (identity []byte, ok bool) {
	if n.isAnd() || n.isOr() {
		return n.appendJoined(dst)
	}
	dst = append(append(dst, n.op.name...), '(')
	switch n.op.takes {
	case takesNothing, takesFilter:
	default:
		dst = n.path.appendIdentity(dst)
	}
	switch n.op.takes {
	case takesValue, takesText:
		dst = n.operand.appendIdentity(dst)
	case takesRange, takesDivision:
		dst = n.high.appendIdentity(n.operand.appendIdentity(dst))
		dst = append(dst, byte(boolInt(n.open[0])), byte(boolInt(n.open[1])))
	case takesSize:
		dst = binary.AppendUvarint(dst, uint64(n.operand.count))
	case takesList:
		dst = appendSorted(dst, n.list.len(), func(dst []byte, i int) []byte { return appendValueIdentity(dst, n.list.at(i)) })
	case takesFields:
		dst = append(n.other.appendIdentity(dst), byte(n.accepts))
	case takesHost:
		if n.identity == "" {
			return dst, false
		}
		dst = appendCounted(dst, n.identity)
	}
	dst = binary.AppendUvarint(dst, uint64(len(n.filters)))
	ok = true
	for _, kid := range n.filters {
		if dst, ok = kid.appendIdentity(dst); !ok {
			break
		}
	}
	return dst, ok
}

// appendJoined writes an and or an or with its parts in order, each once, those of
// the same operator inside of it among them. One of a single part is that part.
func (n *node) appendJoined(dst []byte) (identity []byte, ok bool) {
	kids := flattenAs(n.op, nil, n)
	parts := make([][]byte, len(kids))
	for i, kid := range kids {
		if parts[i], ok = kid.appendIdentity(nil); !ok {
			return dst, false
		}
	}
	slices.SortFunc(parts, bytes.Compare)
	parts = slices.CompactFunc(parts, bytes.Equal)
	if len(parts) == 1 {
		return append(dst, parts[0]...), true
	}
	dst = append(append(dst, n.op.name...), '(')
	dst = binary.AppendUvarint(dst, uint64(len(parts)))
	for _, part := range parts {
		dst = append(dst, part...)
	}
	return dst, true
}

func (p Path) appendIdentity(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(p)))
	for _, segment := range p {
		dst = appendCounted(dst, segment.Name)
		if segment.Name == "" {
			dst = binary.AppendUvarint(dst, uint64(segment.Index))
		}
	}
	return dst
}

func appendCounted(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func (o *operand) appendIdentity(dst []byte) []byte { return appendValueIdentity(dst, &o.value) }

// appendValueIdentity writes a value such that equal ones are written alike: by its
// key, where it has one and is no list.
func appendValueIdentity(dst []byte, v *value) []byte {
	switch {
	case v.kind == kindArray:
		dst = binary.AppendUvarint(append(dst, byte(kindArray)), uint64(v.count))
		at := 0
		for range v.count {
			element, _ := decode(v.body, at)
			dst = appendValueIdentity(dst, &element)
			at = skip(v.body, at)
		}
		return dst
	case v.isMap:
		dst = append(dst, byte(kindOther), 'm')
		return appendSorted(dst, v.count, func(dst []byte, i int) []byte { return appendField(dst, v, i) })
	case v.rank() == kindNumber && v.kind == kindNumber, v.rank() == kindDate && v.kind == kindDate:
		return appendNumber(append(dst, byte(v.kind)), v.number)
	case v.kind == kindNumber || v.kind == kindDate:
		return append(dst, byte(kindOther), 'n') // NaN
	case v.kind == kindOther:
		return appendCounted(append(dst, byte(kindOther), 'x'), string(v.body))
	default:
		dst, _ = appendScalar(dst, *v)
		return dst
	}
}

// appendField writes field i of a map, its name and its value.
func appendField(dst []byte, v *value, i int) []byte {
	at := 0
	for range i {
		at = skip(v.body, skip(v.body, at))
	}
	name, _ := decode(v.body, at)
	field, _ := decode(v.body, skip(v.body, at))
	return appendValueIdentity(appendValueIdentity(dst, &name), &field)
}

// appendSorted writes parts in the order of how they are written, each once.
func appendSorted(dst []byte, count int, part func(dst []byte, i int) []byte) []byte {
	parts := make([][]byte, count)
	for i := range parts {
		parts[i] = part(nil, i)
	}
	slices.SortFunc(parts, bytes.Compare)
	parts = slices.CompactFunc(parts, bytes.Equal)
	dst = binary.AppendUvarint(dst, uint64(len(parts)))
	for _, part := range parts {
		dst = append(dst, part...)
	}
	return dst
}
