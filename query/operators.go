package query

// operator is one entry of the language. Exactly one of test and match is set.
type operator struct {
	name  string
	takes takes
	// test decides on the value at doc[at:], which the node's path leads to.
	test func(n *node, doc []byte, at int) verdict
	// match decides on a whole document.
	match func(n *node, doc []byte) verdict
	// spans tells which keys an index on the node's path holds for documents
	// that pass the test. Nil where an index does not help.
	spans func(n *node) (s spans, exact bool)
	// accepts are the outcomes of a comparison with the operand that pass, for
	// the operators that compare.
	accepts outcome
	// odds is a guess of how many of all documents pass, for the planner.
	odds float64
}

// findOperator returns the operator of that name, nil if there is none.
func findOperator(name string) *operator {
	for i := range operators {
		if operators[i].name == name {
			return &operators[i]
		}
	}
	return nil
}

var operators = [...]operator{
	{name: "eq", takes: takesValue, test: testEqual, spans: spansEqual, accepts: same, odds: 0.01},
	{name: "ne", takes: takesValue, test: testEqual, spans: spansEqual, accepts: below | above, odds: 0.9},
	{name: "lt", takes: takesValue, test: testOrder, spans: spansOrder, accepts: below, odds: 0.3},
	{name: "lte", takes: takesValue, test: testOrder, spans: spansOrder, accepts: below | same, odds: 0.3},
	{name: "gt", takes: takesValue, test: testOrder, spans: spansOrder, accepts: above, odds: 0.3},
	{name: "gte", takes: takesValue, test: testOrder, spans: spansOrder, accepts: above | same, odds: 0.3},
	{name: "between", takes: takesRange, test: testBetween, spans: spansBetween, odds: 0.1},
	{name: "in", takes: takesList, test: testIn, spans: spansIn, odds: 0.05},
	{name: "startsWith", takes: takesText, test: testStartsWith, spans: spansStartsWith, odds: 0.01},
	{name: "contains", takes: takesValue, test: testContains, odds: 0.05},
	{name: "exists", takes: takesPath, test: testExists, spans: spansExists, odds: 0.9},
	{name: "and", takes: takesFilters, match: matchAnd},
	{name: "or", takes: takesFilters, match: matchOr},
	{name: "not", takes: takesFilter, match: matchNot},
	{name: "all", takes: takesNothing, match: matchAll},
}

// outcome is a set of what comparing two values can say.
type outcome uint8

const (
	below outcome = 1 << iota
	same
	above
)

// outcomeOf is the outcome that compare functions tell by a sign.
func outcomeOf(order int) outcome {
	switch {
	case order < 0:
		return below
	case order > 0:
		return above
	default:
		return same
	}
}

// takes is what follows an operator's name.
type takes uint8

const (
	takesNothing takes = iota
	takesPath          // path
	takesValue         // path, any value
	takesText          // path, string
	takesList          // path, array of any values
	takesRange         // path, low, high, and optionally whether each is open
	takesFilter        // one filter
	takesFilters       // any number of filters
)

// least is the smallest number of operands.
func (t takes) least() int { return [...]int{0, 1, 2, 2, 2, 3, 1, 0}[t] }

// most is the largest number of operands, −1 where there is no limit.
func (t takes) most() int { return [...]int{0, 1, 2, 2, 2, 5, 1, -1}[t] }
