package coder

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// MessagePack is the coder of plain data: nil, booleans, integers, floats,
// strings, []byte, time.Time, []any and map[string]any, nested at most
// query.MaxDepth deep. Bytes are those of JavaScript for the same data, with the
// members of maps by name: integers of 32 bits are JavaScript's numbers, larger
// ones its bigints, a time is its Date.
//
// Integers come back as int64, beyond it as uint64, and beyond that as *big.Int.
// What JavaScript has more is Set, Entries, RegExp, URL, Custom, Clamped, Float16s and
// slices of numbers.
var MessagePack Coder[any] = plain{}

type plain struct{}

func (plain) Append(dst []byte, v any) ([]byte, error) { return appendPlain(dst, v, 0) }

func (plain) Decode(b []byte) (any, error) {
	v, rest, err := readPlain(b, 0)
	if err != nil || len(rest) > 0 {
		return nil, garbled("messagepack", err)
	}
	return v, nil
}

// Generated is the coder of a type that has the methods which msgp generates:
//
//	coder.Generated[City]()
func Generated[T any, P generated[T]]() Coder[T] { return generatedCoder[T, P]{} }

type generated[T any] interface {
	*T
	msgp.Marshaler
	msgp.Unmarshaler
}

type generatedCoder[T any, P generated[T]] struct{}

func (generatedCoder[T, P]) Append(dst []byte, v T) ([]byte, error) {
	packed, err := P(&v).MarshalMsg(dst)
	if err != nil {
		return dst, refuse("messagepack", err)
	}
	return packed, nil
}

func (generatedCoder[T, P]) Decode(b []byte) (T, error) {
	var v, none T
	// A type may keep parts of what it reads.
	rest, err := P(&v).UnmarshalMsg(slices.Clone(b))
	if err != nil || len(rest) > 0 {
		return none, garbled("messagepack", err)
	}
	return v, nil
}

// appendPlain appends plain data; on failure it returns dst as it came.
func appendPlain(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return msgp.AppendNil(dst), nil
	case bool:
		return msgp.AppendBool(dst, v), nil
	case int:
		return appendInt(dst, int64(v)), nil
	case int8:
		return appendInt(dst, int64(v)), nil
	case int16:
		return appendInt(dst, int64(v)), nil
	case int32:
		return appendInt(dst, int64(v)), nil
	case int64:
		return appendInt(dst, v), nil
	case uint:
		return appendUint(dst, uint64(v)), nil
	case uint8:
		return appendUint(dst, uint64(v)), nil
	case uint16:
		return appendUint(dst, uint64(v)), nil
	case uint32:
		return appendUint(dst, uint64(v)), nil
	case uint64:
		return appendUint(dst, v), nil
	case float32:
		return msgp.AppendFloat64(dst, float64(v)), nil
	case float64:
		return msgp.AppendFloat64(dst, v), nil
	case string:
		return msgp.AppendString(dst, v), nil
	case []byte:
		return msgp.AppendBytes(dst, v), nil
	case time.Time:
		return appendTime(dst, v), nil
	case []any:
		return appendList(dst, v, depth)
	case map[string]any:
		return appendMap(dst, v, depth)
	default:
		return appendExtension(dst, v, depth)
	}
}

func appendList(dst []byte, list []any, depth int) ([]byte, error) {
	if depth == query.MaxDepth {
		return dst, tooDeep
	}
	packed := msgp.AppendArrayHeader(dst, uint32(len(list)))
	var err error
	for _, v := range list {
		if packed, err = appendPlain(packed, v, depth+1); err != nil {
			return dst, err
		}
	}
	return packed, nil
}

func appendMap(dst []byte, m map[string]any, depth int) ([]byte, error) {
	if depth == query.MaxDepth {
		return dst, tooDeep
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	packed := msgp.AppendMapHeader(dst, uint32(len(m)))
	var err error
	for _, name := range names {
		packed = msgp.AppendString(packed, name)
		if packed, err = appendPlain(packed, m[name], depth+1); err != nil {
			return dst, err
		}
	}
	return packed, nil
}

// appendInt writes what JavaScript writes for a number of 32 bits, and for a
// larger bigint.
func appendInt(dst []byte, i int64) []byte {
	if i >= 0 {
		return appendUint(dst, uint64(i))
	}
	if i >= math.MinInt32 {
		return msgp.AppendInt64(dst, i) // in the shortest form
	}
	return appendWide(dst, 0xd3, uint64(i))
}

func appendUint(dst []byte, u uint64) []byte {
	switch {
	case u <= math.MaxUint32:
		return msgp.AppendUint64(dst, u) // in the shortest form
	case u <= math.MaxInt64:
		return appendWide(dst, 0xd3, u)
	default:
		return appendWide(dst, 0xcf, u)
	}
}

func appendWide(dst []byte, head byte, bits uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, head), bits)
}

// appendTime writes the shortest form of a timestamp that JavaScript would.
func appendTime(dst []byte, t time.Time) []byte {
	seconds, nanoseconds := t.Unix(), uint64(t.Nanosecond())
	switch {
	case seconds>>32 != 0:
		dst = append(dst, 0xc7, 12, 0xff)
		dst = binary.BigEndian.AppendUint32(dst, uint32(nanoseconds))
		return binary.BigEndian.AppendUint64(dst, uint64(seconds))
	case nanoseconds != 0:
		return binary.BigEndian.AppendUint64(append(dst, 0xd7, 0xff), nanoseconds<<34|uint64(seconds))
	default:
		return binary.BigEndian.AppendUint32(append(dst, 0xd6, 0xff), uint32(seconds))
	}
}

// readPlain reads the value at the front of b, and returns what follows it.
func readPlain(b []byte, depth int) (v any, rest []byte, err error) {
	switch msgp.NextType(b) {
	case msgp.NilType:
		rest, err = msgp.ReadNilBytes(b)
	case msgp.BoolType:
		v, rest, err = msgp.ReadBoolBytes(b)
	case msgp.IntType, msgp.UintType:
		return readInt(b)
	case msgp.Float32Type, msgp.Float64Type:
		v, rest, err = msgp.ReadFloat64Bytes(b)
	case msgp.StrType:
		v, rest, err = msgp.ReadStringBytes(b)
	case msgp.BinType:
		v, rest, err = msgp.ReadBytesBytes(b, nil)
	case msgp.ArrayType:
		return readList(b, depth)
	case msgp.MapType:
		return readMap(b, depth)
	default:
		return readExtension(b, depth)
	}
	return v, rest, err
}

func readInt(b []byte) (v any, rest []byte, err error) {
	if u, rest, err := msgp.ReadUint64Bytes(b); err == nil && u > math.MaxInt64 {
		return u, rest, nil
	}
	return wrap(msgp.ReadInt64Bytes(b))
}

func wrap(i int64, rest []byte, err error) (any, []byte, error) { return i, rest, err }

func readList(b []byte, depth int) (v any, rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || uint64(n) > uint64(len(b)) {
		return nil, nil, garbled("messagepack", err)
	}
	if depth == query.MaxDepth {
		return nil, nil, tooDeep
	}
	list := make([]any, n)
	for i := range list {
		if list[i], b, err = readPlain(b, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return list, b, nil
}

func readMap(b []byte, depth int) (v any, rest []byte, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil || 2*uint64(n) > uint64(len(b)) {
		return nil, nil, garbled("messagepack", err)
	}
	if depth == query.MaxDepth {
		return nil, nil, tooDeep
	}
	m := make(map[string]any, n)
	for range n {
		var name string
		if name, b, err = msgp.ReadStringBytes(b); err != nil {
			return nil, nil, garbled("messagepack", err)
		}
		if m[name], b, err = readPlain(b, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return m, b, nil
}

// readExtension reads a timestamp, undefined as nil, or a value of JavaScript.
func readExtension(b []byte, depth int) (v any, rest []byte, err error) {
	t, payload, rest, ok := cutExtension(b)
	switch {
	case !ok:
		return nil, nil, garbled("messagepack", nil)
	case t == 0 && len(payload) == 1:
		return nil, rest, nil
	case t == 0xff:
		v, err = readTime(payload)
	default:
		v, err = readExtended(t, payload, depth)
	}
	return v, rest, err
}

func readTime(payload []byte) (any, error) {
	switch len(payload) {
	case 4:
		return time.Unix(int64(binary.BigEndian.Uint32(payload)), 0).UTC(), nil
	case 8:
		bits := binary.BigEndian.Uint64(payload)
		return time.Unix(int64(bits&(1<<34-1)), int64(bits>>34)).UTC(), nil
	case 12:
		seconds := int64(binary.BigEndian.Uint64(payload[4:]))
		return time.Unix(seconds, int64(binary.BigEndian.Uint32(payload))).UTC(), nil
	default:
		return nil, garbled("messagepack", nil)
	}
}
