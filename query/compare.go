package query

import "bytes"

// Equal reports whether the MessagePack values at the front of a and b are the
// same, as eq in a filter means it.
func Equal(a, b []byte) bool {
	x, ok1 := decode(a, 0)
	y, ok2 := decode(b, 0)
	return ok1 && ok2 && equal(&x, &y)
}

// equal reports whether a and b are the same value at every depth: numbers by
// what they count, maps in any order of their fields. NaN equals nothing. It
// recurses no deeper than the shallower of the two.
func equal(a, b *value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindNumber, kindDate:
		order, ok := compareNumbers(a.number, b.number)
		return ok && order == 0
	case kindString, kindBytes:
		return bytes.Equal(a.body, b.body)
	case kindArray:
		return a.count == b.count && equalElements(a, b)
	case kindOther:
		if a.isMap && b.isMap {
			return a.count == b.count && equalFields(a, b)
		}
		return !a.isMap && !b.isMap && bytes.Equal(a.body, b.body)
	default:
		return true
	}
}

// The functions that recurse declare their values outside of loops: inside, the
// compiler would move them to the heap.

func equalElements(a, b *value) bool {
	var x, y value
	i, j := 0, 0
	for range a.count {
		if !x.read(a.body, i) || !y.read(b.body, j) || !equal(&x, &y) {
			return false
		}
		if i, j = skip(a.body, i), skip(b.body, j); i < 0 || j < 0 {
			return false
		}
	}
	return true
}

// equalFields looks for every field of a in b, each behind the one found
// before: maps of the same shape are compared in one pass.
func equalFields(a, b *value) bool {
	var name, x, y value
	i, from := 0, fieldCursor{}
	for range a.count {
		if !name.read(a.body, i) {
			return false
		}
		if i = skip(a.body, i); i < 0 || !x.read(a.body, i) {
			return false
		}
		if i = skip(a.body, i); i < 0 || !from.seek(b, &name, &y) || !equal(&x, &y) {
			return false
		}
	}
	return true
}

// fieldCursor goes round the fields of a map.
type fieldCursor struct {
	at    int // offset of the next field's name in the map's body
	index int // of the next field
}

// seek reads the value of the next field of that name, trying each field once.
func (c *fieldCursor) seek(in, name, v *value) bool {
	var key value
	for range in.count {
		if c.index == in.count {
			c.at, c.index = 0, 0
		}
		if !key.read(in.body, c.at) {
			return false
		}
		at := skip(in.body, c.at)
		if at < 0 {
			return false
		}
		if c.at = skip(in.body, at); c.at < 0 {
			return false
		}
		c.index++
		if equal(&key, name) {
			return v.read(in.body, at)
		}
	}
	return false
}

// compareScalars orders values of one class: numbers, dates, strings, bytes or
// booleans. Across classes, and for all else, it reports false.
func compareScalars(a, b *value) (order int, ok bool) {
	switch a.kind {
	case kindNumber, kindDate:
		if a.kind != b.kind {
			return 0, false
		}
		return compareNumbers(a.number, b.number)
	case kindString, kindBytes:
		return bytes.Compare(a.body, b.body), a.kind == b.kind
	case kindFalse, kindTrue:
		return int(a.kind) - int(b.kind), b.kind == kindFalse || b.kind == kindTrue
	default:
		return 0, false
	}
}

// compareKeyable orders any two values as their keys are ordered. It does so
// without making keys, so that a hot path may search a sorted list. Of two
// values that are both no key, which comes first is not told.
func compareKeyable(a, b *value) int {
	x, y := a.rank(), b.rank()
	switch {
	case x != y:
		return int(x) - int(y)
	case x == kindNumber || x == kindDate:
		order, _ := compareNumbers(a.number, b.number)
		return order
	case x == kindString || x == kindBytes:
		return bytes.Compare(a.body, b.body)
	case x == kindArray:
		return compareElements(a, b)
	default:
		return 0
	}
}

// rank is the tag of the value's key, where the elements of arrays do not matter.
func (v *value) rank() kind {
	if (v.kind == kindNumber || v.kind == kindDate) && v.number.nan() {
		return kindOther
	}
	return v.kind
}

func compareElements(a, b *value) int {
	var x, y value
	i, j := 0, 0
	for range min(a.count, b.count) {
		if !x.read(a.body, i) || !y.read(b.body, j) {
			return 0
		}
		if order := compareKeyable(&x, &y); order != 0 {
			return order
		}
		if i, j = skip(a.body, i), skip(b.body, j); i < 0 || j < 0 {
			return 0
		}
	}
	return a.count - b.count
}
