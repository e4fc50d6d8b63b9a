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
func (s *scope) ask(k *core) {
	s.asked, s.alone = anded(nil, k.where), len(k.from) == 1 && k.from[0].group == nil
}

// pushed is a subquery of FROM that asks what the WHERE around it asks of columns that
// it hands on, so that an index may serve it there. It is asked again outside.
func (s *scope) pushed(q *selection, name string, names []string) *selection {
	if len(q.cores) > 1 || q.limit != nil || q.cores[0].values != nil || len(q.cores[0].from) == 0 {
		return q
	}
	k := *q.cores[0]
	for _, r := range k.columns {
		if r.expr != nil && contains(r.expr, func(e *expr) bool { return e.kind == exprCall && e.invoke.over != nil }) {
			return q
		}
	}
	for _, e := range s.asked {
		inside := within(e, func(e *expr) *expr { return k.handedOn(e, name, names, s.alone) })
		switch {
		case inside == nil:
		case k.where == nil:
			k.where = inside
		default:
			k.where = &expr{kind: exprBinary, op: "and", pos: inside.pos, kids: []*expr{k.where, inside}}
		}
	}
	if k.where == q.cores[0].where {
		return q
	}
	asking := *q
	asking.cores = []*core{&k}
	return &asking
}

// within is an expression with its columns replaced, nil where one cannot be, or where
// it asks for more than columns and values.
func within(e *expr, column func(e *expr) *expr) *expr {
	switch e.kind {
	case exprLiteral, exprParam:
		return e
	case exprColumn:
		return column(e)
	case exprUnary, exprBinary, exprMatch, exprBetween, exprIn, exprCollate:
	default:
		return nil
	}
	if e.query != nil {
		return nil
	}
	moved := *e
	moved.kids = make([]*expr, len(e.kids))
	for i, kid := range e.kids {
		if moved.kids[i] = within(kid, column); moved.kids[i] == nil {
			return nil
		}
	}
	return &moved
}

// handedOn returns the column that stands behind one of a SELECT's result, nil where
// there is more to it, or where groups are not told apart by it.
func (k *core) handedOn(e *expr, name string, names []string, alone bool) *expr {
	if value.Fold(e.table) != name && (e.table != "" || !alone || e.quoted) {
		return nil
	}
	var found *expr
	for i, r := range k.columns {
		if r.expr == nil {
			return nil // a star, of which it is not known yet what it stands for
		}
		title := r.name
		if title == "" && r.expr.kind == exprColumn {
			title = r.expr.name
		}
		if i < len(names) {
			title = names[i]
		}
		if value.Fold(title) != value.Fold(e.name) {
			continue
		}
		if found != nil || r.expr.kind != exprColumn {
			return nil
		}
		found = r.expr
	}
	if found == nil || found.quoted || len(k.group) == 0 && (k.having != nil || k.aggregates()) {
		return nil
	}
	if len(k.group) > 0 && !slices.ContainsFunc(k.group, func(key *expr) bool { return sameExpr(key, found) }) {
		return nil
	}
	return found
}

// aggregates reports whether a SELECT without GROUP BY may make one row of all.
func (k *core) aggregates() bool {
	return slices.ContainsFunc(k.columns, func(r resultColumn) bool {
		return r.expr != nil && contains(r.expr, func(e *expr) bool { return e.kind == exprCall && isAggregate(e) })
	})
}
