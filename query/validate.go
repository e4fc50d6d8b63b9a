package query

// MaxDepth is how deep documents, filters and operands may be nested: a map in
// a map is two deep.
const MaxDepth = 200

// Validate reports whether raw is exactly one well-formed MessagePack map, a
// document, whose maps and lists are nested at most maxDepth deep. It fails with
// invalid_document or too_deep. It is safe on any bytes: nothing is allocated by
// lengths that they claim, and nothing recurses.
func Validate(raw []byte, maxDepth int) error {
	if err := checkMap(raw); err != nil {
		return err
	}
	return walk(raw, maxDepth, nil, nil)
}

// checkMap reports whether raw begins as a map.
func checkMap(raw []byte) error {
	v, ok := decode(raw, 0)
	switch {
	case !ok:
		return errDamaged
	case !v.isMap:
		return fail(codeInvalidDocument, "a document is a map of fields")
	}
	return nil
}

// level is an array or map that walk is inside of.
type level struct {
	left  int // values still to come; a field of a map is two
	isMap bool
	index int     // of the next element
	want  *branch // what is looked for inside, or nil
	found *branch // what is looked for below the name just read, or nil
}

// walk reads raw, which must be exactly one MessagePack value nested at most
// maxDepth deep, once from front to back. On its way it enters into offsets
// where the values lie that want asks for; both may be nil.
func walk(raw []byte, maxDepth int, want *branch, offsets []int) error {
	var few [12]level
	levels := few[:0]
	at := 0
	here := want // what is looked for in the value at hand
	for {
		v, ok := decode(raw, at)
		if !ok {
			return errDamaged
		}
		if here != nil {
			offsets[here.slot] = at
		}
		switch {
		case v.isMap:
			levels = append(levels, level{left: 2 * v.count, isMap: true, want: here})
			at = len(raw) - len(v.body)
		case v.kind == kindArray:
			levels = append(levels, level{left: v.count, want: here})
			at = len(raw) - len(v.body)
		default:
			at = skip(raw, at)
		}
		if len(levels) > maxDepth {
			return fail(codeTooDeep, "a value is nested too deeply")
		}
		for len(levels) > 0 && levels[len(levels)-1].left == 0 {
			levels = levels[:len(levels)-1]
		}
		if len(levels) == 0 {
			break
		}
		here = levels[len(levels)-1].next(raw, at, offsets)
	}
	if at != len(raw) {
		return fail(codeInvalidDocument, "bytes follow the value")
	}
	return nil
}

// next counts the value at raw[at:] and returns what is looked for in it.
func (l *level) next(raw []byte, at int, offsets []int) *branch {
	l.left--
	if l.want == nil {
		return nil
	}
	if !l.isMap {
		l.index++
		return l.want.element(l.index-1, offsets)
	}
	if l.left%2 == 1 {
		l.found = l.want.field(raw, at, offsets)
		return nil
	}
	return l.found
}
