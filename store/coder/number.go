package coder

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Integer is any type of integers.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// Uint16 is the coder of integers from 0 to 65,535 as two bytes, big-endian.
func Uint16[T Integer]() Coder[T] { return unsigned[T]{2} }

// Uint32 is the coder of integers from 0 to 2³²−1 as four bytes, big-endian.
func Uint32[T Integer]() Coder[T] { return unsigned[T]{4} }

// Uint64 is the coder of integers from 0 to 2⁶⁴−1 as eight bytes, big-endian.
func Uint64[T Integer]() Coder[T] { return unsigned[T]{8} }

// unsigned keeps order because the most significant byte comes first.
type unsigned[T Integer] struct{ size int }

func (c unsigned[T]) name() string { return "uint" + strconv.Itoa(c.size*8) }

func (c unsigned[T]) Append(dst []byte, v T) ([]byte, error) {
	if v < 0 || uint64(v)>>(c.size*8-1)>>1 != 0 {
		return dst, refuse(c.name(), nil)
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(v))
	return append(dst, b[8-c.size:]...), nil
}

func (c unsigned[T]) Decode(b []byte) (T, error) {
	if len(b) != c.size {
		return 0, garbled(c.name(), nil)
	}
	var wide [8]byte
	copy(wide[8-c.size:], b)
	n := binary.BigEndian.Uint64(wide[:])
	v := T(n)
	if v < 0 || uint64(v) != n {
		return 0, garbled(c.name(), nil) // T is too narrow for it
	}
	return v, nil
}

// Int64 is the coder of integers from −2⁶³ to 2⁶³−1 as eight bytes: big-endian,
// with the sign bit inverted so that negative ones come first.
func Int64[T Integer]() Coder[T] { return signed[T]{} }

type signed[T Integer] struct{}

const signBit = 1 << 63

func (signed[T]) Append(dst []byte, v T) ([]byte, error) {
	if v > 0 && uint64(v) > math.MaxInt64 {
		return dst, refuse("int64", nil)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(v)^signBit), nil
}

func (signed[T]) Decode(b []byte) (T, error) {
	if len(b) != 8 {
		return 0, garbled("int64", nil)
	}
	n := int64(binary.BigEndian.Uint64(b) ^ signBit)
	v := T(n)
	if int64(v) != n || (v < 0) != (n < 0) {
		return 0, garbled("int64", nil) // T is too narrow for it
	}
	return v, nil
}

// Float64 is the coder of floats as eight bytes: IEEE 754, big-endian, with the
// sign bit inverted, and all others too where it was set. −0 is stored as 0, for
// equal numbers are equal keys; NaN has no place in the order and is refused.
var Float64 Coder[float64] = float{}

type float struct{}

func (float) Append(dst []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) {
		return dst, refuse("float64", nil)
	}
	if v == 0 {
		v = 0 // not −0
	}
	bits := math.Float64bits(v)
	if bits&signBit != 0 {
		return binary.BigEndian.AppendUint64(dst, ^bits), nil
	}
	return binary.BigEndian.AppendUint64(dst, bits|signBit), nil
}

func (c float) Decode(b []byte) (float64, error) {
	if len(b) != 8 {
		return 0, garbled("float64", nil)
	}
	bits := binary.BigEndian.Uint64(b)
	if bits&signBit != 0 {
		bits &^= signBit
	} else {
		bits = ^bits
	}
	v := math.Float64frombits(bits)
	if !same[float64](c, v, b) {
		return 0, garbled("float64", nil) // NaN or −0
	}
	return v, nil
}
