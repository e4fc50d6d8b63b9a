package sql

import (
	"slices"

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
	whole     []bool   // them all
	read      []bool   // those that constraints and generated columns read
	names     [][]byte // theirs, as documents have them
	defaults  []eval
	generated []eval
	sequence  []int // of the generated ones, each behind those that it reads
	checks    []test
	key       int // the column that is the identity, −1 where there is none
	state     int // where a run keeps its drafting
}

// image makes room for a row of a table, under the name that its definition may call it by. Where it stands in
// a statement is where a definition is at fault that does not hold.
func (c *compiler) image(t *Table, pos int) *image {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case *Error:
			panic(fail(thrown.Code, pos, thrown.Message))
		default:
			panic(thrown)
		}
	}()
	m := &image{table: t, scope: &scope{}, state: c.state(), key: t.key()}
	o := c.tableOperand(t, t.Name, pos, m.scope)
	m.origin = o.table
	for i := range t.Columns {
		m.all = append(m.all, i)
		m.columns = append(m.columns, c.column(m.scope, m.origin, i, false).slot)
		if len(t.Columns[i].Path) != 1 {
			panic(fail(codeUnsupported, pos, "a table whose columns are nested is not written by SQL"))
		}
	}
	m.name()
	m.whole, m.read = slices.Repeat([]bool{true}, len(t.Columns)), make([]bool, len(t.Columns))
	m.defaults = make([]eval, len(t.Columns))
	m.generated = make([]eval, len(t.Columns))
	reads := make([][]bool, len(t.Columns))
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Default != "" {
			m.defaults[i] = evaluator(c.stored(col.Default, &scope{}))
		}
		if col.Generated != "" {
			t := c.stored(col.Generated, m.scope)
			if t.volatile {
				panic(fail(codeInvalid, pos, "non-deterministic functions prohibited in generated columns"))
			}
			m.generated[i], reads[i] = evaluator(t), m.asking(t)
		}
	}
	for _, text := range t.Checks {
		t := c.stored(text, m.scope)
		m.asking(t)
		m.checks = append(m.checks, refusal(t))
	}
	for i := range t.Columns {
		m.follow(i, reads, pos)
	}
	return m
}

// follow puts a column in the sequence of generated ones, behind those that it reads.
func (m *image) follow(i int, reads [][]bool, pos int) {
	switch {
	case m.generated[i] == nil || slices.Contains(m.sequence, i):
		return
	case reads[i] == nil: // it is on its way there
		panic(fail(codeInvalid, pos, "generated column loop on \""+m.table.Columns[i].Name+"\""))
	}
	own := reads[i]
	reads[i] = nil
	for other, read := range own {
		if read {
			m.follow(other, reads, pos)
		}
	}
	m.sequence = append(m.sequence, i)
}

// asking notes which columns an expression reads, and tells them.
func (m *image) asking(t *term) (read []bool) {
	var s scope
	s.collect(t)
	for i, slot := range m.columns {
		read = append(read, slices.Contains(s.reads, slot))
		m.read[i] = m.read[i] || read[i]
	}
	return read
}

// name writes down the names of the columns.
func (m *image) name() {
	for i := range m.table.Columns {
		m.names = append(m.names, msgp.AppendString(nil, m.table.Columns[i].Path[0].Name))
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
	e := expressionOf(text)
	t := c.resolve(e, s)
	if t.asks() {
		panic(fail(codeInvalid, e.pos, "subqueries prohibited in what a table's definition says"))
	}
	return t
}

// expressionOf parses one.
func expressionOf(text string) *expr {
	tokens, err := scan(text)
	if err != nil {
		panic(err)
	}
	p := &parser{text: text, tokens: tokens}
	e := p.expression()
	if p.peek().kind != tokenEnd {
		p.unexpected()
	}
	return e
}

// writable returns the position of a column that a statement writes.
func (m *image) writable(name string, pos int) int {
	at := m.find(name, pos)
	if m.table.Columns[at].Generated != "" {
		panic(fail(codeInvalid, pos, "cannot write generated column \""+name+"\""))
	}
	return at
}

// find returns the position of a column, which rowid may be too.
func (m *image) find(name string, pos int) int {
	folded := value.Fold(name)
	at := -1
	for i := range m.table.Columns {
		if m.table.Columns[i].Name == name {
			at = i
			break
		}
		if at < 0 && value.Fold(m.table.Columns[i].Name) == folded {
			at = i
		}
	}
	if at < 0 && m.table.Integer && isRowidName(folded) {
		at = m.key
	}
	if at < 0 {
		panic(fail(codeUnknownColumn, pos, "table "+m.table.Name+" has no column named "+name))
	}
	return at
}

// settle gives those columns of a row that are written their affinities, computes the generated ones, and asks
// the constraints. replace: a default takes the place of a NULL that may not be, which generated ones see.
func (m *image) settle(r *run, written []int, replace bool) error {
	for _, i := range written {
		slot := m.columns[i]
		r.row[slot] = m.table.Columns[i].Affinity.Apply(r.row[slot]).Plain()
	}
	for i := range m.table.Columns {
		col := &m.table.Columns[i]
		if slot := m.columns[i]; replace && col.NotNull && r.row[slot].IsNull() && m.defaults[i] != nil {
			r.row[slot] = col.Affinity.Apply(m.defaults[i](r))
		}
	}
	for _, i := range m.sequence {
		r.row[m.columns[i]] = m.table.Columns[i].Affinity.Apply(m.generated[i](r))
	}
	for i := range m.table.Columns {
		col := &m.table.Columns[i]
		if col.NotNull && r.row[m.columns[i]].IsNull() && !(m.table.Integer && i == m.key) {
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
	if m.key < 0 {
		return nil
	}
	v := value.IntegerAffinity.Apply(r.row[m.columns[m.key]])
	if !v.IsNull() && v.Kind() != value.Integer {
		return fail(codeConstraint, -1, "datatype mismatch")
	}
	r.row[m.columns[m.key]] = v
	return nil
}
