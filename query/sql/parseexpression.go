package sql

import (
	"strconv"

	"github.com/stowage-db/stowage/query/sql/value"
)

// join makes an expression of parts, and counts how high it gets.
func (p *parser) join(e *expr) *expr {
	for _, kid := range e.kids {
		if kid != nil {
			e.height = max(e.height, kid.height+1)
		}
	}
	if e.height > maxOperators {
		panic(fail(codeTooDeep, e.pos, "the expression is nested too deeply"))
	}
	return e
}

//go:noinline
func (p *parser) binary(op string, pos int, a, b *expr) *expr {
	return p.join(&expr{kind: exprBinary, op: op, pos: pos, kids: []*expr{a, b}})
}

// expression reads an expression, whose operators bind as follows, loosest first: or;
// and; not; =, is, in, like, between; <; &; +; *; ||; collate; signs.
func (p *parser) expression() *expr {
	p.enter()
	defer p.leave()
	e := p.conjunction()
	for p.is("or") {
		pos := p.next().pos
		e = p.binary("or", pos, e, p.conjunction())
	}
	return e
}

func (p *parser) conjunction() *expr {
	e := p.negation()
	for p.is("and") {
		pos := p.next().pos
		e = p.binary("and", pos, e, p.negation())
	}
	return e
}

func (p *parser) negation() *expr {
	if p.is("not") {
		p.enter()
		defer p.leave()
		pos := p.next().pos
		return p.join(&expr{kind: exprUnary, op: "not", pos: pos, kids: []*expr{p.negation()}})
	}
	return p.equality()
}

// equality reads comparisons that ask whether something is so.
func (p *parser) equality() *expr {
	e := p.comparison()
	for {
		t := p.peek()
		switch {
		case p.sign("="), p.sign("=="):
			e = p.binary("=", t.pos, e, p.comparison())
		case p.sign("<>"), p.sign("!="):
			e = p.binary("<>", t.pos, e, p.comparison())
		case t.kind == tokenWord:
			var more bool
			if e, more = p.wordComparison(e); !more {
				return e
			}
		default:
			return e
		}
	}
}

// wordComparison goes on from e where a comparison follows that is a word.
func (p *parser) wordComparison(e *expr) (compared *expr, more bool) {
	pos := p.peek().pos
	switch {
	case p.word("isnull"), p.word("not null"), p.word("notnull"):
		return p.tighter(p.is2(pos, p.tokens[p.at-1].folded != "isnull", e, &expr{kind: exprLiteral, pos: pos})), true
	case p.word("is"):
		not := p.word("not")
		if p.word("distinct from") {
			not = !not
		}
		return p.is2(pos, not, e, p.comparison()), true
	}
	not := p.is("not")
	word := p.peek()
	if not {
		word = p.ahead(1)
	}
	switch word.folded {
	case "in", "between", "like", "glob", "regexp", "match":
	default:
		return e, false
	}
	if word.kind != tokenWord {
		return e, false
	}
	if not {
		p.next()
	}
	p.next()
	switch word.folded {
	case "in":
		return p.tighter(p.in(pos, not, e)), true
	case "between":
		low := p.comparison()
		p.expect("and")
		return p.join(&expr{kind: exprBetween, not: not, pos: pos, kids: []*expr{e, low, p.comparison()}}), true
	}
	kids := []*expr{e, p.comparison()}
	if p.word("escape") {
		kids = append(kids, p.comparison())
	}
	return p.join(&expr{kind: exprMatch, op: word.folded, not: not, pos: pos, kids: kids}), true
}

func (p *parser) is2(pos int, not bool, a, b *expr) *expr {
	return p.join(&expr{kind: exprBinary, op: "is", not: not, pos: pos, kids: []*expr{a, b}})
}

// in reads what stands behind IN.
func (p *parser) in(pos int, not bool, e *expr) *expr {
	in := &expr{kind: exprIn, not: not, pos: pos, kids: []*expr{e}}
	switch {
	case !p.isSign("("):
		term := p.table()
		star := resultColumn{pos: pos}
		in.query = &selection{pos: pos, cores: []*core{{pos: pos, columns: []resultColumn{star}, from: []*fromTerm{term}}}}
	case p.sign("(") && p.startsSelect():
		in.query = p.selection()
		p.expectSign(")")
	case p.sign(")"):
	default:
		list := p.expressions()
		p.expectSign(")")
		if len(list) == 1 && list[0].kind == exprSelect {
			in.query = list[0].query
		} else {
			in.kids = append(in.kids, list...)
		}
	}
	return p.join(in)
}

// levels are the binary operators that bind tighter than =, loosest first.
var levels = [][]string{
	{"<", "<=", ">", ">="},
	{"&", "|", "<<", ">>"},
	{"+", "-"},
	{"*", "/", "%"},
	{"||", "->", "->>"},
}

//go:noinline
func (p *parser) comparison() *expr { return p.level(0) }

// tighter goes on from what ends by itself, as IN (…) does: operators that bind tighter
// may follow it, and take all of it for their left side.
func (p *parser) tighter(e *expr) *expr {
	e = p.collate(e)
	for n := len(levels) - 1; n >= 0; n-- {
		e = p.levelFrom(n, e)
	}
	return e
}

func (p *parser) level(n int) *expr {
	if n == len(levels) {
		return p.collate(p.signed())
	}
	return p.levelFrom(n, p.level(n+1))
}

func (p *parser) levelFrom(n int, e *expr) *expr {
	for {
		t := p.peek()
		found := false
		for _, op := range levels[n] {
			found = found || t.kind == tokenSign && t.text == op
		}
		if !found {
			return e
		}
		p.next()
		e = p.binary(t.text, t.pos, e, p.level(n+1))
	}
}

func (p *parser) collate(e *expr) *expr {
	for p.is("collate") {
		pos := p.next().pos
		e = p.join(&expr{kind: exprCollate, pos: pos, name: p.name(), kids: []*expr{e}})
	}
	return e
}

func (p *parser) signed() *expr {
	t := p.peek()
	for _, op := range [...]string{"-", "+", "~"} {
		if !p.isSign(op) {
			continue
		}
		p.enter()
		defer p.leave()
		p.next()
		if n := p.peek(); op == "-" && n.kind == tokenInteger && n.text == "9223372036854775808" {
			p.next()
			return &expr{kind: exprLiteral, pos: t.pos, value: value.FromInt(-1 << 63)}
		}
		return p.join(&expr{kind: exprUnary, op: op, pos: t.pos, kids: []*expr{p.signed()}})
	}
	if p.is("not") {
		return p.negation()
	}
	return p.operand()
}

// operand reads what operators stand between.
func (p *parser) operand() *expr {
	t := p.peek()
	switch t.kind {
	case tokenInteger, tokenReal:
		p.next()
		return &expr{kind: exprLiteral, pos: t.pos, value: numberOf(t.text)}
	case tokenString:
		p.next()
		return &expr{kind: exprLiteral, pos: t.pos, value: value.FromText(t.text)}
	case tokenBlob:
		p.next()
		return &expr{kind: exprLiteral, pos: t.pos, value: value.FromBlob([]byte(t.text))}
	case tokenParam:
		p.next()
		return &expr{kind: exprParam, pos: t.pos, name: t.text, value: value.FromInt(int64(p.param(t)))}
	case tokenSign:
		if t.text == "(" {
			return p.parenthesised()
		}
	case tokenName:
		return p.column()
	case tokenWord:
		return p.wordOperand(t)
	}
	p.unexpected()
	return nil
}

// numberOf is the value of a number's token: a real where no integer is large enough.
func numberOf(text string) value.Value {
	if len(text) > 2 && text[1]|0x20 == 'x' {
		u, err := strconv.ParseUint(text[2:], 16, 64)
		if err != nil {
			panic(fail(codeSyntax, -1, "hex literal too big: "+text))
		}
		return value.FromInt(int64(u))
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value.FromInt(i)
	}
	return value.FromReal(value.FromText(text).Real())
}

func (p *parser) wordOperand(t *token) *expr {
	switch t.folded {
	case "null":
		p.next()
		return &expr{kind: exprLiteral, pos: t.pos}
	case "case":
		return p.caseOf()
	case "cast":
		if p.ahead(1).text == "(" {
			return p.cast()
		}
	case "exists":
		p.next()
		p.expectSign("(")
		query := p.selection()
		p.expectSign(")")
		return &expr{kind: exprExists, pos: t.pos, query: query}
	case "current_date", "current_time", "current_timestamp":
		p.next()
		return &expr{kind: exprCall, pos: t.pos, name: t.folded, invoke: &invocation{}}
	case "raise":
		if p.ahead(1).text == "(" {
			panic(fail(codeUnsupported, t.pos, "RAISE() may only be used within a trigger-program"))
		}
	}
	if next := p.ahead(1); next.kind == tokenSign && next.text == "(" && t.kind == tokenWord {
		if weak, is := reserved[t.folded]; !is || weak {
			return p.call()
		}
	}
	if (t.folded == "true" || t.folded == "false") && p.ahead(1).text != "." {
		// A column of that name goes before; resolving sees to it.
		p.next()
		return &expr{kind: exprColumn, pos: t.pos, name: t.text}
	}
	return p.column()
}

// column reads name, table.name or schema.table.name.
func (p *parser) column() *expr {
	t := p.peek()
	e := &expr{kind: exprColumn, pos: t.pos, quoted: t.kind == tokenName && p.text[t.pos] == '"', name: p.name()}
	for range 2 {
		if !p.isSign(".") {
			break
		}
		p.next()
		e.table, e.name, e.quoted = e.name, p.name(), false
	}
	return e
}

// parenthesised reads an expression, a row of several, or a subquery.
func (p *parser) parenthesised() *expr {
	p.enter()
	defer p.leave()
	pos := p.next().pos
	if p.startsSelect() {
		query := p.selection()
		p.expectSign(")")
		return &expr{kind: exprSelect, pos: pos, query: query}
	}
	kids := p.expressions()
	p.expectSign(")")
	if len(kids) == 1 {
		return kids[0]
	}
	return p.join(&expr{kind: exprRow, pos: pos, kids: kids})
}

func (p *parser) expressions() []*expr {
	var list []*expr
	for {
		list = append(list, p.expression())
		if !p.sign(",") {
			return list
		}
	}
}

func (p *parser) caseOf() *expr {
	p.enter()
	defer p.leave()
	pos := p.next().pos
	kids := []*expr{nil}
	if !p.is("when") {
		kids[0] = p.expression()
	}
	if !p.is("when") {
		p.unexpected()
	}
	for p.word("when") {
		kids = append(kids, p.expression())
		p.expect("then")
		kids = append(kids, p.expression())
	}
	var otherwise *expr
	if p.word("else") {
		otherwise = p.expression()
	}
	p.expect("end")
	return p.join(&expr{kind: exprCase, pos: pos, kids: append(kids, otherwise)})
}

func (p *parser) cast() *expr {
	pos := p.next().pos
	p.expectSign("(")
	e := p.expression()
	p.expect("as")
	name := p.typeName()
	p.expectSign(")")
	return p.join(&expr{kind: exprCast, pos: pos, name: name, kids: []*expr{e}})
}

// typeName reads words, and sizes in parentheses, as they are written.
func (p *parser) typeName() string {
	start := p.peek().pos
	stop := start
	for isName(p.peek()) && !(p.peek().kind == tokenWord && typeEnds[p.peek().folded]) {
		stop = p.next().end
	}
	if stop > start && p.sign("(") {
		for {
			if !p.sign("-") {
				p.sign("+")
			}
			if t := p.next(); t.kind != tokenInteger && t.kind != tokenReal {
				p.at--
				p.unexpected()
			}
			if !p.sign(",") {
				break
			}
		}
		stop = p.peek().end
		p.expectSign(")")
	}
	return p.text[start:stop]
}

// typeEnds are the words that are part of no type although they are not reserved.
var typeEnds = map[string]bool{"generated": true, "always": true}

// call reads a call of a function.
func (p *parser) call() *expr {
	p.enter()
	defer p.leave()
	t := p.next()
	p.expectSign("(")
	e := &expr{kind: exprCall, pos: t.pos, name: value.Fold(t.text), invoke: &invocation{}}
	switch {
	case p.sign("*"):
		e.invoke.star = true
	case p.isSign(")"):
	default:
		e.invoke.distinct = p.word("distinct")
		if !e.invoke.distinct {
			p.word("all")
		}
		e.kids = p.expressions()
		if p.word("order by") {
			e.invoke.order = p.orderings()
		}
	}
	p.expectSign(")")
	if p.is("filter") && p.ahead(1).text == "(" {
		p.next()
		p.expectSign("(")
		p.expect("where")
		e.invoke.filter = p.expression()
		p.expectSign(")")
	}
	if p.is("over") && (p.ahead(1).text == "(" || isName(p.ahead(1))) {
		pos := p.next().pos
		if p.isSign("(") {
			e.invoke.over = p.window()
		} else {
			e.invoke.over = &window{pos: pos, base: p.name(), only: true}
		}
	}
	return p.join(e)
}

// window reads a window in parentheses.
func (p *parser) window() *window {
	w := &window{pos: p.peek().pos}
	p.expectSign("(")
	if t := p.peek(); isName(t) && !(t.kind == tokenWord && windowWords[t.folded] && p.ahead(1).text != ")") {
		w.base = p.name()
	}
	if p.word("partition by") {
		w.partition = p.expressions()
	}
	if p.word("order by") {
		w.order = p.orderings()
	}
	if p.is("range") || p.is("rows") || p.is("groups") {
		w.frame = p.frame()
	}
	p.expectSign(")")
	return w
}

var windowWords = map[string]bool{"partition": true, "order": true, "range": true, "rows": true, "groups": true}

func (p *parser) frame() *frame {
	f := &frame{end: bound{kind: currentRow}}
	switch p.next().folded {
	case "rows":
		f.unit = frameRows
	case "groups":
		f.unit = frameGroups
	}
	pos := p.peek().pos
	if p.word("between") {
		f.start = p.bound()
		p.expect("and")
		f.end = p.bound()
	} else {
		f.start = p.bound()
	}
	if f.start.kind == unboundedFollowing || f.end.kind == unboundedPreceding || f.start.kind > f.end.kind {
		panic(fail(codeInvalid, pos, "unsupported frame specification"))
	}
	if p.word("exclude") {
		switch {
		case p.word("no others"):
		case p.word("current row"):
			f.exclude = excludeCurrent
		case p.word("group"):
			f.exclude = excludeGroup
		case p.word("ties"):
			f.exclude = excludeTies
		default:
			p.unexpected()
		}
	}
	return f
}

func (p *parser) bound() bound {
	switch {
	case p.word("unbounded preceding"):
		return bound{kind: unboundedPreceding}
	case p.word("unbounded following"):
		return bound{kind: unboundedFollowing}
	case p.word("current row"):
		return bound{kind: currentRow}
	}
	b := bound{offset: p.expression()}
	if p.word("preceding") {
		b.kind = preceding
	} else {
		p.expect("following")
		b.kind = following
	}
	return b
}

// orderings reads what stands behind ORDER BY.
func (p *parser) orderings() []ordering {
	var list []ordering
	for {
		o := ordering{expr: p.expression()}
		if p.word("desc") {
			o.desc = true
		} else {
			p.word("asc")
		}
		if p.word("nulls first") {
			o.nulls = nullsFirst
		} else if p.word("nulls last") {
			o.nulls = nullsLast
		}
		list = append(list, o)
		if !p.sign(",") {
			return list
		}
	}
}
