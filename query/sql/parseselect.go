package sql

import "strings"

// startsSelect reports whether a SELECT comes next.
func (p *parser) startsSelect() bool {
	return p.is("select") || p.is("values") || p.is("with")
}

// selection reads a SELECT with all that may stand around it.
func (p *parser) selection() *selection {
	p.enter()
	defer p.leave()
	pos := p.peek().pos
	return p.behindWith(pos, p.with())
}

// behindWith reads what follows the tables of WITH.
func (p *parser) behindWith(pos int, with []*common) *selection {
	s := &selection{pos: pos, with: with}
	s.cores = append(s.cores, p.core())
	for {
		switch {
		case p.word("union all"):
			s.joins = append(s.joins, unionAll)
		case p.word("union"):
			s.joins = append(s.joins, union)
		case p.word("intersect"):
			s.joins = append(s.joins, intersect)
		case p.word("except"):
			s.joins = append(s.joins, except)
		default:
			p.selectionEnd(s)
			return s
		}
		if len(s.cores) == maxCompounds {
			panic(fail(codeTooLarge, p.peek().pos, "too many terms in compound SELECT"))
		}
		s.cores = append(s.cores, p.core())
	}
}

const maxCompounds = 500

// selectionEnd reads what may stand behind a SELECT, but not behind VALUES.
func (p *parser) selectionEnd(s *selection) {
	if s.cores[len(s.cores)-1].values != nil {
		return
	}
	if p.word("order by") {
		s.order = p.orderings()
	}
	s.limit, s.offset = p.limits()
}

// limits reads LIMIT n, LIMIT n OFFSET m or LIMIT m, n.
func (p *parser) limits() (limit, offset *expr) {
	if !p.word("limit") {
		return nil, nil
	}
	limit = p.expression()
	if p.word("offset") {
		return limit, p.expression()
	}
	if p.sign(",") {
		return p.expression(), limit
	}
	return limit, nil
}

// with reads WITH, if it comes next.
func (p *parser) with() []*common {
	if !p.word("with") {
		return nil
	}
	p.word("recursive")
	var list []*common
	for {
		c := &common{pos: p.peek().pos, name: p.name()}
		if p.isSign("(") {
			c.columns = p.nameList()
		}
		p.expect("as")
		if p.word("not materialized") {
			c.inline = true
		} else {
			c.keep = p.word("materialized")
		}
		p.expectSign("(")
		c.query = p.selection()
		p.expectSign(")")
		list = append(list, c)
		if !p.sign(",") {
			return list
		}
	}
}

// core reads one SELECT or VALUES.
func (p *parser) core() *core {
	c := &core{pos: p.peek().pos}
	if p.word("values") {
		for {
			p.expectSign("(")
			c.values = append(c.values, p.expressions())
			p.expectSign(")")
			if len(c.values[0]) != len(c.values[len(c.values)-1]) {
				panic(fail(codeInvalid, c.pos, "all VALUES must have the same number of terms"))
			}
			if !p.sign(",") {
				return c
			}
		}
	}
	p.expect("select")
	if !p.word("all") {
		c.distinct = p.word("distinct")
	}
	c.columns = p.resultColumns()
	if p.word("from") {
		c.from = p.fromTerms()
	}
	if p.word("where") {
		c.where = p.expression()
	}
	if p.word("group by") {
		c.group = p.expressions()
	}
	if p.word("having") {
		c.having = p.expression()
	}
	if p.isWindowClause() {
		p.next()
		for {
			w := namedWindow{name: p.name()}
			p.expect("as")
			w.window = p.window()
			c.windows = append(c.windows, w)
			if !p.sign(",") {
				break
			}
		}
	}
	return c
}

// resultColumns reads what stands behind SELECT and RETURNING.
func (p *parser) resultColumns() []resultColumn {
	var list []resultColumn
	for {
		list = append(list, p.resultColumn())
		if !p.sign(",") {
			return list
		}
	}
}

func (p *parser) resultColumn() resultColumn {
	t := p.peek()
	c := resultColumn{pos: t.pos}
	if p.sign("*") {
		return c
	}
	if isName(t) && p.ahead(1).text == "." && p.ahead(2).kind == tokenSign && p.ahead(2).text == "*" {
		c.table = p.name()
		p.next()
		p.next()
		return c
	}
	c.expr = p.expression()
	c.text = strings.TrimSpace(p.text[t.pos:p.tokens[p.at-1].end])
	if p.word("as") {
		c.name = p.name()
	} else if p.isAlias() {
		c.name = p.next().text
	}
	return c
}

// fromTerms reads tables and subqueries and how they are joined.
func (p *parser) fromTerms() []*fromTerm {
	p.enter()
	defer p.leave()
	terms := []*fromTerm{p.table()}
	for {
		kind, natural, more := p.joinKind()
		if !more {
			return terms
		}
		t := p.table()
		t.join, t.natural = kind, natural
		if p.word("on") {
			t.on = p.expression()
		} else if p.word("using") {
			t.using = p.nameList()
		}
		if natural && (t.on != nil || t.using != nil) {
			panic(fail(codeInvalid, t.pos, "a NATURAL join may not have an ON or USING clause"))
		}
		terms = append(terms, t)
	}
}

// joinKind reads a comma or the words of a join.
func (p *parser) joinKind() (kind join, natural, more bool) {
	if p.sign(",") {
		return joinInner, false, true
	}
	pos := p.peek().pos
	seen := map[string]bool{}
	for {
		t := p.peek()
		if t.kind != tokenWord {
			break
		}
		if t.folded == "join" {
			p.next()
			return joinOf(seen, pos), seen["natural"], true
		}
		if weak := reserved[t.folded]; !weak || t.folded == "indexed" {
			break
		}
		seen[t.folded] = true
		p.next()
	}
	if len(seen) > 0 {
		p.unexpected()
	}
	return joinInner, false, false
}

// joinOf tells what the words before JOIN mean.
func joinOf(seen map[string]bool, pos int) join {
	left, right := seen["left"] || seen["full"], seen["right"] || seen["full"]
	if seen["inner"] && (seen["outer"] || left || right) || seen["cross"] && (seen["outer"] || left || right || seen["inner"]) ||
		seen["outer"] && !left && !right {
		panic(fail(codeInvalid, pos, "unknown join type"))
	}
	switch {
	case left && right:
		return joinFull
	case left:
		return joinLeft
	case right:
		return joinRight
	case seen["cross"]:
		return joinCross
	}
	return joinInner
}

// table reads one term of FROM.
func (p *parser) table() *fromTerm {
	t := &fromTerm{pos: p.peek().pos}
	switch {
	case p.isSign("("):
		p.next()
		if p.startsSelect() {
			t.query = p.selection()
		} else {
			t.group = p.fromTerms()
		}
		p.expectSign(")")
	default:
		t.name = p.qualified()
		if p.sign("(") {
			t.call = true
			if !p.isSign(")") {
				t.args = p.expressions()
			}
			p.expectSign(")")
		}
	}
	if p.word("as") {
		t.alias = p.name()
	} else if p.isAlias() {
		t.alias = p.next().text
	}
	if p.word("indexed by") {
		p.name() // which index is best is left to the planner
	} else {
		p.word("not indexed")
	}
	return t
}
