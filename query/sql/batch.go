package sql

// batch is rows that wait for what they are joined to by an index, so that it is looked up in the
// index's order: what is next to one another is met on the same page, and goes on from there.
type batch struct {
	r     *run
	slots []int
	rows  packed
	keys  []int64      // of the rows
	key   eval         // where it is no whole number, order is no help
	join  func() error // joins the run's row
	asked *scanning    // who is asked for documents by identities, many at once; nil where that is not it
}

const (
	batched   = 256     // it is worth it for so many rows
	batchRows = 1 << 14 // are looked up together at most
	askedRows = 1 << 10 // of these are asked for at once
)

// batchFeed joins right to the rows of left, in any order. asked is what right reads by.
//
//go:noinline
func batchFeed(left, right feed, asked *scanner, before []*operand, by *term, to *taker) feed {
	return func(r *run, next func() error) func() error {
		b := &batch{r: r, key: evaluator(by), join: right(r, next)}
		for _, o := range before {
			b.slots = append(b.slots, o.slots()...)
		}
		if asked != nil && asked.identifies() {
			b.asked = asked.begin(r, next)
			b.asked.take = to.taken(r)
			b.asked.sheet.with(b.slots)
		}
		start := left(r, b.add)
		return func() error {
			b.clear()
			if err := start(); err != nil {
				return err
			}
			return b.flush()
		}
	}
}

// identifies reports whether a scanner finds documents by nothing but their identity.
func (s *scanner) identifies() bool {
	p := s.probe
	return p.index < 0 && len(p.parts) == 1 && len(p.parts[0].values) == 1 && p.low == nil && p.high == nil && p.begin == nil
}

// by is what the first component that a probe looks for is equal to, nil where that is not one value.
func (p *probe) by() *term {
	if len(p.parts) == 0 || len(p.parts[0].values) != 1 {
		return nil
	}
	return p.parts[0].values[0]
}

//go:noinline
func (b *batch) clear() {
	b.rows.clear()
	b.keys = b.keys[:0]
}

// add takes in the run's row, which is there again when those that waited have been joined.
func (b *batch) add() error {
	v := b.key(b.r)
	if b.asked != nil { // as join compares it
		v = b.asked.probe.parts[0].affinity.Apply(v)
	}
	key, _ := v.Whole()
	b.rows.add(b.r, b.slots)
	b.keys = append(b.keys, key)
	if len(b.keys) < batchRows && b.rows.size() < b.r.ceiling/4 {
		return b.r.err
	}
	return b.flush()
}

// flush joins the rows, and ends with the newest of them as the run's.
//
//go:noinline
func (b *batch) flush() error {
	rows, keys := b.rows, b.keys
	order := b.order()
	b.clear()
	last := len(order) - 1
	for from := 0; from < len(order); {
		to := from
		for b.asked != nil && to < len(order) && to-from < askedRows && single(keys[order[to]]) {
			to++
		}
		var err error
		if to > from {
			err = b.ask(rows, keys, order[from:to])
			from = to
		} else {
			rows.load(b.r, b.slots, int(order[from]))
			err = b.join()
			from++
		}
		if err != nil {
			return err
		}
	}
	if last >= 0 {
		rows.load(b.r, b.slots, last)
	}
	return b.r.err
}

// order is the numbers of the rows in the order of their keys, which are sorted by a few bits after
// the other.
func (b *batch) order() []int32 {
	const bits = 11
	n := len(b.keys)
	order, sorted := make([]int32, n), make([]int32, n)
	var low, high int64
	for i, key := range b.keys {
		order[i] = int32(i)
		if i == 0 {
			low, high = key, key
		}
		low, high = min(low, key), max(high, key)
	}
	for shift := 0; shift < 64 && uint64(high-low)>>shift != 0; shift += bits {
		var ends [1<<bits + 1]int32
		digit := func(i int32) uint64 { return uint64(b.keys[i]-low) >> shift & (1<<bits - 1) }
		for _, i := range order {
			ends[digit(i)+1]++
		}
		for d := range 1 << bits {
			ends[d+1] += ends[d]
		}
		for _, i := range order {
			at := &ends[digit(i)]
			sorted[*at] = i
			*at++
		}
		order, sorted = sorted, order
	}
	return order
}
