package sql

import "github.com/stowage-db/stowage/query/sql/value"

var null value.Value

// bucket is rows by what they are joined by: chains through links, from 1.
type bucket struct {
	keys        *hashed
	rows        *kept
	head, tail  []int32
	links       []int32
	affinities  []value.Affinity
	build, find []eval
	key         []value.Value
}

func newBucket(keys []equality, width int) *bucket {
	b := &bucket{rows: &kept{width: width}, key: make([]value.Value, len(keys))}
	var collations []value.Collation
	for _, key := range keys {
		b.build = append(b.build, evaluator(key.own))
		b.find = append(b.find, evaluator(key.other))
		b.affinities = append(b.affinities, key.affinity)
		collations = append(collations, key.collation)
	}
	b.keys = newHashed(collations)
	return b
}

// compute enters the key of the run's row; ok is false where a part of it is NULL,
// which is equal to nothing.
func (b *bucket) compute(r *run, evals []eval) (ok bool) {
	for i, e := range evals {
		v := b.affinities[i].Apply(e(r))
		if v.IsNull() {
			return false
		}
		b.key[i] = v
	}
	return true
}

// add takes in the run's row.
func (b *bucket) add(r *run, slots []int) {
	n := int32(b.rows.count + 1)
	i, added := b.keys.add(r, b.key)
	b.rows.add(r, slots)
	b.links = append(b.links, 0)
	if added {
		b.head, b.tail = append(b.head, n), append(b.tail, n)
		return
	}
	b.links[b.tail[i]-1] = n
	b.tail[i] = n
}

// first returns the number of the first row that the run's row joins, 0 for none.
func (b *bucket) first(r *run) int32 {
	if !b.compute(r, b.find) {
		return 0
	}
	if i := b.keys.find(b.key); i >= 0 {
		return b.head[i]
	}
	return 0
}

// hashFeed finds rows by their keys in a table that is made once.
func hashFeed(from feed, slotsOf func() []int, keys []equality) feed {
	return func(r *run, next func() error) func() error {
		slots := slotsOf()
		b := newBucket(keys, len(slots))
		known := false
		fill := from(r, func() error {
			if b.compute(r, b.build) {
				b.add(r, slots)
			}
			return r.err
		})
		return func() error {
			if !known {
				if err := fill(); err != nil {
					return err
				}
				known = true
			}
			for n := b.first(r); n > 0; n = b.links[n-1] {
				b.rows.load(r, slots, int(n-1))
				if err := r.tick(); err != nil {
					return err
				}
				if err := next(); err != nil {
					return err
				}
			}
			return r.err
		}
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
func addingFeed(left, right feed, o *operand, before []*operand) feed {
	keys, rest := splitOn(o)
	return func(r *run, next func() error) func() error {
		slots := o.slots()
		var others []int
		for _, b := range before {
			others = append(others, b.slots()...)
		}
		j := &adding{r: r, next: next, slots: slots, full: o.kind == joinFull, rest: rest}
		j.b = newBucket(keys, len(slots))
		fill := right(r, j.take)
		start := left(r, j.probe)
		return func() error {
			*j.b = *newBucket(keys, len(slots))
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
	r     *run
	next  func() error
	slots []int
	full  bool
	rest  test
	b     *bucket
	met   []bool
}

func (j *adding) take() error {
	if j.b.compute(j.r, j.b.build) {
		j.b.add(j.r, j.slots)
	} else {
		j.b.rows.add(j.r, j.slots)
		j.b.links = append(j.b.links, 0)
	}
	j.met = append(j.met, false)
	return j.r.tick()
}

func (j *adding) probe() error {
	met := false
	for n := j.b.first(j.r); n > 0; n = j.b.links[n-1] {
		j.b.rows.load(j.r, j.slots, int(n-1))
		if j.rest != nil && !j.rest(j.r) {
			continue
		}
		met, j.met[n-1] = true, true
		if err := j.next(); err != nil {
			return err
		}
	}
	if met || !j.full || j.r.err != nil {
		return j.r.err
	}
	for _, slot := range j.slots {
		j.r.row[slot] = null
	}
	return j.next()
}

// finish hands on the rows that were not met.
func (j *adding) finish(others []int) error {
	for i, met := range j.met {
		if met {
			continue
		}
		j.b.rows.load(j.r, j.slots, i)
		for _, slot := range others {
			j.r.row[slot] = null
		}
		if err := j.next(); err != nil {
			return err
		}
	}
	return nil
}
