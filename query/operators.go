package query

// operator is one entry of the language. Exactly one of test and match is set.
type operator struct {
	name  string
	takes takes
	// test decides on the value at doc[at:], which the node's path leads to.
	test func(n *node, in *Inquiry, doc []byte, at int) verdict
	// match decides on the value at doc[at:], which the node's paths start from.
	match func(n *node, in *Inquiry, doc []byte, at int) verdict
	// spans tells which keys an index on the node's path holds for documents
	// that pass the test. Nil where an index does not help.
	spans func(n *node) (s spans, exact bool)
	// elements tells which keys a multi-entry index on the node's path holds for
	// them, at least one for each. Nil, or no spans, where that does not help.
	elements func(n *node) (s spans, exact bool)
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

// fragment is no operator but a short form: see parser.fragment.
const fragment = "fragment"

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
	{name: "endsWith", takes: takesText, test: testEndsWith, odds: 0.01},
	{name: "contains", takes: takesValue, test: testContains, elements: elementsContain, odds: 0.05},
	{name: "icontains", takes: takesText, test: testContainsFolded, odds: 0.05},
	{name: "exists", takes: takesPath, test: testExists, spans: spansExists, odds: 0.9},
	{name: "type", takes: takesText, test: testType, spans: spansType, odds: 0.5},
	{name: "mod", takes: takesDivision, test: testMod, odds: 0.3},
	{name: "size", takes: takesSize, test: testSize, odds: 0.1},
	{name: "any", takes: takesList, test: testAny, elements: elementsAny, odds: 0.1},
	{name: "all", takes: takesList, test: testAll, elements: elementsAll, odds: 0.02},
	{name: "elemMatch", takes: takesElements, test: testElemMatch, elements: elementsMatch, odds: 0.1},
	{name: "every", takes: takesElements, test: testEvery, odds: 0.3},
	{name: "host", takes: takesHost, test: testHost, odds: 0.3},
	{name: "field", takes: takesFields, match: matchField, odds: 0.3},
	{name: "and", takes: takesFilters, match: matchAnd},
	{name: "or", takes: takesFilters, match: matchOr},
	{name: "not", takes: takesFilter, match: matchNot},
	{name: "noop", takes: takesNothing, match: matchNoop},
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
	takesNothing  takes = iota
	takesPath           // path
	takesValue          // path, any value
	takesText           // path, string
	takesList           // path, array of any values
	takesRange          // path, low, high, and optionally whether each is open
	takesDivision       // path, divisor, remainder
	takesSize           // path, whole number
	takesElements       // path, filter of what is found there
	takesHost           // path, number of a function, its identity or nil, and optionally a filter of what it answers
	takesFields         // name of an operator that compares, path, path
	takesFilter         // one filter
	takesFilters        // any number of filters
)

// least is the smallest number of operands.
func (t takes) least() int { return [...]int{0, 1, 2, 2, 2, 3, 3, 2, 2, 3, 3, 1, 0}[t] }

// most is the largest number of operands, −1 where there is no limit.
func (t takes) most() int { return [...]int{0, 1, 2, 2, 2, 5, 3, 2, 2, 4, 3, 1, -1}[t] }

// joins tells of the operators that are made of filters alone.
func (t takes) joins() bool { return t == takesFilter || t == takesFilters || t == takesNothing }
