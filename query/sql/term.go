package sql

import (
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// term is an expression whose names have a meaning. Which fields count depends on
// its kind.
type term struct {
	kind   termKind
	op     string // of unary, binary, compare and match
	not    bool
	pos    int
	kids   []*term
	value  value.Value // of a literal; the number of a parameter
	slot   int         // where in the row
	origin *origin     // of a column
	column int
	name   string // of a function
	title  string // of a column: what it is called

	uses     sources
	affinity value.Affinity // of a column, a cast, a subquery
	// collation is told by COLLATE where explicit, by a column where collated.
	collation          value.Collation
	collated, explicit bool
	volatile           bool // another value each time

	sub      *subquery
	element  *element           // of IN and EXISTS: what it says of a list
	reads    []int              // places of the scope around that the subquery reads
	function *function.Function // of a call
}

type termKind uint8

const (
	termLiteral termKind = iota
	termParam
	termSlot
	termUnary   // op kids[0]
	termBinary  // arithmetic
	termCompare // = <> < <= > >=, is
	termAnd
	termOr
	termTruth // kids[0] IS (not) TRUE, or FALSE where value is 0
	termMatch // like, glob
	termBetween
	termIn // a list
	termInQuery
	termExists
	termScalar // a subquery's only value
	termRow    // of several
	termCase
	termCast
	termWrap // kids[0] with another collation or without affinity
	termCall
	termCoalesce
	termNullIf
	termExtreme // min and max of several values
	termIf
)

// subquery is a SELECT inside an expression.
type subquery struct {
	selected *selected
	cache    int // where a run keeps what it found, if that is the same for every row
	width    int
}

// same reports whether two terms always have the same value.
func same(a, b *term) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.kind != b.kind || a.op != b.op || a.not != b.not || a.slot != b.slot || a.name != b.name || a.volatile || b.volatile ||
		len(a.kids) != len(b.kids) || a.sub != b.sub || a.affinity != b.affinity || a.collation != b.collation || a.explicit != b.explicit ||
		a.value.Kind() != b.value.Kind() || value.Compare(a.value, b.value, value.Binary) != 0 {
		return false
	}
	for i := range a.kids {
		if !same(a.kids[i], b.kids[i]) {
			return false
		}
	}
	return true
}

// conjuncts appends the terms that all have to hold for t to hold.
func conjuncts(list []*term, t *term) []*term {
	if t == nil {
		return list
	}
	if t.kind == termAnd {
		return conjuncts(conjuncts(list, t.kids[0]), t.kids[1])
	}
	if t.kind == termBetween && !t.not && !t.kids[0].volatile {
		return append(list, compareTerm(">=", t.kids[0], t.kids[1]), compareTerm("<=", t.kids[0], t.kids[2]))
	}
	return append(list, t)
}

//go:noinline
func compareTerm(op string, a, b *term) *term {
	return joined(&term{kind: termCompare, op: op, pos: a.pos, kids: []*term{a, b}})
}

// inherit gives a term the collation that the first of its parts has by COLLATE.
//
//go:noinline
func (t *term) inherit() *term {
	for _, kid := range t.kids {
		if kid != nil && kid.explicit {
			t.collation, t.collated, t.explicit = kid.collation, true, true
			break
		}
	}
	return t
}

// joined sums up what a term's parts say.
//
//go:noinline
func joined(t *term) *term {
	for _, kid := range t.kids {
		if kid != nil {
			t.uses |= kid.uses
			t.volatile = t.volatile || kid.volatile
		}
	}
	return t
}

// comparison returns how two terms are compared.
//
//go:noinline
func comparison(a, b *term) (value.Affinity, value.Collation) {
	return value.CompareAffinity(a.affinity, b.affinity), collationOf(a, b)
}

// takes returns what is applied to a term's value in a comparison of an affinity. A column of a table has
// that affinity already: what somebody wrote there in spite of it is compared as it stands, as it is in an index.
//
//go:noinline
func (t *term) takes(affinity value.Affinity) value.Affinity {
	switch {
	case t.kind == termWrap:
		return t.kids[0].takes(affinity)
	case t.kind != termSlot || t.origin == nil || t.origin.table == nil:
		return affinity
	case t.affinity == affinity || t.affinity.Numeric() && affinity.Numeric():
		return value.NoAffinity
	}
	return affinity
}

// collationOf is the explicit collation of the first term that has one, else that of
// the first that is a column.
//
//go:noinline
func collationOf(terms ...*term) value.Collation {
	for _, t := range terms {
		if t.explicit {
			return t.collation
		}
	}
	for _, t := range terms {
		if t.collated {
			return t.collation
		}
	}
	return value.Binary
}
