package coder

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// What documents of JavaScript hold beside MessagePack's own types is stored as
// extension types:
//
//	0x42  bigint beyond 64 bits   two's complement, big-endian
//	0x43  of a custom type        list of its name and of what encode made of the value
//	0x4d  Map                     list of keys and values, by turns
//	0x52  RegExp                  text: flags, a slash, the source
//	0x53  Set                     list of its elements
//	0x54  typed array             a byte that tells which, then its memory, little-endian
//	0x55  URL                     text
//
// JavaScript has them in js/src/document/extension.ts; both are held to the vectors in
// testdata/coders.json.
const (
	typeBigint     = 0x42
	typeCustom     = 0x43
	typeMap        = 0x4d
	typeRegExp     = 0x52
	typeSet        = 0x53
	typeTypedArray = 0x54
	typeURL        = 0x55
)

// Set is a Set of JavaScript: its elements, in their order.
type Set []any

// Entries are those of a Map of JavaScript, in their order. Keys may be anything.
type Entries []Entry

// Entry is a key of a Map and its value.
type Entry struct{ Key, Value any }

// RegExp is a regular expression of JavaScript, which need not be one of Go.
type RegExp struct{ Source, Flags string }

// URL is the text of a URL of JavaScript.
type URL string

// Custom is a value of a custom type of JavaScript: the type's name, and what it is
// stored as.
type Custom struct {
	Name  string
	Value any
}

// Clamped is a Uint8ClampedArray of JavaScript. Its other typed arrays are slices of
// Go's numbers.
type Clamped []byte

// Float16s is the memory of a Float16Array, little-endian.
type Float16s []byte

// The typed arrays, as their first byte tells them.
const (
	arrayInt8 = iota + 1
	arrayClamped
	arrayInt16
	arrayUint16
	arrayInt32
	arrayUint32
	arrayFloat32
	arrayFloat64
	arrayInt64
	arrayUint64
	arrayFloat16
)

// appendExtension appends a value that is stored as an extension type.
func appendExtension(dst []byte, v any, depth int) ([]byte, error) {
	var list []any
	var t byte
	switch v := v.(type) {
	case *big.Int:
		return appendBig(dst, v), nil
	case RegExp:
		return appendRegExp(dst, v)
	case URL:
		return appendHead(dst, typeURL, []byte(v)), nil
	case Set:
		t, list = typeSet, v
	case Entries:
		t = typeMap
		for _, entry := range v {
			list = append(list, entry.Key, entry.Value)
		}
	case Custom:
		t, list = typeCustom, []any{v.Name, v.Value}
	default:
		which, memory := typedArray(v)
		if which == 0 {
			return dst, refuse("messagepack", nil)
		}
		return appendHead(dst, typeTypedArray, slices.Insert(memory, 0, which)), nil
	}
	payload, err := appendList(nil, list, depth)
	if err != nil {
		return dst, err
	}
	return appendHead(dst, t, payload), nil
}

// appendHead appends an extension. Its length stands apart also where a shorter form
// exists.
func appendHead(dst []byte, t byte, payload []byte) []byte {
	switch n := len(payload); {
	case n <= math.MaxUint8:
		dst = append(dst, 0xc7, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xc8), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xc9), uint32(n))
	}
	return append(append(dst, t), payload...)
}

func appendRegExp(dst []byte, r RegExp) ([]byte, error) {
	if strings.Contains(r.Flags, "/") {
		return dst, refuse("messagepack", nil)
	}
	return appendHead(dst, typeRegExp, []byte(r.Flags+"/"+r.Source)), nil
}

// mostWords is how many bits of magnitude JavaScript writes in whole words.
const mostWords = 1 << 16

// appendBig appends an integer of any size: in 64 bits where they are enough, else in
// words of 64, and very large ones in as few bytes as will do.
func appendBig(dst []byte, i *big.Int) []byte {
	switch {
	case i.IsInt64():
		return appendWide(dst, 0xd3, uint64(i.Int64()))
	case i.IsUint64():
		return appendWide(dst, 0xcf, i.Uint64())
	}
	magnitude := i
	if i.Sign() < 0 {
		magnitude = new(big.Int).Not(i)
	}
	size := magnitude.BitLen()/8 + 1
	if magnitude.BitLen() <= mostWords {
		size = (size + 7) / 8 * 8
	}
	payload := magnitude.FillBytes(make([]byte, size))
	if i.Sign() < 0 {
		for at := range payload {
			payload[at] = ^payload[at]
		}
	}
	if size == 16 {
		return append(append(dst, 0xd8, typeBigint), payload...)
	}
	return appendHead(dst, typeBigint, payload)
}

func readBig(payload []byte) any {
	i := new(big.Int).SetBytes(payload)
	if payload[0] >= 0x80 {
		i.Sub(i, new(big.Int).Lsh(big.NewInt(1), uint(len(payload))*8))
	}
	switch {
	case i.IsInt64():
		return i.Int64()
	case i.IsUint64():
		return i.Uint64()
	}
	return i
}

// typedArray returns which typed array v is, 0 for none, and its memory.
func typedArray(v any) (which byte, memory []byte) {
	switch v := v.(type) {
	case []int8:
		return arrayInt8, bytesOf(v)
	case Clamped:
		return arrayClamped, slices.Clone(v)
	case []int16:
		return arrayInt16, bytesOf(v)
	case []uint16:
		return arrayUint16, bytesOf(v)
	case []int32:
		return arrayInt32, bytesOf(v)
	case []uint32:
		return arrayUint32, bytesOf(v)
	case []float32:
		return arrayFloat32, bytesOf(v)
	case []float64:
		return arrayFloat64, bytesOf(v)
	case []int64:
		return arrayInt64, bytesOf(v)
	case []uint64:
		return arrayUint64, bytesOf(v)
	case Float16s:
		return arrayFloat16, slices.Clone(v)
	}
	return 0, nil
}

func bytesOf[T any](list []T) []byte {
	memory, _ := binary.Append(nil, binary.LittleEndian, list) // numbers of a fixed size never fail
	return memory
}

func readTypedArray(payload []byte) (any, bool) {
	memory := payload[1:]
	switch payload[0] {
	case arrayInt8:
		return elements[int8](memory, 1)
	case arrayClamped:
		return Clamped(slices.Clone(memory)), true
	case arrayInt16:
		return elements[int16](memory, 2)
	case arrayUint16:
		return elements[uint16](memory, 2)
	case arrayInt32:
		return elements[int32](memory, 4)
	case arrayUint32:
		return elements[uint32](memory, 4)
	case arrayFloat32:
		return elements[float32](memory, 4)
	case arrayFloat64:
		return elements[float64](memory, 8)
	case arrayInt64:
		return elements[int64](memory, 8)
	case arrayUint64:
		return elements[uint64](memory, 8)
	case arrayFloat16:
		return Float16s(slices.Clone(memory)), len(memory)%2 == 0
	}
	return nil, false
}

func elements[T any](memory []byte, size int) (any, bool) {
	list := make([]T, len(memory)/size)
	_, err := binary.Decode(memory, binary.LittleEndian, list)
	return list, err == nil && len(memory)%size == 0
}

// readExtended reads an extension that stands for a value of JavaScript.
func readExtended(t byte, payload []byte, depth int) (any, error) {
	undecodable := garbled("messagepack", nil)
	if len(payload) == 0 {
		return nil, undecodable
	}
	switch t {
	case typeBigint:
		return readBig(payload), nil
	case typeTypedArray:
		if v, ok := readTypedArray(payload); ok {
			return v, nil
		}
		return nil, undecodable
	case typeURL, typeRegExp:
		flags, source, ok := strings.Cut(string(payload), "/")
		switch {
		case !utf8.Valid(payload):
			return nil, undecodable
		case t == typeURL:
			return URL(payload), nil
		case ok:
			return RegExp{source, flags}, nil
		}
		return nil, undecodable
	case typeSet, typeMap, typeCustom:
		return readHolder(t, payload, depth)
	default:
		return nil, undecodable
	}
}

// readHolder reads an extension that is a list of other values.
func readHolder(t byte, payload []byte, depth int) (any, error) {
	if msgp.NextType(payload) != msgp.ArrayType {
		return nil, garbled("messagepack", nil)
	}
	v, rest, err := readList(payload, depth)
	if err != nil || len(rest) > 0 {
		return nil, garbled("messagepack", err)
	}
	list := v.([]any)
	if t == typeSet {
		return Set(list), nil
	}
	if t == typeCustom {
		if len(list) == 2 {
			if name, ok := list[0].(string); ok {
				return Custom{name, list[1]}, nil
			}
		}
		return nil, garbled("messagepack", nil)
	}
	if len(list)%2 != 0 {
		return nil, garbled("messagepack", nil)
	}
	entries := make(Entries, len(list)/2)
	for i := range entries {
		entries[i] = Entry{list[2*i], list[2*i+1]}
	}
	return entries, nil
}

// cutExtension cuts the extension at the front of b into its type and payload.
func cutExtension(b []byte) (t byte, payload, rest []byte, ok bool) {
	n, ok := query.Skip(b)
	if !ok {
		return 0, nil, nil, false
	}
	head := 1
	switch b[0] {
	case 0xc7:
		head = 2
	case 0xc8:
		head = 3
	case 0xc9:
		head = 5
	}
	return b[head], b[head+1 : n], b[n:], true
}
