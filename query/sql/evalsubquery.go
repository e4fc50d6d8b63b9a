package sql

import "github.com/stowage-db/stowage/query/sql/value"

// stop ends a feed early. Each that ends one has its own, so that it passes through
// those between.
type stop struct{}

func (*stop) Error() string { return "enough" }

// newStop returns one that is like no other.
//
//go:noinline
func newStop() error {
	return &struct {
		*stop
		n int
	}{}
}

// asked is what a run keeps of a subquery.
type asked struct {
	start  func() error
	enough error // ends it after the first row
	known  bool
	found  bool
	row    []value.Value
	set    *set
	nulls  *roll // rows that hold NULL
}

// asked returns what the run keeps of a subquery; emit is what its rows are for.
func (s *subquery) asked(r *run, emit func(a *asked) func() error) *asked {
	if a, ok := r.states[s.cache].(*asked); ok {
		return a
	}
	a := &asked{}
	a.start = s.selected.feed(r, emit(a))
	r.states[s.cache] = a
	return a
}

// lasting reports whether what was found holds for other rows too.
func (s *subquery) lasting() bool { return !s.selected.outer && !s.selected.volatile }

// first makes a function that runs a subquery up to its first row, and returns its
// values, NULLs where there is none.
//
//go:noinline
func (s *subquery) first() func(r *run) *asked {
	return func(r *run) *asked {
		a := s.asked(r, func(a *asked) func() error {
			a.row = make([]value.Value, s.width)
			a.enough = newStop()
			return func() error {
				a.found = true
				for i, column := range s.selected.columns {
					a.row[i] = r.keep(r.row[column.slot])
				}
				return a.enough
			}
		})
		if a.known && s.lasting() {
			return a
		}
		a.found = false
		clear(a.row)
		if err := a.start(); err != nil && err != a.enough {
			r.fail(err)
		}
		a.known = true
		return a
	}
}

func scalarEvaluator(t *term) eval {
	first := t.sub.first()
	return func(r *run) value.Value { return first(r).row[0] }
}

func existsEvaluator(t *term) eval {
	first, not := t.sub.first(), t.not
	return func(r *run) value.Value { return value.FromBool(first(r).found != not) }
}

// rowEvaluator makes a function that appends the values of a term that may be a row.
func rowEvaluator(t *term) func(r *run, dst []value.Value) []value.Value {
	switch {
	case t.kind == termRow:
		kids := evaluators(t.kids)
		return func(r *run, dst []value.Value) []value.Value {
			for _, kid := range kids {
				dst = append(dst, kid(r))
			}
			return dst
		}
	case t.kind == termScalar:
		first := t.sub.first()
		return func(r *run, dst []value.Value) []value.Value { return append(dst, first(r).row...) }
	default:
		one := evaluator(t)
		return func(r *run, dst []value.Value) []value.Value { return append(dst, one(r)) }
	}
}

// part is the term of one value of a row.
//
//go:noinline
func (t *term) part(i int) *term {
	switch t.kind {
	case termRow:
		return t.kids[i]
	case termScalar:
		column := t.sub.selected.columns[i]
		return &term{affinity: column.affinity, collation: column.collation, collated: column.collated}
	}
	return t
}

// comparers compares rows value by value.
func comparers(a, b *term) []func(v, w value.Value) int {
	list := make([]func(v, w value.Value) int, a.width())
	for i := range list {
		list[i] = comparer(a.part(i), b.part(i))
	}
	return list
}

// rowCompareEvaluator compares rows: the first values that differ, or of which one is
// NULL, decide; for equality those that differ.
func rowCompareEvaluator(t *term) eval {
	left, right, compares := rowEvaluator(t.kids[0]), rowEvaluator(t.kids[1]), comparers(t.kids[0], t.kids[1])
	less, equal, greater := ordered(t.op)
	op, not := t.op, t.not
	return func(r *run) value.Value {
		a := left(r, nil)
		b := right(r, nil)
		unknown := false
		for i, compare := range compares {
			order := 0
			switch {
			case op == "is" && (a[i].IsNull() || b[i].IsNull()):
				if a[i].IsNull() != b[i].IsNull() {
					order = 1
				}
			case a[i].IsNull() || b[i].IsNull():
				if op != "=" && op != "<>" {
					return value.Value{}
				}
				unknown = true
				continue
			default:
				order = compare(a[i], b[i])
			}
			if order != 0 {
				return value.FromBool((order < 0 && less || order > 0 && greater) != not)
			}
		}
		if unknown {
			return value.Value{}
		}
		return value.FromBool(equal != not)
	}
}

// equalRows compares two rows; unknown where a NULL leaves it open.
func equalRows(a, b []value.Value, compares []func(v, w value.Value) int) (equal, unknown bool) {
	for i, compare := range compares {
		if a[i].IsNull() || b[i].IsNull() {
			unknown = true
		} else if compare(a[i], b[i]) != 0 {
			return false, false
		}
	}
	return !unknown, unknown
}

// inEvaluator looks for a value among those of a list, which have no affinity.
func inEvaluator(t *term) eval {
	left, not := rowEvaluator(t.kids[0]), t.not
	plain := func(item *term) *term {
		return &term{kind: item.kind, kids: item.kids, sub: item.sub}
	}
	var items []func(r *run, dst []value.Value) []value.Value
	var compares [][]func(v, w value.Value) int
	for _, item := range t.kids[1:] {
		items = append(items, rowEvaluator(item))
		if item.width() == 1 {
			bare := *item
			bare.affinity, bare.collated, bare.explicit = value.NoAffinity, false, false
			compares = append(compares, comparers(t.kids[0], &bare))
		} else {
			compares = append(compares, comparers(t.kids[0], plain(item)))
		}
	}
	return func(r *run) value.Value {
		var few, some [2]value.Value
		v := left(r, few[:0])
		open := false
		for i, item := range items {
			equal, unknown := equalRows(v, item(r, some[:0]), compares[i])
			if equal {
				return value.FromBool(!not)
			}
			open = open || unknown
		}
		if open {
			return value.Value{}
		}
		return value.FromBool(not)
	}
}

// inQueryEvaluator looks for a row among those of a subquery: in a set of them, made
// once, where they are the same each time.
func inQueryEvaluator(t *term) eval {
	in := newInQuery(t)
	not := t.not
	return func(r *run) value.Value {
		var few [2]value.Value
		v := in.left(r, few[:0])
		found, unknown := in.ask(r, v)
		switch {
		case found:
			return value.FromBool(!not)
		case unknown:
			return value.Value{}
		}
		return value.FromBool(not)
	}
}

// inQuery is what IN needs to ask a subquery.
type inQuery struct {
	sub        *subquery
	left       func(r *run, dst []value.Value) []value.Value
	compares   []func(v, w value.Value) int
	takes      []value.Affinity // by the left side
	gives      []value.Affinity // by the subquery's
	collations []value.Collation
}

func newInQuery(t *term) *inQuery {
	right := &term{kind: termScalar, sub: t.sub}
	in := &inQuery{sub: t.sub, left: rowEvaluator(t.kids[0]), compares: comparers(t.kids[0], right)}
	for i := range in.compares {
		affinity, collation := comparison(t.kids[0].part(i), right.part(i))
		in.takes = append(in.takes, t.kids[0].part(i).takes(affinity))
		in.gives = append(in.gives, right.part(i).takes(affinity))
		in.collations = append(in.collations, collation)
	}
	return in
}

// set returns the subquery's rows, gathered at most once where they last.
func (in *inQuery) set(r *run) *asked {
	a := in.sub.asked(r, func(a *asked) func() error {
		a.set = newSet(in.collations)
		a.nulls = newRoll(in.sub.width)
		a.row = make([]value.Value, in.sub.width)
		return func() error {
			null := false
			for i, column := range in.sub.selected.columns {
				a.row[i] = in.gives[i].Apply(r.row[column.slot])
				null = null || a.row[i].IsNull()
			}
			switch {
			case !null:
				if _, err := a.set.add(r, a.row); err != nil {
					return err
				}
			case in.sub.width > 1 || a.nulls.count == 0:
				if err := a.nulls.push(r, a.row); err != nil {
					return err
				}
			}
			return r.tick()
		}
	})
	if a.known && in.sub.lasting() {
		return a
	}
	err := a.set.clear()
	if err == nil {
		err = a.nulls.clear()
	}
	if err == nil {
		err = a.start()
	}
	if err != nil {
		r.fail(err)
	}
	a.known = true
	return a
}

// ask reports whether a row is among those of the subquery, or NULLs leave it open.
func (in *inQuery) ask(r *run, row []value.Value) (found, unknown bool) {
	a := in.set(r)
	null := false
	for i := range row {
		row[i] = in.takes[i].Apply(row[i])
		null = null || row[i].IsNull()
	}
	if !null && a.set.has(r, row) {
		return true, false
	}
	if null {
		enough := newStop()
		err := a.set.each(func(other []value.Value) error {
			if _, unknown = equalRows(row, other, in.compares); unknown {
				return enough
			}
			return nil
		})
		if err != nil && err != enough {
			r.fail(err)
		}
	}
	for i := 0; i < a.nulls.count && !unknown; i++ {
		_, unknown = equalRows(row, a.nulls.row(r, i), in.compares)
	}
	return false, unknown
}
