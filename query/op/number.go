package op

import (
	"bytes"
	"math"
	"math/bits"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// number is an integer of 65 bits, or a float.
type number struct {
	isFloat  bool
	float    float64
	negative bool
	size     uint64 // the integer without its sign
}

func readNumber(raw []byte) (n number, ok bool) {
	switch msgp.NextType(raw) {
	case msgp.IntType:
		i, _, err := msgp.ReadInt64Bytes(raw)
		if n.negative, n.size = i < 0, uint64(i); n.negative {
			n.size = -n.size
		}
		return n, err == nil
	case msgp.UintType:
		u, _, err := msgp.ReadUint64Bytes(raw)
		return number{size: u}, err == nil
	case msgp.Float32Type:
		f, _, err := msgp.ReadFloat32Bytes(raw)
		return number{isFloat: true, float: float64(f)}, err == nil
	case msgp.Float64Type:
		f, _, err := msgp.ReadFloat64Bytes(raw)
		return number{isFloat: true, float: f}, err == nil
	default:
		return number{}, false
	}
}

func (n number) toFloat() float64 {
	switch {
	case n.isFloat:
		return n.float
	case n.negative:
		return -float64(n.size)
	default:
		return float64(n.size)
	}
}

// safe reports whether n is an integer that a float holds, with its neighbours.
func (n number) safe() bool { return !n.isFloat && n.size <= query.MaxInteger }

// sum adds or subtracts. Integers stay integers; but where both are within ±(2⁵³−1)
// and the result is not, it is a float, as it would be where they are floats anyway.
func (o *Operation) sum(old, operand []byte, subtract bool) ([]byte, error) {
	a, ok := readNumber(old)
	b, also := readNumber(operand)
	if !ok || !also {
		return nil, o.unfit(anotherType)
	}
	if subtract {
		b.negative, b.float = !b.negative, -b.float
	}
	if a.isFloat || b.isFloat {
		return msgp.AppendFloat64(nil, a.toFloat()+b.toFloat()), nil
	}
	negative, size, carry := a.negative, uint64(0), uint64(0)
	switch {
	case a.negative == b.negative:
		size, carry = bits.Add64(a.size, b.size, 0)
	case a.size >= b.size:
		size = a.size - b.size
	default:
		negative, size = b.negative, b.size-a.size
	}
	switch {
	case a.safe() && b.safe() && size > query.MaxInteger:
		return msgp.AppendFloat64(nil, number{negative: negative, size: size}.toFloat()), nil
	case carry != 0 || negative && size > 1<<63:
		return nil, o.unfit("the result has more than 64 bits")
	case negative:
		return msgp.AppendInt64(nil, int64(-size)), nil
	case size > math.MaxInt64:
		return msgp.AppendUint64(nil, size), nil
	default:
		return msgp.AppendInt64(nil, int64(size)), nil
	}
}

// choose returns the operand where it compares to what is there as wanted, else what
// is there.
func (o *Operation) choose(old, wanted []byte, order int) ([]byte, error) {
	if old == nil {
		return wanted, nil
	}
	a, ordered, err := query.AppendKeyRaw(nil, wanted)
	if err != nil {
		return nil, err
	}
	b, also, err := query.AppendKeyRaw(nil, old)
	if err != nil {
		return nil, err
	}
	// The first byte of a key tells the type.
	if !ordered || !also || a[0] != b[0] {
		return nil, o.unfit(anotherType)
	}
	if bytes.Compare(a, b) == order {
		return wanted, nil
	}
	return old, nil
}
