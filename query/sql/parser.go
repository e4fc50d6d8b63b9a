package sql

import (
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// maxHeight is how deep a statement's parentheses, subqueries and expressions may
// be nested. What walks a tree recurses as deep.
const maxHeight = 200

// maxOperators is how many binary operators may stand one after the other: such
// trees lean to one side.
const maxOperators = 1000

// parser reads the tokens of a text. What is wrong is thrown as *Error and caught
// where parsing began.
type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
	params int            // the greatest number of one
	named  map[string]int // their numbers
	names  []string       // by number, "" for those without
}

// parse reads the first statement of a text, nil where there is none, and returns
// where what follows it begins.
func parse(text string) (s *statement, p *parser, tail int, err error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, nil, 0, err
	}
	p = &parser{text: text, tokens: tokens}
	err = catch(func() {
		for p.sign(";") {
		}
		if p.peek().kind == tokenEnd {
			tail = len(text)
			return
		}
		s = p.statement()
		tail = p.peek().pos
		if p.peek().kind != tokenEnd && !p.sign(";") {
			p.unexpected()
		}
		if p.at > 0 {
			tail = p.peek().pos
		}
	})
	return s, p, tail, err
}

// catch returns what f throws.
func catch(f func()) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case *Error:
			err = thrown
		case *foreign:
			err = thrown.error
		default:
			panic(thrown)
		}
	}()
	f()
	return nil
}

//go:noinline
func (p *parser) peek() *token { return &p.tokens[p.at] }

// ahead is the token n behind the next one.
//
//go:noinline
func (p *parser) ahead(n int) *token { return &p.tokens[min(p.at+n, len(p.tokens)-1)] }

//go:noinline
func (p *parser) next() *token {
	t := &p.tokens[p.at]
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

// unexpected throws that the next token should not be there.
func (p *parser) unexpected() {
	t := p.peek()
	if t.kind == tokenEnd {
		panic(fail(codeSyntax, t.pos, "incomplete input"))
	}
	panic(fail(codeSyntax, t.pos, "near \""+p.text[t.pos:t.end]+"\": syntax error"))
}

// is reports whether the next token is a word.
//
//go:noinline
func (p *parser) is(word string) bool {
	t := p.peek()
	return t.kind == tokenWord && t.folded == word
}

// word passes over words, parted by spaces, if all of them come next.
func (p *parser) word(words string) bool {
	for n := 0; ; n++ {
		word, rest, more := strings.Cut(words, " ")
		if t := p.ahead(n); t.kind != tokenWord || t.folded != word {
			return false
		}
		if !more {
			p.at += n + 1
			return true
		}
		words = rest
	}
}

// expect passes over words that must come next.
func (p *parser) expect(words string) {
	if !p.word(words) {
		p.unexpected()
	}
}

//go:noinline
func (p *parser) isSign(sign string) bool {
	t := p.peek()
	return t.kind == tokenSign && t.text == sign
}

//go:noinline
func (p *parser) sign(sign string) bool {
	if p.isSign(sign) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expectSign(sign string) {
	if !p.sign(sign) {
		p.unexpected()
	}
}

// enter counts a level of nesting; leave is to be deferred.
func (p *parser) enter() {
	if p.depth++; p.depth > maxHeight {
		panic(fail(codeTooDeep, p.peek().pos, "the statement is nested too deeply"))
	}
}

//go:noinline
func (p *parser) leave() { p.depth-- }

// reserved are the words that name nothing unless they are quoted; true for those
// that name columns and tables all the same, but are no alias without AS.
var reserved = map[string]bool{
	"add": false, "all": false, "alter": false, "and": false, "as": false, "autoincrement": false, "between": false,
	"case": false, "check": false, "collate": false, "commit": false, "constraint": false, "create": false, "default": false,
	"deferrable": false, "delete": false, "distinct": false, "drop": false, "else": false, "escape": false, "except": false,
	"exists": false, "foreign": false, "from": false, "group": false, "having": false, "in": false, "index": false,
	"insert": false, "intersect": false, "into": false, "is": false, "isnull": false, "join": false, "limit": false,
	"not": false, "nothing": false, "notnull": false, "null": false, "on": false, "or": false, "order": false,
	"primary": false, "references": false, "returning": false, "select": false, "set": false, "table": false, "then": false,
	"to": false, "transaction": false, "union": false, "unique": false, "update": false, "using": false, "values": false,
	"when": false, "where": false,
	"cross": true, "full": true, "inner": true, "left": true, "natural": true, "outer": true, "right": true, "indexed": true,
}

// isName reports whether t names something.
//
//go:noinline
func isName(t *token) bool {
	if t.kind == tokenName || t.kind == tokenString {
		return true
	}
	if t.kind != tokenWord {
		return false
	}
	weak, is := reserved[t.folded]
	return !is || weak
}

// isAlias reports whether t, without AS before it, is another name for what is
// before it.
func (p *parser) isAlias() bool {
	t := p.peek()
	if t.kind == tokenName || t.kind == tokenString {
		return true
	}
	if t.kind != tokenWord {
		return false
	}
	if _, is := reserved[t.folded]; is {
		return false
	}
	return t.folded != "window" || !p.isWindowClause()
}

// isWindowClause tells WINDOW name AS ( from a column or an alias of that name.
func (p *parser) isWindowClause() bool {
	return p.is("window") && isName(p.ahead(1)) && p.ahead(2).kind == tokenWord && p.ahead(2).folded == "as"
}

// name reads a name.
func (p *parser) name() string {
	if !isName(p.peek()) {
		p.unexpected()
	}
	return p.next().text
}

// names reads names in parentheses.
func (p *parser) nameList() []string {
	p.expectSign("(")
	var names []string
	for {
		names = append(names, p.name())
		if !p.sign(",") {
			p.expectSign(")")
			return names
		}
	}
}

// qualified reads a name that the only schema's may stand before.
func (p *parser) qualified() string {
	t := p.peek()
	name := p.name()
	if !p.sign(".") {
		return name
	}
	if value.Fold(name) != "main" && value.Fold(name) != "temp" {
		panic(fail(codeUnknownTable, t.pos, "there is no database "+name))
	}
	return p.name()
}

// param gives a parameter its number.
func (p *parser) param(t *token) int {
	n := p.params + 1
	switch {
	case t.text == "?":
	case t.text[0] == '?':
		if n, _ = strconv.Atoi(t.text[1:]); n < 1 || n > maxParams {
			panic(fail(codeWrongArguments, t.pos, "a value's number is between ?1 and ?32766"))
		}
	default:
		if known, ok := p.named[t.text]; ok {
			return known
		}
		if p.named == nil {
			p.named = map[string]int{}
		}
		p.named[t.text] = n
	}
	if n > maxParams {
		panic(fail(codeTooLarge, t.pos, "too many values"))
	}
	p.params = max(p.params, n)
	for len(p.names) < p.params {
		p.names = append(p.names, "")
	}
	if t.text[0] != '?' {
		p.names[n-1] = t.text
	}
	return n
}

const maxParams = 32766
