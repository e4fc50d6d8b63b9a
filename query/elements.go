package query

import "unicode/utf8"

// AppendElementKeys appends the keys that a multi-entry index holds for the
// value at the front of raw, and to ends where each of them ends in dst: for a
// list, the component of each element, as often as it occurs; for a string, the
// component other; for any other value none. suffix goes behind each component.
func AppendElementKeys(dst []byte, ends []int, raw, suffix []byte) ([]byte, []int, error) {
	list, ok := decode(raw, 0)
	if !ok {
		return dst, ends, errNoValue
	}
	if list.kind == kindString {
		dst = append(AppendKeyOther(dst), suffix...)
		return dst, append(ends, len(dst)), nil
	}
	if list.kind != kindArray {
		return dst, ends, nil
	}
	at := 0
	for range list.count {
		var err error
		if dst, _, err = appendKey(dst, list.body, at); err != nil {
			return dst, ends, err
		}
		dst = append(dst, suffix...)
		ends = append(ends, len(dst))
		if at = skip(list.body, at); at < 0 {
			return dst, ends, errNoValue
		}
	}
	return dst, ends, nil
}

// Distinguishes reports whether a unique index keeps documents with these values
// apart: not where one of the components is missing, null or other.
func Distinguishes(components []byte) bool {
	for len(components) > 0 {
		switch kind(components[0]) {
		case kindMissing, kindNull, kindOther:
			return false
		}
		n, ok := SkipComponent(components)
		if !ok {
			return false
		}
		components = components[n:]
	}
	return true
}

// Identifies reports whether the value at the front of raw, whose component is given, can be an
// identity: no other value has that component, and it can be named.
func Identifies(component, raw []byte) bool {
	switch kind(component[0]) {
	case kindFalse, kindTrue, kindNumber, kindDate:
		return true
	default:
		return Distinguishes(component) && nameable(raw)
	}
}

// nameable reports whether the value at the front of raw can be given as a key on
// both sides of the bridge: its text is UTF-8, and no list in it holds undefined.
func nameable(raw []byte) bool {
	var v value
	for at, left := 0, 1; left > 0; left-- {
		if !v.read(raw, at) {
			return false
		}
		switch {
		case v.kind == kindMissing, v.kind == kindString && !utf8.Valid(v.body):
			return false
		case v.kind == kindArray:
			left += v.count
			at = len(raw) - len(v.body)
		default:
			at = skip(raw, at)
		}
	}
	return true
}
