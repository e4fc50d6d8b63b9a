package query

// The tests of this file look into a list. All of them are false where there is none.

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

func testSize(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	return verdictOf(v.kind == kindArray && v.count == n.operand.count)
}

// testAny asks whether an element is one of the values.
func testAny(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v, element value
	if !v.read(doc, at) {
		return unreadable
	}
	if v.kind != kindArray {
		return no
	}
	next := 0
	for range v.count {
		if !element.read(v.body, next) {
			return unreadable
		}
		if n.list.has(&element) {
			return yes
		}
		if next = skip(v.body, next); next < 0 {
			return unreadable
		}
	}
	return no
}

// testAll asks whether each of the values is an element.
func testAll(n *node, _ *Inquiry, doc []byte, at int) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	if v.kind != kindArray {
		return no
	}
	for i := range n.list.len() {
		if !holds(&v, n.list.at(i)) {
			return no
		}
	}
	return yes
}

// testElemMatch asks whether an element matches.
func testElemMatch(n *node, in *Inquiry, doc []byte, at int) verdict {
	return n.judgeElements(in, doc, at, yes, no)
}

// testEvery asks whether each element matches. There need be none.
func testEvery(n *node, in *Inquiry, doc []byte, at int) verdict {
	return n.judgeElements(in, doc, at, no, yes)
}

// judgeElements is decisive if that is the verdict on an element, else otherwise.
// Elements on which the host must be asked do not hold up the others, so that it
// is asked for all of them at once.
func (n *node) judgeElements(in *Inquiry, doc []byte, at int, decisive, otherwise verdict) verdict {
	var v value
	if !v.read(doc, at) {
		return unreadable
	}
	if v.kind != kindArray {
		return no
	}
	result := otherwise
	at = len(doc) - len(v.body)
	for range v.count {
		switch verdict := n.filters[0].match(in, doc, at); verdict {
		case otherwise:
		case asked:
			result = asked
		default: // decisive, or nothing can be decided
			return verdict
		}
		if at = skip(doc, at); at < 0 {
			return unreadable
		}
	}
	return result
}
