package sql

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query/sql/value"
)

// image is one row of a table as it is written: all its columns have a place in the
// run's row, for what checks, generates and returns them.
type image struct {
	table     *Table
	scope     *scope
	origin    *origin
	columns   []int    // places of the table's columns
	all       []int    // the columns themselves
	names     [][]byte // theirs, as documents have them
	defaults  []eval
	generated []eval
	checks    []test
	state     int // where a run keeps its drafting
}

// image makes room for a row of a table under a name.
func (c *compiler) image(t *Table, name string, pos int) *image {
	m := &image{table: t, scope: &scope{}, state: c.state()}
	o := c.tableOperand(t, name, pos, m.scope)
	m.origin = o.table
	for i := range t.Columns {
		m.all = append(m.all, i)
		m.columns = append(m.columns, c.column(m.scope, m.origin, i, false).slot)
		if len(t.Columns[i].Path) != 1 {
			panic(fail(codeUnsupported, pos, "a table whose columns are nested is not written by SQL"))
		}
	}
	m.name()
	m.defaults = make([]eval, len(t.Columns))
	m.generated = make([]eval, len(t.Columns))
	for i, col := range t.Columns {
		if col.Default != "" {
			m.defaults[i] = evaluator(c.stored(col.Default, &scope{}))
		}
		if col.Generated != "" {
			m.generated[i] = evaluator(c.stored(col.Generated, m.scope))
		}
	}
	for _, text := range t.Checks {
		m.checks = append(m.checks, refusal(c.stored(text, m.scope)))
	}
	return m
}

// name writes down the names of the columns.
func (m *image) name() {
	for _, col := range m.table.Columns {
		m.names = append(m.names, msgp.AppendString(nil, col.Path[0].Name))
	}
}

// refusal reports whether a CHECK is known not to hold.
func refusal(t *term) test {
	e := evaluator(t)
	return func(r *run) bool {
		holds, known := e(r).Truth()
		return known && !holds
	}
}

// stored resolves an expression that a definition holds as text.
func (c *compiler) stored(text string, s *scope) *term {
	tokens, err := scan(text)
	if err != nil {
		panic(err)
	}
	p := &parser{text: text, tokens: tokens}
	e := p.expression()
	if p.peek().kind != tokenEnd {
		p.unexpected()
	}
	return c.resolve(e, s)
}

// find returns the position of a column that is written, which rowid may be too.
func (m *image) find(name string, pos int) int {
	folded := value.Fold(name)
	at := -1
	for i := range m.table.Columns {
		if m.table.Columns[i].Name == name {
			return i
		}
		if value.Fold(m.table.Columns[i].Name) == folded && at < 0 {
			at = i
		}
	}
	if at < 0 && m.table.Integer && (folded == "rowid" || folded == "oid" || folded == "_rowid_") {
		for i := range m.table.Columns {
			if m.table.Columns[i].Path.Equal(m.table.Key) {
				return i
			}
		}
	}
	if at < 0 {
		panic(fail(codeUnknownColumn, pos, "table "+m.table.Name+" has no column named "+name))
	}
	if m.table.Columns[at].Generated != "" {
		panic(fail(codeInvalid, pos, "cannot write generated column \""+name+"\""))
	}
	return at
}

// settle gives those columns of a row that are written their affinities, computes the generated ones, and asks
// the constraints. replace: a default takes the place of a NULL that may not be.
func (m *image) settle(r *run, written []int, replace bool) error {
	for _, i := range written {
		slot := m.columns[i]
		r.row[slot] = m.table.Columns[i].Affinity.Apply(r.row[slot]).Plain()
	}
	for i, e := range m.generated {
		if e != nil {
			r.row[m.columns[i]] = m.table.Columns[i].Affinity.Apply(e(r))
		}
	}
	for i, col := range m.table.Columns {
		slot := m.columns[i]
		if col.NotNull && r.row[slot].IsNull() && replace && m.defaults[i] != nil {
			r.row[slot] = col.Affinity.Apply(m.defaults[i](r))
		}
		if col.NotNull && r.row[slot].IsNull() && !(m.table.Integer && col.Path.Equal(m.table.Key)) {
			return fail(codeConstraint, -1, "NOT NULL constraint failed: "+m.table.Name+"."+col.Name)
		}
	}
	if m.table.Integer {
		if err := m.settleKey(r); err != nil {
			return err
		}
	}
	for i, refused := range m.checks {
		if refused(r) {
			return fail(codeConstraint, -1, "CHECK constraint failed: "+m.table.Checks[i])
		}
	}
	return r.err
}

// settleKey sees to it that an identity that has to be an integer is one.
func (m *image) settleKey(r *run) error {
	for i, col := range m.table.Columns {
		if !col.Path.Equal(m.table.Key) {
			continue
		}
		v := value.IntegerAffinity.Apply(r.row[m.columns[i]])
		if !v.IsNull() && v.Kind() != value.Integer {
			return fail(codeConstraint, -1, "datatype mismatch")
		}
		r.row[m.columns[i]] = v
	}
	return nil
}
