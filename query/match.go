package query

import "bytes"

// Match reports whether a document passes the filter. It works on the bytes as
// they are and allocates nothing, unless functions have a say. It fails with
// invalid_document where it comes upon bytes that are not MessagePack; a document
// that Validate has passed has none. A filter that has to ask a host fails with
// unsupported: see Try.
func (f *Filter) Match(doc []byte) (bool, error) {
	if f == nil {
		return true, nil
	}
	if f.root.hosted {
		return f.matchWithFunctions(doc)
	}
	v := f.root.match(nil, doc, 0)
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
	unreadable // the bytes are not MessagePack
	asked      // it depends on what the host has been asked
	failed     // a function failed: the inquiry knows why
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// match decides on the value at doc[from:]. The inquiry may be nil for a node that
// is not hosted.
func (n *node) match(in *Inquiry, doc []byte, from int) verdict {
	if n.op.match != nil {
		return n.op.match(n, in, doc, from)
	}
	at := n.path.find(doc, from)
	if at == missing {
		return no
	}
	if at < 0 {
		return unreadable
	}
	return n.op.test(n, in, doc, at)
}

func matchAnd(n *node, in *Inquiry, doc []byte, from int) verdict {
	for _, kid := range n.filters {
		if v := kid.match(in, doc, from); v != yes {
			return v
		}
	}
	return yes
}

func matchOr(n *node, in *Inquiry, doc []byte, from int) verdict {
	for _, kid := range n.filters {
		if v := kid.match(in, doc, from); v != no {
			return v
		}
	}
	return no
}

func matchNot(n *node, in *Inquiry, doc []byte, from int) verdict {
	switch v := n.filters[0].match(in, doc, from); v {
	case no:
		return yes
	case yes:
		return no
	default:
		return v
	}
}

func matchNoop(*node, *Inquiry, []byte, int) verdict { return yes }

// matchField compares two values of a document, both of which must be there.
func matchField(n *node, _ *Inquiry, doc []byte, from int) verdict {
	at, other := n.path.find(doc, from), n.other.find(doc, from)
	if at == damaged || other == damaged {
		return unreadable
	}
	if at == missing || other == missing {
		return no
	}
	var a, b value
	if !a.read(doc, at) || !b.read(doc, other) {
		return unreadable
	}
	if n.accepts == same || n.accepts == below|above {
		return verdictOf(equal(&a, &b) == (n.accepts == same))
	}
	order, ok := compareScalars(&a, &b)
	return verdictOf(ok && n.accepts&outcomeOf(order) != 0)
}

// testEqual asks whether two values of any kind are equal, or are not.
func testEqual(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(equal(&v, &n.operand.value) == (n.accepts == same))
}

// testOrder compares two values of one class.
func testOrder(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	order, ok := compareScalars(&v, &n.operand.value)
	return verdictOf(ok && n.accepts&outcomeOf(order) != 0)
}

func testBetween(n *node, _ *Inquiry, doc []byte, at int) verdict {
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

func testIn(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(n.list.has(&v))
}

func testStartsWith(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(v.kind == kindString && bytes.HasPrefix(v.body, n.operand.body))
}

func testEndsWith(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(v.kind == kindString && bytes.HasSuffix(v.body, n.operand.body))
}

// testContains looks for a substring in a string, and for an equal element in a
// list.
func testContains(n *node, _ *Inquiry, doc []byte, at int) verdict {
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

func testContainsFolded(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(v.kind == kindString && containsFolded(v.body, n.folded))
}

func testExists(*node, *Inquiry, []byte, int) verdict { return yes }

func testType(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(n.types.has(&v))
}

func testMod(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	if v.kind != kindNumber {
		return no
	}
	order, ok := compareNumbers(v.number.remainder(n.operand.number), n.high.number)
	return verdictOf(ok && order == 0)
}
