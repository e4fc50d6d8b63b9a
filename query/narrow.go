package query

import "bytes"

// narrow tells which components of path an index holds for the documents that n
// matches. The set may hold more than those, unless it is exact: then a document
// matches if and only if its component is in it. It relies on an index having
// one entry for every document, missing where the path leads nowhere.
func narrow(n *node, path Path) (s spans, exact bool) {
	switch {
	case !n.op.takes.joins():
		if n.op.spans == nil || !n.path.Equal(path) {
			return everything(), false
		}
		return n.op.spans(n)
	case n.op.takes == takesNothing:
		return everything(), true
	case n.op.takes == takesFilter:
		if s, exact = narrow(n.filters[0], path); !exact {
			return everything(), false
		}
		return s.complement(), true
	default:
		return narrowAll(n, path)
	}
}

// narrowAll intersects or unites what the filters of an and or an or tell.
func narrowAll(n *node, path Path) (s spans, exact bool) {
	and := n.isAnd()
	exact = true
	met := newMeeting()
	var united []KeyRange
	for _, kid := range n.filters {
		t, same := narrow(kid, path)
		if and {
			same = met.with(t) && same
		} else {
			united = append(united, t...)
		}
		exact = exact && same
	}
	if and {
		return met.spans, exact
	}
	return unite(united), exact
}

// isAnd tells and from or, the two that take any number of filters.
func (n *node) isAnd() bool { return n.op.takes == takesFilters && n.op.name == "and" }

func (n *node) isOr() bool { return n.op.takes == takesFilters && n.op.name == "or" }

// narrowElements tells which elements a multi-entry index on path holds for the
// documents that n matches. It reports false where such an index does not help.
//
// The index has one entry for each distinct element of a list, none for an empty
// one, and one under other for a string, which contains may also look into.
func narrowElements(n *node, path Path) (s spans, exact, ok bool) {
	switch {
	case n.isOr() && len(n.filters) > 0:
		var united []KeyRange
		exact = true
		for _, kid := range n.filters {
			t, same, ok := narrowElements(kid, path)
			if !ok {
				return nil, false, false
			}
			exact = exact && same
			united = append(united, t...)
		}
		return unite(united), exact, true
	case n.op.elements != nil && n.path.Equal(path):
		s, exact = n.op.elements(n)
		return s, exact, len(s) > 0 && !s.isEverything()
	default:
		return nil, false, false
	}
}

// elementsContain tells that the element is there; or a string, for a part of it.
func elementsContain(n *node) (spans, bool) {
	key, keyable := n.operand.key()
	if keyable && n.operand.kind != kindString {
		return spans{point(key)}, true
	}
	return unite([]KeyRange{point(key), point(AppendKeyOther(nil))}), false
}

func elementsAny(n *node) (spans, bool) { return n.list.spans() }

// elementsAll tells of one of the values. Of the empty list it cannot tell anything.
func elementsAll(n *node) (spans, bool) {
	if len(n.list.sorted) == 0 {
		return nil, false
	}
	key, _ := n.list.sorted[0].key()
	return spans{point(key)}, n.list.len() == 1
}

// elementsMatch tells what the filter says of the element itself.
func elementsMatch(n *node) (spans, bool) {
	s, _ := narrow(n.filters[0], Path{})
	return s, false
}

// key is the component of an operand. Operands were checked when they were
// parsed, so there is one.
func (o operand) key() (component []byte, keyable bool) {
	component, keyable, _ = AppendKeyRaw(nil, o.raw)
	return component, keyable
}

// class is the range of all components that an operand can be compared with by
// order, empty where there is no order.
func (o operand) class() KeyRange {
	tag := byte(o.kind)
	switch {
	case o.rank() == kindOther:
		return KeyRange{High: []byte{}}
	case o.kind == kindFalse || o.kind == kindTrue:
		return KeyRange{[]byte{byte(kindFalse)}, []byte{byte(kindTrue) + 1}}
	case o.kind == kindNumber, o.kind == kindDate, o.kind == kindString, o.kind == kindBytes:
		return KeyRange{[]byte{tag}, []byte{tag + 1}}
	default:
		return KeyRange{High: []byte{}}
	}
}

// from is the part of an operand's class at and above it, without it if open.
func (o operand) from(open bool) spans {
	r := o.class()
	if r.Empty() {
		return nil
	}
	r.Low, _ = o.key()
	if open {
		r.Low = upperBound(r.Low)
	}
	return unite([]KeyRange{r})
}

// upTo is the part of an operand's class at and below it, without it if open.
func (o operand) upTo(open bool) spans {
	r := o.class()
	if r.Empty() {
		return nil
	}
	r.High, _ = o.key()
	if !open {
		r.High = upperBound(r.High)
	}
	return unite([]KeyRange{r})
}

func spansExists(*node) (spans, bool) { return spansThere(), true }

// spansThere are the keys of all values.
func spansThere() spans { return spans{point(AppendKeyMissing(nil))}.complement() }

func spansEqual(n *node) (spans, bool) {
	key, keyable := n.operand.key()
	equal := spans{point(key)}
	if n.operand.kind == kindMissing {
		equal, keyable = nil, true // undefined equals nothing that is there
	}
	if n.accepts == same {
		return equal, keyable
	}
	if !keyable {
		return spansThere(), false
	}
	return intersect(spansThere(), equal.complement()), true
}

func spansOrder(n *node) (spans, bool) {
	open := n.accepts&same == 0
	if n.accepts&below != 0 {
		return n.operand.upTo(open), true
	}
	return n.operand.from(open), true
}

func spansBetween(n *node) (spans, bool) {
	return intersect(n.operand.from(n.open[0]), n.high.upTo(n.open[1])), true
}

func spansIn(n *node) (spans, bool) {
	s, exact := n.list.spans()
	return intersect(s, spansThere()), exact
}

// spans are the keys of the values. Those without an order share one key.
func (l *list) spans() (s spans, exact bool) {
	var points []KeyRange
	for i := range l.sorted {
		key, _ := l.sorted[i].key()
		points = append(points, point(key))
	}
	if len(l.unordered) > 0 {
		points = append(points, point(AppendKeyOther(nil)))
	}
	return unite(points), len(l.unordered) == 0
}

// spansStartsWith ends where the last byte of the beginning, counted up, begins.
func spansStartsWith(n *node) (spans, bool) {
	low := appendText([]byte{byte(kindString)}, n.operand.body)
	high := bytes.TrimRight(low, "\xff")
	high = append([]byte(nil), high...)
	high[len(high)-1]++
	return spans{{low, high}}, true
}
