package value

import "strings"

// Collation is an order of texts.
type Collation uint8

const (
	Binary Collation = iota // by bytes
	NoCase                  // ASCII letters without regard to case
	RTrim                   // without spaces at the end
)

// CollationNamed returns the collation of a name, whatever its case.
func CollationNamed(name string) (c Collation, found bool) {
	for i, known := range [...]string{"BINARY", "NOCASE", "RTRIM"} {
		if len(name) == len(known) && compareFolded(name, known) == 0 {
			return Collation(i), true
		}
	}
	return Binary, false
}

// Compare orders two texts.
func (c Collation) Compare(a, b string) int {
	switch c {
	case NoCase:
		return compareFolded(a, b)
	case RTrim:
		return strings.Compare(strings.TrimRight(a, " "), strings.TrimRight(b, " "))
	}
	return strings.Compare(a, b)
}

// compareFolded orders a and b as if their ASCII letters were small.
func compareFolded(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			if x, y := fold(a[i]), fold(b[i]); x != y {
				return int(x) - int(y)
			}
		}
	}
	return len(a) - len(b)
}

// fold is an ASCII letter as a small one.
func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// Fold returns s with its ASCII letters small, s itself where they are.
//
//go:noinline
func Fold(s string) string {
	for i := range len(s) {
		if fold(s[i]) != s[i] {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = fold(b[i])
			}
			return string(b)
		}
	}
	return s
}

// Key returns a text that is equal, by its bytes, for texts that the collation
// takes for equal.
func (c Collation) Key(s string) string {
	switch c {
	case NoCase:
		return Fold(s)
	case RTrim:
		return strings.TrimRight(s, " ")
	}
	return s
}
