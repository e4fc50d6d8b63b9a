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

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

func (n *node) match(doc []byte) verdict {
	if n.op.match != nil {
		return n.op.match(n, doc)
	}
	at := n.path.find(doc)
	if at == missing {
		return no
	}
	if at < 0 {
		return unreadable
	}
	return n.op.test(n, doc, at)
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

// testEqual asks whether two values of any kind are equal, or are not.
func testEqual(n *node, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(equal(&v, &n.operand.value) == (n.op.accepts == same))
}

// testOrder compares two values of one class.
func testOrder(n *node, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	order, ok := compareScalars(&v, &n.operand.value)
	return verdictOf(ok && n.op.accepts&outcomeOf(order) != 0)
}

func testBetween(n *node, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	low, ok := compareScalars(&v, &n.operand.value)
	if !ok || low < 0 || low == 0 && n.open[0] {
		return no
	}
	high, ok := compareScalars(&v, &n.high.value)
	return verdictOf(ok && (high < 0 || high == 0 && !n.open[1]))
}

func testIn(n *node, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(n.list.has(&v))
}

func testStartsWith(n *node, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(v.kind == kindString && bytes.HasPrefix(v.body, n.operand.body))
}

// testContains looks for a substring in a string, and for an equal element in a
// list.
func testContains(n *node, doc []byte, at int) verdict {
	var v value
	switch {
	case !v.read(doc, at):
		return unreadable
	case v.kind == kindString:
		return verdictOf(n.operand.kind == kindString && bytes.Contains(v.body, n.operand.body))
	case v.kind == kindArray:
		return verdictOf(holds(&v, &n.operand.value))
	default:
		return no
	}
}

// holds reports whether an element of list equals v.
func holds(list, v *value) bool {
	at := 0
	for range list.count {
		var element value
		if !element.read(list.body, at) {
			return false
		}
		if equal(&element, v) {
			return true
		}
		if at = skip(list.body, at); at < 0 {
			return false
		}
	}
	return false
}

func testExists(*node, []byte, int) verdict { return yes }
