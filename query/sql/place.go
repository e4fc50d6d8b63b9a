package sql

import (
	"cmp"
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// place is where a value lies while a statement runs: what expressions are made of at
// last. It is looked at there, which spares the loops over rows a call and a copy.
type place struct {
	kind   termKind // a slot, a parameter or a literal
	number int
	value  value.Value
}

// placeOf returns the place that a term is; ok is false for what is computed.
func placeOf(t *term) (p place, ok bool) {
	for t.kind == termWrap {
		t = t.kids[0]
	}
	switch t.kind {
	case termSlot:
		return place{kind: t.kind, number: t.slot}, true
	case termParam:
		return place{kind: t.kind, number: int(t.value.Int()) - 1}, true
	case termLiteral:
		return place{kind: t.kind, value: t.value}, true
	}
	return p, false
}

// of is the value in a run, which nobody changes there.
func (p *place) of(r *run) *value.Value {
	switch p.kind {
	case termSlot:
		return &r.row[p.number]
	case termParam:
		return &r.args[p.number]
	}
	return &p.value
}

// outcomes tells which outcomes of Compare an operator holds for, a bit for each: less is
// the lowest.
func outcomes(op string) (bits uint) {
	less, equal, greater := ordered(op)
	for i, holds := range [...]bool{less, equal, greater} {
		if holds {
			bits |= 1 << i
		}
	}
	return bits
}

// comparing is a condition that compares two places.
type comparing struct {
	a, b        place
	holds       uint
	left, right value.Affinity // of a and b
	collation   value.Collation
}

// comparingOf returns the condition that a term is, nil where it is none.
func comparingOf(t *term) *comparing {
	if t.kind != termCompare || t.op == "is" || t.kids[0].width() > 1 {
		return nil
	}
	a, is := placeOf(t.kids[0])
	b, too := placeOf(t.kids[1])
	affinity, collation := comparison(t.kids[0], t.kids[1])
	if !is || !too || affinity == value.TextAffinity {
		return nil
	}
	return &comparing{a, b, outcomes(t.op), t.kids[0].takes(affinity), t.kids[1].takes(affinity), collation}
}

// test reports whether it holds in a run's row.
func (c *comparing) test(r *run) bool {
	return c.compare(c.a.of(r), c.b.of(r))
}

func (c *comparing) compare(v, w *value.Value) bool {
	if order, ok := v.Against(w); ok {
		return c.holds>>(order+1)&1 != 0
	}
	return c.other(v, w)
}

// other is test of what are not two numbers.
func (c *comparing) other(v, w *value.Value) bool {
	if v.IsNull() || w.IsNull() {
		return false
	}
	order := value.Compare(c.left.Apply(*v), c.right.Apply(*w), c.collation)
	return c.holds>>(cmp.Compare(order, 0)+1)&1 != 0
}

// narrow keeps those rows of a sheet for which it holds; a is a column.
func (c *comparing) narrow(r *run, b *sheet) {
	column := b.column(c.a.number)
	if c.b.kind == termSlot {
		if others := b.column(c.b.number); others != nil {
			b.rows = slices.DeleteFunc(b.rows, func(row int32) bool { return !c.compare(&column[row], &others[row]) })
			return
		}
	}
	w := c.b.of(r)
	b.rows = value.Narrow(b.rows, column, w, c.holds, func(v *value.Value) bool { return c.other(v, w) })
}

// turned is the same with a and b in each other's place.
func (c *comparing) turned() *comparing {
	turned := *c
	turned.a, turned.b = c.b, c.a
	turned.left, turned.right = c.right, c.left
	turned.holds = c.holds&2 | c.holds>>2 | c.holds&1<<2
	return &turned
}

// narrowing is what keeps those rows of a sheet for which a term holds, nil where that has to
// be found out row by row; own tells the places of its columns.
func narrowing(t *term, own func(slot int) bool) func(r *run, b *sheet) {
	if m := matchesOf(t, own); m != nil {
		return m.narrow
	}
	among := func(p *place) bool { return p.kind == termSlot && own(p.number) }
	c := comparingOf(t)
	switch {
	case c == nil:
		return nil
	case among(&c.a):
		return c.narrow
	case among(&c.b):
		return c.turned().narrow
	}
	return nil
}
