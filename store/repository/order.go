package repository

// order is that in which answers are evicted: what was used longest ago goes first, or
// what was used least often, and of those used equally often what was used longest ago.
// Every call takes the same time, however much there is.
type order[K comparable, V any] struct {
	frequent bool
	lowest   *rank[K, V] // nil where there is nothing
}

// rank is the answers that were used equally often, in the order of their last use.
// Where that is all that counts there is one.
type rank[K comparable, V any] struct {
	uses          uint64
	first, last   *kept[K, V]
	lower, higher *rank[K, V] // those that there are; none is empty
}

func (o *order[K, V]) add(k *kept[K, V]) {
	if r := o.lowest; r == nil || o.frequent && r.uses > 0 {
		o.insert(&rank[K, V]{higher: r})
	}
	o.lowest.push(k)
}

func (o *order[K, V]) use(k *kept[K, V]) {
	r := k.rank
	switch {
	case !o.frequent:
		if r.last != k {
			r.pull(k)
			r.push(k)
		}
	case r.higher != nil && r.higher.uses == r.uses+1:
		higher := r.higher
		o.remove(k)
		higher.push(k)
	case r.first == r.last:
		r.uses++ // of k alone
	default:
		r.pull(k)
		higher := &rank[K, V]{uses: r.uses + 1, lower: r, higher: r.higher}
		o.insert(higher)
		higher.push(k)
	}
}

func (o *order[K, V]) remove(k *kept[K, V]) {
	r := k.rank
	r.pull(k)
	if r.first != nil {
		return
	}
	if r.higher != nil {
		r.higher.lower = r.lower
	}
	if r.lower != nil {
		r.lower.higher = r.higher
	} else {
		o.lowest = r.higher
	}
}

// first is what goes first. There is one.
func (o *order[K, V]) first() *kept[K, V] { return o.lowest.first }

// insert has the neighbours of a rank know it.
func (o *order[K, V]) insert(r *rank[K, V]) {
	if r.higher != nil {
		r.higher.lower = r
	}
	if r.lower != nil {
		r.lower.higher = r
	} else {
		o.lowest = r
	}
}

// push has an answer be the last of a rank.
func (r *rank[K, V]) push(k *kept[K, V]) {
	k.rank, k.before, k.after = r, r.last, nil
	if r.last != nil {
		r.last.after = k
	} else {
		r.first = k
	}
	r.last = k
}

// pull takes an answer out of a rank.
func (r *rank[K, V]) pull(k *kept[K, V]) {
	if k.before != nil {
		k.before.after = k.after
	} else {
		r.first = k.after
	}
	if k.after != nil {
		k.after.before = k.before
	} else {
		r.last = k.before
	}
}
