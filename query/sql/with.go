package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// with makes the tables of WITH known to a statement, whose terms of FROM names counts.
// What is read once is made part of what reads it; what is read more often is computed
// once and kept.
func (c *compiler) with(list []*common, s *scope, names func(is func(t *fromTerm) bool) int) *commons {
	chain := s.commons
	var group []*commons
	for _, def := range list {
		for _, known := range group {
			if known.name == value.Fold(def.name) {
				panic(fail(codeInvalid, def.pos, "duplicate WITH table name: "+def.name))
			}
		}
		chain = &commons{up: chain, name: value.Fold(def.name), def: def, scope: s}
		group = append(group, chain)
	}
	// All of one WITH see each other; which of them are circular shows when they are read.
	for _, w := range group {
		w.base = chain
		w.often = w.def.keep || !w.def.inline && names(w.isNamed)-w.def.query.names(w.isNamed) > 1
	}
	return chain
}

// recursive reports whether a table of WITH reads itself.
func (w *commons) recursive() bool {
	return len(w.def.query.cores) > 1 && w.def.query.names(w.isNamed) > 0
}

func (w *commons) isNamed(t *fromTerm) bool { return !t.call && value.Fold(t.name) == w.name }

// common resolves the name of a table of WITH.
func (c *compiler) common(w *commons, t *fromTerm, name string, s *scope, whole bool) *operands {
	if w.queue {
		return &operands{list: []*operand{c.queueOperand(w, name, t, s)}}
	}
	if w.busy {
		panic(fail(codeInvalid, t.pos, "circular reference: "+w.def.name))
	}
	w.busy = true
	defer func() { w.busy = false }()
	if w.often && (w.shared == nil || w.shared.by != c || w.shared.attempt != c.attempt) {
		w.shared = c.share(w)
	}
	if w.often && !w.shared.outer {
		return &operands{list: []*operand{c.chosenOperand(c.shared(w.shared), name, w.def.columns, t.pos, s)}}
	}
	in := &scope{up: w.scope.up, commons: w.base}
	if w.recursive() {
		chosen := c.recursive(w, in)
		return &operands{list: []*operand{c.chosenOperand(chosen, name, w.def.columns, t.pos, s)}}
	}
	return c.derived(w.def.query, name, w.def.columns, in, s, whole)
}

// shared is a table of WITH that is computed once a run.
type shared struct {
	*selected
	state   int // where a run keeps its rows
	by      *compiler
	attempt int // of by, which holds as long as that does not begin anew
}

// share plans a table of WITH for all that read it. One that depends on a row further
// out is outer, and of no use to others.
func (c *compiler) share(w *commons) *shared {
	notes := len(c.notes)
	c.note("MATERIALIZE " + w.def.name)
	c.level++
	in := &scope{up: w.scope.up, commons: w.base}
	all := &shared{state: c.state(), by: c}
	if w.recursive() {
		all.selected = c.recursive(w, in)
	} else {
		all.selected = c.selection(w.def.query, in, nil)
	}
	if c.level--; all.outer {
		c.notes = c.notes[:notes]
	}
	all.attempt = c.attempt
	return all
}

// shared is a table of WITH as one of those that read it sees it.
func (c *compiler) shared(all *shared) *selected {
	own := &selected{rows: all.rows, columns: slices.Clone(all.columns), derived: all.derived, mixed: all.mixed}
	from, slots := slotsOf(all.columns), make([]int, len(all.columns))
	for i := range slots {
		slots[i] = c.slot()
		own.columns[i].slot = slots[i]
	}
	own.feed = func(r *run, next func() error) func() error {
		return func() error {
			rows, known := r.states[all.state].(*roll)
			if !known {
				rows = newRoll(len(from))
				if err := all.feed(r, func() error { return rows.add(r, from) })(); err != nil {
					return err
				}
				r.states[all.state] = rows
			}
			return rows.each(r, slots, next)
		}
	}
	return own
}

// queueOperand is a recursive table inside of its own SELECT: the one row that is
// being followed.
func (c *compiler) queueOperand(w *commons, name string, t *fromTerm, s *scope) *operand {
	chosen := &selected{rows: 1, columns: append([]outColumn(nil), w.columns...)}
	slots := make([]int, len(w.columns))
	for i := range chosen.columns {
		slots[i] = c.slot()
		chosen.columns[i].slot = slots[i]
	}
	state := w.state
	chosen.feed = func(r *run, next func() error) func() error {
		return func() error {
			row := r.states[state].([]value.Value)
			for i, slot := range slots {
				r.row[slot] = row[i]
			}
			return next()
		}
	}
	o := c.chosenOperand(chosen, name, w.def.columns, t.pos, s)
	o.outer = true // another row each time
	return o
}

// recursive plans a table that reads itself: its first SELECTs begin a queue, and the
// others follow each row of it.
func (c *compiler) recursive(w *commons, in *scope) *selected {
	q := w.def.query
	first := 0
	for first < len(q.cores) && q.cores[first].names(w.isNamed) == 0 {
		first++
	}
	if first == 0 || first == len(q.cores) {
		panic(fail(codeInvalid, w.def.pos, "circular reference: "+w.def.name))
	}
	in.commons = c.with(q.with, in, q.names)
	begin := &selection{pos: q.pos, cores: q.cores[:first], joins: q.joins[:first-1]}
	start := c.selection(begin, &scope{up: in.up, commons: in.commons}, nil)
	w.columns, w.state = start.columns, c.state()
	w.queue = true
	defer func() { w.queue = false }()
	all := &selected{columns: w.columns, rows: 100, volatile: start.volatile, outer: start.outer}
	targets := slotsOf(w.columns)
	if len(w.columns) > 0 {
		targets = make([]int, len(w.columns))
		for i := range targets {
			targets[i] = c.slot()
		}
	}
	var steps []feed
	distinct := false
	for i, k := range q.cores[first:] {
		around := &scope{up: in.up, commons: in.commons}
		next := c.core(k, around, targets, nil).selected
		steps = append(steps, next.feed)
		all.volatile, all.outer = all.volatile || next.volatile, all.outer || around.outer
		switch q.joins[first+i-1] {
		case union:
			distinct = true
		case unionAll:
		default:
			panic(fail(codeInvalid, k.pos, "a recursive table is joined by UNION"))
		}
	}
	keys := c.compoundOrder(q, all, in)
	f := &recursion{start: start, steps: steps, targets: targets, state: w.state, distinct: distinct, keys: keys}
	all.feed = f.feed
	if limit := c.limit(q.limit, in); limit != nil {
		all.feed = limitFeed(all.feed, limit, c.limit(q.offset, in))
	}
	all.outer = all.outer || in.outer
	return all
}

// recursion is a recursive table.
type recursion struct {
	start    *selected
	steps    []feed
	targets  []int
	state    int
	distinct bool
	keys     []sortKey
}

// feed hands on the rows of the queue, which grows meanwhile: in the order in which they
// came, or that of an ORDER BY, of which only the numbers of the rows stay in memory.
func (f *recursion) feed(r *run, next func() error) func() error {
	out := slotsOf(f.start.columns)
	seen, queue := newSet(collationsOf(f.start.columns)), newRoll(len(out))
	choice := &choice{recursion: f, run: r, queue: queue}
	row := make([]value.Value, len(out))
	push := func(slots []int) error {
		for i, slot := range slots {
			row[i] = r.keep(r.row[slot])
		}
		if f.distinct {
			if added, err := seen.add(r, row); !added || err != nil {
				return err
			}
		}
		if err := queue.push(r, row); err != nil {
			return err
		}
		if f.keys != nil {
			choice.add(queue.count - 1)
		}
		return r.tick()
	}
	begin := f.start.feed(r, func() error { return push(out) })
	var steps []func() error
	for _, step := range f.steps {
		steps = append(steps, step(r, func() error { return push(f.targets) }))
	}
	follow := func(row []value.Value) error {
		for i, slot := range out {
			r.row[slot] = row[i]
		}
		if err := next(); err != nil {
			return err
		}
		r.states[f.state] = row
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return r.err
	}
	return func() error {
		choice.heap = choice.heap[:0]
		err := seen.clear()
		if err == nil {
			err = queue.clear()
		}
		if err == nil {
			err = begin()
		}
		for i := 0; err == nil && i < queue.count; i++ {
			at := i
			if f.keys != nil {
				at = choice.take()
			}
			if row := queue.row(r, at); r.err == nil {
				err = follow(row)
			} else {
				err = r.err
			}
		}
		return err
	}
}

// choice is what an ORDER BY chooses from: the numbers of rows that wait, the first of
// them on top.
type choice struct {
	*recursion
	run   *run
	queue *roll
	heap  []int
}

func (c *choice) add(n int) {
	c.heap = append(c.heap, n)
	for i := len(c.heap) - 1; i > 0 && c.before(i, (i-1)/2); i = (i - 1) / 2 {
		c.swap(i, (i-1)/2)
	}
}

// take takes the first of them off.
func (c *choice) take() int {
	first, last := c.heap[0], len(c.heap)-1
	c.swap(0, last)
	c.heap = c.heap[:last]
	for i := 0; ; {
		least := i
		for _, kid := range [2]int{2*i + 1, 2*i + 2} {
			if kid < last && c.before(kid, least) {
				least = kid
			}
		}
		if least == i {
			return first
		}
		c.swap(i, least)
		i = least
	}
}

func (c *choice) swap(i, j int) { c.heap[i], c.heap[j] = c.heap[j], c.heap[i] }

// before reports whether one waits before another: those that ORDER BY does not tell
// apart as they came.
func (c *choice) before(i, j int) bool {
	a, b := c.queue.row(c.run, c.heap[i]), c.queue.row(c.run, c.heap[j])
	for _, key := range c.keys {
		at := slices.IndexFunc(c.start.columns, func(col outColumn) bool { return col.slot == key.slot })
		if order := key.compare(&a[at], &b[at]); order != 0 {
			return order < 0
		}
	}
	return c.heap[i] < c.heap[j]
}
