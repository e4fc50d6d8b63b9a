package query

import (
	"bytes"
	"math"
	"time"
)

// Keys are ordered tuples. A key is a concatenation of components, each a tag
// byte and a body, such that comparing keys byte by byte compares the values
// they stand for, first component first. The tags order values of different
// types:
//
//	0x01  missing   no body; also undefined
//	0x05  null      no body
//	0x10  false     no body
//	0x11  true      no body
//	0x20  number    1 to 11 bytes, see below; integers, floats and bigints alike
//	0x30  date      milliseconds since 1970, as a number's body
//	0x40  string    UTF-8, each 0x00 written as 0x00 0xFF, then 0x00
//	0x50  bytes     likewise
//	0x60  array     the components of its elements, then 0x00
//	0xF0  other     no body: maps, NaN, invalid dates and arrays that hold such
//
// 0x00 and 0xFF are never tags. So a component and the tag behind it are never
// the beginning of another component, and prefix+0xFF is above all keys that
// start with the components of prefix, but not above any others.
//
// A number's body holds 75 bits: a set bit, the 63 low bits of the float64 that
// is nearest to the magnitude towards zero, and 11 bits of what an integer of more
// than 53 bits has beyond that float. They are cut into groups of 7 bits, most
// significant first, each followed by a bit that tells whether any later bit is
// set; the body ends with the first byte that tells no. A negative number has
// all bits of its body inverted. So 5 is 20 C1 0A. −0 is 0.

// AppendKeyMissing appends the component of a value that is not there.
func AppendKeyMissing(dst []byte) []byte { return append(dst, byte(kindMissing)) }

// AppendKeyNull appends the component of null.
func AppendKeyNull(dst []byte) []byte { return append(dst, byte(kindNull)) }

// AppendKeyOther appends the component of values that have no order.
func AppendKeyOther(dst []byte) []byte { return append(dst, byte(kindOther)) }

// AppendKeyBool appends the component of a boolean.
func AppendKeyBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, byte(kindTrue))
	}
	return append(dst, byte(kindFalse))
}

// AppendKeyInt appends the component of an integer.
func AppendKeyInt(dst []byte, i int64) []byte {
	return appendNumber(append(dst, byte(kindNumber)), fromInt(i))
}

// AppendKeyUint appends the component of an unsigned integer.
func AppendKeyUint(dst []byte, u uint64) []byte {
	return appendNumber(append(dst, byte(kindNumber)), fromUint(u))
}

// AppendKeyFloat appends the component of a number; NaN becomes other.
func AppendKeyFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		return AppendKeyOther(dst)
	}
	return appendNumber(append(dst, byte(kindNumber)), fromFloat(f))
}

// AppendKeyTime appends the component of a point in time.
func AppendKeyTime(dst []byte, t time.Time) []byte {
	v := date(t.Unix(), uint32(t.Nanosecond()))
	return appendNumber(append(dst, byte(kindDate)), v.number)
}

// AppendKeyString appends the component of a string.
func AppendKeyString(dst []byte, s string) []byte {
	dst = append(dst, byte(kindString))
	for i := range len(s) {
		dst = appendEscaped(dst, s[i])
	}
	return append(dst, 0)
}

// AppendKeyBytes appends the component of a string of bytes.
func AppendKeyBytes(dst, b []byte) []byte {
	return append(appendText(append(dst, byte(kindBytes)), b), 0)
}

// AppendKeyRaw appends the component of the MessagePack value at the front of
// raw. Where the value has no order it appends other and reports false. It fails
// with invalid_key if raw is not MessagePack, and with too_deep if arrays are
// nested more than MaxDepth deep; dst is then returned as it came.
func AppendKeyRaw(dst, raw []byte) (key []byte, keyable bool, err error) {
	return appendKey(dst, raw, 0)
}

// appendKey appends the component of the value at raw[at:].
func appendKey(dst, raw []byte, at int) (key []byte, keyable bool, err error) {
	v, ok := decode(raw, at)
	if !ok {
		return dst, false, errNoValue
	}
	if v.kind == kindArray {
		return appendArray(dst, raw, at)
	}
	key, keyable = appendScalar(dst, v)
	return key, keyable, nil
}

var errNoValue = fail(codeInvalidKey, "the bytes are not MessagePack")

// appendScalar appends a value that is not an array.
func appendScalar(dst []byte, v value) (key []byte, keyable bool) {
	switch v.kind {
	case kindNumber, kindDate:
		if v.number.nan() {
			return AppendKeyOther(dst), false
		}
		return appendNumber(append(dst, byte(v.kind)), v.number), true
	case kindString, kindBytes:
		return append(appendText(append(dst, byte(v.kind)), v.body), 0), true
	default:
		return append(dst, byte(v.kind)), v.kind != kindOther
	}
}

// appendArray walks nested arrays with a stack of its own: left counts the
// elements still to come on each level.
func appendArray(dst, raw []byte, at int) (key []byte, keyable bool, err error) {
	start := len(dst)
	var few [8]int
	left := few[:0]
	for {
		v, ok := decode(raw, at)
		if !ok {
			return dst[:start], false, errNoValue
		}
		switch {
		case v.kind == kindArray:
			if len(left) == MaxDepth {
				return dst[:start], false, fail(codeTooDeep, "a key's arrays are nested too deeply")
			}
			dst = append(dst, byte(kindArray))
			left = append(left, v.count)
			at = len(raw) - len(v.body)
		default:
			if dst, keyable = appendScalar(dst, v); !keyable {
				return AppendKeyOther(dst[:start]), false, nil
			}
			at = skip(raw, at)
			left[len(left)-1]--
		}
		for left[len(left)-1] == 0 {
			dst = append(dst, 0)
			left = left[:len(left)-1]
			if len(left) == 0 {
				return dst, true, nil
			}
			left[len(left)-1]--
		}
	}
}

// appendNumber appends a number's body.
func appendNumber(dst []byte, n number) []byte {
	negative, nearest, residual := n.magnitude()
	high := math.Float64bits(nearest) | 1<<63
	low := residual << 53
	var invert byte
	if negative {
		invert = 0xff
	}
	for {
		group := byte(high >> 57)
		high = high<<7 | low>>57
		low <<= 7
		if high|low == 0 {
			return append(dst, group<<1^invert)
		}
		dst = append(dst, (group<<1|1)^invert)
	}
}

// appendText appends the body of a string without its end.
func appendText(dst, text []byte) []byte {
	if bytes.IndexByte(text, 0) < 0 {
		return append(dst, text...)
	}
	for _, c := range text {
		dst = appendEscaped(dst, c)
	}
	return dst
}

func appendEscaped(dst []byte, c byte) []byte {
	if c == 0 {
		return append(dst, 0, 0xff)
	}
	return append(dst, c)
}

// SkipComponent returns the length of the component at the front of key, and
// false where there is none.
func SkipComponent(key []byte) (n int, ok bool) {
	depth := 0
	for {
		if n >= len(key) {
			return 0, false
		}
		tag := kind(key[n])
		switch {
		case tag == 0 && depth > 0:
			depth--
			n++
		case tag == kindArray:
			depth++
			n++
		default:
			size := scalarSize(tag, key[n+1:])
			if size < 0 {
				return 0, false
			}
			n += 1 + size
		}
		if depth == 0 {
			return n, true
		}
	}
}

// scalarSize is the length of the body that follows tag, −1 where that is
// nothing a key can hold.
func scalarSize(tag kind, body []byte) int {
	switch tag {
	case kindMissing, kindNull, kindFalse, kindTrue, kindOther:
		return 0
	case kindNumber, kindDate:
		return numberSize(body)
	case kindString, kindBytes:
		for at := 0; ; at += 2 {
			end := bytes.IndexByte(body[at:], 0)
			if end < 0 {
				return -1
			}
			at += end
			if at+1 >= len(body) || body[at+1] != 0xff {
				return at + 1
			}
		}
	default:
		return -1
	}
}

// maxNumberBody is 75 bits in groups of 7.
const maxNumberBody = 11

// numberSize is the length of a number's body, −1 where it has no end.
func numberSize(body []byte) int {
	if len(body) == 0 {
		return -1
	}
	// The low bit tells whether more follows; negative numbers have it inverted.
	ends := body[0]>>7 ^ 1
	for i, c := range body[:min(len(body), maxNumberBody)] {
		if c&1 == ends {
			return i + 1
		}
	}
	return -1
}
