package sql

import (
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// compiler makes a plan of a statement. What is wrong is thrown as *Error.
type compiler struct {
	catalog Catalog
	slots   int // places in the row
	states  int // things that a run keeps
	depth   int // of views inside views
	notes   []note
	level   int
	finish  []func() // to be called once everything is resolved
	attempt int      // counts what was planned in vain
}

// note is a line of EXPLAIN QUERY PLAN.
type note struct {
	level int
	text  string
}

//go:noinline
func (c *compiler) slot() int {
	c.slots++
	return c.slots - 1
}

//go:noinline
func (c *compiler) state() int {
	c.states++
	return c.states - 1
}

//go:noinline
func (c *compiler) note(text string) { c.notes = append(c.notes, note{c.level, text}) }

// resolve gives an expression's names their meaning. The result is one value, not a
// row of them.
func (c *compiler) resolve(e *expr, s *scope) *term {
	t := c.resolveAny(e, s)
	if n := t.width(); n != 1 {
		if t.kind == termRow {
			panic(fail(codeInvalid, e.pos, "row value misused"))
		}
		panic(fail(codeInvalid, e.pos, "sub-select returns several columns - expected 1"))
	}
	return t
}

// width is how many values a term has.
//
//go:noinline
func (t *term) width() int {
	switch t.kind {
	case termRow:
		return len(t.kids)
	case termScalar:
		return t.sub.width
	}
	return 1
}

// resolveAny is resolve where a row may stand.
func (c *compiler) resolveAny(e *expr, s *scope) *term {
	switch e.kind {
	case exprLiteral:
		return &term{kind: termLiteral, pos: e.pos, value: e.value}
	case exprParam:
		return &term{kind: termParam, pos: e.pos, value: e.value, name: e.name}
	case exprColumn:
		return c.resolveColumn(e, s)
	case exprUnary:
		return c.resolveUnary(e, s)
	case exprBinary:
		return c.resolveBinary(e, s)
	case exprMatch:
		return c.resolveMatch(e, s)
	case exprBetween:
		return c.resolveBetween(e, s)
	case exprIn:
		return c.resolveIn(e, s)
	case exprExists:
		sub := c.subquery(e.query, s)
		t := &term{kind: termExists, pos: e.pos, not: e.not, sub: sub.sub, uses: sub.uses, volatile: sub.volatile, reads: sub.reads}
		if list, equal := elementOf(e.query, true); list != nil {
			t.element = &element{c.resolve(list, s), c.resolve(equal, s)}
		}
		return t
	case exprSelect:
		sub := c.subquery(e.query, s)
		if sub.sub.width == 1 {
			sub.affinity = sub.sub.selected.columns[0].affinity
		}
		return sub
	case exprRow:
		return joined(&term{kind: termRow, pos: e.pos, kids: c.resolveAll(e.kids, s)}).inherit()
	case exprCase:
		return c.resolveCase(e, s)
	case exprCast:
		kid := c.resolve(e.kids[0], s)
		return fold(joined(&term{kind: termCast, pos: e.pos, kids: []*term{kid}, affinity: value.AffinityOf(e.name),
			collation: kid.collation, collated: kid.collated, explicit: kid.explicit}))
	case exprCollate:
		kid := c.resolve(e.kids[0], s)
		collation, found := value.CollationNamed(e.name)
		if !found {
			panic(fail(codeUnknownFunction, e.pos, "no such collation sequence: "+e.name))
		}
		return joined(&term{kind: termWrap, pos: e.pos, kids: []*term{kid}, affinity: kid.affinity, collation: collation, collated: true, explicit: true})
	default:
		return c.resolveCall(e, s)
	}
}

//go:noinline
func (c *compiler) resolveAll(list []*expr, s *scope) []*term {
	terms := make([]*term, len(list))
	for i, e := range list {
		terms[i] = c.resolve(e, s)
	}
	return terms
}

func (c *compiler) resolveColumn(e *expr, s *scope) *term {
	if t := c.lookup(e, s); t != nil {
		if t.pos == 0 {
			t.pos = e.pos
		}
		return t
	}
	if e.table == "" && e.quoted {
		return &term{kind: termLiteral, pos: e.pos, value: value.FromText(e.name)}
	}
	if truth, is := truthWord(e); is {
		return &term{kind: termLiteral, pos: e.pos, value: value.FromBool(truth)}
	}
	name := e.name
	if e.table != "" {
		name = e.table + "." + name
	}
	panic(fail(codeUnknownColumn, e.pos, "no such column: "+name))
}

// truthWord reports whether e is the word true or false.
func truthWord(e *expr) (truth, is bool) {
	if e.kind != exprColumn || e.quoted || e.table != "" {
		return false, false
	}
	folded := value.Fold(e.name)
	return folded == "true", folded == "true" || folded == "false"
}

func (c *compiler) resolveUnary(e *expr, s *scope) *term {
	kid := c.resolve(e.kids[0], s)
	if e.op == "+" {
		return joined(&term{kind: termWrap, pos: e.pos, kids: []*term{kid}, collation: kid.collation, collated: kid.collated, explicit: kid.explicit})
	}
	t := joined(&term{kind: termUnary, op: e.op, pos: e.pos, kids: []*term{kid}})
	return fold(t.inherit())
}

// fold computes an operator whose operands are all known.
func fold(t *term) *term {
	for _, kid := range t.kids {
		if kid == nil || kid.kind != termLiteral {
			return t
		}
	}
	folded := *t
	folded.kind, folded.kids, folded.op, folded.not = termLiteral, nil, "", false
	r := &run{}
	folded.value = evaluator(t)(r)
	if r.err != nil {
		return t
	}
	return &folded
}

func (c *compiler) resolveBinary(e *expr, s *scope) *term {
	switch e.op {
	case "=", "<>", "<", "<=", ">", ">=", "is":
		return c.resolveCompare(e, s)
	case "->", "->>":
		return c.call(e, e.op, c.resolveAll(e.kids, s))
	}
	kids := c.resolveAll(e.kids, s)
	t := &term{kind: termBinary, op: e.op, pos: e.pos, kids: kids}
	switch e.op {
	case "and":
		t.kind = termAnd
	case "or":
		t.kind = termOr
	}
	return fold(joined(t).inherit())
}

func (c *compiler) resolveCompare(e *expr, s *scope) *term {
	if e.op == "is" {
		if truth, is := truthWord(e.kids[1]); is {
			kid := c.resolve(e.kids[0], s)
			return joined(&term{kind: termTruth, pos: e.pos, not: e.not, value: value.FromBool(truth), kids: []*term{kid}}).inherit()
		}
	}
	kids := []*term{c.resolveAny(e.kids[0], s), c.resolveAny(e.kids[1], s)}
	sameWidth(e.pos, kids[0], kids[1])
	t := joined(&term{kind: termCompare, op: e.op, not: e.not, pos: e.pos, kids: kids})
	if kids[0].width() == 1 {
		return fold(t.inherit())
	}
	if t.inherit(); e.op == "=" && kids[0].kind == termRow && kids[1].kind == termRow {
		all := rowEqual(t)
		all.collation, all.collated, all.explicit = t.collation, t.collated, t.explicit
		return all
	}
	return t
}

// rowEqual makes of a comparison of rows one of each of their values, which indexes
// can serve.
func rowEqual(t *term) *term {
	var all *term
	for i, a := range t.kids[0].kids {
		one := compareTerm("=", a, t.kids[1].kids[i])
		if all == nil {
			all = one
		} else {
			all = joined(&term{kind: termAnd, pos: t.pos, kids: []*term{all, one}})
		}
	}
	return all
}

func sameWidth(pos int, a, b *term) {
	if a.width() != b.width() {
		if a.kind == termScalar || b.kind == termScalar {
			panic(fail(codeInvalid, pos, "sub-select returns a wrong number of columns"))
		}
		panic(fail(codeInvalid, pos, "row value misused"))
	}
}

func (c *compiler) resolveMatch(e *expr, s *scope) *term {
	kids := c.resolveAll(e.kids, s)
	t := joined(&term{kind: termMatch, op: e.op, not: e.not, pos: e.pos, kids: kids}).inherit()
	switch e.op {
	case "like", "glob":
	default:
		call := c.call(e, e.op, []*term{kids[1], kids[0]})
		if !e.not {
			return call
		}
		return joined(&term{kind: termUnary, op: "not", pos: e.pos, kids: []*term{call}})
	}
	return t
}

func (c *compiler) resolveBetween(e *expr, s *scope) *term {
	kids := []*term{c.resolveAny(e.kids[0], s), c.resolveAny(e.kids[1], s), c.resolveAny(e.kids[2], s)}
	sameWidth(e.pos, kids[0], kids[1])
	sameWidth(e.pos, kids[0], kids[2])
	t := joined(&term{kind: termBetween, not: e.not, pos: e.pos, kids: kids}).inherit()
	if kids[0].width() == 1 {
		return t
	}
	both := joined(&term{kind: termAnd, pos: e.pos, kids: []*term{compareTerm(">=", kids[0], kids[1]), compareTerm("<=", kids[0], kids[2])},
		collation: t.collation, collated: t.collated, explicit: t.explicit})
	if !e.not {
		return both
	}
	return joined(&term{kind: termUnary, op: "not", pos: e.pos, kids: []*term{both}})
}

func (c *compiler) resolveIn(e *expr, s *scope) *term {
	left := c.resolveAny(e.kids[0], s)
	if e.query != nil {
		sub := c.subquery(e.query, s)
		if sub.sub.width != left.width() {
			panic(fail(codeInvalid, e.pos, "sub-select returns a wrong number of columns"))
		}
		t := joined(&term{kind: termInQuery, not: e.not, pos: e.pos, kids: []*term{left}, sub: sub.sub, reads: sub.reads}).inherit()
		t.uses |= sub.uses
		t.volatile = t.volatile || sub.volatile
		if list, _ := elementOf(e.query, false); list != nil {
			t.element = &element{c.resolve(list, s), left}
		}
		return t
	}
	t := &term{kind: termIn, not: e.not, pos: e.pos, kids: []*term{left}}
	for _, kid := range e.kids[1:] {
		item := c.resolveAny(kid, s)
		if item.width() != left.width() {
			panic(fail(codeInvalid, kid.pos, "row value misused"))
		}
		t.kids = append(t.kids, item)
	}
	return joined(t).inherit()
}

// subquery resolves a SELECT inside an expression.
func (c *compiler) subquery(q *selection, s *scope) *term {
	saved, reads, phase := s.refs, s.reads, s.phase
	s.refs, s.reads = 0, nil
	c.note("")
	at := len(c.notes) - 1
	c.level++
	chosen := c.selection(q, &scope{up: s, commons: s.commons}, nil)
	c.level--
	uses, read := s.refs, s.reads
	s.refs, s.reads, s.phase = saved|uses, append(reads, read...), phase
	if chosen.outer {
		uses |= outsideOf(s, uses)
		c.notes[at].text = "CORRELATED SCALAR SUBQUERY"
	} else {
		c.notes[at].text = "SCALAR SUBQUERY"
	}
	return &term{kind: termScalar, pos: q.pos, uses: uses, volatile: chosen.volatile, reads: read,
		sub: &subquery{selected: chosen, cache: c.state(), width: len(chosen.columns)}}
}

// outsideOf tells whether a subquery reads more than what is the scope's own: where
// it reads nothing of the scope it reads of one further out.
func outsideOf(s *scope, uses sources) sources {
	if s.outer || uses == 0 {
		return outside
	}
	return 0
}

func (c *compiler) resolveCase(e *expr, s *scope) *term {
	t := &term{kind: termCase, pos: e.pos}
	for _, kid := range e.kids {
		if kid == nil {
			t.kids = append(t.kids, nil)
		} else {
			t.kids = append(t.kids, c.resolve(kid, s))
		}
	}
	return joined(t).inherit()
}

func (c *compiler) resolveCall(e *expr, s *scope) *term {
	switch {
	case e.invoke.over != nil:
		return c.resolveWindow(e, s)
	case isAggregate(e):
		return c.resolveAggregate(e, s)
	case e.invoke.filter != nil:
		panic(fail(codeInvalid, e.pos, "FILTER may not be used with non-aggregate "+e.name+"()"))
	case e.invoke.distinct:
		panic(fail(codeInvalid, e.pos, "DISTINCT is not supported for "+e.name+"()"))
	case e.invoke.order != nil:
		panic(fail(codeInvalid, e.pos, "ORDER BY may not be used with non-aggregate "+e.name+"()"))
	case isWindowOnly(e.name):
		panic(fail(codeInvalid, e.pos, "misuse of window function "+e.name+"()"))
	case e.invoke.star:
		panic(fail(codeWrongArguments, e.pos, "wrong number of arguments to function "+e.name+"()"))
	}
	return c.call(e, e.name, c.resolveAll(e.kids, s))
}

// call is a call of a scalar function.
func (c *compiler) call(e *expr, name string, kids []*term) *term {
	t := joined(&term{kind: termCall, name: name, pos: e.pos, kids: kids}).inherit()
	switch n := len(kids); {
	case (name == "coalesce" || name == "ifnull" && n == 2) && n >= 2:
		t.kind = termCoalesce
	case name == "nullif" && n == 2:
		t.kind = termNullIf
	case (name == "min" || name == "max") && n >= 2:
		t.kind = termExtreme
	case (name == "iif" || name == "if") && n >= 2:
		t.kind, t.name = termCase, ""
		t.kids = append([]*term{nil}, kids...)
		if n%2 == 0 {
			t.kids = append(t.kids, nil)
		}
	case (name == "likely" || name == "unlikely") && n == 1, name == "likelihood" && n == 2:
		t.kind, t.kids = termWrap, kids[:1]
		t.collation, t.collated, t.explicit, t.affinity = kids[0].collation, kids[0].collated, kids[0].explicit, kids[0].affinity
	default:
		t.function = c.function(e.pos, name, n)
		t.volatile = t.volatile || t.function.Stability == function.Volatile
	}
	return t
}
