package function

import (
	"github.com/stowage-db/stowage/query/sql/value"
)

// fixed is the letter of a number with all its digits before the point.
const fixed = 'f'

// number is how a real is written.
type number struct {
	kind      byte // f, e, E, g, G
	precision int
	alternate bool // the point stays without digits after it; zeros at the end stay
	exact     bool // more than 16 digits, and without zeros at the end
	thousands bool
	zero      bool
	sign      byte
}

// mostPrecision is what more digits are cut to.
const mostPrecision = 100_000_000

// append appends f.
func (n number) append(dst []byte, f float64) []byte {
	round, most := -n.precision, 16
	switch n.kind {
	case 'e', 'E':
		round = n.precision + 1
	case 'g', 'G':
		n.precision = max(n.precision, 1)
		round = n.precision
	}
	if n.exact {
		most = 20
	}
	var digits [24]byte
	d := value.MakeDecimal(digits[:0], f, round, most)
	if d.Infinite {
		if !n.zero {
			return append(n.signed(dst, &d), "Inf"...)
		}
		d.Digits, d.Point = append(d.Digits[:0], '9'), 1000
	}
	if !d.Negative || !n.alternate || n.sign != 0 || n.kind != fixed || d.Point > round {
		dst = n.signed(dst, &d)
	}
	return n.unsigned(dst, &d)
}

func (n number) signed(dst []byte, d *value.Decimal) []byte {
	switch {
	case d.Negative:
		return append(dst, '-')
	case n.sign != 0:
		return append(dst, n.sign)
	}
	return dst
}

// unsigned appends what follows the sign.
func (n number) unsigned(dst []byte, d *value.Decimal) []byte {
	exponent := d.Point - 1
	trim := n.exact
	scientific := n.kind|0x20 == 'e'
	if n.kind|0x20 == 'g' {
		trim = !n.alternate
		if n.precision--; exponent < -4 || exponent > n.precision {
			scientific = true
		} else {
			n.precision -= exponent
		}
	}
	start := len(dst)
	point := d.Point
	if scientific {
		point = 1
	}
	dst = n.before(dst, d.Digits, point)
	if n.precision > 0 || n.alternate || n.exact {
		dst = append(dst, '.')
		dst = n.after(dst, d.Digits, point)
		if trim {
			dst = n.trimmed(dst, start)
		}
	}
	if scientific {
		dst = appendExponent(dst, n.kind, exponent)
	}
	return dst
}

// digit is one of digits, 0 where they have ended or not begun.
func digit(digits []byte, i int) byte {
	if i < 0 || i >= len(digits) {
		return '0'
	}
	return digits[i]
}

func (n number) before(dst, digits []byte, point int) []byte {
	if point <= 0 {
		return append(dst, '0')
	}
	for i := range point {
		if n.thousands && i > 0 && (point-i)%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, digit(digits, i))
	}
	return dst
}

func (n number) after(dst, digits []byte, point int) []byte {
	for i := range n.precision {
		dst = append(dst, digit(digits, point+i))
	}
	return dst
}

// trimmed takes zeros, and a point that has nothing after it, off the end.
func (n number) trimmed(dst []byte, start int) []byte {
	end := len(dst)
	for end > start && dst[end-1] == '0' {
		end--
	}
	if end > start && dst[end-1] == '.' {
		if n.exact {
			return append(dst[:end], '0')
		}
		end--
	}
	return dst[:end]
}

func appendExponent(dst []byte, kind byte, exponent int) []byte {
	letter := byte('e')
	if kind < 'a' {
		letter = 'E'
	}
	dst = append(dst, letter, '+')
	if exponent < 0 {
		dst[len(dst)-1], exponent = '-', -exponent
	}
	if exponent >= 100 {
		dst = append(dst, byte('0'+exponent/100))
	}
	return append(dst, byte('0'+exponent/10%10), byte('0'+exponent%10))
}
