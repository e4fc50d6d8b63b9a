package query

import "bytes"

// Match reports whether a document passes the filter. It works on the bytes as
// they are and allocates nothing. It fails with invalid_document where it comes
// upon bytes that are not MessagePack; a document that Validate has passed has
// none.
func (f *Filter) Match(doc []byte) (bool, error) {
	if f == nil {
		return true, nil
	}
	v := f.root.match(doc)
	if v == unreadable {
		return false, errDamaged
	}
	return v == yes, nil
}

// verdict is the outcome of a match. It is an int rather than a bool and an
// error, for it passes through every level of a filter on every document.
type verdict int8

const (
	no verdict = iota
	yes
	unreadable
)

func (n *node) match(doc []byte) verdict {
	if n.op.match != nil {
		return n.op.match(n, doc)
	}
	at := n.path.find(doc)
	if at == missing {
		return no
	}
	v, ok := decode(doc, at)
	if !ok {
		return unreadable
	}
	if n.op.test(n, v) {
		return yes
	}
	return no
}

func matchAnd(n *node, doc []byte) verdict {
	for _, kid := range n.filters {
		if v := kid.match(doc); v != yes {
			return v
		}
	}
	return yes
}

func matchOr(n *node, doc []byte) verdict {
	for _, kid := range n.filters {
		if v := kid.match(doc); v != no {
			return v
		}
	}
	return no
}

func matchNot(n *node, doc []byte) verdict {
	switch n.filters[0].match(doc) {
	case no:
		return yes
	case yes:
		return no
	default:
		return unreadable
	}
}

func matchAll(*node, []byte) verdict { return yes }

func testEq(n *node, v value) bool { return equal(v, n.operand.value) }

func testNe(n *node, v value) bool { return !equal(v, n.operand.value) }

func testLt(n *node, v value) bool {
	order, ok := compareScalars(v, n.operand.value)
	return ok && order < 0
}

func testLte(n *node, v value) bool {
	order, ok := compareScalars(v, n.operand.value)
	return ok && order <= 0
}

func testGt(n *node, v value) bool {
	order, ok := compareScalars(v, n.operand.value)
	return ok && order > 0
}

func testGte(n *node, v value) bool {
	order, ok := compareScalars(v, n.operand.value)
	return ok && order >= 0
}

func testBetween(n *node, v value) bool {
	low, ok := compareScalars(v, n.operand.value)
	if !ok || low < 0 || low == 0 && n.open[0] {
		return false
	}
	high, ok := compareScalars(v, n.high.value)
	return ok && (high < 0 || high == 0 && !n.open[1])
}

func testIn(n *node, v value) bool { return n.list.has(v) }

func testStartsWith(n *node, v value) bool {
	return v.kind == kindString && bytes.HasPrefix(v.body, n.operand.body)
}

// testContains looks for a substring in a string, and for an equal element in a
// list.
func testContains(n *node, v value) bool {
	switch v.kind {
	case kindString:
		return n.operand.kind == kindString && bytes.Contains(v.body, n.operand.body)
	case kindArray:
		return holds(v, n.operand.value)
	default:
		return false
	}
}

// holds reports whether an element of list equals v.
func holds(list, v value) bool {
	at := 0
	for range list.count {
		element, ok := decode(list.body, at)
		if !ok {
			return false
		}
		if equal(element, v) {
			return true
		}
		if at = skip(list.body, at); at < 0 {
			return false
		}
	}
	return false
}

func testExists(*node, value) bool { return true }
