package origin

import (
	"slices"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// bounds are what SQL may have. A chain of operators nests as deeply as it is long
// where it is rendered and where a database parses it.
type bounds struct{ bytes, depth, operators, tables int }

// outside bounds SQL from outside, far below what SQLite takes. Its canonical form
// has a parenthesis for each operator, and all parameters in place.
var (
	outside   = bounds{16 << 10, 48, 400, 16}
	canonical = bounds{1 << 20, 2000, 1000, 0}
)

// parser reads SQL by recursive descent, with the precedences of Postgres.
type parser struct {
	bounds    bounds
	tokens    []token
	at        int
	depth     int
	operators int
	tables    int
	statement bool // queries and aggregates are allowed
}

// parseFilter reads the condition of a shape.
func parseFilter(sql string) (expression, error) {
	p := &parser{bounds: outside}
	return parsed(p, sql, p.expression)
}

// parseCanonical reads what renderFilter has made of a filter.
func parseCanonical(sql string) (expression, error) {
	p := &parser{bounds: canonical}
	return parsed(p, sql, p.expression)
}

// parseStatement reads one SELECT.
func parseStatement(sql string) (*selection, error) {
	p := &parser{bounds: outside, statement: true}
	return parsed(p, sql, p.selection)
}

// syntaxError ends parsing from any depth; parsed recovers it.
type syntaxError struct{ error }

func parsed[T any](p *parser, sql string, parse func() T) (result T, err error) {
	if p.tokens, err = lex(sql, p.bounds.bytes); err != nil {
		return result, err
	}
	defer func() {
		if r := recover(); r != nil {
			syntax, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			err = syntax.error
		}
	}()
	result = parse()
	if p.peek().kind != endToken {
		p.unexpected()
	}
	return result, nil
}

func (p *parser) fail(code store.Code, op, name string) {
	panic(syntaxError{failure(code, op, name)})
}

// unexpected fails at the next token. Texts and numbers are not told: they may
// be of those that a log should not have.
func (p *parser) unexpected() {
	switch t := p.peek(); t.kind {
	case endToken:
		p.fail(store.InvalidQuery, "SQL that ends too early", "")
	case textToken, numberToken:
		p.fail(store.InvalidQuery, "SQL with a value out of place", "")
	default:
		p.fail(store.InvalidQuery, "SQL that is not of the subset", start(t.text))
	}
}

func (p *parser) peek() token { return p.tokens[p.at] }

// ahead reports whether the next tokens are these keywords or marks.
func (p *parser) ahead(words ...string) bool {
	for i, word := range words {
		if p.at+i >= len(p.tokens) || !p.tokens[p.at+i].is(word) {
			return false
		}
	}
	return true
}

// take skips these keywords or marks if they are next.
func (p *parser) take(words ...string) bool {
	if !p.ahead(words...) {
		return false
	}
	p.at += len(words)
	return true
}

func (p *parser) need(words ...string) {
	if !p.take(words...) {
		p.unexpected()
	}
}

// nest counts a level; the caller leaves it again with the function returned.
func (p *parser) nest() func() {
	if p.depth++; p.depth > p.bounds.depth {
		p.fail(store.TooDeep, "read SQL", "")
	}
	return func() { p.depth-- }
}

func (p *parser) operator() {
	if p.operators++; p.operators > p.bounds.operators {
		p.fail(store.TooLarge, "read SQL: too many operators", "")
	}
}

func (p *parser) expression() expression {
	defer p.nest()()
	return p.chain(p.conjunction, "OR")
}

func (p *parser) conjunction() expression { return p.chain(p.negation, "AND") }

// chain reads operands joined by any of some operators, from left to right.
func (p *parser) chain(operand func() expression, operators ...string) expression {
	x := operand()
	for {
		at := slices.IndexFunc(operators, func(op string) bool { return p.ahead(op) })
		if at < 0 {
			return x
		}
		p.at++
		p.operator()
		x = operation{operators[at], x, operand()}
	}
}

func (p *parser) negation() expression {
	if p.take("NOT") {
		defer p.nest()()
		p.operator()
		return unary{"NOT", p.negation()}
	}
	return p.comparison()
}

var comparisons = []string{"<=", ">=", "<>", "!=", "=", "<", ">"}

// comparison reads what yields a truth value; comparisons do not chain.
func (p *parser) comparison() expression {
	x := p.sum()
	for p.ahead("IS") {
		p.operator()
		x = p.is(x)
	}
	not := p.ahead("NOT") && p.take("NOT")
	switch {
	case p.take("LIKE"):
		return p.negated(not, operation{"LIKE", x, p.sum()})
	case p.take("ILIKE"):
		return p.negated(not, operation{"ILIKE", x, p.sum()})
	case p.take("BETWEEN"):
		low := p.sum()
		p.need("AND")
		p.operator()
		return between{x, low, p.sum(), not}
	case p.take("IN"):
		p.operator()
		return p.membership(x, not)
	case not:
		p.unexpected()
	}
	for _, op := range comparisons {
		if p.take(op) {
			p.operator()
			if op == "!=" {
				op = "<>"
			}
			return operation{op, x, p.sum()}
		}
	}
	return x
}

func (p *parser) negated(not bool, x expression) expression {
	p.operator()
	if not {
		return unary{"NOT", x}
	}
	return x
}

func (p *parser) is(x expression) expression {
	p.need("IS")
	not := p.take("NOT")
	if p.take("DISTINCT", "FROM") {
		return distinct{x, p.sum(), not}
	}
	for _, word := range []string{"NULL", "TRUE", "FALSE"} {
		if p.take(word) {
			return test{x, word, not}
		}
	}
	p.unexpected()
	return nil
}

func (p *parser) membership(x expression, not bool) expression {
	p.need("(")
	m := membership{x: x, not: not}
	if p.statement && p.ahead("SELECT") {
		m.query = p.selection()
	} else {
		m.list = p.list()
	}
	p.need(")")
	return m
}

func (p *parser) list() []expression {
	list := []expression{p.expression()}
	for p.take(",") {
		list = append(list, p.expression())
	}
	return list
}

func (p *parser) sum() expression { return p.chain(p.product, "+", "-", "||") }

func (p *parser) product() expression { return p.chain(p.signed, "*", "/", "%") }

func (p *parser) signed() expression {
	switch {
	case p.take("-"):
		defer p.nest()()
		p.operator()
		return unary{"-", p.signed()}
	case p.take("+"):
		defer p.nest()()
		return p.signed()
	}
	return p.casted()
}

func (p *parser) casted() expression {
	x := p.primary()
	for p.take("::") {
		p.operator()
		x = cast{x, p.castType()}
	}
	return x
}

func (p *parser) castType() string {
	t := p.peek()
	name := strings.ToLower(t.text)
	if t.kind != wordToken || castTypes[name] == unknownKind {
		p.unexpected()
	}
	p.at++
	return name
}

func (p *parser) primary() expression {
	t := p.peek()
	switch {
	case t.kind == textToken:
		p.at++
		return literal{unknownKind, t.text}
	case t.kind == numberToken:
		p.at++
		return literal{numberKind, t.text}
	case t.kind == paramToken:
		p.at++
		return parameter{parseIndex(t.text)}
	case p.take("TRUE"), p.take("FALSE"):
		return literal{boolKind, strings.ToLower(t.text)}
	case p.take("NULL"):
		return literal{nullKind, ""}
	case p.take("("):
		return p.parenthesised()
	case p.take("CAST"):
		return p.castCall()
	case p.take("CASE"):
		return p.choice()
	case p.statement && p.take("EXISTS"):
		p.need("(")
		x := subquery{p.selection(), true}
		p.need(")")
		return x
	}
	return p.named()
}

func parseIndex(digits string) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}

func (p *parser) parenthesised() expression {
	var x expression
	if p.statement && p.ahead("SELECT") {
		x = subquery{p.selection(), false}
	} else {
		x = p.expression()
	}
	p.need(")")
	return x
}

func (p *parser) castCall() expression {
	p.operator()
	p.need("(")
	x := p.expression()
	p.need("AS")
	to := p.castType()
	p.need(")")
	return cast{x, to}
}

func (p *parser) choice() expression {
	defer p.nest()()
	var c choice
	if !p.ahead("WHEN") {
		c.of = p.expression()
	}
	for p.take("WHEN") {
		p.operator()
		c.when = append(c.when, p.expression())
		p.need("THEN")
		c.then = append(c.then, p.expression())
	}
	if len(c.when) == 0 {
		p.unexpected()
	}
	if p.take("ELSE") {
		c.other = p.expression()
	}
	p.need("END")
	return c
}

// named reads a call or a reference to a column.
func (p *parser) named() expression {
	if t := p.peek(); t.kind == wordToken && p.tokens[p.at+1].is("(") {
		return p.call()
	}
	first := p.identifier()
	if p.take(".") {
		return reference{first, p.identifier()}
	}
	return reference{column: first}
}

func (p *parser) call() expression {
	name := strings.ToLower(p.peek().text)
	f, ok := functions[name]
	if !ok || f.aggregate && !p.statement {
		p.fail(store.Unsupported, "call a function", start(name))
	}
	p.at++
	p.need("(")
	p.operator()
	c := call{name: name}
	if name == "count" && p.take("*") {
		c.star = true
	} else {
		c.distinct = f.aggregate && p.take("DISTINCT")
		c.args = p.list()
		if n := len(c.args); n < f.least || n > f.most {
			p.fail(store.InvalidQuery, "call a function with so many arguments", name)
		}
	}
	p.need(")")
	return c
}

// keywords are no names unless they are quoted.
var keywords = strings.Fields(`ALL AND AS ASC BETWEEN BY CASE CAST CROSS DESC DISTINCT ELSE END EXCEPT EXISTS FALSE FIRST
	FROM FULL GROUP HAVING ILIKE IN INNER INTERSECT IS JOIN LAST LEFT LIKE LIMIT NATURAL NOT NULL NULLS OFFSET ON OR ORDER
	OUTER RIGHT SELECT THEN TRUE UNION USING VALUES WHEN WHERE WITH`)

func (p *parser) identifier() identifier {
	t := p.peek()
	switch {
	case t.kind == quotedToken:
	case t.kind == wordToken && !slices.ContainsFunc(keywords, t.is):
	default:
		p.unexpected()
	}
	p.at++
	return identifier{t.text, t.kind == quotedToken}
}
