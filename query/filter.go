package query

// Filter is a condition on documents. In MessagePack it is an array of an
// operator's name and its operands:
//
//	["eq" | "ne" | "lt" | "lte" | "gt" | "gte", path, value]
//	["between", path, low, high]            both bounds belong to it
//	["between", path, low, high, lowOpen, highOpen]
//	["in", path, [value, …]]
//	["startsWith", path, string]
//	["contains", path, value]               a substring, or an element of a list
//	["exists", path]
//	["and", filter, …]   ["or", filter, …]   ["not", filter]   ["all"]
//
// Where a path leads nowhere, every test is false, ne as well as eq; not turns
// that round. Values compare by what they are: 1 equals 1.0, maps are equal in
// any order of their fields, null equals null. Order exists within numbers,
// dates, strings (by code point), bytes and booleans; between them every
// comparison is false. NaN equals nothing.
//
// A filter is immutable and may be used concurrently. A nil *Filter matches
// every document.
type Filter struct {
	root *node
}

// node is one operator and its operands; which fields count depends on what
// the operator takes.
type node struct {
	op      *operator
	path    Path
	operand operand
	high    operand
	open    [2]bool // low and high do not belong to the range
	list    list
	filters []*node
}

// operand is a value of a filter, and the same value as it was written.
type operand struct {
	value
	raw []byte
}

// ParseFilter reads a filter. It fails with invalid_query, unknown_operator,
// invalid_path, or too_deep when filters or operands are nested more than
// MaxDepth deep. raw is copied.
func ParseFilter(raw []byte) (*Filter, error) {
	p := parser{b: append([]byte(nil), raw...)}
	root, err := p.filter(1)
	if err == nil && p.at != len(raw) {
		err = fail(codeInvalidQuery, "bytes follow the filter")
	}
	if err != nil {
		return nil, err
	}
	return &Filter{root}, nil
}

// filter reads one filter, depth deep.
func (p *parser) filter(depth int) (*node, error) {
	if depth > MaxDepth {
		return nil, fail(codeTooDeep, "filters are nested too deeply")
	}
	count, ok := p.array()
	if !ok || count == 0 {
		return nil, fail(codeInvalidQuery, "a filter is an array of an operator and its operands")
	}
	name, ok := p.text()
	if !ok {
		return nil, fail(codeInvalidQuery, "a filter's operator is a string")
	}
	op := findOperator(name)
	if op == nil {
		return nil, fail(codeUnknownOperator, "there is no such operator")
	}
	operands := count - 1
	if most := op.takes.most(); operands < op.takes.least() || most >= 0 && operands > most {
		return nil, fail(codeInvalidQuery, op.name+" takes another number of operands")
	}
	n := &node{op: op}
	return n, p.operands(n, operands, depth)
}

// operands reads what n's operator takes.
func (p *parser) operands(n *node, count, depth int) (err error) {
	switch n.op.takes {
	case takesFilters:
		for range count {
			kid, err := p.filter(depth + 1)
			if err != nil {
				return err
			}
			n.filters = append(n.filters, kid)
		}
		return nil
	case takesNothing:
		return nil
	case takesFilter:
		n.filters = make([]*node, 1)
		n.filters[0], err = p.filter(depth + 1)
		return err
	}
	if n.path, err = p.path(); err != nil {
		return err
	}
	switch n.op.takes {
	case takesValue, takesText:
		n.operand, err = p.operand()
		if err == nil && n.op.takes == takesText && n.operand.kind != kindString {
			err = fail(codeInvalidQuery, n.op.name+" takes a string")
		}
	case takesRange:
		err = p.bounds(n, count-1)
	case takesList:
		n.list, err = p.list()
	}
	return err
}

// bounds reads two operands and up to two booleans.
func (p *parser) bounds(n *node, count int) (err error) {
	if n.operand, err = p.operand(); err != nil {
		return err
	}
	if n.high, err = p.operand(); err != nil {
		return err
	}
	for i := range count - 2 {
		open, ok := p.boolean()
		if !ok {
			return fail(codeInvalidQuery, "whether a bound is open is a boolean")
		}
		n.open[i] = open
	}
	return nil
}
