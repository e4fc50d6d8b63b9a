package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// feed prepares a source of rows for a run: the function it returns pushes all of
// them, each by entering it in the run's row and calling next, and may be called
// again. next's error ends it and is returned.
type feed func(r *run, next func() error) func() error

// selected is a SELECT that is ready to run.
type selected struct {
	columns  []outColumn
	feed     feed
	derived  []outColumn // what the columns are in FROM, where that differs: in a compound
	mixed    bool        // of several SELECTs: in FROM a column that is REAL by the first has reals only
	outer    bool        // reads what is further out
	volatile bool
	rows     float64 // a guess
}

// outColumn is a column of a SELECT's result.
type outColumn struct {
	name      string
	slot      int
	affinity  value.Affinity
	collation value.Collation
	collated  bool
	term      *term
}

// slotsOf returns the places of columns.
//
//go:noinline
func slotsOf(columns []outColumn) []int {
	slots := make([]int, len(columns))
	for i := range columns {
		slots[i] = columns[i].slot
	}
	return slots
}

// selection plans a SELECT with all that stands around it, whose scope is s as yet
// without origins. targets, where given, are the places for its result.
func (c *compiler) selection(q *selection, s *scope, targets []int) *selected {
	s.commons = c.with(q.with, s, q.names)
	if len(q.cores) > 1 {
		return c.compound(q, s, targets)
	}
	p := c.core(q.cores[0], s, targets, q.order)
	return c.bounded(q, s, p.selected, p.sort, p.arrival, p.bar)
}

// bounded puts order and limits behind a selection. Rows that come in order need not
// be sorted; if it is that of the first keys, only those that are equal there. What the sort
// finds out it may tell a bar.
func (c *compiler) bounded(q *selection, s *scope, chosen *selected, sort []sortKey, comes arrival, b *bar) *selected {
	limit, offset := c.limit(q.limit, s), c.limit(q.offset, s)
	if len(sort) > 0 {
		sorted := sortFeed(chosen.feed, slotsOf(chosen.columns), sort, limit, offset, b)
		runs := func(first int) feed {
			return runsFeed(chosen.feed, slotsOf(chosen.columns), sort, first, limit, offset)
		}
		if comes.begins != nil {
			sorted = eitherFeed(comes.begins, runs(comes.begin), sorted)
		}
		switch {
		case comes.holds == nil:
			c.note("USE TEMP B-TREE FOR ORDER BY")
			chosen.feed = sorted
		case comes.all:
			chosen.feed = eitherFeed(comes.holds, chosen.feed, sorted)
		default:
			c.note("USE TEMP B-TREE FOR LAST TERM OF ORDER BY")
			chosen.feed = eitherFeed(comes.holds, runs(comes.first), sorted)
		}
	}
	if limit != nil {
		chosen.feed = limitFeed(chosen.feed, limit, offset)
		if q.limit.kind == exprLiteral {
			chosen.rows = min(chosen.rows, float64(q.limit.value.Int()))
		}
	}
	chosen.outer = chosen.outer || s.outer
	return chosen
}

// limit resolves a LIMIT or OFFSET, which reads no columns of the SELECT itself.
func (c *compiler) limit(e *expr, s *scope) eval {
	if e == nil {
		return nil
	}
	around := &scope{up: s.up, commons: s.commons}
	t := c.resolve(e, around)
	s.outer = s.outer || around.outer
	return evaluator(t)
}

// plan is a core while it is put together.
type plan struct {
	*selected
	sort    []sortKey
	arrival arrival
	bar     *bar // nil where a sort behind it has nothing to tell the scan
}

// core plans one SELECT or VALUES. Its rows come with what order asks for in places
// of their own.
func (c *compiler) core(k *core, s *scope, targets []int, order []ordering) (p *plan) {
	if k.values != nil {
		return c.values(k, s, targets, order)
	}
	fresh, before := *s, *c
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case *regroup:
			if thrown.scope != s {
				panic(thrown)
			}
			*s = fresh
			c.notes, c.finish, c.level = before.notes, before.finish, before.level
			c.attempt++
			p = c.rows(k, s, targets, order, true)
		default:
			panic(thrown)
		}
	}()
	return c.rows(k, s, targets, order, false)
}

// rows plans a SELECT; grouped: it is known to aggregate.
func (c *compiler) rows(k *core, s *scope, targets []int, order []ordering, grouped bool) *plan {
	s.ask(k)
	j := c.from(k.from, s)
	s.results = namedResults(k.columns)
	s.named = k.windows
	where := conjuncts(nil, c.optional(k.where, s))
	results := c.stars(k.columns, s)
	own := func(e *expr) bool { return c.ownerOf(e, s) == s }
	aggregates := func(e *expr) bool { return hasAggregate(e, own) }
	grouped = grouped || len(k.group) > 0 || k.having != nil || anyOf(results, order, aggregates)
	var keys []*term
	if grouped {
		keys = c.groupKeys(k.group, results, s)
		s.grouping = &grouping{keys: keys}
		s.touching = true
		s.phase = phaseGroup
	}
	if anyWindow(results, order) {
		s.touching = true
	}
	p := &plan{selected: &selected{}}
	s.windowing, s.groups = true, true
	terms := c.resultTerms(results, s)
	s.windowing = false
	if k.having != nil && len(k.group) == 0 && !anyOf(results, order, aggregates) && !aggregates(k.having) {
		panic(fail(codeInvalid, k.having.pos, "a GROUP BY clause is required before HAVING"))
	}
	p.columns = c.outColumns(results, terms, targets)
	s.windowing = true
	keysOf := c.sortTerms(order, results, terms, p.columns, s)
	s.windowing = false
	having := c.optional(k.having, s)
	s.groups = false
	wanted := keysOf
	if grouped || k.distinct || len(s.windows) > 0 {
		wanted = nil
	}
	if wanted != nil {
		j.bar = c.bar(j, wanted, terms)
		p.bar = j.bar
	}
	if grouped {
		j.taker = &taker{c.state()}
	}
	p.feed, p.arrival, p.rows = c.joinFeed(j, where, wanted, s)
	if grouped {
		p.feed = c.groupFeed(p.feed, j.taker, s)
		if len(keys) == 0 {
			p.rows = 1
		} else {
			p.rows = max(1, p.rows/4)
			c.note("USE TEMP B-TREE FOR GROUP BY")
		}
		if having != nil {
			p.feed = filterFeed(p.feed, condition(having))
		}
	}
	if len(s.windows) > 0 {
		p.feed = c.windowFeed(p.feed, s)
	}
	p.feed, p.sort = c.project(p.feed, terms, p.columns, keysOf)
	if k.distinct {
		c.note("USE TEMP B-TREE FOR DISTINCT")
		var more []int
		for _, key := range p.sort {
			more = append(more, key.slot)
		}
		p.feed = distinctFeed(p.feed, p.columns, more...)
	}
	p.outer = s.outer
	for _, t := range terms {
		p.volatile = p.volatile || t.volatile
	}
	for _, t := range where {
		p.volatile = p.volatile || t.volatile
	}
	return p
}

//go:noinline
func (c *compiler) optional(e *expr, s *scope) *term {
	if e == nil {
		return nil
	}
	return c.resolve(e, s)
}

// namedResults are those columns that have a name of their own.
func namedResults(columns []resultColumn) []resultColumn {
	var named []resultColumn
	for _, r := range columns {
		if r.name != "" {
			named = append(named, r)
		}
	}
	return named
}

// result is a column of the result: an expression, or a column that a star stands for.
type result struct {
	resultColumn
	origin *origin
	column int
}

// stars replaces stars by what they stand for.
func (c *compiler) stars(columns []resultColumn, s *scope) []result {
	var results []result
	for _, r := range columns {
		if r.expr != nil {
			results = append(results, result{resultColumn: r})
			continue
		}
		if len(s.origins) == 0 {
			panic(fail(codeInvalid, r.pos, "no tables specified"))
		}
		known := false
		for _, o := range s.origins {
			if r.table != "" && o.name != value.Fold(r.table) {
				continue
			}
			known = true
			for _, i := range o.starred() {
				if r.table == "" && o.columns[i].merged {
					continue
				}
				results = append(results, result{resultColumn{pos: r.pos, table: r.table}, o, i})
			}
		}
		if !known {
			panic(fail(codeUnknownTable, r.pos, "no such table: "+r.table))
		}
	}
	return results
}

func (c *compiler) resultTerms(results []result, s *scope) []*term {
	terms := make([]*term, len(results))
	for i, r := range results {
		if r.expr != nil {
			terms[i] = c.resolve(r.expr, s)
		} else {
			terms[i] = c.column(s, r.origin, r.column, r.table == "")
		}
	}
	return terms
}

// outColumns gives results their names and places: those that are a place already
// stay where they are, unless there are targets.
func (c *compiler) outColumns(results []result, terms []*term, targets []int) []outColumn {
	columns := make([]outColumn, len(results))
	if targets != nil && len(targets) != len(results) {
		panic(fail(codeInvalid, results[0].pos, "SELECTs to the left and right do not have the same number of result columns"))
	}
	for i, t := range terms {
		o := outColumn{name: results[i].title(t), affinity: t.affinity, collation: t.collation, collated: t.collated, term: t}
		switch {
		case targets != nil:
			o.slot = targets[i]
		case t.kind == termSlot && t.uses&outside == 0:
			o.slot = t.slot
		default:
			o.slot = c.slot()
		}
		columns[i] = o
	}
	return columns
}

// title is the name of a result's column.
func (r *result) title(t *term) string {
	switch {
	case r.name != "":
		return r.name
	case r.expr == nil:
		return r.origin.columns[r.column].name
	case r.expr.kind == exprColumn && t.title != "":
		return t.title
	case r.expr.kind == exprColumn && t.kind != termLiteral:
		return r.expr.name
	}
	return r.text
}

// orderTerm is a term of ORDER BY.
type orderTerm struct {
	ordering
	term      *term
	column    int // of the result; −1: none of them
	collation value.Collation
}

// sortTerms resolves ORDER BY: a number or a name of a result column stands for it.
func (c *compiler) sortTerms(order []ordering, results []result, terms []*term, columns []outColumn, s *scope) []orderTerm {
	var list []orderTerm
	for _, o := range order {
		t := orderTerm{ordering: o, column: -1}
		bare, collation, explicit := bareOrder(o.expr)
		t.column = resultNumbered(bare, len(results), "ORDER BY")
		for i := 0; i < len(results) && t.column < 0 && bare.kind == exprColumn && bare.table == ""; i++ {
			if results[i].name != "" && value.Fold(results[i].name) == value.Fold(bare.name) {
				t.column = i
			}
		}
		if t.column >= 0 {
			t.term = terms[t.column]
			t.collation = t.term.collation
			if explicit {
				t.collation = collation
			}
		} else {
			t.term = c.resolve(o.expr, s)
			t.collation = t.term.collation
			for i := range terms {
				if same(terms[i], t.term) {
					t.column = i
				}
			}
		}
		list = append(list, t)
	}
	return list
}

// bareOrder takes COLLATE off a term of ORDER BY.
func bareOrder(e *expr) (bare *expr, collation value.Collation, explicit bool) {
	for e.kind == exprCollate {
		if !explicit {
			collation, explicit = value.CollationNamed(e.name)
			if !explicit {
				panic(fail(codeUnknownFunction, e.pos, "no such collation sequence: "+e.name))
			}
		}
		e = e.kids[0]
	}
	return e, collation, explicit
}

// resultNumbered returns the column that a number stands for, −1 for what is none.
func resultNumbered(e *expr, columns int, clause string) int {
	if e.kind != exprLiteral || e.value.Kind() != value.Integer {
		return -1
	}
	n := e.value.Int()
	if n < 1 || n > int64(columns) {
		panic(fail(codeInvalid, e.pos, clause+" term out of range"))
	}
	return int(n) - 1
}

// project computes the result and what it is ordered by.
func (c *compiler) project(from feed, terms []*term, columns []outColumn, order []orderTerm) (feed, []sortKey) {
	var slots []int
	var evals []eval
	for i, t := range terms {
		if t.kind != termSlot || t.slot != columns[i].slot {
			slots = append(slots, columns[i].slot)
			evals = append(evals, evaluator(t))
		}
	}
	var keys []sortKey
	for _, o := range order {
		key := sortKey{desc: o.desc, nulls: o.nulls, collation: o.collation}
		switch {
		case o.column >= 0:
			key.slot = columns[o.column].slot
		case o.term.kind == termSlot:
			key.slot = o.term.slot
		default:
			key.slot = c.slot()
			slots = append(slots, key.slot)
			evals = append(evals, evaluator(o.term))
		}
		keys = append(keys, key)
	}
	if len(slots) == 0 {
		return from, keys
	}
	return func(r *run, next func() error) func() error {
		return from(r, func() error {
			for i, e := range evals {
				r.row[slots[i]] = e(r)
			}
			if r.err != nil {
				return r.err
			}
			return next()
		})
	}, keys
}

// filterFeed lets through what passes a test.
func filterFeed(from feed, t test) feed {
	return func(r *run, next func() error) func() error {
		return from(r, func() error {
			if t(r) && r.err == nil {
				return next()
			}
			return r.err
		})
	}
}

// eitherFeed takes a or b, as a run begins.
func eitherFeed(is func(r *run) bool, a, b feed) feed {
	return func(r *run, next func() error) func() error {
		first, second := a(r, next), b(r, next)
		return func() error {
			if is(r) {
				return first()
			}
			return second()
		}
	}
}

// once is a single row.
func once(r *run, next func() error) func() error { return next }

// values plans VALUES.
func (c *compiler) values(k *core, s *scope, targets []int, order []ordering) *plan {
	p := &plan{selected: &selected{rows: float64(len(k.values))}}
	if targets == nil {
		for range k.values[0] {
			targets = append(targets, c.slot())
		}
	}
	if len(targets) != len(k.values[0]) {
		panic(fail(codeInvalid, k.pos, "SELECTs to the left and right do not have the same number of result columns"))
	}
	var rows [][]eval
	var results []result
	var first []*term
	var all [][]outColumn
	for n, row := range k.values {
		terms := c.resolveAll(row, s)
		if n == 0 {
			first = terms
		}
		var columns []outColumn
		for _, t := range terms {
			columns = append(columns, outColumn{affinity: t.affinity, collation: t.collation, collated: t.collated, term: t})
		}
		all = append(all, columns)
		for _, t := range terms {
			p.volatile = p.volatile || t.volatile
		}
		rows = append(rows, evaluators(terms))
	}
	for i, slot := range targets {
		name := "column" + itoa(i+1)
		col := outColumn{name: name, slot: slot, term: first[i]}
		if len(k.values) == 1 {
			col.affinity = first[i].affinity // of several rows none counts, but in FROM
		}
		p.columns = append(p.columns, col)
		results = append(results, result{resultColumn: resultColumn{name: name}})
	}
	if len(all) > 1 && (s.commons != nil || slices.ContainsFunc(first, func(t *term) bool { return t.affinity != value.NoAffinity })) {
		p.derived = derivedColumns(all)
	}
	if order != nil {
		slots := make([]*term, len(targets))
		for i, slot := range targets {
			slots[i] = &term{kind: termSlot, slot: slot}
		}
		_, p.sort = c.project(once, slots, p.columns, c.sortTerms(order, results, slots, p.columns, s))
	}
	p.feed = func(r *run, next func() error) func() error {
		return func() error {
			for _, row := range rows {
				for i, e := range row {
					r.row[targets[i]] = e(r)
				}
				if r.err != nil {
					return r.err
				}
				if err := next(); err != nil {
					return err
				}
			}
			return nil
		}
	}
	p.outer = s.outer
	return p
}
