package slt

import (
	"fmt"
	"strings"
)

// Change makes a statement that writes.
func (g *Generator) Change() Statement {
	t := pick(g, g.tables)
	s := Statement{Changes: t.name, Loose: false}
	switch g.n(14) {
	case 0, 1, 2:
		s.Tree = g.insertRows(t, 1+g.n(3))
	case 3:
		if s.Tree = g.insertRows(t, 2); t.unique() {
			s.Tree = g.insertTaken(t)
		}
	case 4:
		s.Tree = g.insertSelected(t)
	case 5, 6, 7, 8:
		s.Tree = g.update(t)
	case 9, 10:
		in := &scope{columns: t.columns, depth: 0}
		s.Tree = of(fixed, "delete from ", t.name, " where ", g.condition(in), " and id % 3 = ", fmt.Sprint(g.n(3)))
	case 11:
		if len(t.indexes) > 0 && g.chance(50) {
			i := g.n(len(t.indexes))
			s.Tree = of(fixed, "drop index ", t.indexes[i])
			t.indexes = append(t.indexes[:i], t.indexes[i+1:]...)
			return s
		}
		s.Tree = g.createIndex(t).Tree
	default:
		s.Tree = g.insertRows(t, 1)
	}
	if g.chance(20) && !strings.HasPrefix(s.String(), "create") && !strings.HasPrefix(s.String(), "drop") {
		s.Tree = of(fixed, s.Tree, of(optional, " returning ", pick(g, []string{"*", "id", "id, a", "a || 'x', id + 1"})))
	}
	return s
}

// unique reports whether a table lets an identity be there once only.
func (t *table) unique() bool {
	return strings.Contains(t.columns[0].declared, "primary") || strings.Contains(t.columns[0].declared, "unique")
}

// insertTaken inserts rows whose identities may be there.
func (g *Generator) insertTaken(t *table) *Tree {
	var rows []*Tree
	for range 1 + g.n(3) {
		values := []string{fmt.Sprint(1 + g.n(t.next+2))}
		for _, c := range t.columns[1:] {
			values = append(values, g.stored(c))
		}
		rows = append(rows, of(fixed, "("+strings.Join(values, ", ")+")"))
	}
	t.next += 3
	into := of(fixed, " into ", t.name, " values ", list(", ", rows))
	c := pick(g, t.columns[1:])
	switch g.n(5) {
	case 0:
		return of(fixed, "insert or ", pick(g, []string{"ignore", "replace", "abort"}), into)
	case 1:
		return of(fixed, "insert", into, " on conflict do nothing")
	case 2:
		return of(fixed, "insert", into, " on conflict(id) do nothing")
	case 3:
		return of(fixed, "insert", into, " on conflict(id) do update set ", c.name, " = excluded.", c.name, of(optional, " where excluded.id % 2 = 0"))
	}
	return of(fixed, "insert", into)
}

// insertSelected copies rows under new identities.
func (g *Generator) insertSelected(t *table) *Tree {
	from := pick(g, g.tables)
	in := &scope{columns: from.columns, depth: 0}
	g.names++
	parts := []*Tree{of(fixed, fmt.Sprintf("id + %d", 1000*g.names))}
	for _, c := range t.columns[1:] {
		e := g.expression(in, c.kind, 1)
		if c.kind == anything || c.kind == text {
			e = g.leaf(nil, c.kind)
		}
		parts = append(parts, e)
	}
	return of(fixed, "insert into ", t.name, " select ", join(", ", parts), " from ", from.name, " where id % 4 = ", fmt.Sprint(g.n(4)), " and id < 50")
}

func (g *Generator) update(t *table) *Tree {
	in := &scope{columns: t.columns, depth: 1}
	var sets []*Tree
	names := map[string]bool{}
	for range 1 + g.n(2) {
		c := pick(g, t.columns[1:])
		if names[c.name] {
			continue
		}
		names[c.name] = true
		e := of(fixed, g.stored(c))
		switch {
		case c.kind == number:
			e = g.number(in, 2)
		case c.kind == anything && g.chance(50):
			e = g.any(in, 1)
		}
		sets = append(sets, of(fixed, c.name, " = ", e))
	}
	if g.chance(15) {
		other := pick(g, g.tables)
		return of(fixed, "update ", t.name, " set ", list(", ", sets), " from (select id as other, count(*) as many from ", other.name, " group by id) as o where o.other = ", t.name, ".id")
	}
	return of(fixed, "update ", t.name, " set ", list(", ", sets), of(optional, " where ", g.condition(in)))
}
