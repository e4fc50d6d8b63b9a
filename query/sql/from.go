package sql

import (
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// operand is one of what a FROM joins.
type operand struct {
	kind    join
	origins []*origin
	bits    sources
	on      []*term // of an outer join; of an inner one they are the pool's
	table   *origin // of a table
	feed    feed    // of what is none
	nested  *operands
	reads   sources // of a call: what its arguments read
	outer   bool    // a subquery that reads what is further out
	rows    float64
	label   string
	fixed   bool // CROSS JOIN: not before what stands left of it
}

// operands is what a FROM joins, as it was written, and the conditions that all of
// it has to meet.
type operands struct {
	list  []*operand
	pool  []*pooled
	bar   *bar
	taker *taker // by which sheets of the join are taken whole, nil where it has none
}

// pooled is a condition, and where it may be asked at the earliest.
type pooled struct {
	*term
	late bool // behind all joins that add rows: WHERE
	from int  // not before this operand, where a join adds rows: ON
	done bool
}

// slots are the places of all that somebody reads of an operand. They are known
// once the whole statement is resolved.
func (o *operand) slots() []int {
	var slots []int
	for _, origin := range o.origins {
		for i := range origin.columns {
			if col := &origin.columns[i]; col.slot >= 0 && col.term == nil {
				slots = append(slots, col.slot)
			}
		}
	}
	if o.nested != nil {
		for _, kid := range o.nested.list {
			slots = append(slots, kid.slots()...)
		}
	}
	return slots
}

// from resolves FROM.
func (c *compiler) from(terms []*fromTerm, s *scope) *operands {
	if s.bits == nil {
		s.bits = new(int)
	}
	all := &operands{}
	for i, t := range terms {
		before := len(s.origins)
		added := c.operand(t, s, i > 0 && t.join != joinInner && t.join != joinCross || outerAhead(terms[i+1:]))
		if i == 0 {
			all.list = append(all.list, added.list...)
			all.pool = append(all.pool, added.pool...)
			continue
		}
		on := c.on(t, s, before)
		if t.join == joinInner || t.join == joinCross {
			added.list[0].fixed = t.join == joinCross
			all.list = append(all.list, added.list...)
			all.pool = append(all.pool, added.pool...)
			for _, condition := range on {
				all.pool = append(all.pool, &pooled{term: condition, from: len(all.list) - len(added.list)})
			}
			continue
		}
		one := added.list[0]
		if len(added.list) > 1 || len(added.pool) > 0 {
			one = c.nest(added)
		}
		one.kind, one.on = t.join, on
		all.list = append(all.list, one)
	}
	return all
}

// outerAhead reports whether a join that adds rows follows.
func outerAhead(terms []*fromTerm) bool {
	for _, t := range terms {
		if t.join == joinRight || t.join == joinFull {
			return true
		}
	}
	return false
}

// nest makes one operand of several.
func (c *compiler) nest(all *operands) *operand {
	one := &operand{nested: all, rows: 1, label: "JOIN"}
	for _, kid := range all.list {
		one.bits |= kid.bits
		one.rows *= max(1, kid.rows)
		one.outer = one.outer || kid.outer
	}
	return one
}

// operand resolves a term of FROM: one operand, or several where it is a join in
// parentheses or a subquery that can be made part of the SELECT around it, which
// whole forbids.
func (c *compiler) operand(t *fromTerm, s *scope, whole bool) *operands {
	if t.group != nil && t.alias == "" {
		return c.from(t.group, s)
	}
	query := t.query
	if t.group != nil {
		query = &selection{pos: t.pos, cores: []*core{{pos: t.pos, columns: []resultColumn{{pos: t.pos}}, from: t.group}}}
	}
	name := t.alias
	if name == "" {
		name = t.name
	}
	if query != nil {
		return c.derived(query, value.Fold(name), nil, &scope{up: s.up, commons: s.commons}, s, whole)
	}
	if t.call {
		return c.tableCall(t, value.Fold(name), s)
	}
	if w := s.commons.find(value.Fold(t.name)); w != nil {
		return c.common(w, t, value.Fold(name), s, whole)
	}
	return c.named(t, name, s, whole)
}

// named resolves the name of a table or a view.
func (c *compiler) named(t *fromTerm, name string, s *scope, whole bool) *operands {
	table, err := c.catalog.Table(t.name)
	if err != nil {
		panic(wrap(err, t.pos))
	}
	if table != nil {
		return &operands{list: []*operand{c.tableOperand(table, name, t.pos, s)}}
	}
	view, err := c.catalog.View(t.name)
	if err != nil {
		panic(wrap(err, t.pos))
	}
	if view == nil {
		panic(fail(codeUnknownTable, t.pos, "no such table: "+t.name))
	}
	parsed, _, _, err := parse(view.Text)
	if err != nil || parsed.query == nil {
		panic(fail(codeInvalid, t.pos, "the view "+t.name+" is not a SELECT"))
	}
	if c.depth++; c.depth > maxViews {
		panic(fail(codeInvalid, t.pos, "view "+t.name+" is circularly defined"))
	}
	defer func() { c.depth-- }()
	return c.derived(parsed.query, value.Fold(name), view.Columns, &scope{}, s, whole)
}

const maxViews = 50

// wrap keeps an error of a Catalog or Source as what is thrown.
//
//go:noinline
func wrap(err error, pos int) error {
	if e, is := err.(*Error); is {
		return e
	}
	return &foreign{err}
}

// foreign is an error of somebody else's on its way through the compiler.
type foreign struct{ error }

func (c *compiler) tableOperand(table *Table, name string, pos int, s *scope) *operand {
	o := &origin{name: value.Fold(name), table: table, bit: s.bit(pos), pos: pos, record: -1}
	for _, col := range table.Columns {
		o.columns = append(o.columns, originColumn{name: col.Name, folded: value.Fold(col.Name), slot: -1, affinity: columnAffinity(col.Affinity),
			collation: col.Collation, hidden: col.Hidden, path: col.Path})
	}
	s.origins = append(s.origins, o)
	rows := float64(table.Rows)
	if table.Rows < 0 {
		rows = 1000
	}
	return &operand{origins: []*origin{o}, bits: o.bit, table: o, rows: rows, label: name}
}

// columnAffinity is that of a column, which is never none.
func columnAffinity(a value.Affinity) value.Affinity {
	if a == value.NoAffinity {
		return value.BlobAffinity
	}
	return a
}

// bit gives out the number of an origin.
func (s *scope) bit(pos int) sources {
	if s.bits == nil {
		s.bits = new(int)
	}
	n := *s.bits
	if *s.bits++; n >= 63 {
		panic(fail(codeTooLarge, pos, "at most 63 tables in a join"))
	}
	return 1 << n
}

// derived resolves a subquery of FROM in a scope of its own.
func (c *compiler) derived(q *selection, name string, names []string, in, s *scope, whole bool) *operands {
	if !whole && c.flat(q) && *s.bits < 40 {
		if all := c.tryFlatten(q, name, names, in, s); all != nil {
			return all
		}
	}
	if !whole {
		q = c.pushed(q, name, names, in, s)
	}
	c.level++
	chosen := c.selection(q, in, nil)
	c.level--
	return &operands{list: []*operand{c.chosenOperand(chosen, name, names, q.pos, s)}}
}

// chosenOperand makes an operand of a SELECT.
func (c *compiler) chosenOperand(chosen *selected, name string, names []string, pos int, s *scope) *operand {
	if names != nil && len(names) != len(chosen.columns) {
		panic(fail(codeInvalid, pos, "expected "+itoa(len(names))+" columns for \""+name+"\" but got "+itoa(len(chosen.columns))))
	}
	o := &origin{name: name, bit: s.bit(pos), pos: pos}
	var reals []int
	for i, col := range chosen.columns {
		if chosen.derived != nil {
			col.affinity, col.collation = chosen.derived[i].affinity, chosen.derived[i].collation
			if chosen.mixed && col.affinity == value.RealAffinity {
				reals = append(reals, col.slot)
			}
		}
		if names != nil {
			col.name = names[i]
		}
		o.columns = append(o.columns, originColumn{name: col.name, folded: value.Fold(col.name), slot: col.slot, affinity: col.affinity, collation: col.collation})
	}
	s.origins = append(s.origins, o)
	s.outer = s.outer || chosen.outer
	if name == "" {
		name = "SUBQUERY"
	}
	return &operand{origins: []*origin{o}, bits: o.bit, feed: realFeed(chosen.feed, reals), rows: max(1, chosen.rows), outer: chosen.outer || chosen.volatile, label: name}
}

// realFeed makes reals of integers in some places: what a compound hands on may be of SELECTs
// whose columns are no reals.
func realFeed(from feed, slots []int) feed {
	if slots == nil {
		return from
	}
	return func(r *run, next func() error) func() error {
		return from(r, func() error {
			for _, slot := range slots {
				if v := &r.row[slot]; v.Kind() == value.Integer {
					*v = value.RealAffinity.Apply(*v)
				}
			}
			return next()
		})
	}
}

// flat reports whether a subquery does no more than choose, so that it may be made
// part of the SELECT around it.
func (c *compiler) flat(q *selection) bool {
	if len(q.cores) > 1 || q.with != nil || q.order != nil || q.limit != nil {
		return false
	}
	k := q.cores[0]
	if k.values != nil || k.distinct || len(k.group) > 0 || k.having != nil || len(k.from) == 0 || len(k.from) > 8 || outerAhead(k.from) {
		return false
	}
	for _, r := range k.columns {
		if r.expr != nil && contains(r.expr, func(e *expr) bool { return e.kind == exprCall && !plainCall(e) }) {
			return false
		}
	}
	for _, t := range k.from {
		if t.join == joinLeft {
			return false
		}
	}
	return true
}

// plainCall reports whether a call is one of a function of one row that answers alike
// each time.
func plainCall(e *expr) bool {
	f := function.Scalar(e.name)
	return f != nil && f.Stability != function.Volatile && !isAggregate(e) && e.invoke.over == nil
}

// tryFlatten returns nil where a subquery turns out to aggregate.
func (c *compiler) tryFlatten(q *selection, name string, names []string, in, s *scope) (all *operands) {
	fresh, bits, origins, before := *in, *s.bits, len(s.origins), *c
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case *regroup:
			if thrown.scope != in {
				panic(thrown)
			}
			*in, *s.bits, s.origins = fresh, bits, s.origins[:origins]
			c.notes, c.finish, c.level, c.depth = before.notes, before.finish, before.level, before.depth
			c.attempt++
			all = nil
		default:
			panic(thrown)
		}
	}()
	return c.flatten(q, name, names, in, s)
}

// flatten makes a subquery part of s: its columns are expressions there.
func (c *compiler) flatten(q *selection, name string, names []string, in, s *scope) *operands {
	k := q.cores[0]
	in.bits = s.bits
	in.ask(k)
	all := c.from(k.from, in)
	in.results = namedResults(k.columns)
	for _, t := range conjuncts(nil, c.optional(k.where, in)) {
		all.pool = append(all.pool, &pooled{term: t, late: true})
	}
	results := c.stars(k.columns, in)
	in.groups = true
	terms := c.resultTerms(results, in)
	in.groups = false
	if names != nil && len(names) != len(terms) {
		panic(fail(codeInvalid, q.pos, "expected "+itoa(len(names))+" columns for \""+name+"\" but got "+itoa(len(terms))))
	}
	o := &origin{name: name, pos: q.pos}
	for i := range results {
		col := results[i].title(terms[i])
		if names != nil {
			col = names[i]
		}
		o.columns = append(o.columns, originColumn{name: col, folded: value.Fold(col), slot: -1, term: terms[i],
			affinity: terms[i].affinity, collation: terms[i].collation})
	}
	s.origins = append(s.origins, o)
	s.outer = s.outer || in.outer
	return all
}

// on resolves the condition of a join. Columns of the same name, where it asks for
// them, become one.
func (c *compiler) on(t *fromTerm, s *scope, before int) []*term {
	names := t.using
	if t.natural || names != nil {
		for _, o := range s.origins {
			o.complete()
		}
	}
	if t.natural {
		for _, o := range s.origins[before:] {
			for _, col := range o.columns {
				if !col.hidden && !col.merged && col.folded != "" && columnNamed(s.origins[:before], col.folded) {
					names = append(names, col.name)
				}
			}
		}
	}
	on := conjuncts(nil, c.optional(t.on, s))
	for _, name := range names {
		on = append(on, c.merge(name, t, s, before))
	}
	return on
}

func columnNamed(origins []*origin, folded string) bool {
	for _, o := range origins {
		for _, col := range o.columns {
			if col.folded == folded && !col.hidden && !col.merged {
				return true
			}
		}
	}
	return false
}

// merge makes two columns of a name one, and returns that they are equal.
func (c *compiler) merge(name string, t *fromTerm, s *scope, before int) *term {
	folded := value.Fold(name)
	find := func(origins []*origin) (*origin, int) {
		for _, o := range origins {
			if i := o.find(name, folded); i >= 0 && !o.columns[i].merged {
				return o, i
			}
		}
		panic(fail(codeUnknownColumn, t.pos, "cannot join using column "+name+" - column not present in both tables"))
	}
	left, i := find(s.origins[:before])
	right, j := find(s.origins[before:])
	a := c.column(s, left, i, true)
	b := c.column(s, right, j, false)
	right.columns[j].merged = true
	if t.join == joinRight || t.join == joinFull {
		left.columns[i].also = append(left.columns[i].also, b)
	}
	return compareTerm("=", a, b)
}
