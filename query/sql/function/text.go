package function

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/stowage-db/stowage/query/sql/value"
)

// length counts characters of a text up to a NUL, bytes of a blob.
func length(_ *Context, args []value.Value) (value.Value, error) {
	switch v := args[0]; v.Kind() {
	case value.Null:
		return v, nil
	case value.Blob:
		return value.FromInt(int64(len(v.Raw()))), nil
	default:
		text, _, _ := strings.Cut(v.Text(), "\x00")
		return value.FromInt(int64(characters(text))), nil
	}
}

// characters counts what does not continue a character of UTF-8.
func characters(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]&0xc0 != 0x80 {
			n++
		}
	}
	return n
}

func octetLength(_ *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() {
		return args[0], nil
	}
	return value.FromInt(int64(len(args[0].Text()))), nil
}

// substring returns so many characters of a text, or bytes of a blob, from a
// position on: 1 is the first one, −1 the last. A negative number is of those
// before it.
func substring(_ *Context, args []value.Value) (value.Value, error) {
	v := args[0]
	if v.IsNull() || args[1].IsNull() || len(args) == 3 && args[2].IsNull() {
		return value.Value{}, nil
	}
	s := v.Text()
	blob := v.Kind() == value.Blob
	size := len(s)
	if !blob {
		size = characters(s)
	}
	if blob && size == 0 {
		return value.Value{}, nil
	}
	count := int64(math.MaxInt64)
	if len(args) == 3 {
		count = args[2].Int()
	}
	low, high := span(args[1].Int(), count, int64(size))
	if blob {
		return value.FromBlob([]byte(s[low:high])), nil
	}
	from := offset(s, int(low))
	return value.FromText(s[from : from+offset(s[from:], int(high-low))]), nil
}

// span is what substring takes of size units: [low, high).
func span(start, count, size int64) (low, high int64) {
	switch {
	case start < 0:
		if start += size; start < 0 {
			if count >= 0 {
				count = max(count+start, 0)
			} else {
				count = 0
			}
			start = 0
		}
	case start > 0:
		start--
	case count > 0:
		count--
	}
	if count < 0 {
		if count < -start {
			count = start
		} else {
			count = -count
		}
		start -= count
	}
	low = min(start, size)
	return low, low + min(count, size-low)
}

// offset is where the character of an index begins, or s ends.
func offset(s string, index int) int {
	for i := range len(s) {
		if s[i]&0xc0 != 0x80 {
			if index == 0 {
				return i
			}
			index--
		}
	}
	return len(s)
}

// instr returns where the second argument begins in the first, from 1 on, and 0
// where it is not in there.
func instr(_ *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() || args[1].IsNull() {
		return value.Value{}, nil
	}
	s := args[0].Text()
	at := strings.Index(s, args[1].Text())
	if at < 0 {
		return value.FromInt(0), nil
	}
	if args[0].Kind() == value.Blob && args[1].Kind() == value.Blob {
		return value.FromInt(int64(at) + 1), nil
	}
	return value.FromInt(int64(characters(s[:at])) + 1), nil
}

func replace(c *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() || args[1].IsNull() {
		return value.Value{}, nil
	}
	s, old, with := args[0].Text(), args[1].Text(), args[2].Text()
	if old == "" || old[0] == 0 { // where text ends for SQLite
		return value.FromText(s), nil
	}
	if args[2].IsNull() {
		return value.Value{}, nil
	}
	if more := len(with) - len(old); more > 0 {
		if err := c.fits(len(s) + strings.Count(s, old)*more); err != nil {
			return value.Value{}, err
		}
	}
	return value.FromText(strings.ReplaceAll(s, old, with)), nil
}

func trimLeft(_ *Context, args []value.Value) (value.Value, error)  { return trim(args, true, false) }
func trimRight(_ *Context, args []value.Value) (value.Value, error) { return trim(args, false, true) }
func trimBoth(_ *Context, args []value.Value) (value.Value, error)  { return trim(args, true, true) }

// trim takes the characters of the second argument, spaces without it, off the ends.
func trim(args []value.Value, left, right bool) (value.Value, error) {
	if args[0].IsNull() {
		return args[0], nil
	}
	set := " "
	if len(args) == 2 {
		if args[1].IsNull() {
			return args[1], nil
		}
		set = args[1].Text()
	}
	s := args[0].Text()
	if left {
		s = strings.TrimLeft(s, set)
	}
	if right {
		s = strings.TrimRight(s, set)
	}
	return value.FromText(s), nil
}

func lower(_ *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() {
		return args[0], nil
	}
	return value.FromText(value.Fold(args[0].Text())), nil
}

// upper is for ASCII letters only, as lower is.
func upper(_ *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() {
		return args[0], nil
	}
	b := []byte(args[0].Text())
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return value.FromText(string(b)), nil
}

// char makes a text of code points.
func char(_ *Context, args []value.Value) (value.Value, error) {
	var b []byte
	for _, v := range args {
		point := v.Int()
		if point < 0 || point > utf8.MaxRune {
			point = utf8.RuneError
		}
		b = appendPoint(b, rune(point))
	}
	return value.FromText(string(b)), nil
}

// appendPoint appends a code point as UTF-8, halves of surrogates too.
func appendPoint(b []byte, r rune) []byte {
	if 0xd800 <= r && r < 0xe000 {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

// unicode returns the code point of the first character.
func unicode(_ *Context, args []value.Value) (value.Value, error) {
	s := args[0].Text()
	if s == "" || s[0] == 0 {
		return value.Value{}, nil
	}
	r, _ := utf8.DecodeRuneInString(s)
	return value.FromInt(int64(r)), nil
}

// concat joins texts, NULL being none.
func concat(c *Context, args []value.Value) (value.Value, error) { return joined(c, "", args) }

func concatSeparated(c *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() {
		return args[0], nil
	}
	return joined(c, args[0].Text(), args[1:])
}

func joined(c *Context, separator string, args []value.Value) (value.Value, error) {
	var b []byte
	some := false
	for _, v := range args {
		if v.IsNull() {
			continue
		}
		if some {
			b = append(b, separator...)
		}
		b = v.AppendText(b)
		some = true
		if err := c.fits(len(b)); err != nil {
			return value.Value{}, err
		}
	}
	return value.FromText(string(b)), nil
}

// like takes the pattern first: a LIKE b is like(b, a).
func like(_ *Context, args []value.Value) (value.Value, error) {
	escape := rune(0)
	if len(args) == 3 && args[0].Kind() != value.Blob && args[1].Kind() != value.Blob {
		if args[2].IsNull() {
			return args[2], nil
		}
		s := args[2].Text()
		if characters(s) != 1 {
			return value.Value{}, Error("ESCAPE expression must be a single character")
		}
		escape, _ = utf8.DecodeRuneInString(s)
	}
	return matched(args, func(pattern, s string) bool { return value.Like(pattern, s, escape) })
}

func glob(_ *Context, args []value.Value) (value.Value, error) { return matched(args, value.Glob) }

// matched compares a pattern and a text: blobs are no texts.
func matched(args []value.Value, match func(pattern, s string) bool) (value.Value, error) {
	const most = 50000
	if args[0].Kind() == value.Blob || args[1].Kind() == value.Blob {
		return value.FromInt(0), nil
	}
	pattern := args[0].Text()
	if len(pattern) > most {
		return value.Value{}, errPattern
	}
	if args[0].IsNull() || args[1].IsNull() {
		return value.Value{}, nil
	}
	return value.FromBool(match(pattern, args[1].Text())), nil
}

// soundex returns the letter and three figures of how a word sounds.
func soundex(_ *Context, args []value.Value) (value.Value, error) {
	const codes = "01230120022455012623010202" // of a to z; 0 is not written
	s, _, _ := strings.Cut(value.Fold(args[0].Text()), "\x00")
	for s != "" && (s[0] < 'a' || s[0] > 'z') {
		s = s[1:]
	}
	if s == "" {
		return value.FromText("?000"), nil
	}
	b := []byte{s[0] - ('a' - 'A')}
	last := codes[s[0]-'a']
	for i := 1; i < len(s) && len(b) < 4; i++ {
		code := byte('0')
		if c := s[i] & 0x7f; isLetter(c) { // bytes above ASCII sound like the letter without their first bit
			code = codes[c|0x20-'a']
		}
		if code != '0' && code != last {
			b = append(b, code)
		}
		last = code
	}
	for len(b) < 4 {
		b = append(b, '0')
	}
	return value.FromText(string(b)), nil
}
