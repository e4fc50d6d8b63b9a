package query

import "math"

// The planner compares guesses. It supposes a table of this many documents; the
// figures below are in units of reading the next document of a scan.
const (
	supposedDocuments = 10_000
	costOfSeek        = 4    // going to the beginning of a range
	costOfEntry       = 0.5  // reading the next entry of an index
	costOfFetch       = 4    // following it to its document
	costOfCounting    = 0.02 // an entry that is counted without being looked at
	costOfChoosing    = 0.3  // a document that may be among the first ones of an order
	costOfSorting     = 4    // one that is held until all are in order
	costOfUnion       = 1.2  // times what its parts cost: they look at what others have found
	// doubt is how many times more documents than supposed a search may look at
	// before it has found enough: what a filter leaves is often not spread evenly.
	doubt = 5
)

var infinite = math.Inf(1)

// candidate is a plan and the guess of what it costs.
type candidate struct {
	plan *Plan
	cost float64
}

// rate guesses what a plan costs.
func (p *planner) rate(plan *Plan, a access, index Index) candidate {
	entries := supposedDocuments * a.fraction(index)
	kept := oddsOfAll(a.left)
	limited := p.query.Limit >= 0
	wanted := float64(p.query.Limit + p.query.Skip)
	if limited && plan.Ordered {
		if plan.Residual != nil {
			wanted *= doubt / kept
		}
		entries = min(entries, wanted)
	}
	fetched := entries
	if limited && plan.Residual == nil && len(plan.Order) == 0 {
		fetched = min(entries, wanted) // identities are in order before documents are fetched
	}
	fetched *= oddsOfAll(a.early)
	if plan.Rows != nil || p.counting && plan.Settled {
		fetched = 0
	}
	cost := costOfSeek * float64(len(plan.Ranges))
	switch {
	case p.counting && plan.Residual == nil && !plan.Dedupe:
		cost += entries * costOfCounting
	case plan.Index < 0:
		cost += entries
	default:
		cost += entries*costOfEntry + fetched*costOfFetch
	}
	switch {
	case plan.Ordered:
	case limited:
		cost += entries * kept * costOfChoosing
	default:
		cost += entries * kept * costOfSorting
	}
	return candidate{plan, cost}
}

// fraction guesses how much of an index the access reads.
func (a access) fraction(index Index) float64 {
	if a.united != nil {
		return min(1, a.share)
	}
	all := 1.0
	for i, set := range a.sets {
		one := 0.01
		if index.Unique && i == len(index.Paths)-1 {
			one = 1.0 / supposedDocuments
		}
		sum := 0.0
		for _, r := range set {
			sum += fractionOf(r, one)
		}
		all *= min(1, sum)
	}
	return all
}

// fractionOf guesses by how many bounds inside a type a range has.
func fractionOf(r KeyRange, point float64) float64 {
	switch {
	case isPoint(r):
		return point
	case len(r.Low) > 1 && len(r.High) > 1:
		return 0.1
	case len(r.Low) > 1 || len(r.High) > 1:
		return 0.3
	default:
		return 0.9
	}
}

// oddsOfAll guesses how many of all documents match all of nodes, never none.
func oddsOfAll(nodes []*node) float64 {
	odds := 1.0
	for _, n := range nodes {
		odds *= n.odds()
	}
	return max(odds, 1.0/supposedDocuments)
}

// odds guesses how many of all documents match.
func (n *node) odds() float64 {
	switch {
	case !n.op.takes.joins():
		return n.op.odds
	case n.op.takes == takesNothing:
		return 1
	case n.op.takes == takesFilter:
		return max(1-n.filters[0].odds(), 1.0/supposedDocuments)
	case n.isOr():
		odds := 0.0
		for _, kid := range n.filters {
			odds += kid.odds()
		}
		return min(odds, 1)
	default:
		return oddsOfAll(n.filters)
	}
}
