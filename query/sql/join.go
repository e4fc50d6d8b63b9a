package sql

import (
	"math"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// joinFeed plans how operands are joined: in what order, by what index or table of
// hashes, and where each condition is asked. comes tells how far that is as order asks.
func (c *compiler) joinFeed(all *operands, where []*term, order []orderTerm, s *scope) (rows feed, comes arrival, guess float64) {
	for _, t := range where {
		all.pool = append(all.pool, &pooled{term: t, late: true})
	}
	if len(all.list) == 0 {
		return filtered(once, takeAll(all.pool)), arrival{}, 1
	}
	strengthen(all)
	arrange(all)
	takers := make([]*taker, len(all.list))
	for i := range takers {
		takers[i] = &taker{c.state()}
	}
	takers[len(takers)-1] = all.taker
	j := &joiner{c: c, all: all, takers: takers, last: lastAdding(all.list), rows: 1, loose: s != nil && s.grouping.loose() && lastAdding(all.list) == 0}
	for i := range all.list {
		wanted := order
		if i > 0 || j.last > 0 {
			wanted = nil
		}
		j.add(i, wanted)
	}
	return j.feed, j.arrival, j.rows
}

func takeAll(pool []*pooled) []*term {
	var terms []*term
	for _, p := range pool {
		if !p.done {
			terms = append(terms, p.term)
			p.done = true
		}
	}
	return terms
}

//go:noinline
func filtered(from feed, terms []*term) feed {
	if t := conditions(terms); t != nil {
		return filterFeed(from, t)
	}
	return from
}

// lastAdding is the position of the last join that adds rows of its own, 0 without one.
func lastAdding(list []*operand) int {
	last := 0
	for i, o := range list {
		if o.kind == joinRight || o.kind == joinFull {
			last = i
		}
	}
	return last
}

// strengthen makes an inner join of a left one where WHERE lets nothing through that
// lacks the right side.
func strengthen(all *operands) {
	if lastAdding(all.list) > 0 {
		return
	}
	for _, o := range all.list {
		if o.kind != joinLeft || o.nested != nil {
			continue
		}
		for _, p := range all.pool {
			if p.late && refusesNull(p.term, o.bits) {
				o.kind = joinInner
				for _, t := range o.on {
					all.pool = append(all.pool, &pooled{term: t})
				}
				o.on = nil
				break
			}
		}
	}
}

// refusesNull reports whether a condition surely does not hold where the columns of
// some operands are NULL.
func refusesNull(t *term, bits sources) bool {
	switch t.kind {
	case termCompare:
		if t.op == "is" {
			return false
		}
	case termMatch, termIn:
		return t.kids[0].kind == termSlot && t.kids[0].uses&bits != 0 && (t.kind == termMatch || !t.not)
	default:
		return false
	}
	for _, kid := range t.kids {
		if kid.kind == termSlot && kid.uses&bits != 0 {
			return true
		}
	}
	return false
}

// arrange puts the operands that may change places, those before the first outer
// join, into the order that promises the least work.
func arrange(all *operands) {
	free := 0
	for free < len(all.list) && (free == 0 || all.list[free].kind == joinInner && !all.list[free].fixed) {
		free++
	}
	if free < len(all.list) && lastAdding(all.list) > 0 || free < 2 {
		return
	}
	best, least := all.list[:free], math.Inf(1)
	for first := range free {
		if order, cost := greedy(all, free, first); cost < least {
			best, least = order, cost
		}
		if free > 8 {
			break
		}
	}
	copy(all.list, best)
}

// greedy begins with one operand and goes on with whichever is met cheapest.
func greedy(all *operands, free, first int) (order []*operand, cost float64) {
	left := append([]*operand(nil), all.list[:free]...)
	rows, bound := 1.0, sources(0)
	for at := first; len(left) > 0; {
		if order != nil {
			at = -1
			least := math.Inf(1)
			for i, o := range left {
				if o.reads&^(bound|outside) != 0 {
					continue
				}
				if _, each, work := reach(o, all.pool, bound, rows); work+each < least {
					at, least = i, work+each
				}
			}
		}
		if at < 0 || left[at].reads&^(bound|outside) != 0 {
			return order, math.Inf(1)
		}
		o := left[at]
		_, each, work := reach(o, all.pool, bound, rows)
		cost += work
		rows = max(rows*each, 0.1)
		bound |= o.bits
		order = append(order, o)
		left = append(left[:at:at], left[at+1:]...)
	}
	return order, cost
}

// reach guesses how an operand is best read for each of so many rows of what is
// bound: by an access, nil for a table of hashes or a pass over all; how many rows
// each finds; and the work for all together.
func reach(o *operand, pool []*pooled, bound sources, rows float64) (a *probe, each, work float64) {
	var local, joining int
	var different float64
	share := 1.0
	for _, p := range pool {
		if p.uses&o.bits == 0 || p.uses&^(bound|o.bits|outside) != 0 {
			continue
		}
		if p.uses&^o.bits == 0 {
			local++
			share *= selectivity(p.term)
		} else if e, is := equalityOf(p.term, o.bits); is {
			joining++
			different = max(different, e.own.different(), e.other.different())
		}
	}
	found := max(1, o.rows*share)
	each = found
	if joining > 0 {
		each = max(0.5, found/max(1, o.rows)) // as if what joins were a key of the other side
		if different > 0 {
			each = found / different
		}
		if o.table == nil {
			each = max(1, found/10)
		}
	}
	if bound != 0 && joining > 0 {
		work = o.rows + rows*1.5
	} else if bound != 0 {
		work = o.rows + rows*found*0.3
	} else {
		work = o.rows
	}
	if o.written() && bound != 0 {
		work = rows * o.rows
	}
	if o.table == nil {
		return nil, each, work
	}
	best := bestProbe(o, pool, bound, nil, false)
	if best == nil {
		return nil, each, work
	}
	if probing := rows * best.cost(); probing < work {
		return best, max(0.1, min(each*1.5, best.rows)), probing
	}
	return nil, each, work
}

// different guesses how many different values a column has, 0 where nothing tells.
func (t *term) different() float64 {
	if t.kind != termSlot || t.origin == nil || t.origin.table == nil {
		return 0
	}
	table, path := t.origin.table, t.origin.columns[t.column].path
	if table.Key.Equal(path) {
		return float64(table.Rows)
	}
	for i, index := range table.Indexes {
		if i < len(table.Distinct) && len(table.Distinct[i]) > 0 && index.Paths[0].Equal(path) && !index.Multi {
			return float64(table.Distinct[i][0])
		}
	}
	return 0
}

// written reports whether the statement writes to the operand: then each of its rows
// comes with its record, which no table of rows that are kept has.
func (o *operand) written() bool { return o.table != nil && o.table.record >= 0 }

// selectivity guesses what part of all rows a condition lets through.
func selectivity(t *term) float64 {
	switch t.kind {
	case termCompare:
		if t.op == "=" || t.op == "is" && !t.not {
			return 0.1
		}
		if t.op == "<>" {
			return 0.9
		}
		return 0.33
	case termMatch, termBetween, termIn, termInQuery:
		return 0.25
	}
	return 0.5
}

// equality is a condition that something of an operand, own, is equal to something
// of what is before it.
type equality struct {
	own, other *term
	affinity   value.Affinity
	collation  value.Collation
}

// equalityOf returns what has to be equal where a condition says no more than that.
func equalityOf(t *term, bits sources) (e equality, is bool) {
	if t.kind != termCompare || t.op != "=" || t.kids[0].width() > 1 {
		return e, false
	}
	for i, own := range t.kids {
		other := t.kids[1-i]
		if own.uses == own.uses&bits && own.uses != 0 && other.uses&bits == 0 && !own.volatile && !other.volatile {
			e = equality{own: own, other: other}
			e.affinity, e.collation = comparison(t.kids[0], t.kids[1])
			return e, true
		}
	}
	return e, false
}

// joiner puts one operand behind the other.
type joiner struct {
	c       *compiler
	all     *operands
	last    int // of the joins that add rows
	bound   sources
	feed    feed
	rows    float64
	arrival arrival
	leads   []lead
	takers  []*taker // by operand: who takes sheets of the join as far as that

	loose bool     // nobody minds the order of the rows
	by    *term    // what the operand that was joined last is looked up by, nil where it is not
	found *scanner // what looks it up, nil where that are several
}

// take returns the conditions that can be asked once an operand is bound.
//
//go:noinline
func (j *joiner) take(i int, o *operand) []*term {
	var terms []*term
	for _, p := range j.all.pool {
		if p.done || p.uses&^(j.bound|o.bits|outside) != 0 || j.last > 0 && (p.late && i < j.last || i < p.from) {
			continue
		}
		p.done = true
		terms = append(terms, p.term)
	}
	return terms
}

// add joins operand i.
func (j *joiner) add(i int, order []orderTerm) {
	o := j.all.list[i]
	switch o.kind {
	case joinLeft:
		right := j.right(o, o.on, nil, nil)
		j.feed = leftFeed(j.feed, right, o.slots)
		j.bound |= o.bits
		j.feed = filtered(j.feed, j.take(i, o))
	case joinRight, joinFull:
		before := j.all.list[:i]
		j.feed = addingFeed(j.feed, j.source(o, nil, nil), o, before, j.c.slot())
		j.rows = max(j.rows, o.rows)
		j.bound |= o.bits
		j.feed = filtered(j.feed, j.take(i, o))
	default:
		if i == 0 {
			j.first(o, order)
			return
		}
		terms := j.take(i, o)
		many := j.rows >= batched
		j.by, j.found = nil, nil
		if right := j.right(o, terms, j.takers[i-1], j.takers[i]); many && j.by != nil && j.loose {
			j.feed = batchFeed(j.feed, right, j.found, j.all.list[:i], j.by, j.takers[i])
		} else {
			j.feed = loopFeed(j.feed, right)
		}
		j.bound |= o.bits
	}
}

// first begins with an operand. What is true of the whole run alone is asked before.
func (j *joiner) first(o *operand, order []orderTerm) {
	var before []*term
	if j.last == 0 {
		for _, p := range j.all.pool {
			if p.uses&^outside == 0 && !p.volatile {
				before = append(before, p.term)
				p.done = true
			}
		}
	}
	pool := j.all.pool
	if j.last > 0 {
		pool = nil
		for _, p := range j.all.pool {
			if !p.late {
				pool = append(pool, p)
			}
		}
	}
	if o.table != nil {
		best := bestProbe(o, pool, 0, order, len(j.all.list) == 1)
		if best == nil {
			best = allOf(o)
		}
		_, each, _ := reach(o, pool, 0, 1)
		j.rows = min(best.rows, each)
		j.arrival = best.arrival
		best.note(j.c, o)
		j.leads = leads(o, best)
		j.feed = j.c.barred(o, best, j.take(0, o), true, j.all.bar, j.takers[0])
	} else {
		j.rows = o.rows
		j.c.note("SCAN " + o.label)
		j.feed = filtered(j.source(o, nil, nil), j.take(0, o))
	}
	j.bound |= o.bits
	if t := conditions(before); t != nil {
		j.feed = guardFeed(j.feed, t)
	}
}

// guardFeed asks before it begins whether there can be any rows.
func guardFeed(from feed, t test) feed {
	return func(r *run, next func() error) func() error {
		start := from(r, next)
		return func() error {
			if !t(r) || r.err != nil {
				return r.err
			}
			return start()
		}
	}
}

// loopFeed runs right for each row of left.
func loopFeed(left, right feed) feed {
	return func(r *run, next func() error) func() error { return left(r, right(r, next)) }
}

// source is an operand by itself, all rows of it that meet some conditions. A table's may be taken by
// sheets.
func (j *joiner) source(o *operand, local []*term, to *taker) feed {
	switch {
	case o.table != nil:
		var pool []*pooled
		for _, t := range local {
			pool = append(pool, &pooled{term: t})
		}
		best := bestProbe(o, pool, 0, nil, false)
		if best == nil {
			best = allOf(o)
		}
		return j.c.barred(o, best, local, true, nil, to)
	case o.nested != nil:
		rows, _, _ := j.c.joinFeed(o.nested, nil, nil, nil)
		return filtered(rows, local)
	default:
		return filtered(o.feed, local)
	}
}

// localOf returns those conditions that read nothing but an operand.
func (j *joiner) localOf(o *operand, terms []*term) []*term {
	var local []*term
	for _, t := range terms {
		if t.uses&^o.bits == 0 && !t.volatile {
			local = append(local, t)
		}
	}
	return local
}

// right is how an operand is read for each row of what is before it, such that terms
// hold: or for whole sheets, where left hands over any, and to takes any.
func (j *joiner) right(o *operand, terms []*term, left, to *taker) feed {
	var pool []*pooled
	for _, t := range terms {
		pool = append(pool, &pooled{term: t})
	}
	a, each, work := reach(o, pool, j.bound, j.rows)
	local := j.localOf(o, terms)
	var rest, equal []*term
	var keys []equality
	for _, t := range terms {
		if t.uses&^o.bits == 0 && !t.volatile {
			continue
		}
		if key, is := equalityOf(t, o.bits); is {
			keys, equal = append(keys, key), append(equal, t)
		} else {
			rest = append(rest, t)
		}
	}
	m := j.merge(o, keys, equal, work)
	rows := j.rows
	j.rows = max(0.1, rows*each)
	j.follow(o, keys)
	switch {
	case m != nil:
		j.c.note("MERGE " + strings.TrimPrefix(m.equal.describe(o), "SEARCH "))
		return filtered(m.feed(j.c, o, local), append(equal, rest...))
	case a != nil:
		a.note(j.c, o)
		j.by = a.by()
		if a.arms != nil {
			return j.c.scanUnion(o, a, terms, false)
		}
		j.found = j.c.scanner(o, a, terms, false, nil)
		return j.found.open
	case o.reads != 0 || o.outer && o.table == nil:
		j.c.note("SCAN " + o.label)
		return filtered(j.source(o, nil, nil), terms)
	case o.written():
		j.c.note("SCAN " + o.label)
		return j.c.scan(o, allOf(o), terms, false)
	case len(keys) > 0:
		j.c.note("SEARCH " + o.label + " USING HASH TABLE")
		if len(rest) > 0 {
			to = nil
		}
		own := &taker{j.c.state()}
		return filtered((&hashJoin{j.source(o, local, own), o.slots, keys, own, left, to, j.loose}).open, rest)
	case rows <= 1.5 && o.table != nil:
		j.c.note("SCAN " + o.label)
		return j.c.scan(o, allOf(o), terms, false)
	default:
		j.c.note("SCAN " + o.label)
		return filtered(keptFeed(j.source(o, local, nil), o.slots), rest)
	}
}

// keptFeed reads its rows once and hands them on each time.
func keptFeed(from feed, slotsOf func() []int) feed {
	return func(r *run, next func() error) func() error {
		slots := slotsOf()
		rows := newRoll(len(slots))
		known := false
		fill := from(r, func() error { return rows.add(r, slots) })
		return func() error {
			if !known {
				if err := fill(); err != nil {
					return err
				}
				known = true
			}
			return rows.each(r, slots, next)
		}
	}
}

// leftFeed hands on a row of left once with NULLs where right finds none for it.
func leftFeed(left, right feed, slotsOf func() []int) feed {
	return func(r *run, next func() error) func() error {
		slots := slotsOf()
		met := false
		search := right(r, func() error {
			met = true
			return next()
		})
		return left(r, func() error {
			met = false
			if err := search(); err != nil || met {
				return err
			}
			for _, slot := range slots {
				r.row[slot] = null
			}
			return next()
		})
	}
}
