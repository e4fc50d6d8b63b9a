package sql

import (
	"bytes"
	"slices"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// grouping is what GROUP BY and aggregates ask of a SELECT.
type grouping struct {
	keys       []*term
	aggregates []*aggregate
}

// loose reports whether it is all one in which order rows come.
//
//go:noinline
func (g *grouping) loose() bool {
	if g == nil {
		return false
	}
	for _, a := range g.aggregates {
		switch a.call.name {
		case "count", "sum", "total", "avg", "min", "max":
		default:
			return false
		}
	}
	return true
}

// aggregate is a call of a function of many rows.
type aggregate struct {
	function *function.Aggregate
	args     []*term
	distinct bool
	filter   *term
	order    []orderTerm
	slot     int
	call     *term
}

// isAggregate reports whether a call is one of a function of many rows: min and max
// of several values are not.
func isAggregate(e *expr) bool {
	f := function.AggregateNamed(e.name)
	return f != nil && (function.Scalar(e.name) == nil || len(e.kids) == 1)
}

// groupKeys resolves GROUP BY: a number or a name of a result column stands for it.
func (c *compiler) groupKeys(group []*expr, results []result, s *scope) []*term {
	var keys []*term
	for _, e := range group {
		at := resultNumbered(e, len(results), "GROUP BY")
		var key *term
		switch {
		case at >= 0 && results[at].expr != nil:
			key = c.resolve(results[at].expr, s)
		case at >= 0:
			key = c.column(s, results[at].origin, results[at].column, false)
		default:
			key = c.resolve(e, s)
		}
		keys = append(keys, key)
	}
	return keys
}

// regroup is thrown where a SELECT turns out to aggregate only while a subquery of it
// is resolved.
type regroup struct{ scope *scope }

// ownerOf returns the scope that an aggregate belongs to: the innermost whose columns
// its arguments read, or its own where they read none.
func (c *compiler) ownerOf(e *expr, s *scope) *scope {
	own, depth := s, -1
	for _, kid := range e.kids {
		kid.each(func(e *expr) bool {
			if e.kind != exprColumn {
				return true
			}
			folded, table := value.Fold(e.name), value.Fold(e.table)
			n := 0
			for at := s; at != nil; at, n = at.up, n+1 {
				if at.knows(e.name, folded, table) {
					if depth < 0 || n < depth {
						own, depth = at, n
					}
					break
				}
			}
			return true
		})
	}
	return own
}

// knows reports whether a name is one of a scope's own columns.
func (s *scope) knows(name, folded, table string) bool {
	for _, o := range s.origins {
		if table != "" && o.name != table {
			continue
		}
		if o.find(name, folded) >= 0 || isRowidName(folded) && o.table != nil && o.table.Integer {
			return true
		}
	}
	return false
}

// resolveAggregate gives a call of an aggregate its place in the row.
func (c *compiler) resolveAggregate(e *expr, s *scope) *term {
	if own := c.ownerOf(e, s); own != s {
		if own.grouping == nil && own.groups {
			panic(&regroup{own})
		}
		if own.overWindow {
			panic(fail(codeUnsupported, e.pos, "an aggregate of the SELECT around it, inside of a window function's argument"))
		}
		return c.found(c.resolveAggregate(e, own), s, own)
	}
	if s.phase != phaseGroup {
		panic(fail(codeInvalid, e.pos, "misuse of aggregate function "+e.name+"()"))
	}
	a := &aggregate{function: function.AggregateNamed(e.name), distinct: e.invoke.distinct}
	if !a.function.Accepts(len(e.kids)) || e.invoke.star && e.name != "count" {
		panic(fail(codeWrongArguments, e.pos, "wrong number of arguments to function "+e.name+"()"))
	}
	if a.distinct && len(e.kids) != 1 {
		panic(fail(codeInvalid, e.pos, "DISTINCT aggregates must have exactly one argument"))
	}
	touching := s.touching
	s.phase, s.touching = phaseArgument, false
	a.args = c.resolveAll(e.kids, s)
	a.filter = c.optional(e.invoke.filter, s)
	for _, o := range e.invoke.order {
		t := c.resolve(o.expr, s)
		a.order = append(a.order, orderTerm{ordering: o, term: t, collation: t.collation})
	}
	s.phase, s.touching = phaseGroup, touching
	call := &term{kind: termRow, name: e.name, not: a.distinct, kids: append(append([]*term{}, a.args...), a.filter)}
	for _, o := range a.order {
		call.kids = append(call.kids, o.term)
	}
	a.call = call
	for _, known := range s.grouping.aggregates {
		if len(a.order) == 0 && len(known.order) == 0 && same(known.call, call) {
			return c.aggregateTerm(known, s)
		}
	}
	a.slot = c.slot()
	s.grouping.aggregates = append(s.grouping.aggregates, a)
	return c.aggregateTerm(a, s)
}

func (c *compiler) aggregateTerm(a *aggregate, s *scope) *term {
	s.touch(a.slot)
	t := (&term{kids: a.args}).inherit()
	t.kind, t.kids, t.slot, t.uses = termSlot, nil, a.slot, s.own()
	return t
}

// own are all operands of a scope, whose rows a group is made of.
func (s *scope) own() sources {
	var all sources
	for _, o := range s.origins {
		all |= o.bit
	}
	return all
}

// group is what a run knows of one group.
type group struct {
	bare   []value.Value // of the row that stands for it
	other  bool          // the min or max that was computed last stays another row's
	states []function.State
}

// grouper is a run of a grouping.
type grouper struct {
	r       *run
	calls   []*aggregateCall
	waiting []waiting // by call
	keys    []eval
	places  []place // of those keys that are one, in the same order
	bare    []int
	extreme bool // the row of a min or max stands for the group, otherwise the first one
	sheets  *groupSheets
	table   *hashed
	groups  []*group
	key     []value.Value
	args    []value.Value
	met     bool // the only group has a row
	held    int  // bytes of groups, about

	// Rows of groups that there is no room for wait outside of memory.
	inputs []int
	sorts  []sortKey
	out    *spooled
	row    []value.Value
	packed []byte
}

// aggregateCall is an aggregate ready to be computed.
//
// Rows of all groups wait together, by the number of their group, where an ORDER BY
// inside wants them sorted, and where states would grow with each of them: those are
// fed group by group, when the group is handed on.
type aggregateCall struct {
	*aggregate
	evals     []eval
	filter    test
	collation value.Collation
	waits     bool
	extreme   bool      // it is min or max
	plain     bool      // its arguments are places that follow one another, and nothing else is asked
	first     int       // of these
	sort      []sortKey // the number of the group, then what ORDER BY inside says
	sortSlots []int     // the places of these, then those of the arguments
	sortEvals []eval
}

// waiting is what a run holds of a call.
type waiting struct {
	seen   *set    // of DISTINCT: arguments with the number of their group
	sorted *sorter // rows that wait
}

func (c *compiler) groupFeed(from feed, by *taker, s *scope) feed {
	g := s.grouping
	var calls []*aggregateCall
	extreme := false
	for _, a := range g.aggregates {
		calls = append(calls, c.aggregateCall(a, len(g.keys) > 0))
		extreme = extreme || a.isExtreme()
	}
	var collations []value.Collation
	for _, key := range g.keys {
		collations = append(collations, key.collation)
	}
	keys := evaluators(g.keys)
	places := make([]place, len(keys))
	for i, t := range g.keys {
		places[i], _ = placeOf(t)
	}
	var bare []int
	for _, slot := range s.touched {
		if !slices.ContainsFunc(g.aggregates, func(a *aggregate) bool { return a.slot == slot }) {
			bare = append(bare, slot)
		}
	}
	extreme = extreme && len(bare) > 0
	inputs := g.inputs(bare)
	sorts := keysOf(collations)
	return func(r *run, next func() error) func() error {
		g := &grouper{r: r, inputs: inputs, sorts: sorts, calls: calls, keys: keys, places: places, bare: bare, extreme: extreme, table: newHashed(collations), key: make([]value.Value, len(keys))}
		g.waiting = make([]waiting, len(calls))
		for i, call := range calls {
			if call.distinct {
				g.waiting[i].seen = newSet([]value.Collation{call.collation, value.Binary})
			}
			if call.waits {
				g.waiting[i].sorted = newSorter(call.sort, call.sortSlots)
			}
		}
		if g.takesSheets() {
			g.sheets = &groupSheets{}
			by.offer(r, g.takeSheet)
		}
		start := from(r, g.take)
		return func() error {
			err := g.begin()
			if err == nil {
				err = start()
			}
			if err == nil {
				err = g.finish(next)
			}
			if err == nil && g.out != nil {
				err = g.finishSpooled(next)
			}
			out := g.out
			g.out = nil
			return out.close(err)
		}
	}
}

// inputs are the places that a row is read from when it is taken into its group.
func (g *grouping) inputs(bare []int) []int {
	read := &scope{}
	for _, key := range g.keys {
		read.collect(key)
	}
	for _, a := range g.aggregates {
		for _, t := range a.args {
			read.collect(t)
		}
		if a.filter != nil {
			read.collect(a.filter)
		}
		for _, o := range a.order {
			read.collect(o.term)
		}
	}
	return withSlots(withSlots(nil, read.reads), bare)
}

// begin forgets all groups.
func (g *grouper) begin() error {
	g.table.clear()
	g.groups, g.met, g.held = nil, false, 0
	if g.sheets != nil {
		clear(g.sheets.recent[:])
	}
	if len(g.keys) == 0 {
		g.table.add(g.r, nil)
		g.groups = append(g.groups, g.fresh(false))
	}
	return g.empty()
}

// empty forgets all rows that wait.
func (g *grouper) empty() error {
	for _, w := range g.waiting {
		if w.seen != nil {
			if err := w.seen.clear(); err != nil {
				return err
			}
		}
		if w.sorted != nil {
			if err := w.sorted.clear(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *compiler) aggregateCall(a *aggregate, several bool) *aggregateCall {
	call := &aggregateCall{aggregate: a, evals: evaluators(a.args), extreme: a.isExtreme()}
	if a.filter != nil {
		call.filter = condition(a.filter)
	}
	if len(a.args) > 0 {
		call.collation = collationOf(a.args...)
	}
	if call.waits = len(a.order) > 0 || several && a.function.Gathers; !call.waits {
		call.plain = !a.distinct && len(a.args) <= 1
		for _, t := range a.args {
			call.plain = call.plain && t.kind == termSlot
			call.first = t.slot
		}
		return call
	}
	for range 1 + len(a.order) + len(a.args) {
		call.sortSlots = append(call.sortSlots, c.slot())
	}
	call.sort = []sortKey{{slot: call.sortSlots[0]}}
	for i, o := range a.order {
		call.sort = append(call.sort, sortKey{slot: call.sortSlots[1+i], desc: o.desc, nulls: o.nulls, collation: o.collation})
		call.sortEvals = append(call.sortEvals, evaluator(o.term))
	}
	return call
}

// fresh is a group without rows; the run's row stands for it where there is one.
func (g *grouper) fresh(row bool) *group {
	fresh := &group{bare: make([]value.Value, len(g.bare)), states: make([]function.State, len(g.calls)), other: true}
	for i, call := range g.calls {
		g.r.context.Collation = call.collation
		context := g.r.context
		fresh.states[i] = call.function.New(&context)
	}
	if row {
		g.represent(fresh)
	}
	return fresh
}

// represent makes the run's row the one that stands for a group.
func (g *grouper) represent(one *group) {
	for i, slot := range g.bare {
		one.bare[i] = g.r.keep(g.r.row[slot])
	}
}

// take adds the run's row to its group.
func (g *grouper) take() error {
	r := g.r
	for i := range g.keys {
		if at := &g.places[i]; at.kind == termSlot {
			g.key[i] = r.row[at.number]
		} else {
			g.key[i] = g.keys[i](r)
		}
	}
	at, err := g.place()
	if at < 0 {
		return err
	}
	return g.join(at)
}

// place is the group of the run's row, by the computed key; −1 where the row has to wait.
func (g *grouper) place() (at int, err error) {
	r := g.r
	switch {
	case len(g.keys) > 0:
		if at = g.table.find(g.key); at >= 0 {
			break
		}
		if g.held > r.ceiling {
			return -1, g.wait()
		}
		at, _ = g.table.add(r, g.key)
		g.groups = append(g.groups, g.fresh(true))
		g.held += groupBytes * (1 + len(g.calls))
		for _, v := range g.key {
			g.held += v.Size()
		}
	case !g.met:
		g.met = true
		g.represent(g.groups[0])
	}
	return at, nil
}

// groupBytes is about what a group takes up beside its values, and each of its states.
const groupBytes = 96

// wait puts the run's row where there is room, by the key of its group.
func (g *grouper) wait() error {
	if err := openSpool(g.r, &g.out); err != nil {
		return err
	}
	g.packed = appendKeys(g.packed[:0], g.sorts, g.key)
	g.row = g.row[:0]
	for _, slot := range g.inputs {
		g.row = append(g.row, g.r.row[slot])
	}
	return g.out.add(g.packed, g.row)
}

// finishSpooled hands on the groups whose rows had to wait, which come one group after
// the other.
func (g *grouper) finishSpooled(next func() error) error {
	var last []byte
	g.groups = nil
	err := g.out.each(g.r, all, g.inputs, func(key []byte) error {
		if g.groups != nil && bytes.Equal(key, last) {
			return g.join(0)
		}
		// Handing a group on changes places that the row at hand is read from.
		row := make([]value.Value, len(g.inputs))
		for i, slot := range g.inputs {
			row[i] = g.r.row[slot]
		}
		if err := g.finish(next); err != nil {
			return err
		}
		for i, slot := range g.inputs {
			g.r.row[slot] = row[i]
		}
		last = append(last[:0], key...)
		g.groups = []*group{g.fresh(true)}
		return g.join(0)
	})
	if err != nil {
		return err
	}
	return g.finish(next)
}

// join takes the run's row into a group.
func (g *grouper) join(at int) error {
	r := g.r
	one := g.groups[at]
	for i, call := range g.calls {
		if call.filter != nil && !call.filter(r) {
			continue
		}
		var err error
		switch {
		case call.plain && g.extreme:
			err = g.tell(one, i, call, r.row[call.first:call.first+len(call.args)])
		case call.plain:
			if err = one.states[i].Step(r.row[call.first : call.first+len(call.args)]); err != nil {
				err = fail(codeInvalid, -1, err.Error())
			}
		default:
			err = g.step(at, i, call)
		}
		if err != nil {
			return err
		}
	}
	if g.extreme && !one.other {
		g.represent(one)
	}
	return r.err
}

func (g *grouper) step(at, i int, call *aggregateCall) error {
	r, one := g.r, g.groups[at]
	g.args = g.args[:0]
	for _, e := range call.evals {
		g.args = append(g.args, e(r))
	}
	if call.distinct {
		if g.args[0].IsNull() {
			return nil
		}
		g.args = append(g.args, value.FromInt(int64(at)))
		if added, err := g.waiting[i].seen.add(r, g.args); !added || err != nil {
			return err
		}
		g.args = g.args[:1]
	}
	if call.waits {
		slots := call.sortSlots
		r.row[slots[0]] = value.FromInt(int64(at))
		for j, e := range call.sortEvals {
			r.row[slots[1+j]] = e(r)
		}
		for j, v := range g.args {
			r.row[slots[len(call.sort)+j]] = v
		}
		return g.waiting[i].sorted.add(r)
	}
	return g.tell(one, i, call, g.args)
}

// tell has a group's state take arguments in.
func (g *grouper) tell(one *group, i int, call *aggregateCall, args []value.Value) error {
	if err := one.states[i].Step(args); err != nil {
		return fail(codeInvalid, -1, err.Error())
	}
	if g.extreme && call.extreme {
		one.other = !g.stands(one.states[i].(*function.Extreme))
	}
	return nil
}

// isExtreme reports whether a row may stand for what the aggregate comes to.
//
//go:noinline
func (a *aggregate) isExtreme() bool { return a.function.Name == "min" || a.function.Name == "max" }

// stands reports whether the row that was just taken in is the one of the extreme; as
// long as there is none but NULL, each is.
func (g *grouper) stands(state *function.Extreme) bool {
	if state.Took() {
		return true
	}
	best, _ := state.Result()
	return best.IsNull()
}

// finish hands on the groups, and forgets what waited for them.
func (g *grouper) finish(next func() error) error {
	for _, w := range g.waiting {
		if w.sorted != nil {
			if err := w.sorted.sort(g.r); err != nil {
				return err
			}
		}
	}
	for at, one := range g.groups {
		if err := g.r.tick(); err != nil {
			return err
		}
		for i, slot := range g.bare {
			g.r.row[slot] = one.bare[i]
		}
		for i, call := range g.calls {
			if call.waits {
				if err := g.stepSorted(at, i, call); err != nil {
					return err
				}
			}
			v, err := one.states[i].Result()
			if err != nil {
				return fail(codeInvalid, -1, err.Error())
			}
			g.r.row[call.slot] = v
		}
		g.groups[at] = nil
		if err := next(); err != nil {
			return err
		}
	}
	return g.empty()
}

// stepSorted takes in the rows of a group that waited.
func (g *grouper) stepSorted(at, i int, call *aggregateCall) error {
	state, slots := g.groups[at].states[i], call.sortSlots[len(call.sort):]
	return g.waiting[i].sorted.part(g.r, value.FromInt(int64(at)), func() error {
		g.args = g.args[:0]
		for _, slot := range slots {
			g.args = append(g.args, g.r.row[slot])
		}
		if err := state.Step(g.args); err != nil {
			return fail(codeInvalid, -1, err.Error())
		}
		return nil
	})
}
