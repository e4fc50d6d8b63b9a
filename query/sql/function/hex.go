package function

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/stowage-db/stowage/query/sql/value"
)

func hex(c *Context, args []value.Value) (value.Value, error) {
	s := args[0].Text()
	if err := c.fits(2 * len(s)); err != nil {
		return value.Value{}, err
	}
	return value.FromText(string(value.AppendHex(make([]byte, 0, 2*len(s)), s))), nil
}

// unhex returns the blob of hexadecimal digits, between whose pairs characters of
// the second argument may stand; NULL where there is anything else.
func unhex(_ *Context, args []value.Value) (value.Value, error) {
	between := ""
	if len(args) == 2 {
		if args[1].IsNull() {
			return args[1], nil
		}
		between = args[1].Text()
	}
	if args[0].IsNull() {
		return args[0], nil
	}
	s, _, _ := strings.Cut(args[0].Text(), "\x00")
	b := make([]byte, 0, len(s)/2)
	for s != "" {
		if high, ok := hexDigit(s[0]); ok {
			if len(s) < 2 {
				return value.Value{}, nil
			}
			low, ok := hexDigit(s[1])
			if !ok {
				return value.Value{}, nil
			}
			b = append(b, byte(high<<4|low))
			s = s[2:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		if !strings.ContainsRune(between, r) {
			return value.Value{}, nil
		}
		s = s[size:]
	}
	return value.FromBlob(b), nil
}

func hexDigit(c byte) (digit int, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10, true
	}
	return 0, false
}

// hexNumber reads so many digits at the front of s.
func hexNumber(s string, digits int) (n rune, ok bool) {
	if len(s) < digits {
		return 0, false
	}
	for i := range digits {
		d, ok := hexDigit(s[i])
		if !ok {
			return 0, false
		}
		n = n<<4 | rune(d)
	}
	return n, true
}

// quote returns the literal of SQL that stands for the argument.
func quote(_ *Context, args []value.Value) (value.Value, error) {
	switch v := args[0]; v.Kind() {
	case value.Null:
		return value.FromText("NULL"), nil
	case value.Integer:
		return value.FromText(v.Text()), nil
	case value.Real:
		if f := v.Real(); math.IsInf(f, 0) {
			return value.FromText(string(value.AppendJSONReal(nil, f))), nil
		}
		return value.FromText(v.Text()), nil
	case value.Blob:
		return value.FromText(string(append(value.AppendHex([]byte("X'"), v.Raw()), '\''))), nil
	default:
		text, _, _ := strings.Cut(v.Text(), "\x00")
		return value.FromText("'" + strings.ReplaceAll(text, "'", "''") + "'"), nil
	}
}

// unistr returns its argument with what \XXXX, \uXXXX, \+XXXXXX and \UXXXXXXXX stand
// for.
func unistr(_ *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() {
		return args[0], nil
	}
	s := args[0].Text()
	var b []byte
	for {
		at := strings.IndexByte(s, '\\')
		if at < 0 {
			return value.FromText(string(append(b, s...))), nil
		}
		b = append(b, s[:at]...)
		s = s[at+1:]
		if s != "" && s[0] == '\\' {
			b, s = append(b, '\\'), s[1:]
			continue
		}
		skip, digits := 0, 4
		if s != "" {
			switch s[0] {
			case 'u':
				skip = 1
			case '+':
				skip, digits = 1, 6
			case 'U':
				skip, digits = 1, 8
			}
		}
		point, ok := hexNumber(s[min(skip, len(s)):], digits)
		if !ok {
			return value.Value{}, Error("invalid Unicode escape")
		}
		b = appendPoint(b, point)
		s = s[skip+digits:]
	}
}

func zeroBlob(c *Context, args []value.Value) (value.Value, error) {
	n := max(args[0].Int(), 0)
	if n > math.MaxInt32 {
		return value.Value{}, errTooBig
	}
	if err := c.fits(int(n)); err != nil {
		return value.Value{}, err
	}
	return value.FromBlob(make([]byte, n)), nil
}

func random(c *Context, _ []value.Value) (value.Value, error) {
	return value.FromInt(int64(c.Random())), nil
}

func randomBlob(c *Context, args []value.Value) (value.Value, error) {
	n := max(args[0].Int(), 1)
	if n > math.MaxInt32 {
		return value.Value{}, errTooBig
	}
	if err := c.fits(int(n)); err != nil {
		return value.Value{}, err
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.Random() >> 32)
	}
	return value.FromBlob(b), nil
}
