package sql

// each calls f with an expression and all in it, subqueries aside, until f reports
// false.
func (e *expr) each(f func(e *expr) bool) bool {
	if e == nil {
		return true
	}
	if !f(e) {
		return false
	}
	for _, kid := range e.kids {
		if !kid.each(f) {
			return false
		}
	}
	return true
}

// contains reports whether an expression has a part of some kind outside of
// subqueries.
//
//go:noinline
func contains(e *expr, is func(e *expr) bool) bool {
	return !e.each(func(e *expr) bool { return !is(e) })
}

// hasAggregate reports whether a SELECT with this expression aggregates, by those calls
// that are its own. What is inside a window function does not count as one, but may
// hold one.
//
//go:noinline
func hasAggregate(e *expr, own func(e *expr) bool) bool {
	return contains(e, func(e *expr) bool {
		if e.kind != exprCall {
			return false
		}
		if e.invoke.over == nil {
			return isAggregate(e) && own(e)
		}
		for _, p := range e.invoke.over.partition {
			if hasAggregate(p, own) {
				return true
			}
		}
		for _, o := range e.invoke.over.order {
			if hasAggregate(o.expr, own) {
				return true
			}
		}
		return false
	})
}

//go:noinline
func hasWindow(e *expr) bool {
	return contains(e, func(e *expr) bool { return e.kind == exprCall && e.invoke.over != nil })
}

func anyWindow(results []result, order []ordering) bool { return anyOf(results, order, hasWindow) }

//go:noinline
func anyOf(results []result, order []ordering, is func(e *expr) bool) bool {
	for _, r := range results {
		if r.expr != nil && is(r.expr) {
			return true
		}
	}
	for _, o := range order {
		if is(o.expr) {
			return true
		}
	}
	return false
}

// names counts how often a SELECT reads a table of some name.
func (q *selection) names(is func(t *fromTerm) bool) int {
	if q == nil {
		return 0
	}
	n := 0
	for _, w := range q.with {
		n += w.query.names(is)
	}
	for _, k := range q.cores {
		n += k.names(is)
	}
	for _, o := range q.order {
		n += o.expr.names(is)
	}
	return n + q.limit.names(is) + q.offset.names(is)
}

func (k *core) names(is func(t *fromTerm) bool) int {
	n := k.where.names(is) + k.having.names(is) + namesIn(k.from, is)
	for _, row := range k.values {
		for _, e := range row {
			n += e.names(is)
		}
	}
	for _, r := range k.columns {
		n += r.expr.names(is)
	}
	for _, e := range k.group {
		n += e.names(is)
	}
	for _, w := range k.windows {
		n += w.window.names(is)
	}
	return n
}

func namesIn(terms []*fromTerm, is func(t *fromTerm) bool) int {
	n := 0
	for _, t := range terms {
		if t.name != "" && is(t) {
			n++
		}
		n += t.query.names(is) + namesIn(t.group, is) + t.on.names(is)
		for _, e := range t.args {
			n += e.names(is)
		}
	}
	return n
}

func (w *window) names(is func(t *fromTerm) bool) int {
	if w == nil {
		return 0
	}
	n := 0
	for _, e := range w.partition {
		n += e.names(is)
	}
	for _, o := range w.order {
		n += o.expr.names(is)
	}
	return n
}

func (e *expr) names(is func(t *fromTerm) bool) int {
	n := 0
	e.each(func(e *expr) bool {
		n += e.query.names(is)
		if e.invoke != nil {
			n += e.invoke.filter.names(is) + e.invoke.over.names(is)
			for _, o := range e.invoke.order {
				n += o.expr.names(is)
			}
		}
		return true
	})
	return n
}
