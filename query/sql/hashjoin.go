package sql

import "github.com/stowage-db/stowage/query/sql/value"

var null value.Value

// bucket is rows by what they are joined by: chains through links, from 1. Those that
// there is no room for lie in a spool by the same keys.
type bucket struct {
	whole       numbers // the chains of a key that is a whole number
	keys        *hashed // other keys, and
	chains      []chain // their chains
	rows        packed
	slots       []int
	links       []int32
	build, find []keyPart
	own, probe  place // of a key that is one on both sides, where owned or probed
	owned       bool
	probed      bool
	key         []value.Value

	sorts  []sortKey
	out    *spooled
	packed []byte
	row    []value.Value
}

// keyPart is how a part of a key is computed.
type keyPart struct {
	eval
	takes value.Affinity
}

// chain is rows with the same key, from 1: the first and the last one; 0 where there are
// none.
type chain struct{ head, tail int32 }

func newBucket(keys []equality, slots []int) *bucket {
	b := &bucket{slots: slots, key: make([]value.Value, len(keys)), row: make([]value.Value, len(slots))}
	var collations []value.Collation
	for _, key := range keys {
		b.build = append(b.build, keyPart{evaluator(key.own), key.own.takes(key.affinity)})
		b.find = append(b.find, keyPart{evaluator(key.other), key.other.takes(key.affinity)})
		collations = append(collations, key.collation)
	}
	if len(keys) == 1 && keys[0].affinity != value.TextAffinity {
		b.own, b.owned = placeOf(keys[0].own)
		b.probe, b.probed = placeOf(keys[0].other)
	}
	b.keys, b.sorts = newHashed(collations), keysOf(collations)
	return b
}

// clear forgets all rows.
func (b *bucket) clear() error {
	b.keys.clear()
	b.rows.clear()
	b.whole.clear()
	b.chains, b.links = b.chains[:0], b.links[:0]
	out := b.out
	b.out = nil
	return out.close(nil)
}

// full reports whether there is no room in memory for more rows.
func (b *bucket) full(r *run) bool {
	return b.out != nil || b.rows.size()+b.whole.size()+b.keys.bytes()+8*len(b.chains)+4*len(b.links) > r.ceiling
}

// compute enters the key of the run's row; ok is false where a part of it is NULL,
// which is equal to nothing.
func (b *bucket) compute(r *run, parts []keyPart) (ok bool) {
	for i := range parts {
		v := parts[i].takes.Apply(parts[i].eval(r))
		if v.IsNull() {
			return false
		}
		b.key[i] = v
	}
	return true
}

// take takes in the run's row by its key, unless that is NULL.
func (b *bucket) take(r *run) error {
	if b.owned {
		if i, is := b.own.of(r).Whole(); is && !b.full(r) {
			b.append(r, b.whole.add(i))
			return nil
		}
	}
	if b.compute(r, b.build) {
		return b.add(r)
	}
	return r.err
}

// takeSheet takes in the rows of a sheet.
func (b *bucket) takeSheet(r *run, s *sheet) error {
	for _, row := range s.rows {
		s.enter(r, row)
		if err := b.take(r); err != nil {
			return err
		}
	}
	return nil
}

// add takes in the run's row by the computed key.
func (b *bucket) add(r *run) error {
	if b.full(r) {
		return b.spill(r, b.key)
	}
	b.append(r, b.chain(r))
	return nil
}

// append takes in the run's row behind those of a chain.
func (b *bucket) append(r *run, at *chain) {
	b.rows.add(r, b.slots)
	b.links = append(b.links, 0)
	n := int32(len(b.links))
	if at.head == 0 {
		at.head = n
	} else {
		b.links[at.tail-1] = n
	}
	at.tail = n
}

// chain is that of the computed key, which is made if need be.
func (b *bucket) chain(r *run) *chain {
	if i, is := b.single(); is {
		return b.whole.add(i)
	}
	i, added := b.keys.add(r, b.key)
	if added {
		b.chains = append(b.chains, chain{})
	}
	return &b.chains[i]
}

// single returns the computed key where it is one whole number.
func (b *bucket) single() (i int64, is bool) {
	if len(b.key) != 1 {
		return 0, false
	}
	return b.key[0].Whole()
}

// head is the first row with the key that the run's row has, 0 where there is none; ok is
// false where a part of that is NULL. Rows of a spool are found by the computed key.
func (b *bucket) head(r *run) (head int32, ok bool) {
	if b.probed && b.out == nil {
		if i, is := b.probe.of(r).Whole(); is {
			return b.whole.find(i), true
		}
	}
	if !b.compute(r, b.find) {
		return 0, false
	}
	if i, is := b.single(); is {
		return b.whole.find(i), true
	}
	if i := b.keys.find(b.key); i >= 0 {
		return b.chains[i].head, true
	}
	return 0, true
}

// hide takes in the run's row, which nothing joins.
func (b *bucket) hide(r *run) error {
	if b.full(r) {
		return b.spill(r, nil)
	}
	b.rows.add(r, b.slots)
	b.links = append(b.links, 0)
	return nil
}

// spill puts the run's row where there is room. One that nothing joins comes first.
func (b *bucket) spill(r *run, key []value.Value) error {
	if err := openSpool(r, &b.out); err != nil {
		return err
	}
	for i, slot := range b.slots {
		b.row[i] = r.row[slot]
	}
	b.packed = appendKeys(b.packed[:0], b.sorts[:len(key)], key)
	return b.out.add(b.packed, b.row)
}

// each enters each row that the run's row joins.
func (b *bucket) each(r *run, emit func() error) error {
	n, ok := b.head(r)
	if !ok {
		return r.err
	}
	for ; n > 0; n = b.links[n-1] {
		b.rows.load(r, b.slots, int(n-1))
		if err := r.tick(); err != nil {
			return err
		}
		if err := emit(); err != nil {
			return err
		}
	}
	if b.out == nil {
		return r.err
	}
	b.packed = appendKeys(b.packed[:0], b.sorts, b.key)
	return b.out.each(r, exactly(b.packed), b.slots, func([]byte) error { return emit() })
}

// hashJoin finds rows of right by their keys in a table that is made once. It takes whole sheets of
// right, and of left where next does.
type hashJoin struct {
	right           feed
	slots           func() []int
	keys            []equality
	own, left, next *taker // of right's sheets, of left's, and of those of the join
	loose           bool   // nobody minds the order of the rows
}

func (j *hashJoin) open(r *run, next func() error) func() error {
	b := newBucket(j.keys, j.slots())
	known := false
	j.own.offer(r, func(s *sheet) (bool, error) { return true, b.takeSheet(r, s) })
	fill := j.right(r, func() error { return b.take(r) })
	ready := func() (err error) {
		if !known {
			err = fill()
			known = err == nil
		}
		return err
	}
	if take := j.next.taken(r); take != nil {
		p := &probing{r: r, b: b, ready: ready, take: take, next: next, loose: j.loose}
		j.left.offer(r, p.takeSheet)
	}
	return func() error {
		if err := ready(); err != nil {
			return err
		}
		return b.each(r, next)
	}
}

// splitOn parts the condition of an outer join: equalities of one side with the
// other, and what is left.
func splitOn(o *operand) (keys []equality, rest test) {
	var others []*term
	for _, t := range o.on {
		if key, is := equalityOf(t, o.bits); is {
			keys = append(keys, key)
		} else {
			others = append(others, t)
		}
	}
	return keys, conditions(others)
}

// addingFeed is a right or a full join: rows of the right side that nothing on the
// left joins come last, with NULLs for the left. What of the condition reads only the
// right side decides there whether a row can be met at all, so that such rows are
// kept too.
func addingFeed(left, right feed, o *operand, before []*operand, number int) feed {
	keys, rest := splitOn(o)
	return func(r *run, next func() error) func() error {
		slots := o.slots()
		var others []int
		for _, b := range before {
			others = append(others, b.slots()...)
		}
		j := &adding{r: r, next: next, slots: slots, full: o.kind == joinFull, rest: rest, number: number}
		j.b = newBucket(keys, append(slots[:len(slots):len(slots)], number))
		fill := right(r, j.take)
		start := left(r, j.probe)
		return func() error {
			if err := j.b.clear(); err != nil {
				return err
			}
			j.met = j.met[:0]
			if err := fill(); err != nil {
				return err
			}
			if err := start(); err != nil {
				return err
			}
			return j.finish(others)
		}
	}
}

// adding is a run of a right or full join.
type adding struct {
	r      *run
	next   func() error
	slots  []int
	full   bool
	rest   test
	b      *bucket
	number int    // where the number of a row of the right side stands
	met    []bool // by these numbers
	any    bool   // the row on the left was met
}

func (j *adding) take() error {
	j.r.row[j.number] = value.FromInt(int64(len(j.met)))
	j.met = append(j.met, false)
	err := j.r.tick()
	if err != nil {
		return err
	}
	if j.b.compute(j.r, j.b.build) {
		return j.b.add(j.r)
	}
	return j.b.hide(j.r)
}

func (j *adding) probe() error {
	j.any = false
	if err := j.b.each(j.r, j.meet); err != nil {
		return err
	}
	if j.any || !j.full || j.r.err != nil {
		return j.r.err
	}
	for _, slot := range j.slots {
		j.r.row[slot] = null
	}
	return j.next()
}

// meet hands on two rows where the rest of the condition holds.
func (j *adding) meet() error {
	if j.rest != nil && !j.rest(j.r) {
		return j.r.err
	}
	j.any, j.met[j.r.row[j.number].Int()] = true, true
	return j.next()
}

// finish hands on the rows that were not met.
func (j *adding) finish(others []int) error {
	lonely := func() error {
		if j.met[j.r.row[j.number].Int()] {
			return nil
		}
		for _, slot := range others {
			j.r.row[slot] = null
		}
		return j.next()
	}
	for i := range j.b.rows.count() {
		j.b.rows.load(j.r, j.b.slots, i)
		if err := lonely(); err != nil {
			return err
		}
	}
	if j.b.out == nil {
		return nil
	}
	return j.b.out.each(j.r, all, j.b.slots, func([]byte) error { return lonely() })
}
