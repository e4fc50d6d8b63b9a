package query

import "bytes"

// access is how a filter narrows what is read of an index.
type access struct {
	// sets belong to the index's first paths, in order. All but the last are
	// points: only behind a single component can the next one be narrowed.
	sets []spans
	// united, where it is set, takes the place of sets: the ranges of several
	// accesses together, and the guess of how much of the index they are.
	united spans
	share  float64
	// left are the conjuncts that the ranges do not see to, early those of them that
	// entries do.
	left, early []*node
}

// cover narrows an index by conjuncts.
func (p *planner) cover(conjuncts []*node, index Index) access {
	var a access
	ranges := 1
	covered := make([]bool, len(conjuncts))
	for _, path := range index.Paths {
		met := newMeeting()
		exact := make([]bool, len(conjuncts))
		for i, n := range conjuncts {
			s, same := narrow(n, path)
			exact[i] = met.with(s) && same
		}
		set := met.spans
		ranges *= len(set)
		if set.isEverything() || ranges > maxRanges && len(a.sets) > 0 {
			break
		}
		a.sets = append(a.sets, set)
		for i := range covered {
			covered[i] = covered[i] || exact[i]
		}
		if !set.arePoints() {
			break
		}
	}
	for i, n := range conjuncts {
		if !covered[i] && n.op.takes != takesNothing {
			a.left = append(a.left, n)
		}
	}
	if len(a.left) == 1 && len(conjuncts) == 1 && a.left[0].isOr() {
		if united, ok := p.unite(a.left[0], index); ok {
			return united
		}
	}
	return a
}

// unite narrows an index by each branch of an or. A branch may narrow several
// paths at once, which the or as a whole does not.
func (p *planner) unite(or *node, index Index) (a access, ok bool) {
	var all []KeyRange
	for _, branch := range or.filters {
		b := p.cover(flatten(nil, branch), index)
		if len(b.sets) == 0 && b.united == nil {
			return access{}, false
		}
		if len(b.left) > 0 {
			a.left = []*node{or}
		}
		all = append(all, b.ranges()...)
		a.share += b.fraction(index)
	}
	a.united = unite(all)
	return a, len(all) > 0 && len(all) <= maxRanges
}

// ranges multiplies the sets out.
func (a access) ranges() []KeyRange {
	if a.united != nil {
		return a.united
	}
	if len(a.sets) == 0 {
		return []KeyRange{{}}
	}
	prefixes := [][]byte{nil}
	for _, set := range a.sets[:len(a.sets)-1] {
		var longer [][]byte
		for _, prefix := range prefixes {
			for _, r := range set {
				longer = append(longer, join(prefix, r.Low))
			}
		}
		prefixes = longer
	}
	var ranges []KeyRange
	for _, prefix := range prefixes {
		for _, r := range a.sets[len(a.sets)-1] {
			ranges = append(ranges, KeyRange{join(prefix, r.Low), join(prefix, r.High)})
		}
	}
	return ranges
}

func join(a, b []byte) []byte {
	return append(append(make([]byte, 0, len(a)+len(b)), a...), b...)
}

// pinned counts the first components that are the same in all entries, and
// those that are the same within each range.
func (a access) pinned() (inAll, inEach int) {
	for inEach < len(a.sets) && a.sets[inEach].arePoints() {
		if inAll == inEach && len(a.sets[inEach]) == 1 {
			inAll++
		}
		inEach++
	}
	return inAll, inEach
}

// prefixes tells for each range how long its keys' first components are, which
// all its keys have in common.
func prefixes(ranges []KeyRange, components int) []int {
	lengths := make([]int, len(ranges))
	for i, r := range ranges {
		for range components {
			n, _ := SkipComponent(r.Low[lengths[i]:])
			lengths[i] += n
		}
	}
	return lengths
}

// cut takes off all ranges what does not lie behind the document whose keys go
// on with behind, after what the keys of a range have in common.
func (plan *Plan) cut(lengths []int, behind []byte) {
	var ranges []KeyRange
	var merge []int
	for i, r := range plan.Ranges {
		at := join(r.Low[:lengths[i]], behind)
		if plan.Reverse {
			if r.High == nil || bytes.Compare(at, r.High) < 0 {
				r.High = at
			}
		} else if at = append(at, 0); bytes.Compare(at, r.Low) > 0 {
			r.Low = at
		}
		if r.Empty() {
			continue
		}
		ranges = append(ranges, r)
		if plan.Merge != nil {
			merge = append(merge, lengths[i])
		}
	}
	plan.Ranges, plan.Merge = ranges, merge
}
