package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// windowed is a call of a function over a window.
type windowed struct {
	name      string
	aggregate *function.Aggregate // nil: it is a window function
	window    function.Window
	args      []*term
	filter    *term
	partition []*term
	order     []orderTerm
	frame     frame
	offsets   [2]*term // of the frame's bounds
	slot      int      // its place in the row
}

// isWindowOnly reports whether a function has a meaning over windows only.
func isWindowOnly(name string) bool {
	_, found := function.WindowNamed(name)
	return found
}

// resolveWindow gives a call over a window its place in the row.
func (c *compiler) resolveWindow(e *expr, s *scope) *term {
	if !s.windowing {
		panic(fail(codeInvalid, e.pos, "misuse of window function "+e.name+"()"))
	}
	w := &windowed{name: e.name}
	if kind, found := function.WindowNamed(e.name); found {
		w.window = kind
		if !kind.Accepts(len(e.kids)) || e.invoke.star {
			panic(fail(codeWrongArguments, e.pos, "wrong number of arguments to function "+e.name+"()"))
		}
		if e.invoke.filter != nil {
			panic(fail(codeInvalid, e.pos, "FILTER clause may only be used with aggregate window functions"))
		}
	} else {
		if !isAggregate(e) {
			if function.Scalar(e.name) == nil {
				panic(fail(codeUnknownFunction, e.pos, "no such function: "+e.name))
			}
			panic(fail(codeInvalid, e.pos, e.name+"() may not be used as a window function"))
		}
		w.aggregate = function.AggregateNamed(e.name)
		if !w.aggregate.Accepts(len(e.kids)) || e.invoke.star && e.name != "count" {
			panic(fail(codeWrongArguments, e.pos, "wrong number of arguments to function "+e.name+"()"))
		}
	}
	if e.invoke.distinct || e.invoke.order != nil {
		panic(fail(codeInvalid, e.pos, "DISTINCT is not supported for window functions"))
	}
	groups := s.groups
	s.windowing, s.groups, s.overWindow = false, false, true
	w.args = c.resolveAll(e.kids, s)
	w.filter = c.optional(e.invoke.filter, s)
	c.windowOf(e.invoke.over, w, s, 0)
	s.windowing, s.groups, s.overWindow = true, groups, false
	for _, known := range s.windows {
		if known.same(w) {
			return &term{kind: termSlot, slot: known.slot, uses: s.own()}
		}
	}
	w.slot = c.slot()
	s.windows = append(s.windows, w)
	return &term{kind: termSlot, slot: w.slot, uses: s.own()}
}

// windowOf resolves a window, which may go on from one with a name.
func (c *compiler) windowOf(def *window, w *windowed, s *scope, depth int) {
	if def.base != "" {
		base := s.windowNamed(def.base)
		if base == nil || depth > len(s.named) {
			panic(fail(codeInvalid, def.pos, "no such window: "+def.base))
		}
		switch {
		case def.only:
		case def.partition != nil:
			panic(fail(codeInvalid, def.pos, "cannot override PARTITION clause of window: "+def.base))
		case base.order != nil && def.order != nil:
			panic(fail(codeInvalid, def.pos, "cannot override ORDER BY clause of window: "+def.base))
		case base.frame != nil:
			panic(fail(codeInvalid, def.pos, "cannot override frame specification of window: "+def.base))
		}
		c.windowOf(base, w, s, depth+1)
		if def.only {
			return
		}
	}
	if def.partition != nil {
		w.partition = c.resolveAll(def.partition, s)
	}
	for _, o := range def.order {
		t := c.resolve(o.expr, s)
		w.order = append(w.order, orderTerm{ordering: o, term: t, collation: t.collation})
	}
	w.frame = frame{end: bound{kind: currentRow}}
	if def.frame == nil {
		return
	}
	w.frame = *def.frame
	for i, b := range [...]bound{w.frame.start, w.frame.end} {
		if b.offset != nil {
			w.offsets[i] = c.resolve(b.offset, &scope{up: s.up})
			if w.frame.unit == frameRange && len(w.order) != 1 {
				panic(fail(codeInvalid, def.pos, "RANGE with offset PRECEDING/FOLLOWING requires one ORDER BY expression"))
			}
		}
	}
}

func (s *scope) windowNamed(name string) *window {
	for _, w := range s.named {
		if value.Fold(w.name) == value.Fold(name) {
			return w.window
		}
	}
	return nil
}

// same reports whether two calls have the same value in each row.
func (w *windowed) same(o *windowed) bool {
	return w.name == o.name && w.frame == o.frame && w.offsets == [2]*term{} && o.offsets == [2]*term{} && sameTerms(w.args, o.args) &&
		same(w.filter, o.filter) && w.sameOrder(o)
}

// sameOrder reports whether two calls want their rows in the same order.
func (w *windowed) sameOrder(o *windowed) bool {
	if !sameTerms(w.partition, o.partition) || len(w.order) != len(o.order) {
		return false
	}
	for i, t := range w.order {
		if t.desc != o.order[i].desc || t.nulls != o.order[i].nulls || t.collation != o.order[i].collation || !same(t.term, o.order[i].term) {
			return false
		}
	}
	return true
}

func sameTerms(a, b []*term) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !same(a[i], b[i]) {
			return false
		}
	}
	return true
}

// windowStage is calls over windows that want their rows in the same order. Stages
// follow each other, each with the rows of the one before and what that has added.
type windowStage struct {
	calls  []*windowCall
	inputs []int // places that are computed for each row, by
	evals  []eval
	keys   []sortKey
	parts  int   // how many of the keys part the rows
	slots  []int // what is kept of each row: the keys, then the rest
}

// windowCall is a call ready to be computed. Numbers are of what is kept of a row.
type windowCall struct {
	*windowed
	args      []int
	filter    int // −1 for none
	offsets   [2]eval
	collation value.Collation
}

// windowFeed reads all rows, and hands them on with what the windows show.
func (c *compiler) windowFeed(from feed, s *scope) feed {
	carried := append([]int(nil), s.touched...)
	for left := s.windows; len(left) > 0; {
		n := 1
		for n < len(left) && left[n].sameOrder(left[0]) {
			n++
		}
		from = c.windowStage(left[:n], carried, left[n:]).feed(from)
		for _, w := range left[:n] {
			carried = append(carried, w.slot)
		}
		left = left[n:]
	}
	c.note("USE TEMP B-TREE FOR WINDOWS")
	return from
}

// windowStage readies calls of one order, which keep what is carried and what later
// ones read.
func (c *compiler) windowStage(calls []*windowed, carried []int, later []*windowed) *windowStage {
	stage := &windowStage{parts: len(calls[0].partition)}
	keep := func(t *term) int {
		slot := c.slot()
		stage.inputs, stage.evals = append(stage.inputs, slot), append(stage.evals, evaluator(t))
		return slot
	}
	for _, t := range calls[0].partition {
		stage.keys = append(stage.keys, sortKey{slot: keep(t), collation: t.collation})
	}
	for _, t := range calls[0].order {
		stage.keys = append(stage.keys, sortKey{slot: keep(t.term), desc: t.desc, nulls: t.nulls, collation: t.collation})
	}
	var slots []int
	at := func(t *term) int {
		slots = append(slots, keep(t))
		return len(stage.keys) + len(slots) - 1
	}
	for _, w := range calls {
		call := &windowCall{windowed: w, filter: -1}
		for _, t := range w.args {
			call.args = append(call.args, at(t))
		}
		if len(w.args) > 0 {
			call.collation = collationOf(w.args...)
		}
		if w.filter != nil {
			call.filter = at(w.filter)
		}
		for j, t := range w.offsets {
			if t != nil {
				call.offsets[j] = evaluator(t)
			}
		}
		stage.calls = append(stage.calls, call)
	}
	read := &scope{}
	for _, w := range later {
		read.collectAll(w.args, w.partition)
		if w.filter != nil {
			read.collect(w.filter)
		}
		for _, t := range w.order {
			read.collect(t.term)
		}
	}
	stage.slots = newSorter(stage.keys, slices.Concat(slots, carried, read.reads)).slots
	return stage
}
