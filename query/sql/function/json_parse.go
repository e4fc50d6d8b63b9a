package function

import (
	"strings"
	"unicode/utf8"
)

// jsonParser reads JSON, and what JSON5 allows beyond it.
type jsonParser struct {
	text   string
	at     int
	strict bool // nothing of JSON5 has been met
	failed bool
	wrong  int // where it failed
}

// mostJSONDepth bounds how deep lists and maps lie in each other.
const mostJSONDepth = 1000

func (p *jsonParser) fail(at int) *node {
	if !p.failed {
		p.failed, p.wrong = true, at
	}
	return &node{}
}

// peek returns the next byte, 0 at the end.
func (p *jsonParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// spaces skips white space, and comments.
func (p *jsonParser) spaces() {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.at++
		case c == '/' && p.comment():
			p.strict = false
		case c == '\v' || c == '\f':
			p.at++
			p.strict = false
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			if !wideSpace(r) {
				return
			}
			p.at += size
			p.strict = false
		default:
			return
		}
	}
}

func wideSpace(r rune) bool {
	switch r {
	case 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff:
		return true
	}
	return 0x2000 <= r && r <= 0x200a
}

// comment skips one, if there is one that ends.
func (p *jsonParser) comment() bool {
	rest := p.text[p.at:]
	switch {
	case strings.HasPrefix(rest, "/*"):
		end := strings.Index(rest[2:], "*/")
		if end < 0 {
			return false
		}
		p.at += end + 4
		return true
	case strings.HasPrefix(rest, "//"):
		for p.at < len(p.text) && p.text[p.at] != '\n' && p.text[p.at] != '\r' && !strings.HasPrefix(p.text[p.at:], "\u2028") && !strings.HasPrefix(p.text[p.at:], "\u2029") {
			p.at++
		}
		return true
	}
	return false
}

// value reads one value.
func (p *jsonParser) value(depth int) *node {
	p.spaces()
	if depth > mostJSONDepth {
		return p.fail(p.at)
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '"' || c == '\'':
		return p.quoted()
	case c == '-' || c == '+' || c == '.' || isDigit(c):
		return p.number()
	}
	for _, word := range [...]struct {
		text string
		node node
	}{
		{"true", node{kind: jsonTrue}},
		{"false", node{kind: jsonFalse}},
		{"null", node{kind: jsonNull}},
	} {
		if strings.HasPrefix(p.text[p.at:], word.text) && !p.wordGoesOn(p.at+len(word.text)) {
			p.at += len(word.text)
			n := word.node
			return &n
		}
	}
	return p.lenientWord()
}

// wordGoesOn reports whether a letter or digit stands at a position.
func (p *jsonParser) wordGoesOn(at int) bool {
	return at < len(p.text) && (isDigit(p.text[at]) || isLetter(p.text[at]))
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// lenientWord reads what JSON5 writes infinity and no number as, in any case.
func (p *jsonParser) lenientWord() *node {
	for _, word := range [...]struct {
		name string
		node node
	}{
		{"infinity", node{kind: jsonReal, text: "9e999"}},
		{"inf", node{kind: jsonReal, text: "9e999"}},
		{"nan", node{}}, {"qnan", node{}}, {"snan", node{}},
	} {
		end := p.at + len(word.name)
		if end <= len(p.text) && strings.EqualFold(p.text[p.at:end], word.name) && !p.wordGoesOn(end) {
			p.at, p.strict = end, false
			n := word.node
			return &n
		}
	}
	return p.fail(p.at)
}

func (p *jsonParser) object(depth int) *node {
	n := &node{kind: jsonMap}
	for p.at++; ; p.at++ {
		p.spaces()
		if p.peek() == '}' {
			p.strict = p.strict && len(n.nodes) == 0
			break
		}
		name := p.name()
		p.spaces()
		if p.failed || p.peek() != ':' {
			return p.fail(p.at)
		}
		p.at++
		n.nodes = append(n.nodes, name, p.value(depth+1))
		p.spaces()
		if p.failed {
			return n
		}
		if c := p.peek(); c == '}' {
			break
		} else if c != ',' {
			return p.fail(p.at)
		}
	}
	p.at++
	return n
}

func (p *jsonParser) list(depth int) *node {
	n := &node{kind: jsonList}
	for p.at++; ; p.at++ {
		p.spaces()
		if p.peek() == ']' {
			p.strict = p.strict && len(n.nodes) == 0
			break
		}
		n.nodes = append(n.nodes, p.value(depth+1))
		p.spaces()
		if p.failed {
			return n
		}
		if c := p.peek(); c == ']' {
			break
		} else if c != ',' {
			return p.fail(p.at)
		}
	}
	p.at++
	return n
}

// name reads the name of a member, which JSON5 lets stand without quotes.
func (p *jsonParser) name() *node {
	if c := p.peek(); c == '"' || c == '\'' {
		return p.quoted()
	}
	start, form := p.at, plain
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c == '\\' {
			if _, ok := hexNumber(p.text[min(p.at+2, len(p.text)):], 4); !ok || p.text[p.at+1] != 'u' {
				break
			}
			form = escaped
			p.at += 6
			continue
		}
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if !isLetter(c) && c != '_' && c != '$' && !(isDigit(c) && p.at > start) && (c < utf8.RuneSelf || wideSpace(r)) {
			break
		}
		p.at += size
	}
	if p.at == start {
		return p.fail(p.at)
	}
	p.strict = false
	return &node{kind: jsonText, form: form, text: p.text[start:p.at]}
}

// quoted reads a string.
func (p *jsonParser) quoted() *node {
	start, quote := p.at, p.text[p.at]
	form := plain
	if quote == '\'' {
		p.strict = false
	}
	for p.at++; ; {
		if p.at >= len(p.text) {
			return p.fail(start)
		}
		switch c := p.text[p.at]; {
		case c == quote:
			p.at++
			return &node{kind: jsonText, form: form, text: p.text[start+1 : p.at-1]}
		case c == '\\':
			p.at++
			size, of := p.escape()
			if size == 0 {
				return p.fail(p.at)
			}
			form = max(form, of)
			p.at += size
		case c < ' ':
			if c == 0 {
				return p.fail(p.at)
			}
			p.strict = false
			form = lenient
			p.at++
		case c == '"':
			form = lenient
			p.at++
		default:
			p.at++
		}
	}
}

// escape returns how long the escape is that a backslash begins, 0 where it is none,
// and in which language.
func (p *jsonParser) escape() (size int, form textForm) {
	s := p.text[p.at:]
	if s == "" {
		return 0, plain
	}
	digits := func(n int) int {
		if _, ok := hexNumber(s[1:], n); ok {
			return 1 + n
		}
		return 0
	}
	switch s[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1, escaped
	case 'u':
		return digits(4), escaped
	}
	p.strict = false
	switch s[0] {
	case '\'', 'v', '\n':
		return 1, lenient
	case '0':
		if len(s) > 1 && isDigit(s[1]) {
			return 0, plain
		}
		return 1, lenient
	case '\r':
		if strings.HasPrefix(s, "\r\n") {
			return 2, lenient
		}
		return 1, lenient
	case 'x':
		return digits(2), lenient
	}
	if strings.HasPrefix(s, "\u2028") || strings.HasPrefix(s, "\u2029") {
		return 3, lenient
	}
	return 0, plain
}

// number reads a number.
func (p *jsonParser) number() *node {
	start := p.at
	if c := p.text[p.at]; c == '-' || c == '+' {
		p.at++
		if c == '+' { // which is not kept
			p.strict = false
			start++
		}
		if word := p.lenientNumber(start); word != nil {
			return word
		}
	}
	if rest := p.text[p.at:]; len(rest) > 2 && rest[0] == '0' && rest[1]|0x20 == 'x' {
		if _, ok := hexDigit(rest[2]); ok {
			return p.hexadecimal(start)
		}
	}
	kind := jsonInteger
	whole := p.digits()
	if whole > 1 && p.text[p.at-whole] == '0' {
		return p.fail(p.at - whole + 1)
	}
	if p.peek() == '.' {
		kind = jsonReal
		p.at++
		fraction := p.digits()
		if whole+fraction == 0 {
			return p.fail(p.at)
		}
		p.strict = p.strict && whole > 0 && fraction > 0
	} else if whole == 0 {
		return p.fail(p.at)
	}
	if p.peek()|0x20 == 'e' {
		kind = jsonReal
		p.at++
		if c := p.peek(); c == '-' || c == '+' {
			p.at++
		}
		if p.digits() == 0 {
			return p.fail(p.at)
		}
	}
	return &node{kind: kind, text: p.text[start:p.at]}
}

// digits skips decimal digits and counts them.
func (p *jsonParser) digits() (n int) {
	for isDigit(p.peek()) {
		p.at++
		n++
	}
	return n
}

// lenientNumber reads infinity after a sign; nil where it is not there.
func (p *jsonParser) lenientNumber(start int) *node {
	if c := p.peek() | 0x20; c != 'i' {
		return nil
	}
	n := p.lenientWord()
	if n.kind == jsonReal && start < p.at && p.text[start] == '-' {
		n.text = "-" + n.text
	}
	return n
}

func (p *jsonParser) hexadecimal(start int) *node {
	p.strict = false
	for p.at += 2; ; p.at++ {
		if _, ok := hexDigit(p.peek()); !ok {
			return &node{kind: jsonInteger, text: p.text[start:p.at]}
		}
	}
}
