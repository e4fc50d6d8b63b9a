package sql

import (
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

func (st *windowStage) feed(from feed) feed {
	return func(r *run, next func() error) func() error {
		rows := newSorter(st.keys, st.slots)
		part := &partition{windowStage: st, r: r, next: next, roll: newRoll(len(st.slots))}
		for _, call := range st.calls {
			part.runs = append(part.runs, &windowRun{windowCall: call, partition: part})
		}
		start := from(r, func() error {
			for i, e := range st.evals {
				r.row[st.inputs[i]] = e(r)
			}
			if r.err != nil {
				return r.err
			}
			return rows.add(r)
		})
		return func() error {
			err := start()
			if err == nil {
				err = rows.sort(r)
			}
			for _, w := range part.runs {
				if err == nil {
					err = w.offsetsOf()
				}
			}
			if err == nil {
				err = part.all(rows)
			}
			if failed := rows.clear(); err == nil {
				err = failed
			}
			return err
		}
	}
}

// partition is the rows of one partition after the other: some of those that are
// sorted in memory, or all that come one by one.
type partition struct {
	*windowStage
	r    *run
	next func() error
	runs []*windowRun

	sorted *sorter // in memory; nil: the rows are on the roll
	order  []int32
	roll   *roll
	count  int

	// For each row the group of peers that it is in; where the groups begin, and at last
	// where the last one ends.
	group  []int32
	begins []int32
}

// row returns row i of the partition.
func (p *partition) row(i int) []value.Value {
	if p.sorted != nil {
		return p.sorted.kept.row(int(p.order[i]))
	}
	return p.roll.row(p.r, i)
}

// all computes the calls for all rows, partition by partition.
func (p *partition) all(rows *sorter) error {
	if rows.out != nil {
		return p.spooled(rows)
	}
	p.sorted = rows
	for at := 0; at < len(rows.order); {
		p.order = rows.order[at:]
		p.begin()
		first := p.row(0)
		p.admit(first, nil)
		for p.count < len(p.order) && p.apart(p.row(p.count), first, 0, p.parts) == 0 {
			p.admit(p.row(p.count), p.row(p.count-1))
		}
		at += p.count
		if err := p.compute(); err != nil {
			return err
		}
	}
	return nil
}

// spooled is all for rows that come from outside of memory.
func (p *partition) spooled(rows *sorter) error {
	p.sorted = nil
	fresh, last := make([]value.Value, len(p.slots)), []value.Value(nil)
	p.begin()
	err := rows.each(p.r, func() error {
		for i, slot := range p.slots {
			fresh[i] = p.r.row[slot]
		}
		if p.count > 0 && p.apart(fresh, last, 0, p.parts) != 0 {
			if err := p.compute(); err != nil {
				return err
			}
			p.begin()
			if err := p.roll.clear(); err != nil {
				return err
			}
		}
		p.admit(fresh, last)
		last = append(last[:0], fresh...)
		return p.roll.push(p.r, fresh)
	})
	if err == nil && p.count > 0 {
		err = p.compute()
	}
	if failed := p.roll.clear(); err == nil {
		err = failed
	}
	return err
}

// apart orders two rows by keys from and up to.
func (p *partition) apart(a, b []value.Value, from, to int) int {
	for n := from; n < to; n++ {
		if order := p.keys[n].compare(&a[n], &b[n]); order != 0 {
			return order
		}
	}
	return 0
}

// begin forgets all rows.
func (p *partition) begin() { p.count, p.group, p.begins = 0, p.group[:0], p.begins[:0] }

// admit counts a row, which is behind last, into its group of peers.
func (p *partition) admit(row, last []value.Value) {
	if p.count == 0 || p.apart(last, row, p.parts, len(p.keys)) != 0 {
		p.begins = append(p.begins, int32(p.count))
	}
	p.group = append(p.group, int32(len(p.begins)-1))
	p.count++
}

// compute hands on the rows of the partition with what the calls come to.
func (p *partition) compute() error {
	p.begins = append(p.begins, int32(p.count))
	for _, w := range p.runs {
		w.begin()
	}
	for i := range p.count {
		if err := p.r.tick(); err != nil {
			return err
		}
		for _, w := range p.runs {
			v, err := w.of(i)
			if err != nil {
				return err
			}
			w.result = v
		}
		row := p.row(i)
		if p.r.err != nil {
			return p.r.err
		}
		for j, slot := range p.slots {
			p.r.row[slot] = row[j]
		}
		for _, w := range p.runs {
			p.r.row[w.slot] = w.result
		}
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// windowRun computes one call.
type windowRun struct {
	*windowCall
	*partition
	numbers [2]value.Value // the frame's offsets
	bound   [2]int         // the frame's bounds in the row before
	args    []value.Value
	result  value.Value

	// Of an aggregate: what the rows from one and before another come to.
	state    function.State
	from, to int
}

// at is a value of the partition's row i.
//
//go:noinline
func (w *windowRun) at(i, column int) value.Value { return w.row(i)[column] }

// begin is called when there is another partition.
func (w *windowRun) begin() {
	w.bound, w.from, w.to = [2]int{}, 0, 0
	if w.aggregate != nil {
		w.state = w.fresh()
	}
}

// of computes the call for a row, which come one after the other.
func (w *windowRun) of(i int) (value.Value, error) {
	switch {
	case w.aggregate != nil:
		return w.aggregated(i)
	case w.window.OfFrame():
		return w.ofFrame(i)
	}
	return w.ofPartition(i)
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

// ofPartition computes what does not depend on the frame.
func (w *windowRun) ofPartition(i int) (value.Value, error) {
	n, group := w.count, w.group[i]
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
	if at := int64(i) + by; at >= 0 && at < int64(w.count) {
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

// aggregated computes an aggregate over the frame of a row. What it has in common with
// the one before is not computed again where the function forgets rows.
func (w *windowRun) aggregated(i int) (value.Value, error) {
	start, end := w.bounds(i)
	end = max(start, end)
	if w.frame.exclude != excludeNothing || start < w.from || end < w.to || start > w.from && !w.aggregate.Invertible {
		w.state, w.from, w.to = w.fresh(), start, start
	}
	for ; w.to < end; w.to++ {
		if w.excluded(i, w.to) {
			continue
		}
		if err := w.feed(w.to, w.state.Step); err != nil {
			return null, err
		}
	}
	for ; w.from < start; w.from++ {
		if err := w.feed(w.from, w.state.Undo); err != nil {
			return null, err
		}
	}
	v, err := w.state.Result()
	if err != nil {
		return null, fail(codeInvalid, -1, err.Error())
	}
	return v, nil
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
	n := int(min(offset.Int(), int64(w.count)))
	at := i + behind
	switch kind {
	case unboundedPreceding:
		at = 0
	case unboundedFollowing:
		at = w.count
	case preceding:
		at -= n
	case following:
		at += n
	}
	return min(max(at, 0), w.count)
}

// groupBound is a bound in groups of peers.
func (w *windowRun) groupBound(i int, kind boundKind, offset value.Value, behind int) int {
	n := int(min(offset.Int(), int64(w.count)))
	at := int(w.group[i]) + behind
	switch kind {
	case unboundedPreceding:
		return 0
	case unboundedFollowing:
		return w.count
	case preceding:
		at -= n
	case following:
		at += n
	}
	return int(w.begins[min(max(at, 0), len(w.begins)-1)])
}

// rangeBound is a bound by how far the values lie from that of row i, where that is a
// number; of others only their peers are near.
func (w *windowRun) rangeBound(i int, kind boundKind, offset value.Value, behind int) int {
	switch kind {
	case unboundedPreceding:
		return 0
	case unboundedFollowing:
		return w.count
	case currentRow:
		return int(w.begins[int(w.group[i])+behind])
	}
	column := w.parts
	key, v := &w.keys[column], w.at(i, column)
	if !v.IsNumber() {
		return int(w.begins[int(w.group[i])+behind])
	}
	if (kind == preceding) != key.desc {
		v = value.Subtract(v, offset)
	} else {
		v = value.Add(v, offset)
	}
	w.bound[behind] = w.search(w.bound[behind], func(at int) bool {
		other := w.at(at, column)
		order := key.compare(&other, &v)
		return order < 0 || order == 0 && behind == 1
	})
	return w.bound[behind]
}

// search returns the first row that does not lie before. It is looked for in steps that
// double, for it is near the one that it was for the row before.
func (p *partition) search(near int, before func(at int) bool) int {
	low, high := near, near
	for step := 1; low > 0 && !before(low-1); step *= 2 {
		high = low - 1
		low = max(0, high-step)
	}
	for step := 1; high < p.count && before(high); step *= 2 {
		low = high + 1
		high = min(p.count, low+step)
	}
	for low < high {
		if middle := (low + high) / 2; before(middle) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
