package slt

import (
	"fmt"
	"strings"
)

// scope is what names mean where an expression stands.
type scope struct {
	columns []column // with their tables' names before them
	outer   *scope   // of the query around, for correlated ones
	depth   int      // how many queries this one is inside of
}

// find picks a column of a kind, nil where there is none.
func (g *Generator) find(s *scope, k kind) *column {
	for range 4 {
		if s == nil || len(s.columns) == 0 {
			return nil
		}
		from := s
		if s.outer != nil && len(s.outer.columns) > 0 && g.chance(30) {
			from = s.outer
		}
		if c := &from.columns[g.n(len(from.columns))]; k == anything || c.kind == k {
			return c
		}
	}
	return nil
}

// expression makes one of a kind.
func (g *Generator) expression(s *scope, k kind, depth int) *Tree {
	switch k {
	case number:
		return g.number(s, depth)
	case text:
		return g.text(s, depth)
	case truth:
		return g.truth(s, depth)
	}
	return g.any(s, depth)
}

func (g *Generator) leaf(s *scope, k kind) *Tree {
	if c := g.find(s, k); c != nil && g.chance(75) {
		return of(k, c.name)
	}
	switch {
	case g.chance(5):
		return of(k, "null")
	case k == number:
		return of(k, g.numeral())
	case k == text:
		return of(k, quoted(pick(g, plainWords)))
	}
	return of(k, g.stored(column{kind: anything, words: plainWords}))
}

func (g *Generator) number(s *scope, depth int) *Tree {
	if depth <= 0 || g.chance(25) {
		return g.leaf(s, number)
	}
	n := func() *Tree { return g.number(s, depth-1) }
	t := func() *Tree { return g.text(s, depth-1) }
	switch g.n(24) {
	case 0, 1, 2:
		return of(number, "(", n(), pick(g, []string{" + ", " - ", " * "}), n(), ")")
	case 3:
		return of(number, "(", n(), pick(g, []string{" / ", " % "}), n(), ")")
	case 4:
		return of(number, "(", n(), pick(g, []string{" & ", " | "}), n(), ")")
	case 5:
		return of(number, "(- ", n(), ")")
	case 6:
		return of(number, "abs(", n(), ")")
	case 7:
		return of(number, "length(", g.any(s, depth-1), ")")
	case 8:
		return of(number, "cast(", g.any(s, depth-1), " as ", pick(g, []string{"integer", "integer", "real", "numeric"}), ")")
	case 9:
		return of(number, pick(g, []string{"coalesce", "ifnull", "nullif", "min", "max"}), "(", n(), ", ", n(), ")")
	case 10, 11:
		return g.choice(s, number, depth)
	case 12:
		return of(number, "instr(", t(), ", ", t(), ")")
	case 13:
		return of(number, "round(", n(), of(optional, ", 1"), ")")
	case 14:
		return of(number, pick(g, []string{"sign", "unicode", "octet_length"}), "(", n(), ")")
	case 15:
		return of(number, "iif(", g.truth(s, depth-1), ", ", n(), ", ", n(), ")")
	case 16, 17:
		return of(number, "(", g.truth(s, depth-1), ")")
	case 18, 19:
		if s.depth < 2 {
			return g.scalarQuery(s, number)
		}
	case 20:
		return of(number, "(~ ", n(), ")")
	case 21:
		return of(number, "(", n(), pick(g, []string{" << ", " >> "}), fmt.Sprint(g.n(4)), ")")
	}
	return g.leaf(s, number)
}

func (g *Generator) text(s *scope, depth int) *Tree {
	if depth <= 0 || g.chance(30) {
		return g.leaf(s, text)
	}
	n := func() *Tree { return g.number(s, depth-1) }
	t := func() *Tree { return g.text(s, depth-1) }
	switch g.n(15) {
	case 0, 1:
		return of(text, "(", g.any(s, depth-1), " || ", g.any(s, depth-1), ")")
	case 2:
		return of(text, pick(g, []string{"upper", "lower", "trim", "ltrim", "rtrim", "hex"}), "(", t(), ")")
	case 3:
		return of(text, "substr(", t(), ", ", n(), of(optional, ", ", n()), ")")
	case 4:
		return of(text, "cast(", g.any(s, depth-1), " as text)")
	case 5:
		return of(text, "coalesce(", t(), ", ", t(), ")")
	case 6, 7:
		return g.choice(s, text, depth)
	case 8:
		return of(text, "replace(", t(), ", ", t(), ", ", t(), ")")
	case 9:
		return of(text, pick(g, []string{"typeof", "quote"}), "(", g.any(s, depth-1), ")")
	case 10:
		return of(text, "printf(", pick(g, []string{"'%d'", "'%5.1f'", "'[%s]'", "'%-4d|'", "'%x'"}), ", ", n(), ")")
	case 11:
		if s.depth < 2 {
			return g.scalarQuery(s, text)
		}
	case 12:
		return of(text, "json_extract(json_array(", t(), ", ", n(), "), '$[", fmt.Sprint(g.n(2)), "]')")
	}
	return g.leaf(s, text)
}

func (g *Generator) any(s *scope, depth int) *Tree {
	switch g.n(5) {
	case 0, 1:
		return g.number(s, depth)
	case 2, 3:
		return g.text(s, depth)
	}
	return g.leaf(s, anything)
}

// choice makes a CASE.
func (g *Generator) choice(s *scope, k kind, depth int) *Tree {
	parts := []any{"case "}
	condition := func() *Tree { return g.truth(s, depth-1) }
	if g.chance(30) {
		parts = append(parts, g.number(s, depth-1), " ")
		condition = func() *Tree { return g.number(s, depth-1) }
	}
	for i := range 1 + g.n(2) {
		when := of(fixed, "when ", condition(), " then ", g.expression(s, k, depth-1), " ")
		if i > 0 {
			when.kind = optional
		}
		parts = append(parts, when)
	}
	if g.chance(70) {
		parts = append(parts, of(optional, "else ", g.expression(s, k, depth-1), " "))
	}
	return of(k, append(parts, "end")...)
}

var comparisons = []string{" = ", " = ", " < ", " <= ", " > ", " >= ", " <> ", " is ", " is not ", " is distinct from ", " is not distinct from "}

func (g *Generator) truth(s *scope, depth int) *Tree {
	k := pick(g, []kind{number, number, text, text, anything})
	e := func() *Tree { return g.expression(s, k, depth-1) }
	t := func() *Tree { return g.truth(s, depth-1) }
	not := pick(g, []string{"", "", "not "})
	if depth <= 0 {
		k = pick(g, []kind{number, text, anything})
		return of(truth, g.leaf(s, k), pick(g, comparisons), g.leaf(s, k))
	}
	switch g.n(22) {
	case 0, 1, 2:
		return of(truth, "(", t(), pick(g, []string{" and ", " or "}), t(), ")")
	case 3:
		return of(truth, "not (", t(), ")")
	case 4, 5:
		return of(truth, e(), pick(g, []string{" is null", " is not null", " isnull", " notnull", " not null"}))
	case 6:
		return of(truth, e(), " ", not, "between ", e(), " and ", e())
	case 7, 8:
		var items []*Tree
		for range 1 + g.n(4) {
			items = append(items, e())
		}
		return of(truth, e(), " ", not, "in (", list(", ", items), ")")
	case 9:
		if s.depth < 2 {
			return of(truth, e(), " ", not, "in ", g.columnQuery(s, k))
		}
	case 10:
		if s.depth < 2 {
			return of(truth, not, "exists ", g.columnQuery(s, k))
		}
	case 11, 12:
		return of(truth, g.text(s, depth-1), " ", not, "like ", pick(g, []string{"'a%'", "'%b%'", "'_b%'", "'%'", "'A_C'", "''", "'1%'"}))
	case 13:
		return of(truth, g.text(s, depth-1), " ", not, "glob ", pick(g, []string{"'a*'", "'*b*'", "'[a-c]*'", "'?'", "'*'"}))
	case 14:
		a, b := pick(g, []kind{number, text}), pick(g, []kind{number, text})
		row := func() *Tree { return of(fixed, "(", g.expression(s, a, 0), ", ", g.expression(s, b, 0), ")") }
		return of(truth, row(), pick(g, []string{" = ", " < ", " >= ", " <> ", " is "}), row())
	case 15, 16:
		return of(truth, g.any(s, depth-1), pick(g, comparisons), g.any(s, depth-1))
	}
	return of(truth, e(), pick(g, comparisons), e())
}

// scalarQuery makes a query of one value. Its aggregates look at columns of its own:
// an aggregate of outer columns only is one of the query around.
func (g *Generator) scalarQuery(s *scope, k kind) *Tree {
	inner, from := g.single(s)
	own := &scope{columns: inner.columns}
	switch {
	case k == number && g.chance(40):
		return of(k, "(select ", pick(g, []string{"count(*)", "sum(id)", "count(id)"}), " from ", from, g.where(inner, 60), ")")
	case g.chance(50):
		if c := g.find(own, k); c != nil {
			return of(k, "(select ", pick(g, []string{"min", "max"}), "(", c.name, ") from ", from, g.where(inner, 60), ")")
		}
	}
	return of(k, "(select ", g.expression(inner, k, 1), " from ", from, g.where(inner, 60), " order by ", own.columns[0].name, " limit 1)")
}

// columnQuery makes a query of one column.
func (g *Generator) columnQuery(s *scope, k kind) *Tree {
	inner, from := g.single(s)
	return of(fixed, "(select ", g.expression(inner, k, 1), " from ", from, g.where(inner, 70), ")")
}

// single is the scope of a query that reads one table, inside of another query.
func (g *Generator) single(outer *scope) (inner *scope, from string) {
	t := pick(g, g.tables)
	alias := g.name("s")
	inner = &scope{outer: outer, depth: outer.depth + 1}
	for _, c := range t.columns {
		c.name = alias + "." + c.name
		inner.columns = append(inner.columns, c)
	}
	return inner, t.name + " as " + alias
}

// where makes a condition, with so many in a hundred.
func (g *Generator) where(s *scope, percent int) *Tree {
	if !g.chance(percent) {
		return nil
	}
	return of(optional, " where ", g.condition(s))
}

// condition is one that an index may help with, or any.
func (g *Generator) condition(s *scope) *Tree {
	if !g.chance(60) {
		return g.truth(s, 2)
	}
	var parts []*Tree
	for range 1 + g.n(3) {
		c := pick(g, s.columns)
		k := c.kind
		var part *Tree
		switch g.n(6) {
		case 0:
			part = of(truth, c.name, " between ", g.leaf(nil, k), " and ", g.leaf(nil, k))
		case 1:
			part = of(truth, c.name, " in (", g.leaf(nil, k), ", ", g.leaf(nil, k), ", ", g.leaf(nil, k), ")")
		case 2:
			part = of(truth, c.name, pick(g, []string{" is null", " is not null"}))
		case 3:
			part = of(truth, c.name, pick(g, comparisons), g.leaf(nil, k), " collate ", pick(g, []string{"nocase", "binary", "rtrim"}))
		default:
			part = of(truth, c.name, pick(g, comparisons), g.leaf(nil, k))
		}
		parts = append(parts, part)
	}
	return list(pick(g, []string{" and ", " and ", " or "}), parts)
}

// under puts a name before columns.
func under(alias string, columns []column) (named []column) {
	for _, c := range columns {
		c.name = alias + "." + strings.TrimPrefix(c.name, alias+".")
		named = append(named, c)
	}
	return named
}
