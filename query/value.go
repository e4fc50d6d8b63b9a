package query

import (
	"encoding/binary"
	"math"
)

// kind is the class of a value, and the tag of its key: kinds order values of
// different types. See AppendKeyRaw.
type kind byte

const (
	kindMissing kind = 0x01 // no such field, or undefined
	kindNull    kind = 0x05
	kindFalse   kind = 0x10
	kindTrue    kind = 0x11
	kindNumber  kind = 0x20
	kindDate    kind = 0x30
	kindString  kind = 0x40
	kindBytes   kind = 0x50
	kindArray   kind = 0x60
	kindOther   kind = 0xf0 // maps, unknown extensions: what has no order
)

// value is one MessagePack value, looked at where it lies. Which fields count
// depends on its kind.
type value struct {
	kind   kind
	isMap  bool   // of kindOther: a map, not an extension
	number number // a number, or a date's milliseconds since 1970
	body   []byte // text, bytes, or an extension's type and data; for arrays and maps all that follows the head
	count  int    // elements of an array, pairs of a map
}

// decode looks at the value at b[at:]. It reports false where the bytes end too
// early or are not MessagePack. The elements of arrays and maps are not looked
// at.
func decode(b []byte, at int) (v value, ok bool) {
	ok = v.read(b, at)
	return v, ok
}

// read is decode into v, which spares hot paths a copy.
func (v *value) read(b []byte, at int) bool {
	if at < 0 || at >= len(b) {
		return false
	}
	c := b[at]
	switch {
	case c < 0x80:
		*v = value{kind: kindNumber, number: fromInt(int64(c))}
		return true
	case c < 0x90:
		*v = value{kind: kindOther, isMap: true, count: int(c & 15), body: b[at+1:]}
		return true
	case c < 0xa0:
		*v = value{kind: kindArray, count: int(c & 15), body: b[at+1:]}
		return true
	case c < 0xc0:
		return v.sized(kindString, b, at+1, int(c&31))
	case c >= 0xe0:
		*v = value{kind: kindNumber, number: fromInt(int64(int8(c)))}
		return true
	}
	if size := int(shapes[c]); size > 0 {
		if size > len(b)-at {
			return false
		}
		*v = decodeFixed(c, b[at+1:at+size])
		return true
	}
	return v.readLong(c, b, at)
}

// readLong reads a value that tells its length.
func (v *value) readLong(c byte, b []byte, at int) bool {
	n, start, ok := length(b, at)
	switch {
	case !ok:
		return false
	case c <= 0xc6:
		return v.sized(kindBytes, b, start, n)
	case c <= 0xc9:
		if n >= len(b)-start {
			return false
		}
		*v = decodeExtension(b[start : start+1+n])
	case c <= 0xdb:
		return v.sized(kindString, b, start, n)
	case c <= 0xdd:
		*v = value{kind: kindArray, count: n, body: b[start:]}
	default:
		*v = value{kind: kindOther, isMap: true, count: n, body: b[start:]}
	}
	return true
}

// sized reads a string of n bytes at b[start:].
func (v *value) sized(k kind, b []byte, start, n int) bool {
	if n > len(b)-start {
		return false
	}
	*v = value{kind: k, body: b[start : start+n : start+n]}
	return true
}

// decodeFixed reads what follows a first byte that tells the size.
func decodeFixed(c byte, body []byte) value {
	var n number
	switch c {
	case 0xc0:
		return value{kind: kindNull}
	case 0xc2:
		return value{kind: kindFalse}
	case 0xc3:
		return value{kind: kindTrue}
	case 0xca:
		n = fromFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(body))))
	case 0xcb:
		n = fromFloat(math.Float64frombits(binary.BigEndian.Uint64(body)))
	case 0xcc:
		n = fromInt(int64(body[0]))
	case 0xcd:
		n = fromInt(int64(binary.BigEndian.Uint16(body)))
	case 0xce:
		n = fromInt(int64(binary.BigEndian.Uint32(body)))
	case 0xcf:
		n = fromUint(binary.BigEndian.Uint64(body))
	case 0xd0:
		n = fromInt(int64(int8(body[0])))
	case 0xd1:
		n = fromInt(int64(int16(binary.BigEndian.Uint16(body))))
	case 0xd2:
		n = fromInt(int64(int32(binary.BigEndian.Uint32(body))))
	case 0xd3:
		n = fromInt(int64(binary.BigEndian.Uint64(body)))
	default:
		return decodeExtension(body)
	}
	return value{kind: kindNumber, number: n}
}

// The extension types of msgpackr that have a meaning here.
const (
	extensionUndefined = 0x00 // one byte of data
	extensionTimestamp = 0xff // −1: 4, 8 or 12 bytes; one byte stands for an invalid Date
)

// decodeExtension reads an extension's type byte and data.
func decodeExtension(body []byte) value {
	data := body[1:]
	switch {
	case body[0] == extensionUndefined && len(data) == 1:
		return value{kind: kindMissing}
	case body[0] != extensionTimestamp:
	case len(data) == 4:
		return date(int64(binary.BigEndian.Uint32(data)), 0)
	case len(data) == 8:
		both := binary.BigEndian.Uint64(data)
		return date(int64(both&(1<<34-1)), uint32(both>>34))
	case len(data) == 12:
		return date(int64(binary.BigEndian.Uint64(data[4:])), binary.BigEndian.Uint32(data))
	}
	return value{kind: kindOther, body: body}
}

// date is a point in time in milliseconds since 1970: an integer where it is
// one, as all Dates of JavaScript are, else the nearest float.
func date(seconds int64, nanoseconds uint32) value {
	const most = math.MaxInt64/1000 - 1_000_000
	if nanoseconds%1_000_000 != 0 || seconds > most || seconds < -most {
		return value{kind: kindDate, number: fromFloat(float64(seconds)*1000 + float64(nanoseconds)/1e6)}
	}
	return value{kind: kindDate, number: fromInt(seconds*1000 + int64(nanoseconds/1_000_000))}
}

// shapes tells for each first byte how many bytes the value has in its low byte,
// without what is inside an array or map, and in its high byte how many values
// follow inside. It is 0 where a length follows, and for 0xc1, which is not
// MessagePack. A table takes fewer branches than rules would, and branches are
// what compiled WebAssembly is slow at.
var shapes = [256]uint16{
	// positive integers
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	// maps of up to 15 fields
	1, 0x0201, 0x0401, 0x0601, 0x0801, 0x0a01, 0x0c01, 0x0e01, 0x1001, 0x1201, 0x1401, 0x1601, 0x1801, 0x1a01, 0x1c01, 0x1e01,
	// lists of up to 15 elements
	1, 0x0101, 0x0201, 0x0301, 0x0401, 0x0501, 0x0601, 0x0701, 0x0801, 0x0901, 0x0a01, 0x0b01, 0x0c01, 0x0d01, 0x0e01, 0x0f01,
	// strings of up to 31 bytes
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	// nil, –, false, true, bin 8 16 32, ext 8; ext 16 32, float 32 64, uint 8 16 32 64
	1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9, 2, 3, 5, 9,
	// int 8 16 32 64, fixext 1 2 4 8; fixext 16, str 8 16 32, array 16 32, map 16 32
	2, 3, 5, 9, 3, 4, 6, 10, 18, 0, 0, 0, 0, 0, 0, 0,
	// negative integers
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
}

// lengthSizes tells for the first bytes 0xc0 to 0xdf how many bytes of length
// follow.
var lengthSizes = [32]uint8{
	0, 0, 0, 0, 1, 2, 4, 1,
	2, 4, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
	0, 1, 2, 4, 2, 4, 2, 4,
}

// length reads the length after b[at] and returns where it ends. An
// extension's length does not count its type byte.
func length(b []byte, at int) (n, start int, ok bool) {
	size := int(lengthSizes[b[at]-0xc0])
	start = at + 1 + size
	if size == 0 || start > len(b) {
		return 0, 0, false
	}
	for _, c := range b[at+1 : start] {
		n = n<<8 | int(c)
	}
	return n, start, true
}

// damaged is an offset that cannot be: the bytes are not whole MessagePack.
const damaged = -2

// skip returns the offset after the value at b[at:], or damaged.
func skip(b []byte, at int) int {
	at, _ = skipCounting(b, at)
	return at
}

// skipCounting is skip and counts the arrays and maps on the way, except empty
// ones. It keeps count of the values still to come instead of recursing, so no
// nesting can exhaust the stack.
func skipCounting(b []byte, at int) (next, containers int) {
	for left := 1; left > 0; left-- {
		if uint(at) >= uint(len(b)) {
			return damaged, 0
		}
		shape := int(shapes[b[at]])
		if at += shape & 0xff; 0 < shape && shape < 0x100 {
			continue
		}
		inside := shape >> 8
		if shape == 0 {
			if at, inside = skipLong(b, at); at < 0 {
				return damaged, 0
			}
		}
		if inside > 0 {
			left += inside
			containers++
		}
	}
	if at > len(b) {
		return damaged, 0
	}
	return at, containers
}

// skipLong steps over a value, or the head of an array or map, that tells its
// length. inside is the number of values that follow the head.
func skipLong(b []byte, at int) (next, inside int) {
	n, start, ok := length(b, at)
	switch c := b[at]; {
	case !ok:
		return damaged, 0
	case c >= 0xde:
		return start, 2 * n
	case c >= 0xdc:
		return start, n
	case c >= 0xc7 && c <= 0xc9:
		return start + 1 + n, 0
	default:
		return start + n, 0
	}
}

// Skip returns the length of the MessagePack value at the front of raw, and false
// where there is no whole one.
func Skip(raw []byte) (n int, ok bool) {
	n = skip(raw, 0)
	return n, n > 0
}

// IsUndefined reports whether the value at the front of raw is undefined.
func IsUndefined(raw []byte) bool {
	v, ok := decode(raw, 0)
	return ok && v.kind == kindMissing
}

// raw is the value at b[at:] with nothing after it, nil where it is damaged.
func raw(b []byte, at int) []byte {
	end := skip(b, at)
	if end < 0 {
		return nil
	}
	return b[at:end:end]
}
