package sql

import (
	"strings"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// define reads a CREATE, DROP, ALTER, ANALYZE or REINDEX, if one comes next.
func (s *statement) define(p *parser) bool {
	d := &definition{pos: p.peek().pos}
	switch {
	case p.word("create"):
		p.create(d)
	case p.word("drop"):
		p.drop(d)
	case p.word("alter table"):
		p.alter(d)
	case p.word("analyze"):
		d.Kind = Analyze
		if isName(p.peek()) {
			d.Name = p.qualified()
		}
	case p.word("reindex"):
		d.Kind = Reindex
		if isName(p.peek()) {
			d.Name = p.qualified()
		}
	default:
		return false
	}
	s.definition = d
	return true
}

func (p *parser) create(d *definition) {
	d.Once = p.word("unique")
	if !d.Once && (p.word("temp") || p.word("temporary") || p.is("trigger") || p.is("virtual")) {
		panic(fail(codeUnsupported, d.pos, "only tables, indexes and views that stay can be created"))
	}
	switch {
	case p.word("index"):
		d.Kind = CreateIndex
	case !d.Once && p.word("table"):
		d.Kind = CreateTable
	case !d.Once && p.word("view"):
		d.Kind = CreateView
	default:
		p.unexpected()
	}
	d.Lenient = p.word("if not exists")
	d.Name = p.qualified()
	switch d.Kind {
	case CreateIndex:
		p.createIndex(d)
	case CreateView:
		p.createView(d)
	default:
		p.createTable(d)
	}
}

func (p *parser) createView(d *definition) {
	d.View = &View{Name: d.Name}
	if p.isSign("(") {
		d.View.Columns = p.nameList()
	}
	p.expect("as")
	start := p.peek().pos
	d.query = p.selection()
	d.View.Text = p.text[start:p.tokens[p.at-1].end]
}

// createIndex reads the columns of an index, whose order in the index is the same
// for both directions.
func (p *parser) createIndex(d *definition) {
	p.expect("on")
	d.Table = p.name()
	p.expectSign("(")
	for _, o := range p.orderings() {
		e := o.expr
		if e.kind == exprCollate && value.Fold(e.name) == "binary" {
			e = e.kids[0]
		}
		if e.kind != exprColumn || e.table != "" {
			panic(fail(codeUnsupported, e.pos, "an index is of columns"))
		}
		d.Paths = append(d.Paths, e.name)
	}
	p.expectSign(")")
	if p.is("where") {
		panic(fail(codeUnsupported, p.peek().pos, "an index is of all rows"))
	}
}

func (p *parser) drop(d *definition) {
	switch {
	case p.word("table"):
		d.Kind = DropTable
	case p.word("index"):
		d.Kind = DropIndex
	case p.word("view"):
		d.Kind = DropView
	default:
		p.unexpected()
	}
	d.Lenient = p.word("if exists")
	d.Name = p.qualified()
}

func (p *parser) alter(d *definition) {
	d.Table = p.qualified()
	switch {
	case p.word("rename to"):
		d.Kind, d.Name = RenameTable, p.name()
	case p.word("rename"):
		p.word("column")
		d.Kind, d.Name = RenameColumn, p.name()
		p.expect("to")
		d.Paths = []string{p.name()}
	case p.word("add"):
		p.word("column")
		d.Kind, d.Key = AddColumn, -1
		p.columnDefinition(d)
	case p.word("drop"):
		p.word("column")
		d.Kind, d.Name = DropColumn, p.name()
	default:
		p.unexpected()
	}
}

func (p *parser) createTable(d *definition) {
	d.Key = -1
	if p.word("as") {
		d.query = p.selection()
		return
	}
	p.expectSign("(")
	for constrained := false; ; {
		// Commas between constraints may be left out.
		for p.tableConstraint(d) {
			constrained = true
		}
		if !constrained {
			p.columnDefinition(d)
		}
		if !p.sign(",") {
			break
		}
	}
	p.expectSign(")")
	d.settle()
	p.tableOptions(d)
}

func (p *parser) tableOptions(d *definition) {
	for {
		pos := p.peek().pos
		switch {
		case p.word("without rowid"):
			d.withoutRowid(pos)
		case p.word("strict"):
			panic(fail(codeUnsupported, pos, "STRICT is not supported: types are affinities"))
		default:
			return
		}
		if !p.sign(",") {
			return
		}
	}
}

// withoutRowid sees to a primary key that nothing is made up for.
func (d *definition) withoutRowid(pos int) {
	switch {
	case !d.keyed:
		panic(fail(codeInvalid, pos, "PRIMARY KEY missing on table "+d.Name))
	case d.Key >= 0:
		d.Integer, d.Columns[d.Key].NotNull = false, true
	default:
		for _, i := range d.Unique[0] {
			d.Columns[i].NotNull = true
		}
	}
}

// columnDefinition reads a column of a table.
func (p *parser) columnDefinition(d *definition) {
	pos := p.peek().pos
	name := p.name()
	for _, c := range d.Columns {
		if value.Fold(c.Name) == value.Fold(name) {
			panic(fail(codeInvalid, pos, "duplicate column name: "+name))
		}
	}
	declared := p.typeName()
	d.Columns = append(d.Columns, Column{Name: name, Path: query.Field(name), Affinity: value.AffinityOf(declared)})
	d.Types = append(d.Types, declared)
	for p.columnConstraint(d, len(d.Columns)-1) {
	}
}

// columnConstraint reads one constraint of a column, if one comes next.
func (p *parser) columnConstraint(d *definition, i int) bool {
	c := &d.Columns[i]
	if p.word("constraint") {
		p.name()
	}
	switch {
	case p.word("primary key"):
		if !p.word("asc") && p.word("desc") {
			d.primary(p, []int{i}, false)
		} else {
			d.primary(p, []int{i}, true)
		}
		p.conflictClause()
		p.word("autoincrement")
	case p.word("not null"):
		c.NotNull = true
		p.conflictClause()
	case p.word("null"):
	case p.word("unique"):
		d.Unique = append(d.Unique, []int{i})
		p.conflictClause()
	case p.word("check"):
		d.Checks = append(d.Checks, p.source())
	case p.word("default"):
		c.Default = p.defaultValue()
	case p.word("collate"):
		c.Collation = p.collation()
	case p.is("generated"), p.is("as"):
		if p.word("generated") {
			p.expect("always")
		}
		p.expect("as")
		c.Generated = p.source()
		if !p.word("stored") {
			p.word("virtual")
		}
	case p.word("references"):
		p.references()
	default:
		return false
	}
	return true
}

func (p *parser) collation() value.Collation {
	pos := p.peek().pos
	name := p.name()
	c, found := value.CollationNamed(name)
	if !found {
		panic(fail(codeUnknownFunction, pos, "no such collation sequence: "+name))
	}
	return c
}

// source reads an expression in parentheses and returns its text.
func (p *parser) source() string {
	p.expectSign("(")
	start := p.peek().pos
	p.expression()
	text := p.text[start:p.tokens[p.at-1].end]
	p.expectSign(")")
	return text
}

func (p *parser) defaultValue() string {
	if p.isSign("(") {
		return p.source()
	}
	start := p.peek()
	e := p.signed()
	if e.kind == exprColumn && !e.quoted && value.Fold(e.name) != "true" && value.Fold(e.name) != "false" {
		return "'" + strings.ReplaceAll(e.name, "'", "''") + "'"
	}
	return p.text[start.pos:p.tokens[p.at-1].end]
}

// conflictClause passes over ON CONFLICT, which only ABORT may stand behind: what
// is to be done is for each statement to say.
func (p *parser) conflictClause() {
	pos := p.peek().pos
	if p.word("on conflict") && !p.word("abort") {
		panic(fail(codeUnsupported, pos, "ON CONFLICT belongs to the statement"))
	}
}

// references passes over a foreign key, which binds nobody, as in SQLite unless told
// otherwise.
func (p *parser) references() {
	p.name()
	if p.isSign("(") {
		p.nameList()
	}
	for {
		switch {
		case p.word("on delete"), p.word("on update"):
			if !p.word("set null") && !p.word("set default") && !p.word("no action") && !p.word("cascade") {
				p.expect("restrict")
			}
		case p.word("match"):
			p.name()
		case p.word("not deferrable"), p.word("deferrable"):
		case p.word("initially"):
			p.name()
		default:
			return
		}
	}
}

// tableConstraint reads one constraint of a table, if one comes next.
func (p *parser) tableConstraint(d *definition) bool {
	if p.word("constraint") {
		p.name()
	}
	switch {
	case p.word("primary key"):
		d.primary(p, p.columnsOf(d), true)
		p.conflictClause()
	case p.is("unique") && p.ahead(1).text == "(":
		p.next()
		d.Unique = append(d.Unique, p.columnsOf(d))
		p.conflictClause()
	case p.is("check") && p.ahead(1).text == "(":
		p.next()
		d.Checks = append(d.Checks, p.source())
		p.conflictClause()
	case p.word("foreign key"):
		p.nameList()
		p.expect("references")
		p.references()
	default:
		return false
	}
	return true
}

// columnsOf reads names of columns in parentheses and returns their positions.
func (p *parser) columnsOf(d *definition) []int {
	p.expectSign("(")
	var columns []int
	for _, o := range p.orderings() {
		at := -1
		for i, c := range d.Columns {
			if o.expr.kind == exprColumn && value.Fold(c.Name) == value.Fold(o.expr.name) {
				at = i
			}
		}
		if at < 0 {
			panic(fail(codeUnknownColumn, o.expr.pos, "no such column: "+o.expr.name))
		}
		columns = append(columns, at)
	}
	p.expectSign(")")
	return columns
}

// primary makes columns the primary key: the identity where it is one column, else
// unique beside an identity that the engine makes up.
func (d *definition) primary(p *parser, columns []int, ascending bool) {
	if d.keyed {
		panic(fail(codeInvalid, p.peek().pos, "table \""+d.Name+"\" has more than one primary key"))
	}
	d.keyed = true
	if len(columns) > 1 {
		d.Unique = append([][]int{columns}, d.Unique...)
		return
	}
	d.Key = columns[0]
	d.Integer = ascending && value.Fold(d.Types[d.Key]) == "integer"
}

// settle sees to a primary key whose collation no identity has.
func (d *definition) settle() {
	if d.Key < 0 || d.Integer {
		return
	}
	c := &d.Columns[d.Key]
	if c.Collation != value.Binary {
		d.Unique = append([][]int{{d.Key}}, d.Unique...)
		d.Key = -1
		return
	}
	c.NotNull = true
}
