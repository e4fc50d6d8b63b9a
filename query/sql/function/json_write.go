package function

import (
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// append appends a node as JSON proper, without white space.
func (n *node) append(dst []byte) []byte {
	switch n.kind {
	case jsonInteger:
		return appendInteger(dst, n.text)
	case jsonReal:
		return appendReal(dst, n.text)
	case jsonText:
		return n.appendText(dst)
	case jsonList:
		dst = append(dst, '[')
		for i, element := range n.nodes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = element.append(dst)
		}
		return append(dst, ']')
	case jsonMap:
		dst = append(dst, '{')
		for i := 0; i < len(n.nodes); i += 2 {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(n.nodes[i].append(dst), ':')
			dst = n.nodes[i+1].append(dst)
		}
		return append(dst, '}')
	}
	return append(dst, kindNames[n.kind]...)
}

// appendInteger appends an integer as it was written, but for a plus sign and
// hexadecimal digits.
func appendInteger(dst []byte, s string) []byte {
	digits, negative, is := hexadecimal(s)
	if !is {
		return append(dst, strings.TrimPrefix(s, "+")...)
	}
	if negative {
		dst = append(dst, '-')
	}
	u, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return append(dst, "9.0e999"...)
	}
	return strconv.AppendUint(dst, u, 10)
}

// appendReal appends a real as it was written, with a digit on both sides of its
// point.
func appendReal(dst []byte, s string) []byte {
	s = strings.TrimPrefix(s, "+")
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		dst, s = append(dst, '-'), rest
	}
	if strings.HasPrefix(s, ".") {
		dst = append(dst, '0')
	}
	for i := range len(s) {
		dst = append(dst, s[i])
		if s[i] == '.' && (i+1 == len(s) || !isDigit(s[i+1])) {
			dst = append(dst, '0')
		}
	}
	return dst
}

// appendText appends a string.
func (n *node) appendText(dst []byte) []byte {
	switch n.form {
	case unquoted:
		return value.AppendQuoted(dst, n.text)
	case lenient:
		return append(appendStrict(append(dst, '"'), n.text), '"')
	}
	dst = append(dst, '"')
	dst = append(dst, n.text...)
	return append(dst, '"')
}

// appendStrict appends what stands between the quotes of a string of JSON5 with the
// escapes of JSON.
func appendStrict(dst []byte, s string) []byte {
	for s != "" {
		c := s[0]
		if c != '\\' {
			switch {
			case c == '"':
				dst = append(dst, '\\', '"')
			case c < ' ':
				escaped := value.AppendQuoted(nil, s[:1])
				dst = append(dst, escaped[1:len(escaped)-1]...)
			default:
				dst = append(dst, c)
			}
			s = s[1:]
			continue
		}
		switch s[1] {
		case '\'':
			dst = append(dst, '\'')
		case 'v':
			dst = append(dst, `\u000b`...)
		case '0':
			dst = append(dst, `\u0000`...)
		case 'x':
			dst = append(append(dst, `\u00`...), s[2:4]...)
			s = s[2:]
		case '\n', '\r', 0xe2:
			_, rest := unescape(nil, s[1:])
			s = rest
			continue
		default:
			dst = append(dst, s[:2]...)
		}
		s = s[2:]
	}
	return dst
}

// appendPretty appends a node with a line for each member and element.
func (n *node) appendPretty(dst []byte, indent string, depth int) []byte {
	if len(n.nodes) == 0 {
		return n.append(dst)
	}
	line := func() {
		dst = append(dst, '\n')
		for range depth + 1 {
			dst = append(dst, indent...)
		}
	}
	step, ends := 1, "[]"
	if n.kind == jsonMap {
		step, ends = 2, "{}"
	}
	dst = append(dst, ends[0])
	for i := 0; i < len(n.nodes); i += step {
		if i > 0 {
			dst = append(dst, ',')
		}
		line()
		if step == 2 {
			dst = append(n.nodes[i].append(dst), ": "...)
		}
		dst = n.nodes[i+step-1].appendPretty(dst, indent, depth+1)
	}
	depth--
	line()
	return append(dst, ends[1])
}
