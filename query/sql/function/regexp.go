package function

import (
	"unicode/utf8"

	"github.com/stowage-db/stowage/query/sql/value"
)

// regularExpression takes the expression first: a REGEXP b is regexp(b, a). It is
// looked for anywhere in the text.
func regularExpression(c *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() || args[1].IsNull() {
		return value.Value{}, nil
	}
	if source := args[0].Text(); c.expression == nil || c.expression.source != source {
		e, err := compile(source)
		if err != nil {
			return value.Value{}, err
		}
		c.expression = e
	}
	return value.FromBool(c.expression.matches(args[1].Text())), nil
}

// expression is a regular expression as a program, of which every state that is
// possible is followed at once: the time is at most the product of its size and the
// text's.
type expression struct {
	source string
	steps  []step
	now    []int // the steps that are possible, and marks of those
	next   []int
	marked []int
	turn   int
}

// step is one of a program.
type step struct {
	do   action
	to   int // of fork: another place to go on at; of jump: the only one
	r    rune
	set  []interval
	nots bool // of set: what is not in it
}

type interval struct{ low, high rune }

type action uint8

const (
	accept action = iota
	take          // one character
	takeAny
	takeSet
	fork
	jump
	atStart
	atEnd
	atBoundary
)

// mostSteps bounds what repetitions multiply.
const mostSteps = 10_000

// expressionParser turns text into a program.
type expressionParser struct {
	text  string
	at    int
	steps []step
	err   error
	depth int
}

func compile(source string) (*expression, error) {
	p := expressionParser{text: source}
	p.alternatives()
	if p.err == nil && p.at < len(p.text) {
		p.err = Error("unmatched ')'")
	}
	if p.err != nil {
		return nil, p.err
	}
	p.emit(step{do: accept})
	return &expression{source: source, steps: p.steps, marked: make([]int, len(p.steps))}, nil
}

//go:noinline
func (p *expressionParser) emit(s step) int {
	if len(p.steps) >= mostSteps && p.err == nil {
		p.err = Error("REGEXP pattern too big")
	}
	if p.err == nil {
		p.steps = append(p.steps, s)
	}
	return len(p.steps) - 1
}

func (p *expressionParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *expressionParser) more() bool { return p.err == nil && p.at < len(p.text) }

// alternatives reads what stands between bars.
func (p *expressionParser) alternatives() {
	start := len(p.steps)
	p.sequence()
	if p.peek() != '|' || p.err != nil {
		return
	}
	p.at++
	p.insert(start, step{do: fork, to: len(p.steps) + 2})
	end := p.emit(step{do: jump})
	p.alternatives()
	if p.err == nil {
		p.steps[end].to = len(p.steps)
	}
}

// insert puts a step before others, which move on by one.
func (p *expressionParser) insert(at int, s step) {
	if p.emit(step{}); p.err != nil {
		return
	}
	copy(p.steps[at+1:], p.steps[at:])
	for i := at + 1; i < len(p.steps); i++ {
		if t := &p.steps[i]; (t.do == fork || t.do == jump) && t.to >= at {
			t.to++
		}
	}
	p.steps[at] = s
}

func (p *expressionParser) sequence() {
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		start := len(p.steps)
		p.atom()
		p.repeats(start)
	}
}

// atom reads what a repetition may follow.
func (p *expressionParser) atom() {
	r, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	switch r {
	case '(':
		if p.depth++; p.depth > 100 {
			p.err = Error("REGEXP pattern nested too deep")
			return
		}
		p.alternatives()
		p.depth--
		if p.peek() != ')' && p.err == nil {
			p.err = Error("unmatched '('")
		}
		p.at++
	case '.':
		p.emit(step{do: takeAny})
	case '^':
		p.emit(step{do: atStart})
	case '$':
		p.emit(step{do: atEnd})
	case '[':
		p.class()
	case '\\':
		p.escaped()
	case '*', '+', '?', '{':
		p.err = Error("'" + string(r) + "' without operand")
	default:
		p.emit(step{do: take, r: r})
	}
}

// repeats reads what follows an atom that begins at a step.
func (p *expressionParser) repeats(start int) {
	for p.more() {
		switch p.peek() {
		case '*':
			p.at++
			p.star(start)
		case '+':
			p.at++
			p.emit(step{do: fork, to: start})
		case '?':
			p.at++
			p.insert(start, step{do: fork, to: len(p.steps) + 1})
		case '{':
			p.at++
			p.counted(start)
		default:
			return
		}
	}
}

// star makes what begins at a step be taken any number of times.
func (p *expressionParser) star(start int) {
	p.insert(start, step{do: fork, to: len(p.steps) + 2})
	p.emit(step{do: jump, to: start})
}

// counted reads {n}, {n,} or {n,m} after its brace, and repeats what begins at a step.
func (p *expressionParser) counted(start int) {
	low, ok := p.number()
	high := low
	if p.peek() == ',' {
		p.at++
		if high = -1; p.peek() != '}' {
			high, ok = p.number()
		}
	}
	if !ok || p.peek() != '}' || high >= 0 && high < low || high == 0 {
		p.err = Error("bad repetition")
		return
	}
	p.at++
	atom := append([]step(nil), p.steps[start:]...)
	p.steps = p.steps[:start]
	for i := 0; i < low && p.err == nil; i++ {
		p.copy(atom, start)
	}
	if high < 0 {
		at := p.copy(atom, start)
		p.star(at)
		return
	}
	for i := low; i < high && p.err == nil; i++ {
		at := p.copy(atom, start)
		p.insert(at, step{do: fork, to: len(p.steps) + 1})
	}
}

func (p *expressionParser) number() (n int, ok bool) {
	for isDigit(p.peek()) {
		n = min(n*10+int(p.peek()-'0'), mostSteps)
		p.at++
		ok = true
	}
	return n, ok
}

// copy emits an atom again, which began at a step, and returns where.
//
//go:noinline
func (p *expressionParser) copy(atom []step, from int) int {
	at := len(p.steps)
	for _, s := range atom {
		if s.do == fork || s.do == jump {
			s.to += at - from
		}
		p.emit(s)
	}
	return at
}

// escaped reads what follows a backslash.
func (p *expressionParser) escaped() {
	if !p.more() {
		p.err = Error("bad escape")
		return
	}
	if p.peek() == 'b' {
		p.at++
		p.emit(step{do: atBoundary})
		return
	}
	if set, nots, ok := named(p.peek()); ok {
		p.at++
		p.emit(step{do: takeSet, set: set, nots: nots})
		return
	}
	p.emit(step{do: take, r: p.escape()})
}

// named is the set that a letter after a backslash stands for, a capital for all else.
func named(c byte) (set []interval, nots, ok bool) {
	switch c | 0x20 {
	case 'd':
		set = []interval{{'0', '9'}}
	case 'w':
		set = []interval{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	case 's':
		set = []interval{{'\t', '\r'}, {' ', ' '}}
	default:
		return nil, false, false
	}
	return set, c < 'a', true
}

// escape reads the character that stands after a backslash.
func (p *expressionParser) escape() rune {
	c := p.peek()
	for i, letter := range []byte("afnrtv") {
		if c == letter {
			p.at++
			return rune("\a\f\n\r\t\v"[i])
		}
	}
	if c == 'u' || c == 'x' {
		digits := 2
		if c == 'u' {
			digits = 4
		}
		if r, ok := hexNumber(p.text[p.at+1:], digits); ok {
			p.at += 1 + digits
			return r
		}
	}
	if isDigit(c) || isLetter(c) {
		p.err = Error("unknown \\ escape")
	}
	r, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	return r
}

// class reads a set after its bracket.
func (p *expressionParser) class() {
	s := step{do: takeSet}
	if p.peek() == '^' {
		s.nots = true
		p.at++
	}
	for first := true; first || p.peek() != ']'; first = false {
		if !p.more() {
			p.err = Error("unclosed '['")
			return
		}
		if p.peek() == '\\' && p.at+1 < len(p.text) {
			if set, nots, ok := named(p.text[p.at+1]); ok && !nots {
				p.at += 2
				s.set = append(s.set, set...)
				continue
			}
		}
		low := p.character()
		high := low
		if rest := p.text[p.at:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			p.at++
			high = p.character()
		}
		s.set = append(s.set, interval{low, high})
	}
	p.at++
	p.emit(s)
}

// character reads one of a set.
func (p *expressionParser) character() rune {
	r, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	if r == '\\' && p.more() {
		return p.escape()
	}
	return r
}

// matches reports whether the expression is anywhere in s.
func (e *expression) matches(s string) bool {
	e.now = e.now[:0]
	for at := 0; ; {
		e.turn++
		e.next = e.next[:0]
		for _, i := range e.now {
			if e.reach(i, s, at) {
				return true
			}
		}
		if e.reach(0, s, at) {
			return true
		}
		if at >= len(s) {
			return false
		}
		r, size := utf8.DecodeRuneInString(s[at:])
		at += size
		e.now = e.now[:0]
		for _, i := range e.next {
			if e.steps[i].takes(r) {
				e.now = append(e.now, i+1)
			}
		}
	}
}

// reach notes the steps that take a character and are reached from a step without
// one. It reports whether the end is.
func (e *expression) reach(from int, s string, at int) bool {
	pending := []int{from}
	for len(pending) > 0 {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if e.marked[i] == e.turn {
			continue
		}
		e.marked[i] = e.turn
		switch t := &e.steps[i]; t.do {
		case accept:
			return true
		case fork:
			pending = append(pending, t.to, i+1)
		case jump:
			pending = append(pending, t.to)
		case atStart, atEnd, atBoundary:
			if t.holds(s, at) {
				pending = append(pending, i+1)
			}
		default:
			e.next = append(e.next, i)
		}
	}
	return false
}

// holds reports whether a position is as a step wants it.
func (t *step) holds(s string, at int) bool {
	switch t.do {
	case atStart:
		return at == 0
	case atEnd:
		return at == len(s)
	}
	word := func(i int) bool {
		return i >= 0 && i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || s[i] == '_')
	}
	return word(at-1) != word(at)
}

func (t *step) takes(r rune) bool {
	switch t.do {
	case takeAny:
		return true
	case take:
		return t.r == r
	}
	for _, i := range t.set {
		if i.low <= r && r <= i.high {
			return !t.nots
		}
	}
	return t.nots
}
