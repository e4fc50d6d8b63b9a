package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

func (p *windowPlan) feed(from feed) feed {
	return func(r *run, next func() error) func() error {
		rows := &kept{width: len(p.slots)}
		start := from(r, func() error {
			for i, e := range p.evals {
				r.row[p.inputs[i]] = e(r)
			}
			rows.add(r, p.slots)
			return r.err
		})
		return func() error {
			rows.clear()
			if err := start(); err != nil {
				return err
			}
			order := make([]int32, rows.count)
			for i := range order {
				order[i] = int32(i)
			}
			for _, call := range p.calls {
				w := &windowRun{windowCall: call, r: r, rows: rows, order: order}
				if err := w.all(); err != nil {
					return err
				}
			}
			for _, i := range order {
				rows.load(r, p.slots, int(i))
				if err := next(); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// windowRun computes one call for all rows.
type windowRun struct {
	*windowCall
	r     *run
	rows  *kept
	order []int32 // the rows, sorted

	// Of the partition that is being computed: its rows, and for each of them the group
	// of peers that it is in; where the groups begin, and at last where the last one ends.
	part    []int32
	group   []int
	begins  []int
	numbers [2]value.Value // the frame's offsets
	args    []value.Value
}

// at is a value of the partition's row i.
func (w *windowRun) at(i, column int) value.Value { return w.rows.row(int(w.part[i]))[column] }

// compare orders rows a and b by keys from and up to.
func (w *windowRun) compare(a, b int32, from, to int) int {
	x, y := w.rows.row(int(a)), w.rows.row(int(b))
	for n := from; n < to; n++ {
		if order := w.keys[n].compare(x[w.columns[n]], y[w.columns[n]]); order != 0 {
			return order
		}
	}
	return 0
}

// all computes the call, partition by partition.
func (w *windowRun) all() error {
	if err := w.offsetsOf(); err != nil || len(w.order) == 0 {
		return err
	}
	if !w.sorted {
		place := make([]int32, len(w.order))
		for at, row := range w.order {
			place[row] = int32(at)
		}
		slices.SortFunc(w.order, func(a, b int32) int {
			if order := w.compare(a, b, 0, len(w.keys)); order != 0 {
				return order
			}
			return int(place[a] - place[b])
		})
	}
	for at := 0; at < len(w.order); {
		end := at + 1
		for end < len(w.order) && w.compare(w.order[at], w.order[end], 0, w.partition) == 0 {
			end++
		}
		w.part = w.order[at:end]
		w.peers()
		if err := w.compute(); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// offsetsOf computes the frame's offsets, which are the same for all rows.
func (w *windowRun) offsetsOf() error {
	for i, e := range w.offsets {
		if e == nil {
			continue
		}
		v := e(w.r)
		if w.frame.unit == frameRange {
			v = value.NumericAffinity.Apply(v)
			if !v.IsNumber() || v.Real() < 0 {
				return fail(codeInvalid, -1, "frame "+endNames[i]+" offset must be a non-negative number")
			}
		} else if v = value.IntegerAffinity.Apply(v); v.Kind() != value.Integer || v.Int() < 0 {
			return fail(codeInvalid, -1, "frame "+endNames[i]+" offset must be a non-negative integer")
		}
		w.numbers[i] = v
	}
	return w.r.err
}

var endNames = [2]string{"starting", "ending"}

// peers finds the groups of rows that the order does not tell apart.
func (w *windowRun) peers() {
	w.group, w.begins = w.group[:0], w.begins[:0]
	for i := range w.part {
		if i == 0 || w.compare(w.part[i-1], w.part[i], w.partition, len(w.keys)) != 0 {
			w.begins = append(w.begins, i)
		}
		w.group = append(w.group, len(w.begins)-1)
	}
	w.begins = append(w.begins, len(w.part))
}

func (w *windowRun) set(i int, v value.Value) {
	w.rows.row(int(w.part[i]))[w.result] = v
}

// compute computes the call for the rows of a partition.
func (w *windowRun) compute() error {
	switch {
	case w.aggregate != nil:
		return w.aggregated()
	case w.window.OfFrame():
		for i := range w.part {
			v, err := w.ofFrame(i)
			if err != nil {
				return err
			}
			w.set(i, v)
		}
		return nil
	}
	for i := range w.part {
		if err := w.r.tick(); err != nil {
			return err
		}
		v, err := w.ofPartition(i)
		if err != nil {
			return err
		}
		w.set(i, v)
	}
	return nil
}

// ofPartition computes what does not depend on the frame.
func (w *windowRun) ofPartition(i int) (value.Value, error) {
	n, group := len(w.part), w.group[i]
	switch w.window {
	case function.RowNumber:
		return value.FromInt(int64(i + 1)), nil
	case function.Rank:
		return value.FromInt(int64(w.begins[group] + 1)), nil
	case function.DenseRank:
		return value.FromInt(int64(group + 1)), nil
	case function.PercentRank:
		if n == 1 {
			return value.FromReal(0), nil
		}
		return value.FromReal(float64(w.begins[group]) / float64(n-1)), nil
	case function.CumeDist:
		return value.FromReal(float64(w.begins[group+1]) / float64(n)), nil
	case function.Ntile:
		parts := w.at(0, w.windowCall.args[0]).Int()
		if parts <= 0 {
			return null, fail(codeInvalid, -1, "argument of ntile must be a positive integer")
		}
		return value.FromInt(ntile(int64(i), int64(n), parts)), nil
	default:
		return w.neighbour(i), nil
	}
}

// ntile is the number of the part that row i of n is in: the first parts are larger
// by one where they cannot be equal.
func ntile(i, n, parts int64) int64 {
	size, larger := n/parts, n%parts
	if size == 0 {
		return i + 1
	}
	if i < larger*(size+1) {
		return i/(size+1) + 1
	}
	return larger + (i-larger*(size+1))/size + 1
}

// neighbour is lag and lead.
func (w *windowRun) neighbour(i int) value.Value {
	args := w.windowCall.args
	by := int64(1)
	if len(args) > 1 {
		by = w.at(i, args[1]).Int()
	}
	if w.window == function.Lag {
		by = -by
	}
	if at := int64(i) + by; at >= 0 && at < int64(len(w.part)) {
		return w.at(int(at), args[0])
	}
	if len(args) > 2 {
		return w.at(i, args[2])
	}
	return null
}

// ofFrame is the first, the last or another value of a row's frame.
func (w *windowRun) ofFrame(i int) (value.Value, error) {
	args := w.windowCall.args
	start, end := w.bounds(i)
	n := int64(1)
	switch w.window {
	case function.NthValue:
		v := value.IntegerAffinity.Apply(w.at(i, args[1]))
		if n = v.Int(); v.Kind() != value.Integer || n <= 0 {
			return null, fail(codeInvalid, -1, "second argument to nth_value must be a positive integer")
		}
	case function.LastValue:
		for at := end - 1; at >= start; at-- {
			if !w.excluded(i, at) {
				return w.at(at, args[0]), nil
			}
		}
		return null, nil
	}
	for at := start; at < end; at++ {
		if w.excluded(i, at) {
			continue
		}
		if n--; n == 0 {
			return w.at(at, args[0]), nil
		}
	}
	return null, w.r.tick()
}

// excluded reports whether row at is left out of the frame of row i.
func (w *windowRun) excluded(i, at int) bool {
	switch w.frame.exclude {
	case excludeCurrent:
		return at == i
	case excludeGroup:
		return w.group[at] == w.group[i]
	case excludeTies:
		return at != i && w.group[at] == w.group[i]
	}
	return false
}

// aggregated computes an aggregate over the frame of each row. What one frame has in
// common with the next is not computed again where the function forgets rows.
func (w *windowRun) aggregated() error {
	state := w.fresh()
	from, to := 0, 0
	for i := range w.part {
		if err := w.r.tick(); err != nil {
			return err
		}
		start, end := w.bounds(i)
		end = max(start, end)
		if w.frame.exclude != excludeNothing || start < from || end < to || start > from && !w.aggregate.Invertible {
			state, from, to = w.fresh(), start, start
		}
		for ; to < max(start, end); to++ {
			if w.excluded(i, to) {
				continue
			}
			if err := w.feed(to, state.Step); err != nil {
				return err
			}
		}
		for ; from < start; from++ {
			if err := w.feed(from, state.Undo); err != nil {
				return err
			}
		}
		v, err := state.Result()
		if err != nil {
			return fail(codeInvalid, -1, err.Error())
		}
		w.set(i, v)
	}
	return nil
}

func (w *windowRun) fresh() function.State {
	w.r.context.Collation = w.collation
	context := w.r.context
	return w.aggregate.New(&context)
}

// feed gives the arguments of a row to a state, if it passes the filter.
func (w *windowRun) feed(i int, take func(args []value.Value) error) error {
	if w.windowCall.filter >= 0 {
		if holds, _ := w.at(i, w.windowCall.filter).Truth(); !holds {
			return nil
		}
	}
	w.args = w.args[:0]
	for _, column := range w.windowCall.args {
		w.args = append(w.args, w.at(i, column))
	}
	if err := take(w.args); err != nil {
		return fail(codeInvalid, -1, err.Error())
	}
	return nil
}

// bounds are the rows from start and before end that the frame of row i is made of,
// as long as nothing is excluded.
func (w *windowRun) bounds(i int) (start, end int) {
	f := &w.frame
	switch f.unit {
	case frameRows:
		return w.rowBound(i, f.start.kind, w.numbers[0], 0), w.rowBound(i, f.end.kind, w.numbers[1], 1)
	case frameGroups:
		return w.groupBound(i, f.start.kind, w.numbers[0], 0), w.groupBound(i, f.end.kind, w.numbers[1], 1)
	}
	return w.rangeBound(i, f.start.kind, w.numbers[0], 0), w.rangeBound(i, f.end.kind, w.numbers[1], 1)
}

// rowBound is a bound in rows; behind is 1 for one that rows lie before.
func (w *windowRun) rowBound(i int, kind boundKind, offset value.Value, behind int) int {
	n := int(min(offset.Int(), int64(len(w.part))))
	at := i + behind
	switch kind {
	case unboundedPreceding:
		at = 0
	case unboundedFollowing:
		at = len(w.part)
	case preceding:
		at -= n
	case following:
		at += n
	}
	return min(max(at, 0), len(w.part))
}

// groupBound is a bound in groups of peers.
func (w *windowRun) groupBound(i int, kind boundKind, offset value.Value, behind int) int {
	n := int(min(offset.Int(), int64(len(w.part))))
	at := w.group[i] + behind
	switch kind {
	case unboundedPreceding:
		return 0
	case unboundedFollowing:
		return len(w.part)
	case preceding:
		at -= n
	case following:
		at += n
	}
	return w.begins[min(max(at, 0), len(w.begins)-1)]
}

// rangeBound is a bound by how far the values lie from that of row i, where that is a
// number; of others only their peers are near.
func (w *windowRun) rangeBound(i int, kind boundKind, offset value.Value, behind int) int {
	switch kind {
	case unboundedPreceding:
		return 0
	case unboundedFollowing:
		return len(w.part)
	case currentRow:
		return w.begins[w.group[i]+behind]
	}
	key, column := &w.keys[w.partition], w.columns[w.partition]
	v := w.at(i, column)
	if !v.IsNumber() {
		return w.begins[w.group[i]+behind]
	}
	if (kind == preceding) != key.desc {
		v = value.Subtract(v, offset)
	} else {
		v = value.Add(v, offset)
	}
	at, _ := slices.BinarySearchFunc(w.part, 0, func(row int32, _ int) int {
		if order := key.compare(w.rows.row(int(row))[column], v); order < 0 || order == 0 && behind == 1 {
			return -1
		}
		return 1
	})
	return at
}
