package function

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stowage-db/stowage/query/sql/value"
)

// format writes its arguments as the first one says, in C's manner. Arguments that
// are not there are NULL.
func format(c *Context, args []value.Value) (value.Value, error) {
	if len(args) == 0 || args[0].IsNull() {
		return value.Value{}, nil
	}
	pattern := args[0].Text()
	p := printer{context: c, args: args[1:]}
	for {
		at := strings.IndexByte(pattern, '%')
		if at < 0 {
			p.out = append(p.out, pattern...)
			break
		}
		p.out = append(p.out, pattern[:at]...)
		if pattern = pattern[at+1:]; pattern == "" {
			p.out = append(p.out, '%')
			break
		}
		var more bool
		if pattern, more = p.directive(pattern); !more {
			break
		}
		if err := c.fits(len(p.out)); err != nil {
			return value.Value{}, err
		}
	}
	if p.err != nil {
		return value.Value{}, p.err
	}
	return value.FromText(string(p.out)), nil
}

// printer writes directives.
type printer struct {
	context *Context
	args    []value.Value
	out     []byte
	err     error
}

// directive is what stands between a percent sign and its letter.
type directive struct {
	left, zero, alternate, exact, thousands bool
	sign                                    byte // written before what is not negative; 0 is none
	width, precision                        int  // precision −1 is none
}

// fits reports whether so many bytes may be written, and notes the error where not.
func (p *printer) fits(bytes int) bool {
	if err := p.context.fits(len(p.out) + bytes); err != nil {
		p.err = err
	}
	return p.err == nil
}

// next takes an argument, NULL where there is none left.
func (p *printer) next() (v value.Value) {
	if len(p.args) > 0 {
		v, p.args = p.args[0], p.args[1:]
	}
	return v
}

// directive writes one and returns what follows it; more is false where it is none,
// which ends the text.
func (p *printer) directive(s string) (rest string, more bool) {
	d, at := p.parse(s)
	if at >= len(s) {
		return "", false
	}
	rest = s[at+1:]
	switch letter := s[at]; letter {
	case '%':
		p.pad(&d, "%", false)
	case 'd', 'i', 'u', 'x', 'X', 'o', 'r', 'p':
		p.integer(&d, letter)
	case 'f', 'e', 'E', 'g', 'G':
		n := number{kind: letter, precision: d.precision, alternate: d.alternate, exact: d.exact, thousands: d.thousands, sign: d.sign, zero: d.zero}
		if n.precision < 0 {
			n.precision = 6
		}
		p.number(&d, &n)
	case 'c':
		p.character(&d)
	case 's', 'z':
		p.text(&d)
	case 'q', 'Q', 'w':
		p.quoted(&d, letter)
	case 'n':
	default:
		return "", false
	}
	return rest, p.err == nil
}

// parse reads flags, width and precision, and returns where the letter is.
func (p *printer) parse(s string) (d directive, at int) {
	d.precision = -1
	for at < len(s) {
		switch c := s[at]; {
		case c == '-':
			d.left = true
		case c == '+' || c == ' ':
			d.sign = c
		case c == '#':
			d.alternate = true
		case c == '!':
			d.exact = true
		case c == '0':
			d.zero = true
		case c == ',':
			d.thousands = true
		case '1' <= c && c <= '9' || c == '*':
			d.width, at = p.count(s, at)
			if d.width < 0 {
				d.left, d.width = true, -d.width&math.MaxInt32
			}
			if at >= len(s) || s[at] != '.' && s[at] != 'l' {
				return d, at
			}
			continue
		case c == '.':
			if d.precision, at = p.count(s, at+1); d.precision < 0 {
				if d.precision = -d.precision; d.precision > math.MaxInt32 {
					d.precision = -1
				}
			}
			if at >= len(s) || s[at] != 'l' {
				return d, at
			}
			continue
		case c == 'l':
			if at++; at < len(s) && s[at] == 'l' {
				at++
			}
			return d, at
		default:
			return d, at
		}
		at++
	}
	return d, at
}

// count reads a number, or takes an argument for *.
func (p *printer) count(s string, at int) (n, end int) {
	if at < len(s) && s[at] == '*' {
		return int(int32(p.next().Int())), at + 1
	}
	for at < len(s) && '0' <= s[at] && s[at] <= '9' {
		n = int(uint32(n)*10 + uint32(s[at]-'0'))
		at++
	}
	return n & math.MaxInt32, at
}

// integer writes a whole number.
func (p *printer) integer(d *directive, letter byte) {
	v := p.next().Int()
	base, prefix, sign := 10, "", byte(0)
	magnitude := uint64(v)
	switch letter {
	case 'x', 'X', 'p':
		base, prefix = 16, "0x"
		if letter == 'X' {
			prefix = "0X"
		}
	case 'o':
		base, prefix = 8, "0"
	case 'd', 'i', 'r':
		sign = d.sign
		if v < 0 {
			sign, magnitude = '-', -magnitude
		}
	}
	digits := strconv.FormatUint(magnitude, base)
	if letter == 'X' || letter == 'p' {
		digits = strings.ToUpper(digits)
	}
	if letter == 'r' {
		digits += ordinal(magnitude)
	}
	precision := d.precision
	if !p.fits(max(precision, d.width)) {
		return
	}
	if d.zero {
		signs := 0
		if sign != 0 {
			signs = 1
		}
		precision = max(precision, d.width-signs)
	}
	if missing := precision - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if d.thousands && base == 10 && letter != 'r' {
		digits = string(appendThousands(nil, digits))
	}
	if sign != 0 {
		digits = string(sign) + digits
	}
	if d.alternate && magnitude != 0 && prefix != "" {
		digits = prefix + digits
	}
	p.pad(d, digits, false)
}

// ordinal is what makes 1 the 1st.
func ordinal(n uint64) string {
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			return "st"
		case 2:
			return "nd"
		case 3:
			return "rd"
		}
	}
	return "th"
}

// appendThousands appends digits with commas.
func appendThousands(dst []byte, digits string) []byte {
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, digits[i])
	}
	return dst
}

// number writes a real.
func (p *printer) number(d *directive, n *number) {
	f := p.next().Real()
	n.precision = min(n.precision, mostPrecision)
	if !p.fits(max(n.precision, d.width)) {
		return
	}
	start := len(p.out)
	p.out = n.append(p.out, f)
	written := string(p.out[start:])
	p.out = p.out[:start]
	missing := d.width - len(written)
	if !d.zero || d.left || missing <= 0 || math.IsInf(f, 0) && !d.zero {
		p.pad(d, written, false)
		return
	}
	if written[0] < '0' || written[0] > '9' { // zeros come after the sign
		p.out = append(p.out, written[0])
		written = written[1:]
	}
	for range missing {
		p.out = append(p.out, '0')
	}
	p.out = append(p.out, written...)
}

// character writes the first one of a text, as often as the precision says.
func (p *printer) character(d *directive) {
	s := p.next().Text()
	if _, size := utf8.DecodeRuneInString(s); size > 0 {
		s = s[:size]
	} else {
		s = "\x00"
	}
	if p.fits(max(d.precision, 0) * len(s)) {
		p.pad(d, strings.Repeat(s, max(d.precision, 1)), true)
	}
}

// text writes a text, as much of it as the precision says.
func (p *printer) text(d *directive) {
	s, _, _ := strings.Cut(p.next().Text(), "\x00")
	if d.precision >= 0 {
		if d.exact {
			s = s[:offset(s, d.precision)]
		} else {
			s = s[:min(d.precision, len(s))]
		}
	}
	p.pad(d, s, d.exact)
}

// quoted writes a text with its quotes doubled: q those of strings, w those of
// names, and Q within quotes, NULL being a word.
func (p *printer) quoted(d *directive, letter byte) {
	v := p.next()
	quote := "'"
	if letter == 'w' {
		quote = `"`
	}
	s, _, _ := strings.Cut(v.Text(), "\x00")
	if v.IsNull() {
		s = "(NULL)"
		if letter == 'Q' {
			s, letter = "NULL", 'q'
		}
	}
	if d.precision >= 0 {
		if d.exact {
			s = s[:offset(s, d.precision)]
		} else {
			s = s[:min(d.precision, len(s))]
		}
	}
	s = strings.ReplaceAll(s, quote, quote+quote)
	if letter == 'Q' {
		s = "'" + s + "'"
	}
	p.pad(d, s, d.exact)
}

// pad writes s in the width, which counts bytes or characters.
func (p *printer) pad(d *directive, s string, counted bool) {
	if !p.fits(d.width) {
		return
	}
	missing := d.width - len(s)
	if counted {
		missing = d.width - characters(s)
	}
	if d.left {
		p.out = append(p.out, s...)
	}
	for range missing {
		p.out = append(p.out, ' ')
	}
	if !d.left {
		p.out = append(p.out, s...)
	}
}
