package value

import (
	"math"
	"math/bits"
)

// numeric is v as an operand of arithmetic: an integer or a real; text is the
// number that it begins with.
func (v Value) numeric() Value {
	if v.IsNumber() || v.kind == Null {
		return v
	}
	n, _ := number(v.Text())
	return n
}

// Add returns a+b: a real where one is, or where integers overflow, and NULL where
// one is.
func Add(a, b Value) Value {
	if a.kind == Integer && b.kind == Integer {
		x, y := int64(a.bits), int64(b.bits)
		if sum := x + y; (x^sum)&(y^sum) >= 0 {
			return FromInt(sum)
		}
	}
	return calculate(a, b, Add, func(x, y float64) float64 { return x + y })
}

// Subtract returns a−b, as Add does.
func Subtract(a, b Value) Value {
	if a.kind == Integer && b.kind == Integer {
		x, y := int64(a.bits), int64(b.bits)
		if difference := x - y; (x^y)&(x^difference) >= 0 {
			return FromInt(difference)
		}
	}
	return calculate(a, b, Subtract, func(x, y float64) float64 { return x - y })
}

// Multiply returns a×b, as Add does.
func Multiply(a, b Value) Value {
	if a.kind == Integer && b.kind == Integer {
		if product, ok := multiply(int64(a.bits), int64(b.bits)); ok {
			return FromInt(product)
		}
	}
	return calculate(a, b, Multiply, func(x, y float64) float64 { return x * y })
}

// Divide returns a÷b, towards zero where both are integers, and NULL where b is 0.
func Divide(a, b Value) Value {
	if a.kind == Integer && b.kind == Integer {
		x, y := int64(a.bits), int64(b.bits)
		switch {
		case y == 0:
			return Value{}
		case y != -1 || x != math.MinInt64:
			return FromInt(x / y)
		}
	}
	return calculate(a, b, Divide, func(x, y float64) float64 {
		if y == 0 {
			return math.NaN() // which becomes NULL
		}
		return x / y
	})
}

// Remainder returns what dividing a by b leaves, both taken as integers, with the
// sign of a; and NULL where b is 0. It is a real where one of them is.
func Remainder(a, b Value) Value {
	if a.kind == Null || b.kind == Null {
		return Value{}
	}
	x, y := a.Int(), b.Int()
	if y == 0 {
		return Value{}
	}
	rest := int64(0)
	if y != -1 { // which overflows for the least integer
		rest = x % y
	}
	if a.numeric().kind == Real || b.numeric().kind == Real {
		return FromReal(float64(rest))
	}
	return FromInt(rest)
}

// calculate goes on where a and b are not two integers whose result is one:
// operands become numbers first.
func calculate(a, b Value, whole func(a, b Value) Value, real func(x, y float64) float64) Value {
	if a.kind == Null || b.kind == Null {
		return Value{}
	}
	if !a.IsNumber() || !b.IsNumber() {
		return whole(a.numeric(), b.numeric())
	}
	return FromReal(real(a.Real(), b.Real()))
}

// multiply reports false where the product does not fit.
func multiply(x, y int64) (int64, bool) {
	high, low := bits.Mul64(uint64(x), uint64(y))
	signed := int64(high) - (x>>63)&y - (y>>63)&x
	return int64(low), signed == int64(low)>>63
}

// Negate returns −v.
func Negate(v Value) Value { return Subtract(FromInt(0), v) }

// BitAnd returns the bits that a and b, as integers, share.
func BitAnd(a, b Value) Value {
	return bitwise(a, b, func(x, y int64) int64 { return x & y })
}

// BitOr returns the bits that a or b, as integers, has.
func BitOr(a, b Value) Value {
	return bitwise(a, b, func(x, y int64) int64 { return x | y })
}

// ShiftLeft shifts a, as an integer, by b bits to the left; to the right where b
// is negative.
func ShiftLeft(a, b Value) Value { return bitwise(a, b, shift) }

// ShiftRight shifts a by b bits to the right, keeping its sign.
func ShiftRight(a, b Value) Value {
	return bitwise(a, b, func(x, by int64) int64 {
		if by == math.MinInt64 {
			return 0
		}
		return shift(x, -by)
	})
}

// BitNot returns v, as an integer, with every bit turned.
func BitNot(v Value) Value {
	if v.kind == Null {
		return v
	}
	return FromInt(^v.Int())
}

func bitwise(a, b Value, f func(x, y int64) int64) Value {
	if a.kind == Null || b.kind == Null {
		return Value{}
	}
	return FromInt(f(a.Int(), b.Int()))
}

func shift(x, by int64) int64 {
	switch {
	case by >= 64:
		return 0
	case by >= 0:
		return x << uint(by)
	case by > -64:
		return x >> uint(-by)
	}
	return x >> 63
}

// Concat returns the texts of a and b, one after the other.
func Concat(a, b Value) Value {
	if a.kind == Null || b.kind == Null {
		return Value{}
	}
	return FromText(a.Text() + b.Text())
}
