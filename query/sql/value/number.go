package value

import (
	"math"
	"strconv"
)

// scan is a number at the beginning of a text.
type scan struct {
	negative bool
	mantissa uint64 // of its first digits, 19 or 20 of them
	exponent int    // of ten
	digits   int    // how many there are before a point or an exponent, leading zeros left out
	found    bool
	real     bool // has a point or an exponent
	whole    bool // nothing but spaces comes after it
}

// fullMantissa is the mantissa that takes no more digits.
const fullMantissa = (math.MaxUint64 - 9) / 10

// scanNumber reads the number that s begins with, after any spaces.
func scanNumber(s string) (n scan) {
	s = s[spaces(s):]
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.negative = s[0] == '-'
		s = s[1:]
	}
	at := n.integer(s)
	if at < len(s) && s[at] == '.' {
		if end := n.fraction(s, at+1); end > at+1 || n.found {
			n.found, n.real = true, true
			at = end
		}
	}
	if !n.found {
		return scan{}
	}
	if end := n.power(s, at); end > at {
		n.real = true
		at = end
	}
	at += spaces(s[at:])
	n.whole = at == len(s) || s[at] == 0 // where text ends for SQLite
	return n
}

// spaces counts the spaces that s begins with.
func spaces(s string) int {
	n := 0
	for n < len(s) && (s[n] == ' ' || '\t' <= s[n] && s[n] <= '\r') {
		n++
	}
	return n
}

func digit(s string, at int) bool { return at < len(s) && '0' <= s[at] && s[at] <= '9' }

// integer reads the digits before the point, and returns where they end.
func (n *scan) integer(s string) (at int) {
	for ; digit(s, at); at++ {
		n.found = true
		if n.digits > 0 || s[at] != '0' {
			n.digits++
		}
		n.take(s[at], 0, 1)
	}
	return at
}

// fraction reads the digits after the point.
func (n *scan) fraction(s string, at int) int {
	for ; digit(s, at); at++ {
		n.take(s[at], -1, 0)
	}
	return at
}

// take adds a digit to the mantissa, and taken to the exponent; left where the
// mantissa is full.
func (n *scan) take(c byte, taken, left int) {
	if n.mantissa >= fullMantissa {
		n.exponent += left
		return
	}
	n.mantissa = n.mantissa*10 + uint64(c-'0')
	n.exponent += taken
}

// power reads an exponent at s[at:], if there is a whole one.
func (n *scan) power(s string, at int) int {
	if at >= len(s) || s[at]|0x20 != 'e' {
		return at
	}
	from := at + 1
	negative := from < len(s) && s[from] == '-'
	if negative || from < len(s) && s[from] == '+' {
		from++
	}
	if !digit(s, from) {
		return at
	}
	power := 0
	for ; digit(s, from); from++ {
		power = min(power*10+int(s[from]-'0'), 10000)
	}
	if negative {
		power = -power
	}
	n.exponent += power
	return from
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// float returns the nearest real.
func (n *scan) float() float64 {
	f := float64(n.mantissa)
	switch e := n.exponent; {
	case n.mantissa == 0 || e == 0:
	case n.mantissa < 1<<53 && 0 < e && e < len(tens):
		f *= tens[e]
	case n.mantissa < 1<<53 && 0 < -e && -e < len(tens):
		f /= tens[-e]
	case e < -400:
		f = 0
	case e > 400:
		f = math.Inf(1)
	default:
		var text [32]byte
		b := append(strconv.AppendUint(text[:0], n.mantissa, 10), 'e')
		f, _ = strconv.ParseFloat(string(strconv.AppendInt(b, int64(e), 10)), 64) // infinite out of range, as here
	}
	if n.negative {
		return -f
	}
	return f
}

// integer64 returns the number before the point; fits is false where 64 bits do not
// hold it, and it is the nearest that they do.
func (n *scan) integer64() (i int64, fits bool) {
	u := n.mantissa
	switch {
	case n.digits > 19 || u > math.MaxInt64 && !n.negative || u > 1<<63:
		if n.negative {
			return math.MinInt64, false
		}
		return math.MaxInt64, false
	case n.negative:
		return -int64(u), true
	}
	return int64(u), true
}

// number returns the number that s begins with, the integer 0 where it does not,
// and whether s is nothing but that.
func number(s string) (v Value, whole bool) {
	n := scanNumber(s)
	if !n.real {
		if i, fits := n.integer64(); fits {
			return FromInt(i), n.whole
		}
	}
	return FromReal(n.float()), n.whole
}

// realPrefix returns the real that s begins with.
func realPrefix(s string) (f float64, whole bool) {
	n := scanNumber(s)
	return n.float(), n.whole
}

// integerPrefix returns the integer that s begins with, whatever follows.
func integerPrefix(s string) (i int64, fits bool) {
	s = s[spaces(s):]
	var n scan
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.negative = s[0] == '-'
		s = s[1:]
	}
	n.integer(s)
	return n.integer64()
}

// truncate returns f without its fraction, the nearest integer of 64 bits where it
// is out of their range.
func truncate(f float64) int64 {
	switch {
	case f >= 1<<63:
		return math.MaxInt64
	case f < -1<<63:
		return math.MinInt64
	}
	return int64(f)
}

// ParseNumber returns the number that s is, spaces around it allowed: an integer
// where it is written as one and fits, else a real. Literals are read by it.
func ParseNumber(s string) (v Value, ok bool) { return number(s) }
