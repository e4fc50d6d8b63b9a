package query

import "github.com/tinylib/msgp/msgp"

// Expr is a filter as the functions below make it for Go programs. It is written,
// with the values it holds, and checked when it is parsed: by Parse or Select.
type Expr interface{ write(w *writer) }

// Parse makes a filter of an expression; nil matches everything. It fails as
// ParseFilter does.
func Parse(e Expr) (*Filter, error) {
	if e == nil {
		return nil, nil
	}
	w := writer{functions: []function{}}
	e.write(&w)
	if w.err != nil {
		return nil, w.err
	}
	return parseFilter(w.bytes, w.functions)
}

// Select is the query for the documents that match filter, all of them if it
// is nil, in no particular order.
func Select(filter Expr) (*Query, error) {
	parsed, err := Parse(filter)
	return &Query{Filter: parsed, Limit: -1}, err
}

// Narrow is the query for those of q's documents that match filter as well; nil leaves it as it is. It
// fails as Select does.
func (q *Query) Narrow(filter Expr) (*Query, error) {
	parsed, err := Parse(filter)
	if err != nil || parsed == nil {
		return q, err
	}
	narrowed := *q
	narrowed.Filter = parsed
	if q.Filter != nil {
		both := &node{op: findOperator("and"), filters: []*node{q.Filter.root, parsed.root}}
		both.settle()
		narrowed.Filter = &Filter{both}
	}
	return &narrowed, nil
}

// OrderBy sorts by path, after the columns there are already.
func (q *Query) OrderBy(path Path, desc bool) *Query {
	q.Order = append(q.Order, Order{path, desc})
	return q
}

// Behind begins behind a document that has its identity at key, as the last one of the
// page before. Its place is that in the order there is by now.
func (q *Query) Behind(doc []byte, key Path) *Query {
	q.After = nil
	for _, column := range q.Order {
		q.After = append(q.After, column.Path.valueOf(doc))
	}
	q.After = append(q.After, key.valueOf(doc))
	return q
}

// valueOf is the value in a document, undefined where there is none.
func (p Path) valueOf(doc []byte) []byte {
	if at := p.find(doc, 0); at >= 0 {
		return raw(doc, at)
	}
	return undefined
}

// GroupBy asks for a row for each group of documents with the same values at paths.
// Without a path that is one row for all. See Aggregate.
func (q *Query) GroupBy(paths ...Path) *Query {
	q.aggregated().Group = paths
	return q
}

// Aggregated adds columns to the rows that are asked for.
func (q *Query) Aggregated(columns ...Column) *Query {
	a := q.aggregated()
	a.Columns = append(a.Columns, columns...)
	return q
}

func (q *Query) aggregated() *Aggregate {
	if q.Aggregate == nil {
		q.Aggregate = &Aggregate{}
	}
	return q.Aggregate
}

// writer gathers the MessagePack of an expression, and the functions it means by
// their numbers.
type writer struct {
	bytes     []byte
	functions []function
	err       error
}

// test is an operator with a path, values, and filters.
type test struct {
	operator string
	path     Path
	operands []any
	filters  []Expr
}

func (t *test) write(w *writer) {
	size := 1 + len(t.operands) + len(t.filters)
	if t.path != nil {
		size++
	}
	w.bytes = msgp.AppendArrayHeader(w.bytes, uint32(size))
	w.bytes = msgp.AppendString(w.bytes, t.operator)
	if t.path != nil {
		w.bytes = t.path.Append(w.bytes)
	}
	for _, v := range t.operands {
		w.bytes = AppendValue(w.bytes, v)
	}
	for _, filter := range t.filters {
		if filter == nil {
			w.err = fail(codeInvalidQuery, "a filter within another one is nil")
			return
		}
		filter.write(w)
	}
}

// call is a function asked about a path, and the filter of what it answers.
type call struct {
	path     Path
	identity string
	make     func() (function, error)
	filters  []Expr
}

func (c *call) write(w *writer) {
	f, err := c.make()
	if err != nil {
		w.err = &Error{Code: codeInvalidQuery, Detail: err.Error()}
		return
	}
	var identity any
	if c.identity != "" {
		identity = c.identity
	}
	number := len(w.functions)
	w.functions = append(w.functions, f)
	path := append(Path{}, c.path...) // not nil: the path to the value itself
	(&test{"host", path, []any{number, identity}, c.filters}).write(w)
}

// Itself is the path to the element that ElemMatch and Every look at, to what Map
// made of a value, and to the whole document in Fragment, Test and Map.
func Itself() Path { return Path{} }

func on(operator string, path Path, operands ...any) Expr {
	return &test{operator, append(Path{}, path...), operands, nil}
}

// Eq holds where the value at path equals v.
func Eq(path Path, v any) Expr { return on("eq", path, v) }

// Ne holds where there is a value at path that does not equal v.
func Ne(path Path, v any) Expr { return on("ne", path, v) }

// Lt holds where the value at path is below v.
func Lt(path Path, v any) Expr { return on("lt", path, v) }

// Lte holds where the value at path is v or below.
func Lte(path Path, v any) Expr { return on("lte", path, v) }

// Gt holds where the value at path is above v.
func Gt(path Path, v any) Expr { return on("gt", path, v) }

// Gte holds where the value at path is v or above.
func Gte(path Path, v any) Expr { return on("gte", path, v) }

// Fields compares two values of a document, both of which must be there. How is the
// name of an operator: eq, ne, lt, lte, gt or gte.
func Fields(path Path, how string, other Path) Expr {
	return &test{"field", nil, []any{how, Raw(path.Append(nil)), Raw(other.Append(nil))}, nil}
}

// Between holds where the value at path is low, high or between them.
func Between(path Path, low, high any) Expr { return on("between", path, low, high) }

// In holds where the value at path equals one of vs.
func In(path Path, vs ...any) Expr { return on("in", path, vs) }

// StartsWith holds where the value at path is a string that begins with s.
func StartsWith(path Path, s string) Expr { return on("startsWith", path, s) }

// EndsWith holds where the value at path is a string that ends with s.
func EndsWith(path Path, s string) Expr { return on("endsWith", path, s) }

// Contains holds where the value at path is a list with an element equal to v,
// or a string with the substring v.
func Contains(path Path, v any) Expr { return on("contains", path, v) }

// IContains holds where the value at path is a string with the substring s, in
// any case. One character is compared with one: ß is not ss.
func IContains(path Path, s string) Expr { return on("icontains", path, s) }

// Exists holds where there is a value at path, null included.
func Exists(path Path) Expr { return on("exists", path) }

// Type holds where the value at path is null, boolean, number, string, date,
// bytes, array or object, whichever name is.
func Type(path Path, name string) Expr { return on("type", path, name) }

// Mod holds where the value at path is a number that leaves remainder when it is
// divided. The remainder has the sign of the number.
func Mod(path Path, divisor, remainder any) Expr { return on("mod", path, divisor, remainder) }

// Size holds where the value at path is a list of n elements.
func Size(path Path, n int) Expr { return on("size", path, n) }

// Any holds where the value at path is a list with an element equal to one of vs.
func Any(path Path, vs ...any) Expr { return on("any", path, vs) }

// All holds where the value at path is a list with an element equal to each of vs.
func All(path Path, vs ...any) Expr { return on("all", path, vs) }

// ElemMatch holds where the value at path is a list of which one element matches
// filter, whose paths start from the element.
func ElemMatch(path Path, filter Expr) Expr {
	return &test{"elemMatch", append(Path{}, path...), nil, []Expr{filter}}
}

// Every holds where the value at path is a list all of whose elements match
// filter, if there are any.
func Every(path Path, filter Expr) Expr {
	return &test{"every", append(Path{}, path...), nil, []Expr{filter}}
}

// Fragment holds where the value at path is a map in which each of the fields is
// there and equal.
func Fragment(path Path, fields map[string]any) Expr { return on(fragment, path, fields) }

// And holds where all filters hold.
func And(filters ...Expr) Expr { return &test{"and", nil, nil, filters} }

// Or holds where one of the filters holds.
func Or(filters ...Expr) Expr { return &test{"or", nil, nil, filters} }

// Not holds where filter does not.
func Not(filter Expr) Expr { return &test{"not", nil, nil, []Expr{filter}} }

// Noop always holds.
func Noop() Expr { return &test{operator: "noop"} }
