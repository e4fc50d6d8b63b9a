package value

import (
	"cmp"
	"math"
	"strings"
)

// class is where the values of a kind stand in the order of all values.
var class = [...]uint8{Null: 0, Integer: 1, Real: 1, Text: 2, Document: 2, Blob: 3}

// Compare orders any two values: NULL, then numbers, then texts by the collation,
// then blobs.
func Compare(a, b Value, c Collation) int {
	if a.kind == Integer && b.kind == Integer {
		return cmp.Compare(int64(a.bits), int64(b.bits))
	}
	if class[a.kind] != class[b.kind] {
		return int(class[a.kind]) - int(class[b.kind])
	}
	switch class[a.kind] {
	case 0:
		return 0
	case 1:
		return compareNumbers(a, b)
	case 2:
		return c.Compare(a.Text(), b.Text())
	}
	return strings.Compare(a.text, b.text)
}

// Integers returns two values that are integers; ok is false where one is none.
func Integers(v, w *Value) (i, j int64, ok bool) {
	return int64(v.bits), int64(w.bits), v.kind == Integer && w.kind == Integer
}

// Against is Compare of two numbers where they lie; ok is false for others.
func (v *Value) Against(w *Value) (order int, ok bool) {
	switch {
	case v.kind == Integer && w.kind == Integer:
		return cmp.Compare(int64(v.bits), int64(w.bits)), true
	case v.IsNumber() && w.IsNumber():
		return compareNumbers(*v, *w), true
	}
	return 0, false
}

// Equal reports whether Compare finds no difference: NULL is equal to NULL.
func Equal(a, b Value, c Collation) bool {
	if a.kind == Text && b.kind == Text && c == Binary {
		return a.text == b.text
	}
	return Compare(a, b, c) == 0
}

func compareNumbers(a, b Value) int {
	switch {
	case a.kind == Real && b.kind == Real:
		return cmp.Compare(math.Float64frombits(a.bits), math.Float64frombits(b.bits))
	case a.kind == Real:
		return -compareIntReal(int64(b.bits), math.Float64frombits(a.bits))
	case b.kind == Real:
		return compareIntReal(int64(a.bits), math.Float64frombits(b.bits))
	}
	return cmp.Compare(int64(a.bits), int64(b.bits))
}

// compareIntReal compares without rounding the integer.
func compareIntReal(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	if order := cmp.Compare(i, int64(f)); order != 0 {
		return order
	}
	return cmp.Compare(math.Trunc(f), f)
}

// Hash mixes v into h, alike for values that are Equal.
func Hash(h uint64, v *Value, c Collation) uint64 {
	const null, real, text, blob = 0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1
	switch v.kind {
	case Text:
		if c == Binary {
			return hashText(mix(h, text), v.text)
		}
	case Null:
		return mix(h, null)
	case Integer:
		return mix(h, v.bits)
	case Real:
		f := math.Float64frombits(v.bits)
		if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
			return mix(h, uint64(int64(f)))
		}
		return mix(h, v.bits^real)
	case Blob:
		return hashText(mix(h, blob), v.text)
	}
	return hashText(mix(h, text), c.Key(v.Text()))
}

// mix is a step of a hash: multiplication spreads what differs upwards, the shift
// brings it down again.
func mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

func hashText(h uint64, s string) uint64 {
	for len(s) >= 8 {
		h = mix(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
		s = s[8:]
	}
	rest := uint64(len(s))
	for i := range len(s) {
		rest = rest<<8 | uint64(s[i])
	}
	return mix(h, rest)
}
