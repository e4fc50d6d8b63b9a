package value

import (
	"math"
	"strings"
)

// Affinity is what a column makes of the values that are put into it, and what a
// comparison with it makes of the other side.
type Affinity uint8

const (
	NoAffinity      Affinity = iota // an expression that is no column
	BlobAffinity                    // a column that takes values as they are
	TextAffinity                    // numbers become text
	NumericAffinity                 // text that is a number becomes one, integer where it can
	IntegerAffinity                 // the same; they differ in casts only
	RealAffinity                    // and integers become reals
)

// AffinityOf returns the affinity that a declared type stands for.
func AffinityOf(declared string) Affinity {
	name := strings.ToUpper(declared)
	has := func(part string) bool { return strings.Contains(name, part) }
	switch {
	case has("INT"):
		return IntegerAffinity
	case has("CHAR"), has("CLOB"), has("TEXT"):
		return TextAffinity
	case has("BLOB"), name == "":
		return BlobAffinity
	case has("REAL"), has("FLOA"), has("DOUB"):
		return RealAffinity
	}
	return NumericAffinity
}

// Numeric reports whether text becomes a number.
func (a Affinity) Numeric() bool { return a >= NumericAffinity }

// CompareAffinity returns what is to be applied to both sides of a comparison of
// operands of these affinities before they are compared.
func CompareAffinity(a, b Affinity) Affinity {
	switch {
	case a.Numeric() || b.Numeric():
		return NumericAffinity
	case a == TextAffinity && b == NoAffinity, a == NoAffinity && b == TextAffinity:
		return TextAffinity
	}
	return NoAffinity
}

// Apply returns what a column of this affinity makes of v.
func (a Affinity) Apply(v Value) Value {
	switch {
	case a <= BlobAffinity || v.kind == Null || v.kind == Blob:
		return v
	case a == TextAffinity:
		if v.IsNumber() {
			return FromText(v.Text())
		}
		return v
	}
	if v.kind == Text {
		if n, whole := number(v.text); whole {
			v = n
		}
	}
	switch {
	case v.kind == Real && a != RealAffinity:
		return v.integral()
	case v.kind == Integer && a == RealAffinity:
		return FromReal(float64(int64(v.bits)))
	}
	return v
}

// Read returns what a column of this affinity has of v, a value of a document. Whoever writes
// documents may not tell integers and reals apart, as nobody does in JavaScript: which of the two a
// number is, the affinity says; and zero has no sign, as it has none in a key. All else is what was written,
// an integer too that no real is.
func (a Affinity) Read(v Value) Value {
	switch {
	case !a.Numeric() || !v.IsNumber():
		return v
	case v.kind == Integer && a == RealAffinity && !v.isReal():
		return v
	case v.kind == Real && v.bits == minusZero:
		v.bits = 0
	}
	return a.Apply(v)
}

const minusZero = 1 << 63

// isReal reports whether some real is an integer.
func (v *Value) isReal() bool {
	const exact = 1 << 53
	i := int64(v.bits)
	if -exact <= i && i <= exact {
		return true
	}
	f := float64(i)
	return f < 1<<63 && int64(f) == i
}

// ReadColumn reads some rows of a column.
func (a Affinity) ReadColumn(column []Value, rows []int32) {
	stored := Real // what has to be made the other one
	switch {
	case !a.Numeric():
		return
	case a == RealAffinity:
		stored = Integer
	}
	for _, row := range rows {
		if v := &column[row]; v.kind == stored || v.bits == minusZero {
			*v = a.Read(*v)
		}
	}
}

// ReadKey returns what a column of this affinity has where a key has v, and false where keys do not
// tell: they have integers and reals as one number.
func (a Affinity) ReadKey(v Value) (_ Value, certain bool) {
	switch v.kind {
	case Document: // there may be numbers inside
		return v, false
	case Integer, Real:
		v = a.Read(v)
		least := v.kind == Real && a != RealAffinity && math.Float64frombits(v.bits) == math.MinInt64
		return v, a.Numeric() && !least
	}
	return v, true
}

// Number returns a text that is a number as that, and other values as they are:
// what functions of numbers make of their arguments. "2.0" stays a real.
func Number(v Value) Value {
	if v.kind == Text || v.kind == Document {
		if n, whole := number(v.Text()); whole {
			return n
		}
	}
	return v
}

// integral returns a real as the integer that it is, if it is one.
func (v Value) integral() Value {
	f := math.Float64frombits(v.bits)
	if i := truncate(f); float64(i) == f && i > math.MinInt64 && i < math.MaxInt64 {
		return FromInt(i)
	}
	return v
}

// Cast returns v converted to this affinity whatever is lost: CAST(v AS …).
func (a Affinity) Cast(v Value) Value {
	if v.kind == Null {
		return v
	}
	switch a {
	case TextAffinity:
		return FromText(v.Text())
	case BlobAffinity:
		if v.kind == Blob {
			return v
		}
		return Value{kind: Blob, text: v.Text()}
	case IntegerAffinity:
		return FromInt(v.Int())
	case RealAffinity:
		return FromReal(v.Real())
	case NumericAffinity:
		if v.kind == Text || v.kind == Blob || v.kind == Document {
			return v.numeric().rounded()
		}
	}
	return v
}

// rounded returns a real as the integer that it is, where CAST AS NUMERIC dares to:
// within ±2⁵¹.
func (v Value) rounded() Value {
	const bound = 1 << 51
	if v.kind == Real {
		if f := math.Float64frombits(v.bits); f == math.Trunc(f) && f >= -bound && f < bound {
			return FromInt(int64(f))
		}
	}
	return v
}
