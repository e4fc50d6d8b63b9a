package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// anded appends the expressions that all have to hold for e to hold.
func anded(list []*expr, e *expr) []*expr {
	if e != nil && e.kind == exprBinary && e.op == "and" {
		return anded(anded(list, e.kids[0]), e.kids[1])
	}
	if e != nil {
		list = append(list, e)
	}
	return list
}

// ask notes what a SELECT asks of its rows, before its terms of FROM are resolved.
//
//go:noinline
func (s *scope) ask(k *core) {
	s.asked, s.alone = anded(nil, k.where), len(k.from) == 1 && k.from[0].group == nil
}

// pushed is a subquery of FROM that asks what the WHERE around it asks of columns that
// it hands on, so that an index may serve it there: each of its SELECTs as far as it can.
// It is asked again outside.
func (c *compiler) pushed(q *selection, name string, names []string, in, s *scope) *selection {
	if q.limit != nil || len(s.asked) == 0 {
		return q
	}
	p := &pushing{compiler: c, query: q, name: name, names: names, in: in, alone: s.alone}
	asking, same := *q, true
	asking.cores = slices.Clone(q.cores)
	for i, k := range q.cores {
		p.results = append(p.results, p.resultsOf(k))
		p.merges = p.merges || k.distinct || len(k.group) > 0 || i > 0 && q.joins[i-1] != unionAll
	}
	for i, k := range q.cores {
		if where := p.into(i, k, s.asked); where != k.where {
			moved := *k
			moved.where = where
			asking.cores[i], same = &moved, false
		}
	}
	if same {
		return q
	}
	return &asking
}

// pushing is what is known of a subquery that is to ask more.
type pushing struct {
	*compiler
	query   *selection
	name    string
	names   []string
	in      *scope
	alone   bool
	results [][]resultColumn // of each SELECT; nil where a star stands for who knows what
	merges  bool             // rows that are equal become one, whatever else they are
}

// into is what one of the SELECTs asks, with what is asked around it.
func (p *pushing) into(i int, k *core, asked []*expr) *expr {
	if p.results[i] == nil || len(k.from) == 0 || slices.ContainsFunc(k.columns, func(r resultColumn) bool {
		return r.expr != nil && contains(r.expr, func(e *expr) bool { return e.kind == exprCall && e.invoke.over != nil })
	}) {
		return k.where
	}
	where := k.where
	for _, e := range asked {
		inside := within(e, p.merges, func(e *expr) *expr { return p.handedOn(i, k, e) })
		switch {
		case inside == nil:
		case where == nil:
			where = inside
		default:
			where = &expr{kind: exprBinary, op: "and", pos: inside.pos, kids: []*expr{where, inside}}
		}
	}
	return where
}

// within is an expression with its columns replaced, nil where one cannot be, or where
// it asks for more than columns and values. Where rows are merged it must not tell apart
// what is equal, as 1 and 1.0 are.
func within(e *expr, merges bool, column func(e *expr) *expr) *expr {
	switch e.kind {
	case exprLiteral, exprParam:
		return e
	case exprColumn:
		return column(e)
	case exprBetween, exprIn:
	case exprUnary:
		if merges && e.op != "not" && e.kids[0].kind != exprLiteral {
			return nil
		}
	case exprBinary:
		if merges && !slices.Contains(telling, e.op) {
			return nil
		}
	case exprMatch, exprCollate:
		if merges {
			return nil
		}
	default:
		return nil
	}
	if e.query != nil {
		return nil
	}
	moved := *e
	moved.kids = make([]*expr, len(e.kids))
	for i, kid := range e.kids {
		if moved.kids[i] = within(kid, merges, column); moved.kids[i] == nil {
			return nil
		}
	}
	return &moved
}

// telling are the operators that are the same for what is equal.
var telling = []string{"=", "==", "<>", "!=", "<", "<=", ">", ">=", "is", "and", "or"}

// handedOn returns the column that stands behind one of the subquery's result in one of
// its SELECTs, nil where there is more to it, or where groups are not told apart by it.
func (p *pushing) handedOn(i int, k *core, e *expr) *expr {
	if value.Fold(e.table) != p.name && (e.table != "" || !p.alone || e.quoted) || p.results[0] == nil {
		return nil
	}
	at := -1
	for j, r := range p.results[0] {
		title := r.name
		if title == "" && r.expr.kind == exprColumn {
			title = r.expr.name
		}
		if j < len(p.names) {
			title = p.names[j]
		}
		if value.Fold(title) != value.Fold(e.name) {
			continue
		}
		if at >= 0 {
			return nil
		}
		at = j
	}
	if at < 0 || at >= len(p.results[i]) || !p.alike(at) {
		return nil
	}
	found := p.results[i][at].expr
	if found.kind != exprColumn || found.quoted || len(k.group) == 0 && (k.having != nil || k.aggregates()) {
		return nil
	}
	if len(k.group) > 0 && !slices.ContainsFunc(k.group, func(key *expr) bool { return sameExpr(key, found) }) {
		return nil
	}
	return found
}

// alike reports whether a column of the result compares in each of the SELECTs as it does
// outside: as a column of the same affinity and collation, of which equal rows are merged
// only where they are the same.
func (p *pushing) alike(at int) bool {
	if len(p.query.cores) == 1 && !p.merges {
		return true
	}
	var first *Column
	for i, k := range p.query.cores {
		if at >= len(p.results[i]) {
			return false
		}
		col := p.columnOf(k, p.results[i][at].expr)
		if first == nil {
			first = col
		}
		if col == nil || columnAffinity(col.Affinity) != columnAffinity(first.Affinity) || col.Collation != first.Collation || p.merges && col.Collation != value.Binary {
			return false
		}
	}
	return true
}

// resultsOf are the columns of a SELECT's result, with a star of its only table written
// out; nil where there is another one.
func (p *pushing) resultsOf(k *core) []resultColumn {
	var all []resultColumn
	for _, r := range k.columns {
		if r.expr != nil {
			all = append(all, r)
			continue
		}
		if len(k.from) != 1 {
			return nil
		}
		table := p.tableOf(k.from[0])
		if table == nil {
			return nil
		}
		columns := table.Columns
		if table.Open {
			var err error
			if columns, err = table.Members(); err != nil {
				panic(wrap(err, r.pos))
			}
		}
		for _, col := range columns {
			if !col.Hidden {
				all = append(all, resultColumn{pos: r.pos, expr: &expr{kind: exprColumn, pos: r.pos, name: col.Name}})
			}
		}
	}
	return all
}

// columnOf is the table's column that an expression in a SELECT is, nil where it is
// something else, or may be.
func (p *pushing) columnOf(k *core, e *expr) (found *Column) {
	if e == nil || e.kind != exprColumn {
		return nil
	}
	for _, t := range k.from {
		name := t.alias
		if name == "" {
			name = t.name
		}
		if e.table != "" && value.Fold(e.table) != value.Fold(name) {
			continue
		}
		table := p.tableOf(t)
		if table == nil {
			return nil
		}
		at := slices.IndexFunc(table.Columns, func(col Column) bool { return value.Fold(col.Name) == value.Fold(e.name) })
		if at < 0 && !table.Open {
			continue
		}
		if found != nil {
			return nil
		}
		if found = (&Column{}); at >= 0 {
			found = &table.Columns[at]
		}
	}
	return found
}

// tableOf is the table that a term of FROM names, nil where it is something else.
func (p *pushing) tableOf(t *fromTerm) *Table {
	folded := value.Fold(t.name)
	if t.query != nil || t.group != nil || t.call || p.in.commons.find(folded) != nil ||
		slices.ContainsFunc(p.query.with, func(def *common) bool { return value.Fold(def.name) == folded }) {
		return nil
	}
	table, err := p.catalog.Table(t.name)
	if err != nil {
		panic(wrap(err, t.pos))
	}
	return table
}

// aggregates reports whether a SELECT without GROUP BY may make one row of all.
func (k *core) aggregates() bool {
	return slices.ContainsFunc(k.columns, func(r resultColumn) bool {
		return r.expr != nil && contains(r.expr, func(e *expr) bool { return e.kind == exprCall && isAggregate(e) })
	})
}
