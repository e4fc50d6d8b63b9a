package query

import (
	"cmp"
	"math"
	"math/bits"
)

// number is any MessagePack number, exactly: integers and floats lie on one
// number line, so that 1 and 1.0 are the same and 2⁶³ and 2⁶³+1 are not.
type number struct {
	form numberForm
	bits uint64 // of the int64, uint64 or float64
}

type numberForm uint8

const (
	signed   numberForm = iota
	unsigned            // only above math.MaxInt64
	float
)

func fromInt(i int64) number { return number{signed, uint64(i)} }

func fromUint(u uint64) number {
	if u > math.MaxInt64 {
		return number{unsigned, u}
	}
	return number{signed, u}
}

func fromFloat(f float64) number { return number{float, math.Float64bits(f)} }

func (n number) float() float64 { return math.Float64frombits(n.bits) }

// toFloat returns n as the float64 nearest to it.
func (n number) toFloat() float64 {
	switch n.form {
	case float:
		return n.float()
	case signed:
		return float64(int64(n.bits))
	default:
		return float64(n.bits)
	}
}

// remainder is what dividing n by d leaves, with the sign of n: exact where both are
// integers, or floats. Division by 0 leaves NaN.
func (n number) remainder(d number) number {
	if n.form == signed && d.form == signed && d.bits != 0 {
		if int64(d.bits) == -1 {
			return number{} // which overflows for the least integer
		}
		return fromInt(int64(n.bits) % int64(d.bits))
	}
	return fromFloat(math.Mod(n.toFloat(), d.toFloat()))
}

func (n number) nan() bool { return n.form == float && math.IsNaN(n.float()) }

// toInt returns n as an integer where it is one within ±2⁵³.
func (n number) toInt() (int64, bool) {
	const exact = 1 << 53
	if n.form == float {
		f := n.float()
		if f != math.Trunc(f) || math.Abs(f) > exact {
			return 0, false
		}
		return int64(f), true
	}
	i := int64(n.bits)
	return i, n.form == signed && -exact <= i && i <= exact
}

// compareNumbers orders a and b; it reports false if one of them is NaN, which
// has no place on the number line.
func compareNumbers(a, b number) (order int, ok bool) {
	switch {
	case a.form == signed && b.form == signed:
		return cmp.Compare(int64(a.bits), int64(b.bits)), true
	case a.form == float && b.form == float:
		return compareFloats(a.float(), b.float())
	case a.form == float:
		return compareFloatInteger(a.float(), b)
	case b.form == float:
		order, ok = compareFloatInteger(b.float(), a)
		return -order, ok
	case a.form == b.form:
		return cmp.Compare(a.bits, b.bits), true
	case a.form == unsigned: // above all int64
		return 1, true
	default:
		return -1, true
	}
}

func compareFloats(a, b float64) (order int, ok bool) {
	switch {
	case a < b:
		return -1, true
	case a > b:
		return 1, true
	default:
		return 0, a == b
	}
}

// compareFloatInteger compares without rounding the integer: float64(2⁵³+1)
// would already be 2⁵³.
func compareFloatInteger(f float64, n number) (order int, ok bool) {
	if math.IsNaN(f) {
		return 0, false
	}
	whole := math.Trunc(f)
	if n.form == signed {
		switch {
		case f >= 1<<63:
			return 1, true
		case f < -1<<63:
			return -1, true
		}
		order = cmp.Compare(int64(whole), int64(n.bits))
	} else {
		switch {
		case f >= 1<<64:
			return 1, true
		case f < 1<<63:
			return -1, true
		}
		order = cmp.Compare(uint64(whole), n.bits)
	}
	if order == 0 {
		order = cmp.Compare(f, whole)
	}
	return order, true
}

// magnitude splits n into its sign, the float64 nearest to it towards zero, and
// for integers of more than 53 bits what that float lacks, below 2¹¹.
func (n number) magnitude() (negative bool, nearest float64, residual uint64) {
	var m uint64
	switch n.form {
	case float:
		f := n.float()
		return f < 0, math.Abs(f), 0
	case signed:
		m = n.bits
		if negative = int64(n.bits) < 0; negative {
			m = -m
		}
	default:
		m = n.bits
	}
	return negative, truncate(m), m - uint64(truncate(m))
}

// truncate is the float64 nearest to m towards zero.
func truncate(m uint64) float64 {
	if excess := bits.Len64(m) - 53; excess > 0 {
		m = m >> excess << excess
	}
	return float64(m)
}

// MaxInteger is the greatest integer below which a float64 holds all integers.
const MaxInteger = 1<<53 - 1

// Floor returns the greatest integer that the number at the front of raw is not
// below, MaxInteger at most; and false where there is no number, or a negative one.
func Floor(raw []byte) (i int64, ok bool) {
	v, ok := decode(raw, 0)
	if !ok || v.kind != kindNumber {
		return 0, false
	}
	switch n := v.number; {
	case n.form == float:
		f := math.Floor(n.float())
		return int64(min(f, MaxInteger)), f >= 0 // false for NaN
	case n.form == unsigned:
		return MaxInteger, true
	default:
		i = int64(n.bits)
		return min(i, MaxInteger), i >= 0
	}
}
