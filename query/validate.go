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
	end, containers := skipCounting(raw, 0)
	return checkWhole(raw, end, containers, maxDepth)
}

// checkMap reports whether raw begins as a map.
func checkMap(raw []byte) error {
	switch _, at := mapHead(raw, 0); at {
	case damaged:
		return errDamaged
	case missing:
		return fail(codeInvalidDocument, "a document is a map of fields")
	default:
		return nil
	}
}

// checkWhole judges a value by where it ends and how many maps and lists it
// holds, empty ones aside. Few of them cannot be nested deeply, so that most
// values need no second look.
func checkWhole(raw []byte, end, containers, maxDepth int) error {
	switch {
	case end < 0:
		return errDamaged
	case end != len(raw):
		return fail(codeInvalidDocument, "bytes follow the value")
	case containers >= maxDepth && deeper(raw, maxDepth):
		return fail(codeTooDeep, "a value is nested too deeply")
	}
	return nil
}

// deeper reports whether the maps and lists of a well-formed value are nested
// more than maxDepth deep.
func deeper(raw []byte, maxDepth int) bool {
	var left []int // values still to come on each level
	for at := 0; ; {
		v, _ := decode(raw, at)
		inside := v.count
		if v.isMap {
			inside *= 2
		}
		if v.isMap || v.kind == kindArray {
			if len(left) == maxDepth {
				return true
			}
			left = append(left, inside)
			at = len(raw) - len(v.body)
		} else {
			at = skip(raw, at)
		}
		for len(left) > 0 && left[len(left)-1] == 0 {
			left = left[:len(left)-1]
		}
		if len(left) == 0 {
			return false
		}
		left[len(left)-1]--
	}
}
