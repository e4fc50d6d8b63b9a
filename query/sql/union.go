package sql

import "github.com/stowage-db/stowage/query/sql/value"

// arm is one way of several to read a table: by a probe, what one of the terms of an OR
// lets through.
type arm struct {
	*probe
	term *term
}

// maxArms is how many terms an OR has at most for each to be looked up by itself: a row
// of one is asked for those of all before.
const maxArms = 32

// unionOf finds probes for all terms of an OR, nil where one of them has none. The rows of
// each are passed over where a term before would have let them through.
func unionOf(o *operand, or *pooled, pool []*pooled, bound sources) *probe {
	if or.kind != termOr || or.volatile || or.uses&^(bound|o.bits|outside) != 0 {
		return nil
	}
	terms := disjuncts(nil, or.term)
	if len(terms) > maxArms {
		return nil
	}
	all := &probe{index: -1, or: or.term}
	for _, t := range terms {
		own := []*pooled{}
		for _, one := range conjuncts(nil, t) {
			own = append(own, &pooled{term: one})
		}
		for _, p := range pool {
			if p != or {
				own = append(own, p)
			}
		}
		best := bestSearch(o, own, bound)
		if best == nil {
			return nil
		}
		all.arms = append(all.arms, arm{best, t})
		all.rows += best.rows
	}
	all.rows = min(all.rows, o.rows)
	return all
}

// bestSearch is the cheapest probe that looks something up.
func bestSearch(o *operand, pool []*pooled, bound sources) (best *probe) {
	for i := -1; i < len(o.table.table.Indexes); i++ {
		if p := newProbe(o, i, pool, bound); p.searches() && (best == nil || p.cost() < best.cost()) {
			best = p
		}
	}
	return best
}

// disjuncts appends the terms of which one has to hold for t to hold.
func disjuncts(list []*term, t *term) []*term {
	if t.kind == termOr {
		return disjuncts(disjuncts(list, t.kids[0]), t.kids[1])
	}
	return append(list, t)
}

// scanUnion reads a table by all arms of a probe, one after the other.
func (c *compiler) scanUnion(o *operand, p *probe, terms []*term, once bool) (all feed) {
	for i, a := range p.arms {
		own := []*term{a.term} // and not that of another arm, among whose rows such a one is too
		for _, t := range terms {
			if t != p.or {
				own = append(own, t)
			}
		}
		for _, before := range p.arms[:i] {
			own = append(own, joined(&term{kind: termTruth, not: true, value: value.FromBool(true), kids: []*term{before.term}}))
		}
		one := c.scan(o, a.probe, own, once)
		if all == nil {
			all = one
		} else {
			all = appendFeed(all, one)
		}
	}
	return all
}
