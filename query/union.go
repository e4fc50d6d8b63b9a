package query

// considerUnion plans to answer an or by a plan of its own for each branch, each
// with the index that suits it. So that no document comes twice, a branch leaves out
// what those before it match.
func (p *planner) considerUnion(indexes []Index) candidate {
	best := candidate{cost: infinite}
	if len(p.conjuncts) > maxRanges {
		return best
	}
	choices := 0
	for i, or := range p.conjuncts {
		if or.hosted {
			return candidate{cost: infinite}
		}
		branches := flattenAs(or.op, nil, or)
		if !or.isOr() || len(branches) < 2 || len(branches) > maxMerge {
			continue
		}
		if choices++; choices > 1 && choices*len(p.conjuncts) > maxChoices*maxChoices {
			break
		}
		others := append(append(make([]*node, 0, len(p.conjuncts)), p.conjuncts[:i]...), p.conjuncts[i+1:]...)
		if next := p.unitePlans(branches, others, indexes); next.cost < best.cost {
			best = next
		}
	}
	return best
}

// unitePlans plans for documents that match one of the branches, and all of others.
func (p *planner) unitePlans(branches, others []*node, indexes []Index) candidate {
	plan := &Plan{Ordered: p.anyOrder, Order: p.order, TieDesc: p.tieDesc}
	union := candidate{plan: plan}
	results := 0.0
	for i, branch := range branches {
		of := *p
		of.query = &Query{Limit: -1, Aggregate: p.query.Aggregate}
		of.anyOrder = true
		of.conjuncts = append(append([]*node(nil), others...), flatten(nil, branch)...)
		for _, before := range branches[:i] {
			of.conjuncts = append(of.conjuncts, &node{op: findOperator("not"), filters: []*node{before}})
		}
		next := of.best(indexes)
		if next.plan.Index < 0 && len(next.plan.Ranges) == 1 && next.plan.Ranges[0].Low == nil {
			return candidate{cost: infinite} // a branch that no index narrows: reading all once is better
		}
		plan.Union = append(plan.Union, next.plan)
		union.cost += next.cost
		results += supposedDocuments * oddsOfAll(of.conjuncts)
	}
	union.cost *= costOfUnion
	switch {
	case p.anyOrder:
	case p.query.Limit >= 0:
		union.cost += results * costOfChoosing
	default:
		union.cost += results * costOfSorting
	}
	if p.query.After != nil {
		plan.After = p.afterKey()
	}
	return union
}
