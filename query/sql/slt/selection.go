package slt

import (
	"fmt"
	"slices"
	"strings"
)

// Query makes a SELECT of any kind.
func (g *Generator) Query() Statement {
	var s Statement
	switch g.n(20) {
	case 0, 1, 2:
		s = g.compound()
	case 3, 4, 5, 6:
		s = g.grouped()
	case 7, 8, 9:
		s = g.windowed()
	case 10:
		s = g.recursive()
	case 11:
		s = g.named()
	case 12:
		s = g.values()
	case 13:
		s = g.elements()
	default:
		s = g.plain()
	}
	return s
}

// source is what stands behind FROM.
type source struct {
	tree    *Tree
	columns []column
	ids     []string // columns that tell the rows apart
	rows    int      // about how many
	joined  int      // how often others were joined
	using   bool     // by a column of theirs that has one name now: the end
	asked   bool     // whether rows of a join are, something else than how two columns compare
}

// from makes a source of one to three tables or subqueries, joined.
func (g *Generator) from(most int) source {
	s := g.one()
	s.tree = of(fixed, s.tree)
	for range g.n(most) {
		next := g.one()
		s.join(g, next)
	}
	return s
}

// one makes a table or a subquery with an alias.
func (g *Generator) one() source {
	alias := g.name("x")
	if len(g.views) > 0 && g.chance(10) {
		v := pick(g, g.views)
		return source{tree: of(fixed, v.name, " as ", alias), columns: under(alias, v.columns), ids: []string{alias + ".id"}, rows: v.rows}
	}
	if g.chance(8) {
		return g.combined(alias)
	}
	t := pick(g, g.tables)
	if g.chance(85) {
		return source{tree: of(fixed, t.name, " as ", alias), columns: under(alias, t.columns), ids: []string{alias + ".id"}, rows: t.next}
	}
	from := source{tree: of(fixed, t.name), columns: t.columns, ids: []string{"id"}}
	what, columns := g.subject(from)
	tree := of(fixed, "(select ", what, " from ", t.name, g.where(&scope{columns: t.columns, depth: 1}, 50), ") as ", alias)
	return source{tree: tree, columns: under(alias, columns), ids: []string{alias + ".id"}, rows: t.next}
}

// combined makes a subquery of two SELECTs, or of groups, that hands columns on as they are:
// what is asked of them may be asked inside.
func (g *Generator) combined(alias string) source {
	t, u := pick(g, g.tables), pick(g, g.tables)
	a := pick(g, t.columns)
	same := slices.DeleteFunc(slices.Clone(u.columns), func(c column) bool { return c.kind != a.kind || c.declared != a.declared })
	s := source{columns: under(alias, []column{{name: "id", kind: number}, {name: "c0", kind: a.kind}}), ids: []string{alias + ".id", alias + ".c0"}, rows: t.next}
	if g.chance(40) || len(same) == 0 {
		s.tree = of(fixed, "(select id, ", a.name, " as c0 from ", t.name, " group by id, ", a.name, ") as ", alias)
		return s
	}
	if g.chance(30) {
		s.tree = of(fixed, "(select id, ", a.name, " as c0 from ", t.name, " where id < 9 union all select id, ", a.name, " from ", t.name, " where id > 8) as ", alias)
		return s
	}
	kind := pick(g, []string{" union ", " except ", " intersect "})
	s.rows += u.next
	s.tree = of(fixed, "(select id, ", a.name, " as c0 from ", t.name, kind, "select id, ", pick(g, same).name, " from ", u.name, ") as ", alias)
	return s
}

// subject selects the identity and expressions with names, and tells the columns
// that they are.
func (g *Generator) subject(from source) (what *Tree, columns []column) {
	inner := &scope{columns: from.columns, depth: 1}
	parts := []*Tree{of(fixed, from.ids[0], " as id")}
	columns = []column{{name: "id", kind: number}}
	for i := range 1 + g.n(2) {
		k := pick(g, []kind{number, text})
		name := fmt.Sprintf("c%d", i)
		parts = append(parts, of(fixed, g.expression(inner, k, 2), " as ", name))
		columns = append(columns, column{name: name, kind: k})
	}
	return join(", ", parts), columns
}

// join puts parts together of which none can be left out.
func join(separator string, parts []*Tree) *Tree {
	t := list(separator, parts)
	for _, kid := range t.kids {
		if kid.kind == optional {
			kid.kind = fixed
		}
	}
	return t
}

func (s *source) join(g *Generator, next source) {
	both := &scope{columns: append(append([]column(nil), s.columns...), next.columns...), depth: 1}
	compared := func() *Tree {
		return of(truth, pick(g, s.columns).name, pick(g, []string{" = ", " = ", " = ", " < "}), pick(g, next.columns).name)
	}
	on := func() *Tree {
		if g.chance(60) {
			return compared()
		}
		s.asked = true
		return g.truth(both, 1)
	}
	if s.using {
		return
	}
	s.joined++
	const most = 3000
	if s.rows *= next.rows; s.rows > most || s.joined == 1 && g.chance(15) {
		s.rows = min(s.rows, most/2)
		kind := pick(g, []string{" join ", " left join ", " join ", " right join ", " full join "})
		if s.asked {
			kind = " left join "
		}
		on := of(fixed, " on ", s.ids[0], " = ", next.ids[0])
		if s.joined == 1 && g.chance(50) {
			on, s.using = of(fixed, " using (id)"), true
		}
		s.tree = of(fixed, s.tree, kind, next.tree, on)
		s.columns = both.columns
		s.ids = append(s.ids, next.ids...)
		return
	}
	kind := g.n(8)
	if s.asked && kind > 5 { // SQLite loses rows of outer joins where LIKE uses an index
		kind = 5
	}
	switch kind {
	case 0:
		s.tree = of(fixed, s.tree, ", ", next.tree)
	case 1:
		s.tree = of(fixed, s.tree, " cross join ", next.tree)
	case 2, 3:
		s.tree = of(fixed, s.tree, " join ", next.tree, " on ", on())
	case 4, 5:
		s.tree = of(fixed, s.tree, " left join ", next.tree, " on ", compared())
	case 6:
		s.tree = of(fixed, s.tree, " right join ", next.tree, " on ", compared())
	case 7:
		s.tree = of(fixed, s.tree, " full join ", next.tree, " on ", compared())
	}
	s.columns = both.columns
	s.ids = append(s.ids, next.ids...)
}

// order sorts by all columns of the result, so that rows have one order; and then
// may limit it.
func (g *Generator) order(columns int, s *Statement) *Tree {
	if g.chance(40) {
		return nil
	}
	s.Ordered = true
	var terms []*Tree
	for _, i := range g.random.Perm(columns) {
		terms = append(terms, of(fixed, fmt.Sprint(i+1), pick(g, []string{"", "", " desc", " asc"}), pick(g, []string{"", "", "", " nulls first", " nulls last"})))
	}
	limit := of(fixed)
	if g.chance(40) {
		s.Limited = true
		limit = of(optional, " limit ", fmt.Sprint(g.n(8)), of(optional, pick(g, []string{"", " offset 1", " offset 3"})))
	}
	return of(fixed, " order by ", join(", ", terms), limit)
}

// plain selects expressions.
func (g *Generator) plain() (s Statement) {
	from := g.from(3)
	in := &scope{columns: from.columns, depth: 0}
	distinct := ""
	if g.chance(15) {
		distinct, s.Loose = "distinct ", true
	}
	if g.chance(10) {
		s.Tree = of(fixed, "select ", distinct, "* from ", from.tree, g.where(in, 70))
		return s
	}
	what, _ := g.results(in, 1+g.n(4))
	if distinct == "" && g.chance(25) {
		return g.sorted(from, what)
	}
	s.Tree = of(fixed, "select ", distinct, join(", ", what), " from ", from.tree, g.where(in, 70), g.order(len(what), &s))
	return s
}

// sorted selects in the order of an expression that is not selected, and then of what
// tells rows apart.
func (g *Generator) sorted(from source, what []*Tree) (s Statement) {
	in := &scope{columns: from.columns, depth: 0}
	s.Ordered = true
	terms := []*Tree{of(fixed, "(", g.expression(in, pick(g, []kind{number, text, truth}), g.n(2)), ") + 0", pick(g, []string{"", " desc"}))}
	if c := pick(g, from.columns); g.chance(70) {
		terms[0] = of(fixed, c.name, pick(g, []string{"", " desc", " desc nulls last", " nulls last"}))
	}
	for _, id := range from.ids {
		terms = append(terms, of(fixed, id, pick(g, []string{"", " desc"})))
	}
	limit := of(fixed)
	if g.chance(50) {
		s.Limited = true
		limit = of(optional, " limit ", fmt.Sprint(g.n(8)), of(optional, pick(g, []string{"", " offset 2"})))
	}
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, g.where(in, 60), " order by ", join(", ", terms), limit)
	return s
}

// elements selects what is in a list of JSON beside each row.
func (g *Generator) elements() (s Statement) {
	from := g.one()
	in := &scope{columns: from.columns, depth: 0}
	name := g.name("j")
	list := of(fixed, "json_array(", g.leaf(in, number), ", ", g.leaf(in, text), ", json_object('k', ", g.leaf(in, number), "))")
	call := pick(g, []string{"json_each", "json_tree"})
	columns := append(append([]column(nil), from.columns...), column{name: name + ".key", kind: anything}, column{name: name + ".atom", kind: anything}, column{name: name + ".type", kind: text}, column{name: name + ".fullkey", kind: text})
	all := &scope{columns: columns, depth: 0}
	what := []*Tree{of(fixed, from.ids[0]), of(fixed, name, ".fullkey"), of(fixed, name, ".value"), g.leaf(all, text)}
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, pick(g, []string{", ", " join "}), call, "(", list, ") as ", name, g.where(all, 50), g.order(4, &s))
	return s
}

// results makes expressions to be selected, and tells their kinds.
func (g *Generator) results(s *scope, n int) (what []*Tree, kinds []kind) {
	for range n {
		k := pick(g, []kind{number, number, text, text, anything, truth})
		what = append(what, g.expression(s, k, 1+g.n(3)))
		kinds = append(kinds, k)
	}
	return what, kinds
}

// aggregate makes one over a scope.
func (g *Generator) aggregate(s *scope) *Tree {
	n := func() *Tree { return g.number(s, 1) }
	distinct := pick(g, []string{"", "", "", "distinct "})
	var t *Tree
	switch g.n(9) {
	case 0, 1:
		t = of(number, "count(*)")
	case 2:
		t = of(number, "count(", distinct, g.any(s, 1), ")")
	case 3, 4:
		t = of(number, "sum(", distinct, n(), ")")
	case 5:
		t = of(number, pick(g, []string{"total", "avg"}), "(", n(), ")")
	case 6, 7:
		t = of(number, pick(g, []string{"min", "max"}), "(", g.any(s, 1), ")")
	default:
		t = of(number, "length(group_concat(", g.text(s, 1), "))")
		return t
	}
	if g.chance(15) {
		t.kids = append(t.kids, of(optional, " filter (where ", g.truth(s, 1), ")"))
	}
	return t
}

// grouped selects aggregates, of groups mostly.
func (g *Generator) grouped() (s Statement) {
	from := g.from(2)
	in := &scope{columns: from.columns, depth: 0}
	s.Loose = true
	var what, keys []*Tree
	for range g.n(3) {
		e := g.expression(in, pick(g, []kind{number, text, anything}), g.n(2))
		if fixedText := e.String(); strings.Contains(fixedText, ".") && !isNumeral(fixedText) {
			what, keys = append(what, e), append(keys, e)
		}
	}
	for range 1 + g.n(3) {
		a := g.aggregate(in)
		if g.chance(20) {
			a = of(number, "(", a, pick(g, []string{" + ", " * "}), g.aggregate(in), ")")
		}
		what = append(what, a)
	}
	group := of(fixed)
	if len(keys) > 0 {
		having := of(fixed)
		if g.chance(30) {
			having = of(optional, " having ", g.aggregate(in), pick(g, []string{" > ", " < ", " is not "}), g.numeral())
		}
		group = of(fixed, " group by ", join(", ", keys), having)
	}
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, g.where(in, 50), group, g.order(len(what), &s))
	return s
}

// isNumeral reports whether a term of GROUP BY would be taken for a column's number.
func isNumeral(s string) bool { return strings.Trim(s, "-0123456789. ()'") == "" }

var frames = []string{
	"", "", "", " rows between unbounded preceding and current row", " rows between 1 preceding and 1 following", " rows 2 preceding", " rows between current row and unbounded following",
	" rows between 2 following and 3 following", " groups between 1 preceding and current row", " range between unbounded preceding and unbounded following",
	" groups between current row and 1 following exclude current row", " rows between unbounded preceding and unbounded following exclude ties", " range between current row and unbounded following exclude group",
}

// windowed selects through windows, whose rows have one order.
func (g *Generator) windowed() (s Statement) {
	from := g.from(2)
	in := &scope{columns: from.columns, depth: 0}
	s.Loose = true // sums that forget rows round
	what := []*Tree{}
	for _, id := range from.ids {
		what = append(what, of(fixed, id))
	}
	for range 1 + g.n(2) {
		what = append(what, g.overWindow(in, from.ids))
	}
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, g.where(in, 30), g.order(len(what), &s))
	return s
}

func (g *Generator) overWindow(s *scope, ids []string) *Tree {
	partition := of(fixed)
	if g.chance(50) {
		partition = of(optional, "partition by ", g.leaf(s, pick(g, []kind{number, text})), " ")
	}
	if g.chance(15) {
		return of(number, pick(g, []string{"sum(", "count(", "min(", "total("}), g.number(s, 1), ") over (", partition, "order by ", pick(g, ids), pick(g, []string{"", " desc"}),
			" range between ", pick(g, []string{"2 preceding", "0 preceding", "unbounded preceding", "current row"}), " and ", pick(g, []string{"1 following", "current row", "unbounded following"}), ")")
	}
	terms := []string{}
	for _, id := range ids {
		terms = append(terms, id+pick(g, []string{"", "", " desc"}))
	}
	order := of(fixed, "order by ", of(optional, g.leaf(s, pick(g, []kind{number, text})), pick(g, []string{"", " desc", " nulls last"}), ", "), strings.Join(terms, ", "))
	frame := of(optional, pick(g, frames))
	var call *Tree
	switch g.n(10) {
	case 0:
		call, frame = of(fixed, pick(g, []string{"row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()"})), nil
	case 1:
		call, frame = of(fixed, "ntile(", fmt.Sprint(1+g.n(4)), ")"), nil
	case 2, 3:
		call, frame = of(fixed, pick(g, []string{"lag", "lead"}), "(", g.any(s, 1), of(optional, ", ", fmt.Sprint(g.n(3)), of(optional, ", ", g.leaf(s, anything))), ")"), nil
	case 4, 5:
		call = of(fixed, pick(g, []string{"first_value", "last_value"}), "(", g.any(s, 1), ")")
	case 6:
		call = of(fixed, "nth_value(", g.any(s, 1), ", ", fmt.Sprint(1+g.n(3)), ")")
	default:
		call = of(fixed, pick(g, []string{"sum", "count", "total", "avg", "min", "max"}), "(", g.number(s, 1), ")")
		if g.chance(15) {
			call = of(fixed, "group_concat('x' || ", g.text(s, 1), ", '-')") // SQLite loses count of empty texts
		}
		if g.chance(15) {
			call = of(fixed, call, of(optional, " filter (where ", g.truth(s, 1), ")"))
		}
	}
	return of(number, call, " over (", partition, order, frame, ")")
}

// compound puts queries of as many columns together.
func (g *Generator) compound() (s Statement) {
	n := 1 + g.n(3)
	parts := []any{}
	for i := range 2 + g.n(2) {
		from := g.from(1)
		in := &scope{columns: from.columns, depth: 0}
		what, _ := g.results(in, n)
		part := of(fixed, "select ", join(", ", what), " from ", from.tree, g.where(in, 50))
		if i > 0 {
			operator := pick(g, []string{" union ", " union all ", " intersect ", " except "})
			part = of(optional, operator, part)
		}
		parts = append(parts, part)
	}
	s.Loose = true
	s.Tree = of(fixed, append(parts, g.order(n, &s))...)
	return s
}

// named reads a query that WITH gives a name, twice maybe.
func (g *Generator) named() (s Statement) {
	from := g.one()
	in := &scope{columns: from.columns, depth: 1}
	name, other := g.name("w"), g.name("w")
	body := of(fixed, "select ", from.ids[0], " as id, ", g.number(in, 2), " as n, ", g.text(in, 2), " as s from ", from.tree, g.where(in, 50))
	columns := []column{{name: "id", kind: number}, {name: "n", kind: number}, {name: "s", kind: text}}
	outer := &scope{columns: append(under(name, columns), under(other, columns)...)}
	what, _ := g.results(outer, 1+g.n(3))
	materialised := pick(g, []string{"as", "as", "as materialized", "as not materialized"})
	s.Tree = of(fixed, "with ", name, " ", materialised, " (", body, ") select ", join(", ", what), " from ", name,
		pick(g, []string{" join ", " left join "}), name, " as ", other, " on ", name, ".id = ", other, ".id + ", fmt.Sprint(g.n(2)), g.where(outer, 40), g.order(len(what), &s))
	return s
}

// recursive counts, or walks along identities.
func (g *Generator) recursive() (s Statement) {
	name := g.name("r")
	t := pick(g, g.tables)
	union := pick(g, []string{"union", "union all"})
	if g.chance(50) {
		s.Tree = of(fixed, "with recursive ", name, "(n, v) as (select 1, ", g.numeral(), " ", union, " select n + 1, v + n from ", name, " where n < ", fmt.Sprint(1+g.n(12)), ") select n, v from ", name,
			of(optional, pick(g, []string{"", " where v > 3", " where n % 2 = 0"})), g.order(2, &s))
		return s
	}
	s.Tree = of(fixed, "with recursive ", name, "(id, depth) as (select min(id), 0 from ", t.name, " union select x.id, depth + 1 from ", name, " join ", t.name, " as x on x.id > ", name, ".id and x.id <= ", name, ".id + ", fmt.Sprint(1+g.n(3)),
		" where depth < ", fmt.Sprint(1+g.n(4)), ") select id, depth from ", name, g.order(2, &s))
	return s
}

// values selects from a list of rows. In FROM they have no affinity, as a cast has one: SQLite asks a
// condition of each row by itself or of all alike, as its plan goes, and answers differently.
func (g *Generator) values() (s Statement) {
	var numbers, texts []*Tree
	for range 1 + g.n(4) {
		numbers, texts = append(numbers, g.number(&scope{depth: 2}, 2)), append(texts, g.text(&scope{depth: 2}, 2))
	}
	rows := func(sign string) (rows []*Tree) {
		for i := range numbers {
			rows = append(rows, of(fixed, "("+sign, numbers[i], ", "+sign, texts[i], ")"))
		}
		return rows
	}
	if g.chance(40) {
		s.Tree = of(fixed, "values ", list(", ", rows("")))
		return s
	}
	alias := g.name("v")
	in := &scope{columns: []column{{name: alias + ".column1", kind: number}, {name: alias + ".column2", kind: text}}, depth: 0}
	what, _ := g.results(in, 1+g.n(2))
	s.Tree = of(fixed, "select ", join(", ", what), " from (values ", list(", ", rows("+")), ") as ", alias, g.where(in, 50), g.order(len(what), &s))
	return s
}
