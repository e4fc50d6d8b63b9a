package query

// parser reads the MessagePack of filters and queries from front to back.
type parser struct {
	b         []byte
	at        int
	inside    int        // how many filters around this one are of an element, or of an answer
	functions []function // of Go, that host nodes mean; nil where they mean the host's
}

// next returns the value at hand and steps over it.
func (p *parser) next() (v value, ok bool) {
	v, ok = decode(p.b, p.at)
	end := skip(p.b, p.at)
	if !ok || end < 0 {
		return value{}, false
	}
	p.at = end
	return v, true
}

// array steps over the head of an array.
func (p *parser) array() (count int, ok bool) {
	v, ok := decode(p.b, p.at)
	if !ok || v.kind != kindArray {
		return 0, false
	}
	p.at = len(p.b) - len(v.body)
	return v.count, true
}

func (p *parser) text() (s string, ok bool) {
	v, ok := p.next()
	return string(v.body), ok && v.kind == kindString
}

func (p *parser) boolean() (b, ok bool) {
	v, ok := p.next()
	return v.kind == kindTrue, ok && (v.kind == kindTrue || v.kind == kindFalse)
}

// operand reads any value within MaxDepth.
func (p *parser) operand() (o operand, err error) {
	start := p.at
	v, ok := p.next()
	if !ok {
		return operand{}, fail(codeInvalidQuery, "an operand is missing or no MessagePack")
	}
	o = operand{v, p.b[start:p.at:p.at]}
	if _, containers := skipCounting(o.raw, 0); containers >= MaxDepth && deeper(o.raw, MaxDepth) {
		return operand{}, fail(codeTooDeep, "an operand is nested too deeply")
	}
	return o, nil
}

// path reads an array of names and positions. It may be empty where the filter is
// of an element, or if empty says so.
func (p *parser) path(empty bool) (Path, error) {
	count, ok := p.array()
	if !ok || count == 0 && !empty && p.inside == 0 {
		return nil, fail(codeInvalidPath, "a path is an array of at least one segment")
	}
	if count > MaxDepth {
		return nil, fail(codeTooDeep, "a path has too many segments")
	}
	path := make(Path, count)
	for i := range path {
		v, ok := p.next()
		if !ok {
			return nil, fail(codeInvalidPath, "a path's segment is missing")
		}
		if path[i], ok = segmentOf(v); !ok {
			return nil, fail(codeInvalidPath, "a path's segment is a name or a list position, and not empty")
		}
	}
	return path, nil
}

func segmentOf(v value) (s Segment, ok bool) {
	switch v.kind {
	case kindString:
		return Segment{Name: string(v.body)}, len(v.body) > 0
	case kindNumber:
		i, ok := v.number.toInt()
		return Segment{Index: int(i)}, ok && i >= 0
	default:
		return Segment{}, false
	}
}
