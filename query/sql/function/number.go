package function

import (
	"math"
	"strconv"

	"github.com/stowage-db/stowage/query/sql/value"
)

func abs(_ *Context, args []value.Value) (value.Value, error) {
	switch v := args[0]; v.Kind() {
	case value.Null:
		return v, nil
	case value.Integer:
		i := v.Int()
		if i == math.MinInt64 {
			return value.Value{}, Error("integer overflow")
		}
		return value.FromInt(max(i, -i)), nil
	default:
		return value.FromReal(math.Abs(v.Real())), nil
	}
}

// sign returns −1, 0 or 1, and NULL for what is no number.
func sign(_ *Context, args []value.Value) (value.Value, error) {
	v := value.Number(args[0])
	if !v.IsNumber() {
		return value.Value{}, nil
	}
	switch f := v.Real(); {
	case f < 0:
		return value.FromInt(-1), nil
	case f > 0:
		return value.FromInt(1), nil
	}
	return value.FromInt(0), nil
}

// round returns a real with so many digits after the point, 30 at most.
func round(_ *Context, args []value.Value) (value.Value, error) {
	digits := int64(0)
	if len(args) == 2 {
		if args[1].IsNull() {
			return args[1], nil
		}
		digits = min(max(args[1].Int(), 0), 30)
	}
	if args[0].IsNull() {
		return args[0], nil
	}
	f := args[0].Real()
	const whole = 1 << 52 // above, reals have no fractions
	switch {
	case f < -whole || f > whole:
		return value.FromReal(f), nil
	case digits == 0:
		return value.FromReal(float64(int64(f + math.Copysign(0.5, f)))), nil
	}
	rounded, _ := strconv.ParseFloat(string(appendFixed(nil, f, int(digits))), 64)
	return value.FromReal(rounded), nil
}

// appendFixed appends f with so many digits after the point, none more exact than 17.
func appendFixed(dst []byte, f float64, digits int) []byte {
	n := number{kind: fixed, precision: digits, exact: true}
	return n.append(dst, f)
}

// numeric is an argument of a function of reals: NULL where it is no number.
func numeric(v value.Value) (f float64, ok bool) {
	v = value.Number(v)
	return v.Real(), v.IsNumber()
}

// whole is what ceiling, floor and trunc share: integers stay as they are.
func whole(v value.Value, f func(float64) float64) (value.Value, error) {
	switch v = value.Number(v); v.Kind() {
	case value.Integer:
		return v, nil
	case value.Real:
		return value.FromReal(f(v.Real())), nil
	}
	return value.Value{}, nil
}
