package query

// Aggregate says what to tell of the documents of a query in their place: one row
// for each group of documents that have the same values at the paths of Group, or a
// single row for all of them where there is no path. A row is a list of the group's
// values and behind them those of Columns. Rows come in the order of the group's
// values. In MessagePack it is an array:
//
//	[[path, …], [[function, path], …]]
//
// The functions, each of the values at its path that are there:
//
//	count        how many; of documents, where it has no path
//	sum, avg     of those that are numbers: 0 and undefined where there are none
//	min, max     in the order that index keys have; null, maps and NaN are passed over
//	first, last  of the first or last document in the order of the query, undefined
//	             where that lacks it
//
// Integers are summed exactly, floats with what rounding has lost carried along. A
// sum is an integer as long as it lies within ±2⁵³. The values of groups, min and
// max come as keys hold them: 1.0 is 1, −0 is 0. A value that is missing makes a
// group too, as undefined does.
type Aggregate struct {
	Group   []Path
	Columns []Column
}

// Column is one value of the rows. See Aggregate.
type Column struct {
	function *columnFunction
	path     Path // empty: the document
}

// Count counts documents, or the values that are at a path.
func Count(path ...Path) Column {
	if len(path) == 0 {
		return columnOf("count", nil)
	}
	return columnOf("count", path[0])
}

// Sum adds numbers up.
func Sum(path Path) Column { return columnOf("sum", path) }

// Avg is the mean of numbers.
func Avg(path Path) Column { return columnOf("avg", path) }

// Min is the first of the values in their order.
func Min(path Path) Column { return columnOf("min", path) }

// Max is the last of the values in their order.
func Max(path Path) Column { return columnOf("max", path) }

// First is the value of the first document in the order of the query.
func First(path Path) Column { return columnOf("first", path) }

// Last is the value of the last document in the order of the query.
func Last(path Path) Column { return columnOf("last", path) }

func columnOf(name string, path Path) Column { return Column{findColumnFunction(name), path} }

// findColumnFunction returns the function of that name, nil if there is none.
func findColumnFunction(name string) *columnFunction {
	for i := range columnFunctions {
		if columnFunctions[i].name == name {
			return &columnFunctions[i]
		}
	}
	return nil
}

// Check fails with invalid_query, invalid_path or too_deep. ParseQuery has checked
// already.
func (a *Aggregate) Check() error {
	for _, path := range a.Group {
		if err := path.Check(); err != nil {
			return err
		}
	}
	for _, column := range a.Columns {
		if column.function == nil {
			return fail(codeInvalidQuery, "a column of an aggregate has a function")
		}
		if len(column.path) == 0 && column.function.bare {
			continue
		}
		if err := column.path.Check(); err != nil {
			return err
		}
	}
	return nil
}

// aggregate reads [[path, …], [[function, path], …]].
func (p *parser) aggregate(q *Query) error {
	parts, ok := p.array()
	if !ok || parts != 2 {
		return fail(codeInvalidQuery, "an aggregate is an array of groups and columns")
	}
	q.Aggregate = &Aggregate{}
	groups, ok := p.array()
	if !ok {
		return fail(codeInvalidQuery, "the groups of an aggregate are an array of paths")
	}
	for range groups {
		path, err := p.path(false)
		if err != nil {
			return err
		}
		q.Aggregate.Group = append(q.Aggregate.Group, path)
	}
	columns, ok := p.array()
	if !ok {
		return fail(codeInvalidQuery, "the columns of an aggregate are an array")
	}
	for range columns {
		column, err := p.column()
		if err != nil {
			return err
		}
		q.Aggregate.Columns = append(q.Aggregate.Columns, column)
	}
	return nil
}

func (p *parser) column() (c Column, err error) {
	parts, ok := p.array()
	if !ok || parts < 1 || parts > 2 {
		return c, fail(codeInvalidQuery, "a column of an aggregate is a function and a path")
	}
	name, ok := p.text()
	if !ok {
		return c, fail(codeInvalidQuery, "the function of a column has a name")
	}
	if c.function = findColumnFunction(name); c.function == nil {
		return c, fail(codeUnknownOperator, "an aggregate has no such function")
	}
	if parts == 2 {
		c.path, err = p.path(false)
	} else if !c.function.bare {
		err = fail(codeInvalidQuery, "the function of a column needs a path")
	}
	return c, err
}
