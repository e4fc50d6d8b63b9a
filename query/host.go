package query

import "bytes"

// Host nodes ask a function what it thinks of a value. Where the function is Go it
// is called at once. Else it is the host's, and to ask the host costs so much that
// it is done for many documents together: what there is to be asked is noted in an
// Inquiry, one for each document, and the document is matched again when the
// answers are there.

// function takes and returns MessagePack. What it is given it must not keep.
type function func(value []byte) (answer []byte, err error)

// Ask is one question to the host: what does the function of this number say of
// the value?
type Ask struct {
	Function int
	Value    []byte // MessagePack, valid as long as the document
	// Answer is MessagePack: true or anything else, where the function tests; a
	// value, undefined for none, where it maps. Nil until there is one.
	Answer []byte

	// What is asked about: the value at an offset of the document, or of the
	// answer of the ask before that one.
	node *node
	of   int // 0 for the document, else 1 + the ask's index
	at   int
}

// Inquiry is what one document has been asked about. The zero value is ready for use.
type Inquiry struct {
	asks []Ask
	of   int   // what is being matched, as Ask tells it
	next int   // where to look first: matching again asks in the same order
	err  error // of a function of Go
}

// Reset makes the inquiry ready for another document.
func (in *Inquiry) Reset() { in.asks, in.err = in.asks[:0], nil }

// Open calls visit for each question without an answer. They stay where they are
// until the document is matched again.
func (in *Inquiry) Open(visit func(*Ask)) {
	for i := range in.asks {
		if ask := &in.asks[i]; ask.Answer == nil {
			visit(ask)
		}
	}
}

// Hosted reports whether functions have a say in the filter.
func (f *Filter) Hosted() bool { return f != nil && f.root.hosted }

// NeedsHost reports whether the filter has functions that are not Go.
func (f *Filter) NeedsHost() bool { return f != nil && f.root.needsHost() }

func (n *node) needsHost() bool {
	if n.op.takes == takesHost && n.call == nil {
		return true
	}
	for _, kid := range n.filters {
		if kid.hosted && kid.needsHost() {
			return true
		}
	}
	return false
}

// Try is Match for a filter that may have to ask its host. Where that decides,
// open is true: the questions stand in the inquiry, and once they are answered the
// same document is tried again with it.
func (f *Filter) Try(doc []byte, in *Inquiry) (matches, open bool, err error) {
	in.of, in.next = 0, 0
	switch v := f.root.match(in, doc, 0); v {
	case unreadable:
		return false, false, errDamaged
	case failed:
		return false, false, in.err
	default:
		return v == yes, v == asked, nil
	}
}

func (f *Filter) matchWithFunctions(doc []byte) (bool, error) {
	var in Inquiry
	matches, open, err := f.Try(doc, &in)
	if open {
		err = fail(codeUnsupported, "the filter has functions of a host, which is not here")
	}
	return matches, err
}

// isTrue is what a test answers where it holds.
var isTrue, isFalse = []byte{0xc3}, []byte{0xc2}

func testHost(n *node, in *Inquiry, doc []byte, at int) verdict {
	answer, index, v := n.ask(in, doc, at)
	if v != yes {
		return v
	}
	if len(n.filters) == 0 {
		return verdictOf(bytes.Equal(answer, isTrue))
	}
	if IsUndefined(answer) {
		return no
	}
	outer := in.of
	in.of = index + 1
	v = n.filters[0].match(in, answer, 0)
	in.of = outer
	return v
}

// ask returns what the function says of the value at doc[at:], if that is known.
func (n *node) ask(in *Inquiry, doc []byte, at int) (answer []byte, index int, v verdict) {
	if n.call != nil {
		value := raw(doc, at)
		if value == nil {
			return nil, 0, unreadable
		}
		answer, in.err = n.call(value)
		if in.err != nil {
			return nil, 0, failed
		}
		return answer, 0, yes
	}
	index = in.find(n, at)
	if index < 0 {
		value := raw(doc, at)
		if value == nil {
			return nil, 0, unreadable
		}
		in.asks = append(in.asks, Ask{Function: n.function, Value: value, node: n, of: in.of, at: at})
		return nil, 0, asked
	}
	if answer = in.asks[index].Answer; answer == nil {
		return nil, 0, asked
	}
	return answer, index, yes
}

// find returns where the question stands that n has about what is at hand, −1 where
// it was not asked yet.
func (in *Inquiry) find(n *node, at int) int {
	for range in.asks {
		if in.next >= len(in.asks) {
			in.next = 0
		}
		i := in.next
		in.next++
		if ask := &in.asks[i]; ask.node == n && ask.at == at && ask.of == in.of {
			return i
		}
	}
	return -1
}

// host reads which function is asked, and the filter of its answer.
func (p *parser) host(n *node, count, depth int) error {
	n.hosted = true
	number, ok := p.integer()
	if !ok || number < 0 || number > 1<<30 || p.functions != nil && number >= int64(len(p.functions)) {
		return fail(codeInvalidQuery, "a function of the host has a number")
	}
	n.function = int(number)
	if p.functions != nil {
		n.call = p.functions[number]
	}
	identity, ok := p.next()
	if !ok || identity.kind != kindString && identity.kind != kindNull {
		return fail(codeInvalidQuery, "the identity of a function is a string or nil")
	}
	n.identity = string(identity.body)
	if count < 4 {
		return nil
	}
	err := p.inner(n, depth)
	n.hosted = true
	return err
}
