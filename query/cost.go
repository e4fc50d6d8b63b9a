package query

import "math"

// The planner compares guesses. It supposes a table of this many documents; the
// figures below are in units of reading the next document of a scan.
const (
	supposedDocuments = 10_000
	costOfSeek        = 4    // going to the beginning of a range
	costOfFetch       = 4    // following an index entry to its document
	costOfCounting    = 0.02 // an entry that is counted without being looked at
	costOfSorting     = 2    // a document that must be put in order
)

var infinite = math.Inf(1)

// candidate is a plan and the guess of what it costs.
type candidate struct {
	plan *Plan
	cost float64
}

// rate guesses what a plan costs.
func (p *planner) rate(plan *Plan, a access, index Index) candidate {
	rows := supposedDocuments * a.fraction(index)
	kept := oddsOfAll(a.left)
	cost := rows * kept * costOfSorting
	if plan.Ordered {
		cost = 0
		if limit := p.query.Limit; limit >= 0 {
			rows = min(rows, float64(limit+p.query.Offset)/kept+1)
		}
	}
	switch {
	case p.counting && plan.Residual == nil && !plan.Dedupe:
		cost += rows * costOfCounting
	case plan.Index < 0:
		cost += rows
	default:
		cost += rows * (1 + costOfFetch)
	}
	return candidate{plan, cost + costOfSeek*float64(len(plan.Ranges))}
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
	case n.op.test != nil:
		return n.op.odds
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
