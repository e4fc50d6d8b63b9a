package function

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stowage-db/stowage/query/sql/value"
)

// node is one value of JSON. Numbers and strings keep the text that they were
// written with, so that what is only passed on comes out as it went in.
type node struct {
	kind  nodeKind
	form  textForm
	text  string  // of a number, or between the quotes of a string
	nodes []*node // of an array; names and values in turn of an object
}

type nodeKind uint8

const (
	jsonNull nodeKind = iota
	jsonTrue
	jsonFalse
	jsonInteger
	jsonReal
	jsonText
	jsonList
	jsonMap
)

// names of the kinds, as json_type tells them.
var kindNames = [...]string{"null", "true", "false", "integer", "real", "text", "array", "object"}

// textForm is how a string was written.
type textForm uint8

const (
	plain    textForm = iota // needs no escapes
	escaped                  // has those of JSON
	lenient                  // has those of JSON5
	unquoted                 // is the string itself, which may need some
)

// errMalformed is what everything fails with that is given text which is no JSON.
const errMalformed = Error("malformed JSON")

// parseJSON reads a text as JSON, or JSON5. at is where it goes wrong, −1 nowhere;
// strict reports whether it is JSON proper.
func parseJSON(s string) (n *node, at int, strict bool) {
	p := jsonParser{text: s, strict: true}
	n = p.value(0)
	p.spaces()
	if !p.failed && p.at < len(s) {
		p.fail(p.at)
	}
	if p.failed {
		return nil, p.wrong, false
	}
	return n, -1, p.strict
}

// nodeOf returns the JSON that an argument is: documents and texts of JSON are what
// they stand for. ok is false for NULL.
func nodeOf(v value.Value) (n *node, ok bool, err error) {
	if v.IsNull() {
		return nil, false, nil
	}
	n, at, _ := parseJSON(v.Text())
	if at >= 0 {
		return nil, false, errMalformed
	}
	return n, true, nil
}

// nodeFrom returns the JSON that an SQL value becomes inside of other JSON.
func nodeFrom(v value.Value) (*node, error) {
	switch v.Kind() {
	case value.Null:
		return &node{}, nil
	case value.Integer:
		return &node{kind: jsonInteger, text: v.Text()}, nil
	case value.Real:
		return &node{kind: jsonReal, text: string(value.AppendJSONReal(nil, v.Real()))}, nil
	case value.Blob:
		return nil, Error("JSON cannot hold BLOB values")
	}
	if v.IsJSON() {
		n, _, err := nodeOf(v)
		return n, err
	}
	return &node{kind: jsonText, form: unquoted, text: v.Text()}, nil
}

// value returns the SQL value of a node: for lists and maps the text of their JSON.
func (n *node) value() value.Value {
	switch n.kind {
	case jsonTrue, jsonFalse:
		return value.FromBool(n.kind == jsonTrue)
	case jsonInteger:
		return n.integer()
	case jsonReal:
		v, _ := value.ParseNumber(string(appendReal(nil, n.text)))
		return value.FromReal(v.Real())
	case jsonText:
		return value.FromText(n.string())
	case jsonList, jsonMap:
		return n.asJSON()
	}
	return value.Value{}
}

// asJSON returns the text of a node.
func (n *node) asJSON() value.Value { return value.FromJSON(string(n.append(nil))) }

func (n *node) integer() value.Value {
	if digits, negative, is := hexadecimal(n.text); is {
		u, err := strconv.ParseUint(digits, 16, 64)
		switch {
		case err != nil:
			return value.FromReal(math.Inf(1))
		case negative:
			return value.FromInt(-int64(u))
		}
		return value.FromInt(int64(u))
	}
	v, _ := value.ParseNumber(n.text)
	return v
}

// hexadecimal takes the digits out of 0x1f.
func hexadecimal(s string) (digits string, negative, is bool) {
	negative = strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	if len(s) < 3 || s[0] != '0' || s[1]|0x20 != 'x' {
		return "", false, false
	}
	return s[2:], negative, true
}

// string returns the string that a text stands for.
func (n *node) string() string {
	if n.form == plain || n.form == unquoted {
		return n.text
	}
	b := make([]byte, 0, len(n.text))
	s := n.text
	for s != "" {
		at := strings.IndexByte(s, '\\')
		if at < 0 || at == len(s)-1 {
			return string(append(b, s...))
		}
		b = append(b, s[:at]...)
		b, s = unescape(b, s[at+1:])
	}
	return string(b)
}

// unescape appends what stands after a backslash, and returns what follows it.
func unescape(b []byte, s string) (text []byte, rest string) {
	c := s[0]
	switch c {
	case 'b', 'f', 'n', 'r', 't', 'v':
		return append(b, "\b\f\n\r\t\v"[strings.IndexByte("bfnrtv", c)]), s[1:]
	case '0':
		return append(b, 0), s[1:]
	case '\r':
		return b, strings.TrimPrefix(s[1:], "\n")
	case '\n':
		return b, s[1:]
	case 'x':
		point, _ := hexNumber(s[1:], 2)
		return appendPoint(b, point), s[3:]
	case 'u':
		point, _ := hexNumber(s[1:], 4)
		s = s[5:]
		if point&0xfc00 == 0xd800 && strings.HasPrefix(s, `\u`) {
			if low, ok := hexNumber(s[2:], 4); ok && low&0xfc00 == 0xdc00 {
				return utf8.AppendRune(b, (point&0x3ff)<<10+low&0x3ff+0x10000), s[6:]
			}
		}
		return appendPoint(b, point), s
	}
	r, size := utf8.DecodeRuneInString(s)
	if r == '\u2028' || r == '\u2029' {
		return b, s[size:]
	}
	return append(b, c), s[1:]
}
