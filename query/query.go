package query

// Query is a filter and which of the matching documents to deliver, in what
// order. In MessagePack it is a map; every field may be left out, nil or undefined:
//
//	filter   a filter, see Filter; without it all documents match
//	order    [[path, descending bool], …]; descending may be left out
//	limit    integer ≥ 0; −1, as its absence, is no limit
//	skip     integer ≥ 0: how many matching documents to pass over
//	after    [value of each column of order …, identity]: begin behind the
//	         document with these; undefined where it lacks the column
//	reverse  bool: all turned round
//	fields   [path of names, …]: deliver no more of each document than these
//	without  [path of names, …]: deliver all of each document but these
//	aggregate  see Aggregate: rows in the place of documents
//
// Documents that are equal in all columns come by identity, in the direction of
// the last column. Without order they come by identity, unless nothing depends on
// it: then, with no limit, offset, after or reverse, as is cheapest to read.
type Query struct {
	Filter  *Filter
	Order   []Order
	Limit   int64 // −1: no limit
	Skip    int64
	After   [][]byte // MessagePack values, nil for a start at the first document
	Reverse bool
	// Aggregate, where it is set, is what is told of the documents in their place.
	Aggregate *Aggregate
	// Projection, where it is set, is what is left of each document.
	Projection *Projection
	// Host answers what functions are asked that are not Go, by setting the Answer of
	// each. An error ends the search. It may be nil where Filter.NeedsHost is false.
	Host func(asks []*Ask) error
}

// ParseQuery reads a query. It fails with invalid_query, invalid_path,
// invalid_key, unknown_operator or too_deep. raw is copied.
func ParseQuery(raw []byte) (*Query, error) {
	p := parser{b: append([]byte(nil), raw...)}
	head, ok := decode(p.b, 0)
	if !ok || !head.isMap {
		return nil, fail(codeInvalidQuery, "a query is a map")
	}
	p.at = len(p.b) - len(head.body)
	q := &Query{Limit: -1}
	for range head.count {
		name, ok := p.text()
		if !ok {
			return nil, fail(codeInvalidQuery, "a query's fields have names")
		}
		if err := p.field(q, name); err != nil {
			return nil, err
		}
	}
	if p.at != len(raw) {
		return nil, fail(codeInvalidQuery, "bytes follow the query")
	}
	return q, q.Check()
}

// Check fails with invalid_query, invalid_path or invalid_key where the parts of
// q do not fit together. ParseQuery has checked already.
func (q *Query) Check() error {
	if q.Limit < -1 || q.Skip < 0 {
		return fail(codeInvalidQuery, "limit and skip are not negative")
	}
	for _, column := range q.Order {
		if err := column.Path.Check(); err != nil {
			return err
		}
	}
	if q.Aggregate != nil {
		if err := q.Aggregate.Check(); err != nil {
			return err
		}
	}
	if q.Aggregate != nil && q.Projection != nil {
		return fail(codeInvalidQuery, "an aggregate has no documents to leave fields out of")
	}
	if q.After == nil {
		return nil
	}
	if len(q.After) != len(q.Order)+1 {
		return fail(codeInvalidQuery, "after holds a value for each column of order, and an identity")
	}
	for i, value := range q.After {
		key, keyable, err := AppendKeyRaw(nil, value)
		if err != nil {
			return err
		}
		if i == len(q.Order) && (!keyable || kind(key[0]) < kindFalse) {
			return fail(codeInvalidKey, "after ends with an identity")
		}
	}
	return nil
}

// field reads the value of one field.
func (p *parser) field(q *Query, name string) error {
	if v, ok := decode(p.b, p.at); ok && (v.kind == kindNull || v.kind == kindMissing) {
		p.next()
		return nil
	}
	var ok bool
	switch name {
	case "filter":
		root, err := p.filter(1)
		q.Filter = &Filter{root}
		return err
	case "order":
		return p.order(q)
	case "limit":
		q.Limit, ok = p.integer()
	case "skip":
		q.Skip, ok = p.integer()
	case "after":
		return p.after(q)
	case "reverse":
		q.Reverse, ok = p.boolean()
	case "aggregate":
		return p.aggregate(q)
	case "fields", "without":
		return p.projection(q, name == "fields")
	default:
		return fail(codeInvalidQuery, "a query has no such field")
	}
	if !ok {
		return fail(codeInvalidQuery, "the value of "+name+" is of another type")
	}
	return nil
}

func (p *parser) integer() (i int64, ok bool) {
	v, ok := p.next()
	if !ok || v.kind != kindNumber {
		return 0, false
	}
	return v.number.toInt()
}

// order reads the columns.
func (p *parser) order(q *Query) error {
	count, ok := p.array()
	if !ok {
		return fail(codeInvalidQuery, "order is an array of columns")
	}
	for range count {
		var column Order
		parts, ok := p.array()
		if !ok || parts < 1 || parts > 2 {
			return fail(codeInvalidQuery, "a column of order is a path and whether it descends")
		}
		var err error
		if column.Path, err = p.path(false); err != nil {
			return err
		}
		if parts == 2 {
			if column.Desc, ok = p.boolean(); !ok {
				return fail(codeInvalidQuery, "whether a column descends is a boolean")
			}
		}
		q.Order = append(q.Order, column)
	}
	return nil
}

// after reads the values to begin behind.
func (p *parser) after(q *Query) error {
	count, ok := p.array()
	if !ok {
		return fail(codeInvalidQuery, "after is an array of values")
	}
	q.After = make([][]byte, 0, len(q.Order)+1)
	for range count {
		o, err := p.operand()
		if err != nil {
			return err
		}
		q.After = append(q.After, o.raw)
	}
	return nil
}
