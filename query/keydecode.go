package query

import (
	"bytes"
	"math"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// DecodeKey appends to dst the values of a key's components, one MessagePack
// value after the other, and returns how many they are. A number comes back as
// an integer where it is one within ±2⁵³ or has more bits than a float64, else
// as a float64; missing comes back as undefined. The component other cannot come
// back: DecodeKey fails with invalid_key there, as for bytes that are no key.
func DecodeKey(dst, key []byte) (values []byte, n int, err error) {
	for len(key) > 0 {
		size, ok := SkipComponent(key)
		if !ok {
			return nil, 0, errNoKey
		}
		if dst, ok = decodeComponent(dst, key[:size]); !ok {
			return nil, 0, errNoKey
		}
		key = key[size:]
		n++
	}
	return dst, n, nil
}

var errNoKey = fail(codeInvalidKey, "the bytes are not a key of values")

// decodeComponent appends the value of one whole component.
func decodeComponent(dst, component []byte) (values []byte, ok bool) {
	tag, body := kind(component[0]), component[1:]
	switch tag {
	case kindMissing:
		return append(dst, 0xd4, extensionUndefined, 0), true
	case kindNull:
		return msgp.AppendNil(dst), true
	case kindFalse, kindTrue:
		return msgp.AppendBool(dst, tag == kindTrue), true
	case kindNumber:
		n, ok := decodeNumber(body)
		return appendMessagePack(dst, n), ok
	case kindDate:
		return decodeDate(dst, body)
	case kindString:
		return msgp.AppendStringFromBytes(dst, unescape(body)), true
	case kindBytes:
		return msgp.AppendBytes(dst, unescape(body)), true
	case kindArray:
		return decodeArray(dst, body)
	default:
		return dst, false
	}
}

// decodeArray appends an array: its head first as if it had 2³² elements, for
// their number is known only after them.
func decodeArray(dst, body []byte) (values []byte, ok bool) {
	type open struct{ head, count int }
	stack := []open{{len(dst), 0}}
	dst = append(dst, 0xdd, 0, 0, 0, 0)
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if body[0] == 0 {
			count := top.count
			copy(dst[top.head+1:], []byte{byte(count >> 24), byte(count >> 16), byte(count >> 8), byte(count)})
			stack = stack[:len(stack)-1]
			body = body[1:]
			continue
		}
		top.count++
		if kind(body[0]) == kindArray {
			stack = append(stack, open{len(dst), 0})
			dst = append(dst, 0xdd, 0, 0, 0, 0)
			body = body[1:]
			continue
		}
		size := 1 + scalarSize(kind(body[0]), body[1:])
		if dst, ok = decodeComponent(dst, body[:size]); !ok {
			return dst, false
		}
		body = body[size:]
	}
	return dst, true
}

// decodeNumber reads a number's body. Each number has one body only: another
// one for the same number is refused.
func decodeNumber(body []byte) (n number, ok bool) {
	var invert byte
	if body[0] < 0x80 {
		invert = 0xff
	}
	var high, low uint64
	for i, c := range body {
		group := uint64((c ^ invert) >> 1)
		switch {
		case i < 9:
			high |= group << (57 - 7*i)
		case i == 9:
			high |= group >> 6
			low = group << 58
		default:
			low |= group << 51
		}
	}
	nearest := math.Float64frombits(high &^ (1 << 63))
	n = joinNumber(invert != 0, nearest, low>>53)
	return n, !n.nan() && bytes.Equal(appendNumber(nil, n), body)
}

// joinNumber is the inverse of magnitude. It returns NaN for an integer that
// neither int64 nor uint64 holds.
func joinNumber(negative bool, nearest float64, residual uint64) number {
	if residual == 0 {
		if negative {
			nearest = -nearest
		}
		n := fromFloat(nearest)
		if i, ok := n.toInt(); ok {
			return fromInt(i)
		}
		return n
	}
	m := residual
	if nearest < 1<<64 {
		m += uint64(nearest)
	}
	switch {
	case !negative:
		return fromUint(m)
	case m <= 1<<63:
		return fromInt(-int64(m))
	default:
		return fromFloat(math.NaN())
	}
}

func appendMessagePack(dst []byte, n number) []byte {
	switch n.form {
	case signed:
		return msgp.AppendInt64(dst, int64(n.bits))
	case unsigned:
		return msgp.AppendUint64(dst, n.bits)
	default:
		return msgp.AppendFloat64(dst, n.float())
	}
}

// decodeDate appends a timestamp. Those whose milliseconds are no integer of 53
// bits are not written by JavaScript and do not come back.
func decodeDate(dst, body []byte) (values []byte, ok bool) {
	n, ok := decodeNumber(body)
	if !ok {
		return dst, false
	}
	milliseconds, ok := n.toInt()
	if !ok {
		return dst, false
	}
	return appendTime(dst, time.UnixMilli(milliseconds)), true
}

// unescape undoes appendText and takes the end off.
func unescape(body []byte) []byte {
	return bytes.ReplaceAll(body[:len(body)-1], []byte{0, 0xff}, []byte{0})
}
