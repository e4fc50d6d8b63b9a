package sql

import (
	"cmp"

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

// placesCondition is the condition that compares two places, nil where a term is none.
func placesCondition(t *term) test {
	a, is := placeOf(t.kids[0])
	b, too := placeOf(t.kids[1])
	affinity, collation := comparison(t.kids[0], t.kids[1])
	if !is || !too || affinity == value.TextAffinity {
		return nil
	}
	holds := outcomes(t.op)
	return func(r *run) bool {
		v, w := a.of(r), b.of(r)
		if i, j, ok := value.Integers(v, w); ok {
			return holds>>(cmp.Compare(i, j)+1)&1 != 0
		}
		if order, ok := v.Against(w); ok {
			return holds>>(order+1)&1 != 0
		}
		if v.IsNull() || w.IsNull() {
			return false
		}
		order := value.Compare(affinity.Apply(*v), affinity.Apply(*w), collation)
		return order < 0 && holds&1 != 0 || order == 0 && holds&2 != 0 || order > 0 && holds&4 != 0
	}
}
