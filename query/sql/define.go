package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// compileDefine makes a statement of a CREATE, DROP or ALTER, as far as names can
// tell whether it will do.
func (s *Statement) compileDefine(c *compiler, d *definition) {
	s.Writes = true
	exists := c.exists(d)
	switch d.Kind {
	case CreateTable, CreateView:
		if exists && !d.Lenient {
			panic(fail(codeExists, d.pos, "table "+d.Name+" already exists"))
		}
	case DropTable, DropView:
		if !exists && d.Lenient {
			break
		}
		if !exists {
			panic(fail(codeUnknownTable, d.pos, "no such table: "+d.Name))
		}
		c.sameKind(d)
	case CreateIndex:
		c.indexed(d)
	case AddColumn, DropColumn, RenameTable, RenameColumn:
		c.altered(d)
	}
	if (d.Kind == CreateTable || d.Kind == CreateView) && exists || (d.Kind == DropTable || d.Kind == DropView) && !exists {
		s.start = func(*run, func(row []value.Value) error) error { return nil }
		return
	}
	if d.Kind == CreateTable && d.query != nil {
		s.compileCreateAs(c, d)
		return
	}
	if d.Kind == AddColumn {
		s.compileAddColumn(c, d)
		return
	}
	if d.Kind == CreateTable {
		c.created(d)
	}
	definition := d.Definition
	s.start = func(r *run, _ func(row []value.Value) error) error { return r.source.Define(&definition) }
}

// created refuses a table that could not be written.
func (c *compiler) created(d *definition) {
	t := &Table{Name: d.Name, Columns: d.Columns, Key: query.Field("rowid"), Integer: d.Integer || d.Key < 0, Checks: d.Checks}
	if d.Key >= 0 {
		t.Key = d.Columns[d.Key].Path
	}
	if t.given() < 0 {
		panic(fail(codeInvalid, d.pos, "must have at least one non-generated column"))
	}
	for i := range d.Columns {
		if d.Columns[i].Generated != "" && (i == d.Key || d.keyed && d.Key < 0 && slices.Contains(d.Unique[0], i)) {
			panic(fail(codeInvalid, d.pos, "generated columns cannot be part of the PRIMARY KEY"))
		}
	}
	c.computed(t, d)
}

// computed looks into what the definition of a table that is going to be has of expressions, as
// each statement will that writes it.
func (c *compiler) computed(t *Table, d *definition) {
	for i := range d.Columns {
		if d.Columns[i].Generated != "" && d.Columns[i].Default != "" {
			panic(fail(codeInvalid, d.pos, "cannot use DEFAULT on a generated column"))
		}
	}
	c.image(t.identified(), d.pos)
}

// exists reports whether a table or a view has the definition's name.
func (c *compiler) exists(d *definition) bool {
	t, err := c.catalog.Table(d.Name)
	if err != nil {
		panic(wrap(err, d.pos))
	}
	v, err := c.catalog.View(d.Name)
	if err != nil {
		panic(wrap(err, d.pos))
	}
	return t != nil || v != nil
}

// sameKind refuses to drop a view as a table, and the other way round.
func (c *compiler) sameKind(d *definition) {
	t, _ := c.catalog.Table(d.Name)
	if (t != nil) != (d.Kind == DropTable) {
		if t != nil {
			panic(fail(codeInvalid, d.pos, "use DROP TABLE to delete table "+d.Name))
		}
		panic(fail(codeInvalid, d.pos, "use DROP VIEW to delete view "+d.Name))
	}
}

// indexed finds the columns of a new index.
func (c *compiler) indexed(d *definition) {
	t := c.writable(d.Table, d.pos)
	for i, name := range d.Paths {
		found := t.Open
		for _, col := range t.Columns {
			if value.Fold(col.Name) == value.Fold(name) {
				d.Paths[i], found = col.Name, true
			}
		}
		if !found {
			panic(fail(codeUnknownColumn, d.pos, "no such column: "+name))
		}
	}
}

// altered checks the names of an ALTER TABLE.
func (c *compiler) altered(d *definition) {
	t := c.writable(d.Table, d.pos)
	at := t.position(d.Name)
	if t.Open && d.Kind != AddColumn {
		panic(fail(codeUnsupported, d.pos, "the table declares no columns: programs know it by its names"))
	}
	switch d.Kind {
	case AddColumn:
		return
	case RenameTable:
		if c.exists(d) {
			panic(fail(codeExists, d.pos, "there is already another table or view with this name: "+d.Name))
		}
	default:
		if at < 0 {
			panic(fail(codeUnknownColumn, d.pos, "no such column: \""+d.Name+"\""))
		}
	}
	switch d.Kind {
	case DropColumn:
		c.droppable(t, d, at)
	case RenameColumn:
		c.renamable(t, d, at)
	}
}

// compileAddColumn makes a statement that adds a column. Then all rows are written as by an UPDATE,
// unless they stay as they are: so they have its default, or what it computes, and do what it asks.
func (s *Statement) compileAddColumn(c *compiler, d *definition) {
	definition := d.Definition
	s.start = func(r *run, _ func(row []value.Value) error) error { return r.source.Define(&definition) }
	with := c.addable(d)
	set := d.first(with)
	if set == nil {
		return
	}
	_, change := s.updating(c, with, &update{table: d.Table, pos: d.pos, set: []assignment{*set}})
	s.start = func(r *run, _ func(row []value.Value) error) error {
		if err := r.source.Define(&definition); err != nil {
			return err
		}
		err := change(r, nil)
		r.changes = 0
		return err
	}
}

// addable is the table with the column that is added to it.
func (c *compiler) addable(d *definition) *Table {
	t, col := c.writable(d.Table, d.pos), &d.Columns[0]
	refuse := func(why string) { panic(fail(codeInvalid, d.pos, why)) }
	switch {
	case t.position(col.Name) >= 0:
		refuse("duplicate column name: " + col.Name)
	case d.keyed:
		refuse("Cannot add a PRIMARY KEY column")
	case len(d.Unique) > 0:
		refuse("Cannot add a UNIQUE column")
	case col.NotNull && col.Default == "" && col.Generated == "":
		refuse("Cannot add a NOT NULL column with default value NULL")
	}
	with := t.with(col)
	with.Checks = append(slices.Clip(t.Checks), d.Checks...)
	c.computed(with, d)
	return with
}

// first is what an UPDATE of a table sets that shall bring its rows to a column that is added: its
// default, or where only something is computed or asked any column to itself. nil: they stay as they are.
func (d *definition) first(t *Table) *assignment {
	col := &d.Columns[0]
	switch {
	case col.Default != "":
		return &assignment{columns: []string{col.Name}, pos: d.pos, expr: expressionOf(col.Default)}
	case col.Generated != "" || len(d.Checks) > 0:
		name := t.Columns[t.given()].Name
		return &assignment{columns: []string{name}, pos: d.pos, expr: &expr{kind: exprColumn, name: name, pos: d.pos}}
	}
	return nil
}

// droppable refuses to drop a column that something else in its table's definition reads.
func (c *compiler) droppable(t *Table, d *definition, at int) {
	path := t.Columns[at].Path
	refuse := func(why string) { panic(fail(codeInvalid, d.pos, "cannot drop column \""+d.Name+"\": "+why)) }
	switch {
	case t.Key.Equal(path):
		refuse("it is the identity")
	case len(t.Columns) == 1:
		refuse("no other columns exist")
	}
	for _, index := range t.Indexes {
		if slices.ContainsFunc(index.Paths, path.Equal) {
			refuse("the index " + index.Name + " is of it")
		}
	}
	c.unread(t, d, at)
}

// renamable refuses another name for a column that programs know documents by, or that
// an expression of its table's definition reads.
func (c *compiler) renamable(t *Table, d *definition, at int) {
	if other := t.position(d.Paths[0]); other >= 0 && other != at {
		panic(fail(codeInvalid, d.pos, "duplicate column name: "+d.Paths[0]))
	}
	if t.Key.Equal(t.Columns[at].Path) {
		panic(fail(codeUnsupported, d.pos, "the identity keeps its name"))
	}
	c.unread(t, d, at)
}

// unread fails where a CHECK or another column of the table reads one.
func (c *compiler) unread(t *Table, d *definition, at int) {
	without := *t
	without.Columns = slices.Delete(slices.Clone(t.Columns), at, at+1)
	c.image(&without, d.pos)
}

// Names reports whether a text of SQL has all of some names in it, whatever they are there.
func Names(text string, names ...string) bool {
	tokens, err := scan(text)
	return err == nil && !slices.ContainsFunc(names, func(name string) bool {
		return !slices.ContainsFunc(tokens, func(t token) bool {
			return (t.kind == tokenWord || t.kind == tokenName) && value.Fold(t.text) == value.Fold(name)
		})
	})
}

// compileCreateAs makes a table of a SELECT's result.
func (s *Statement) compileCreateAs(c *compiler, d *definition) {
	chosen := c.selection(d.query, &scope{}, nil)
	definition := d.Definition
	definition.Key = -1
	for _, col := range chosen.columns {
		name := col.name
		for n := 1; definition.has(name); n++ {
			name = col.name + ":" + itoa(n)
		}
		definition.Columns = append(definition.Columns, Column{Name: name, Path: query.Field(name), Affinity: col.affinity})
		definition.Types = append(definition.Types, typeNames[col.affinity])
	}
	slots := slotsOf(chosen.columns)
	s.start = func(r *run, _ func(row []value.Value) error) error {
		rows := newRoll(len(slots))
		if err := chosen.feed(r, func() error {
			if err := rows.add(r, slots); err != nil {
				return err
			}
			return r.tick()
		})(); err != nil {
			return err
		}
		if err := r.source.Define(&definition); err != nil {
			return err
		}
		return fill(r, definition.Name, rows)
	}
}

// typeNames are what a column of an affinity is declared as by CREATE TABLE … AS.
var typeNames = [...]string{value.TextAffinity: "TEXT", value.NumericAffinity: "NUM", value.IntegerAffinity: "INT", value.RealAffinity: "REAL"}

func (d *Definition) has(name string) bool {
	for _, col := range d.Columns {
		if value.Fold(col.Name) == value.Fold(name) {
			return true
		}
	}
	return false
}

// fill inserts rows in a table that was just created.
func fill(r *run, name string, rows *roll) error {
	t, err := r.source.Table(name)
	if err != nil {
		return err
	}
	m := &image{table: t}
	var into []int
	for i, col := range t.Columns {
		m.columns = append(m.columns, i)
		if !col.Hidden {
			into = append(into, i)
		}
	}
	m.name()
	d := m.newDrafting()
	r.row = make([]value.Value, len(t.Columns))
	for n := range rows.count {
		if err := r.tick(); err != nil {
			return err
		}
		for i, v := range rows.row(r, n) {
			r.row[into[i]] = t.Columns[into[i]].Affinity.Apply(v).Plain()
		}
		if r.err != nil {
			return r.err
		}
		if _, _, err := r.source.Insert(t, d.draft(r)); err != nil {
			return err
		}
	}
	return nil
}
