package function

import (
	"math"

	"github.com/stowage-db/stowage/query/sql/value"
)

// of1 calls a function of one real.
func of1(args []value.Value, f func(x float64) float64) (value.Value, error) {
	x, ok := numeric(args[0])
	if !ok {
		return value.Value{}, nil
	}
	return value.FromReal(f(x)), nil
}

// of2 calls a function of two reals.
func of2(args []value.Value, f func(x, y float64) float64) (value.Value, error) {
	x, okX := numeric(args[0])
	y, okY := numeric(args[1])
	if !okX || !okY {
		return value.Value{}, nil
	}
	return value.FromReal(f(x, y)), nil
}

func ceiling(_ *Context, args []value.Value) (value.Value, error) { return whole(args[0], math.Ceil) }
func floor(_ *Context, args []value.Value) (value.Value, error)   { return whole(args[0], math.Floor) }
func trunc(_ *Context, args []value.Value) (value.Value, error)   { return whole(args[0], math.Trunc) }

func acos(_ *Context, args []value.Value) (value.Value, error)  { return of1(args, arccosine) }
func acosh(_ *Context, args []value.Value) (value.Value, error) { return of1(args, math.Acosh) }
func asin(_ *Context, args []value.Value) (value.Value, error)  { return of1(args, math.Asin) }
func asinh(_ *Context, args []value.Value) (value.Value, error) { return of1(args, math.Asinh) }
func atan(_ *Context, args []value.Value) (value.Value, error)  { return of1(args, math.Atan) }
func atan2(_ *Context, args []value.Value) (value.Value, error) { return of2(args, math.Atan2) }
func atanh(_ *Context, args []value.Value) (value.Value, error) { return of1(args, math.Atanh) }
func cos(_ *Context, args []value.Value) (value.Value, error)   { return of1(args, math.Cos) }
func cosh(_ *Context, args []value.Value) (value.Value, error)  { return of1(args, math.Cosh) }
func mod(_ *Context, args []value.Value) (value.Value, error)   { return of2(args, math.Mod) }
func power(_ *Context, args []value.Value) (value.Value, error) { return of2(args, math.Pow) }
func sin(_ *Context, args []value.Value) (value.Value, error)   { return of1(args, math.Sin) }
func sinh(_ *Context, args []value.Value) (value.Value, error)  { return of1(args, math.Sinh) }
func tan(_ *Context, args []value.Value) (value.Value, error)   { return of1(args, math.Tan) }
func tanh(_ *Context, args []value.Value) (value.Value, error)  { return of1(args, math.Tanh) }

func exponential(_ *Context, args []value.Value) (value.Value, error) { return of1(args, math.Exp) }
func squareRoot(_ *Context, args []value.Value) (value.Value, error)  { return of1(args, math.Sqrt) }

func pi(*Context, []value.Value) (value.Value, error) { return value.FromReal(math.Pi), nil }

func degrees(_ *Context, args []value.Value) (value.Value, error) {
	return of1(args, func(x float64) float64 { return x * (180 / math.Pi) })
}

func radians(_ *Context, args []value.Value) (value.Value, error) {
	return of1(args, func(x float64) float64 { return x * (math.Pi / 180) })
}

func naturalLogarithm(_ *Context, args []value.Value) (value.Value, error) {
	return of1(args, positive(naturally))
}

func binaryLogarithm(_ *Context, args []value.Value) (value.Value, error) {
	return of1(args, positive(math.Log2))
}

// logarithm is that to base 10, or to its first argument if it has two.
func logarithm(_ *Context, args []value.Value) (value.Value, error) {
	if len(args) == 1 {
		return of1(args, positive(func(x float64) float64 { return math.Log2(x) * (math.Ln2 / math.Ln10) }))
	}
	base, ok := numeric(args[0])
	x := args[1].Real() // of any text
	if !ok || base <= 1 || x <= 0 {
		return value.Value{}, nil
	}
	return value.FromReal(naturally(x) / naturally(base)), nil
}

// naturally is math.Log also where x is so small that it has fewer digits.
func naturally(x float64) float64 {
	fraction, exponent := math.Frexp(x)
	if exponent > -1000 {
		return math.Log(x)
	}
	return math.Log(fraction) + float64(exponent)*math.Ln2
}

// arccosine is exact near 1 too.
func arccosine(x float64) float64 { return 2 * math.Atan2(math.Sqrt(1-x), math.Sqrt(1+x)) }

// positive is f for positive numbers, NULL for others.
func positive(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		if x <= 0 {
			return math.NaN()
		}
		return f(x)
	}
}
