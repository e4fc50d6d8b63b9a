package query

// Filter is a condition on documents. In MessagePack it is an array of an
// operator's name and its operands:
//
//	["eq" | "ne" | "lt" | "lte" | "gt" | "gte", path, value]
//	["between", path, low, high]            both bounds belong to it
//	["between", path, low, high, lowOpen, highOpen]
//	["in", path, [value, …]]
//	["field", "eq" | … | "gte", path, path] compares two values of a document
//	["startsWith" | "endsWith", path, string]
//	["contains", path, value]               a substring, or an element of a list
//	["icontains", path, string]             a substring in any case
//	["exists", path]
//	["type", path, string]                  null, boolean, number, string, date, bytes, array or object
//	["mod", path, divisor, remainder]
//	["size", path, n]                       a list of n elements
//	["any" | "all", path, [value, …]]       a list that holds one of these, or all of them
//	["elemMatch" | "every", path, filter]   a list of which one element, or each, matches
//	["fragment", path, map]                 a map with these fields, among others
//	["host", path, n, identity]             what function n of the host says of the value
//	["host", path, n, identity, filter]     a filter of what it makes of the value
//	["and", filter, …]   ["or", filter, …]   ["not", filter]   ["noop"]
//
// Where a path leads nowhere, every test is false, ne as well as eq; not turns
// that round. Values compare by what they are: 1 equals 1.0, maps are equal in
// any order of their fields, null equals null. Order exists within numbers,
// dates, strings (by code point), bytes and booleans; between them every
// comparison is false. NaN equals nothing. Only a list has elements: a string
// has none, nor has a map. noop matches everything.
//
// The filter of elemMatch, every and host starts from the element, or from what
// the host answered: there, and for fragment and host everywhere, a path may be
// empty and leads to that itself.
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
	other   Path // of field
	accepts outcome
	operand operand
	high    operand
	open    [2]bool // low and high do not belong to the range
	list    list
	folded  []rune
	types   typeSet
	filters []*node

	function int      // of the host
	identity string   // of that, empty where it has none
	call     function // it itself, where it is Go
	hosted   bool     // a function of the host has a say in this node
}

// operand is a value of a filter, and the same value as it was written.
type operand struct {
	value
	raw []byte
}

// ParseFilter reads a filter. It fails with invalid_query, unknown_operator,
// invalid_path, or too_deep when filters or operands are nested more than
// MaxDepth deep. raw is copied.
func ParseFilter(raw []byte) (*Filter, error) { return parseFilter(raw, nil) }

func parseFilter(raw []byte, functions []function) (*Filter, error) {
	p := parser{b: append([]byte(nil), raw...), functions: functions}
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
	operands := count - 1
	if name == fragment {
		return p.fragment(operands)
	}
	op := findOperator(name)
	if op == nil {
		return nil, fail(codeUnknownOperator, "there is no such operator")
	}
	if most := op.takes.most(); operands < op.takes.least() || most >= 0 && operands > most {
		return nil, fail(codeInvalidQuery, op.name+" takes another number of operands")
	}
	n := &node{op: op, accepts: op.accepts}
	if op.takes.joins() {
		return n, p.joined(n, operands, depth)
	}
	return n, p.operands(n, operands, depth)
}

// joined reads the filters that n's operator joins.
func (p *parser) joined(n *node, count, depth int) error {
	for range count {
		kid, err := p.filter(depth + 1)
		if err != nil {
			return err
		}
		n.filters = append(n.filters, kid)
	}
	n.settle()
	return nil
}

// settle puts the filters that ask the host behind those that need not: they are
// dear, and may be spared. What filters say does not depend on their order.
func (n *node) settle() {
	plain := 0
	for i, kid := range n.filters {
		if kid.hosted {
			n.hosted = true
			continue
		}
		copy(n.filters[plain+1:], n.filters[plain:i])
		n.filters[plain] = kid
		plain++
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// operands reads what n's operator takes, of which a path is the first.
func (p *parser) operands(n *node, count, depth int) (err error) {
	if n.op.takes == takesFields {
		return p.fields(n)
	}
	if n.path, err = p.path(n.op.takes == takesHost); err != nil {
		return err
	}
	switch n.op.takes {
	case takesValue:
		n.operand, err = p.operand()
	case takesText:
		err = p.textFor(n)
	case takesRange:
		err = p.bounds(n, count-1)
	case takesDivision:
		err = p.division(n)
	case takesSize:
		if size, ok := p.integer(); ok && size >= 0 {
			n.operand.count = int(size)
		} else {
			err = fail(codeInvalidQuery, "size takes a whole number")
		}
	case takesList:
		n.list, err = p.list()
	case takesElements:
		err = p.inner(n, depth)
	case takesHost:
		err = p.host(n, count, depth)
	}
	return err
}

// textFor reads a string and prepares what n's operator looks for.
func (p *parser) textFor(n *node) (err error) {
	if n.operand, err = p.operand(); err != nil {
		return err
	}
	if n.operand.kind != kindString {
		return fail(codeInvalidQuery, n.op.name+" takes a string")
	}
	switch n.op.name {
	case "icontains":
		n.folded = fold(n.operand.body)
	case "type":
		n.types, err = typeNamed(string(n.operand.body))
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

// division reads a divisor and a remainder.
func (p *parser) division(n *node) (err error) {
	if n.operand, err = p.operand(); err != nil {
		return err
	}
	if n.high, err = p.operand(); err != nil {
		return err
	}
	if n.operand.kind != kindNumber || n.high.kind != kindNumber || n.operand.number.toFloat() == 0 {
		return fail(codeInvalidQuery, "mod takes a divisor, which is not 0, and a remainder")
	}
	return nil
}

// fields reads how two values of a document are compared, and where they are.
func (p *parser) fields(n *node) (err error) {
	name, ok := p.text()
	op := findOperator(name)
	if !ok || op == nil || op.accepts == 0 {
		return fail(codeInvalidQuery, "field takes the name of an operator that compares")
	}
	n.accepts = op.accepts
	if n.path, err = p.path(false); err != nil {
		return err
	}
	n.other, err = p.path(false)
	return err
}

// inner reads a filter whose paths start from what n finds.
func (p *parser) inner(n *node, depth int) error {
	p.inside++
	defer func() { p.inside-- }()
	return p.joined(n, 1, depth)
}

// fragment reads a path and a map and makes of them the filter that they stand
// for: each of the map's fields is there and equal.
func (p *parser) fragment(operands int) (*node, error) {
	if operands != 2 {
		return nil, fail(codeInvalidQuery, "fragment takes another number of operands")
	}
	path, err := p.path(true)
	if err != nil {
		return nil, err
	}
	fields, err := p.operand()
	if err != nil {
		return nil, err
	}
	if !fields.isMap {
		return nil, fail(codeInvalidQuery, "fragment takes a map")
	}
	n := &node{op: findOperator("and")}
	for inside := (parser{b: fields.body}); len(n.filters) < fields.count; {
		name, ok := inside.text()
		if !ok || name == "" {
			return nil, fail(codeInvalidPath, "a fragment's fields have names")
		}
		value, err := inside.operand()
		if err != nil {
			return nil, err
		}
		n.filters = append(n.filters, &node{op: findOperator("eq"), accepts: same, path: path.Field(name), operand: value})
	}
	if fields.count == 0 {
		name := operand{value: value{kind: kindString, body: []byte("object")}}
		n.filters = []*node{{op: findOperator("type"), path: path, operand: name, types: typeObject}}
	}
	return n, nil
}
