package store

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// Row is one row of what a statement delivers. It holds for as long as the program likes.
type Row struct {
	columns []string
	values  []value.Value
}

// newRow copies what is only for a call.
func newRow(columns []string, row []value.Value) Row {
	values := make([]value.Value, len(row))
	for i, v := range row {
		values[i] = v.Clone()
	}
	return Row{columns, values}
}

// NewRow is a row of a host's own, of values as Env.Query takes them.
func NewRow(columns []string, given []any) (Row, error) {
	values, err := arguments(given)
	return Row{columns, values}, err
}

// Columns are the names of the values, in their order.
func (r Row) Columns() []string { return r.columns }

// Values are what SQL computes with.
func (r Row) Values() []value.Value { return r.values }

// At returns a value, counted from 0: nil, int64, float64, string, []byte, or what a nested
// document decodes to.
func (r Row) At(i int) any { return goValue(r.values[i]) }

// Get returns the value of a column, the first one of that name; nil where there is none.
func (r Row) Get(column string) any {
	for i, name := range r.columns {
		if name == column {
			return r.At(i)
		}
	}
	return nil
}

func goValue(v value.Value) any {
	switch v.Kind() {
	case value.Null:
		return nil
	case value.Integer:
		return v.Int()
	case value.Real:
		return v.Real()
	case value.Text:
		return v.Text()
	case value.Blob:
		return []byte(v.Raw())
	default:
		decoded, _ := query.ReadValue([]byte(v.Raw()))
		return decoded
	}
}

// arguments are Go values as SQL takes them: all that query.AppendValue knows. A value of another
// type is WrongArguments.
func arguments(given []any) ([]value.Value, error) {
	values := make([]value.Value, len(given))
	for i, v := range given {
		raw := query.AppendValue(nil, v)
		if n, ok := query.Skip(raw); !ok || n != len(raw) {
			return nil, fail(WrongArguments, "statement: a value of a type that it does not know", "", nil)
		}
		values[i] = value.FromMsgpack(raw)
	}
	return values, nil
}
