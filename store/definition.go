package store

import (
	"slices"
	"strings"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/query/sql/value"
)

// Define implements sql.Source: tables and indexes that statements create are those that
// programs open by their names.
func (s *statement) Define(d *sql.Definition) error {
	if err := s.rest(); err != nil {
		return err
	}
	names := &dictionary{tx: s.tx}
	switch d.Kind {
	case sql.CreateTable:
		return names.createTable(d)
	case sql.DropTable:
		return names.dropTable(d)
	case sql.CreateIndex:
		return names.createIndex(d)
	case sql.DropIndex:
		return names.dropIndex(d)
	case sql.CreateView:
		return names.createView(d)
	case sql.DropView:
		return names.dropView(d)
	case sql.AddColumn:
		return names.addColumn(d)
	case sql.DropColumn:
		return names.dropColumn(d)
	case sql.RenameTable:
		return names.renameTable(d)
	case sql.RenameColumn:
		return names.renameColumn(d)
	case sql.Analyze:
		return names.analyze(d)
	case sql.Reindex:
		return nil // indexes are never out of date
	default:
		return fail(Unsupported, "alter table", d.Table, nil)
	}
}

// Table implements sql.Source.
func (s *statement) Table(name string) (*sql.Table, error) {
	return (&dictionary{tx: s.tx}).Table(name)
}

// taken fails with AlreadyExists where there is a table or a view of a name.
func (d *dictionary) taken(name string) error {
	_, found, err := d.tableName(name)
	if err != nil {
		return err
	}
	view, err := d.View(name)
	if err == nil && (found || view != nil) {
		err = fail(AlreadyExists, "create", name, nil)
	}
	return err
}

// unless is the error of a definition, none where it is lenient and the code is that.
func unless(d *sql.Definition, code Code, err error) error {
	if d.Lenient && CodeOf(err) == code {
		return nil
	}
	return err
}

func (d *dictionary) createTable(def *sql.Definition) error {
	if !isTableName(def.Name) {
		return fail(InvalidArgument, "create table: name", "", nil)
	}
	if err := d.taken(def.Name); err != nil {
		return unless(def, AlreadyExists, err)
	}
	schema, err := schemaOf(def)
	if err != nil {
		return err
	}
	_, err = d.tx.Table(def.Name, schema)
	return err
}

// schemaOf is the schema of a table that a statement creates. A table whose identity no
// column is has a member for it that * does not stand for.
func schemaOf(d *sql.Definition) (Schema, error) {
	s := Schema{Increment: d.Key < 0 || d.Integer, Checks: d.Checks}
	for i, c := range d.Columns {
		column := Column{Name: c.Name, NotNull: c.NotNull, Default: c.Default, Generated: c.Generated}
		if i < len(d.Types) {
			column.Type = d.Types[i]
		}
		if c.Collation != value.Binary {
			column.Collation = collationNames[c.Collation]
		}
		s.Columns = append(s.Columns, column)
	}
	if d.Key >= 0 {
		if err := mustBeBinary(d, d.Key); err != nil {
			return Schema{}, err
		}
		s.Key = query.Field(d.Columns[d.Key].Name)
	} else {
		s.Key = query.Field(hiddenIdentity(d.Columns))
	}
	for _, columns := range d.Unique {
		index := IndexSpec{Unique: true}
		var names []string
		for _, c := range columns {
			if err := mustBeBinary(d, c); err != nil {
				return Schema{}, err
			}
			names = append(names, d.Columns[c].Name)
			index.Paths = append(index.Paths, query.Field(d.Columns[c].Name))
		}
		index.Name = d.Name + "_unique_" + strings.Join(names, "_")
		if s.find(index.Name) < 0 {
			s.Indexes = append(s.Indexes, index)
		}
	}
	return s, nil
}

var collationNames = map[value.Collation]string{value.NoCase: "nocase", value.RTrim: "rtrim"}

// mustBeBinary fails with Unsupported where a column that has to be unique takes for equal what
// differs in its bytes: indexes are ordered by these.
func mustBeBinary(d *sql.Definition, column int) error {
	if d.Columns[column].Collation == value.Binary {
		return nil
	}
	return fail(Unsupported, "create table: a unique column that is not collated binary", d.Name+"."+d.Columns[column].Name, nil)
}

// hiddenIdentity is the name of the member for an identity that is no column.
func hiddenIdentity(columns []sql.Column) string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !slices.ContainsFunc(columns, func(c sql.Column) bool { return foldedEqual(c.Name, name) }) {
			return name
		}
	}
	return "\x01rowid"
}

func (d *dictionary) dropTable(def *sql.Definition) error {
	name, found, err := d.tableName(def.Name)
	if err == nil && found {
		_, err = d.tx.DropTable(name)
	} else if err == nil {
		err = unless(def, UnknownTable, fail(UnknownTable, "drop table", def.Name, nil))
	}
	return err
}

// opened opens a table that a definition is about.
func (d *dictionary) opened(op, name string) (*Table, *DB, Schema, error) {
	exact, found, err := d.tableName(name)
	if err == nil && !found {
		err = fail(UnknownTable, op, name, nil)
	}
	if err != nil {
		return nil, nil, Schema{}, err
	}
	t, err := d.tx.OpenTable(exact)
	if err != nil {
		return nil, nil, Schema{}, err
	}
	docs, schema, err := t.stored(d.tx)
	return t, docs, schema, err
}

// createIndex makes an index and builds it in the same transaction, however many documents
// there are: what a statement does is done when it ends, or not at all.
func (d *dictionary) createIndex(def *sql.Definition) error {
	t, _, schema, err := d.opened("create index", def.Table)
	if err != nil {
		return err
	}
	if _, at, err := d.indexNamed(def.Name); err != nil {
		return err
	} else if at >= 0 {
		return unless(def, AlreadyExists, fail(AlreadyExists, "create index", def.Name, nil))
	}
	index := IndexSpec{Name: def.Name, Unique: def.Once}
	for _, name := range def.Paths {
		column := slices.IndexFunc(schema.Columns, func(c Column) bool { return foldedEqual(c.Name, name) })
		if column >= 0 {
			name = schema.Columns[column].Name
			if def.Once && schema.Columns[column].Collation != "" {
				return fail(Unsupported, "create index: a unique column that is not collated binary", t.name+"."+name, nil)
			}
		}
		index.Paths = append(index.Paths, query.Field(name))
	}
	return t.indexed(d.tx, &Schema{Key: schema.Key, Indexes: []IndexSpec{index}})
}

// indexed builds indexes to their end.
func (t *Table) indexed(tx *Tx, asked *Schema) error {
	if err := asked.check(t.name); err != nil {
		return err
	}
	if err := tx.env.mergeable(t.name, asked); err != nil {
		return err
	}
	if err := t.build(tx, asked, nil); err != nil {
		return err
	}
	for {
		_, schema, err := t.stored(tx)
		if err != nil || len(schema.unfinished(asked)) == 0 {
			return err
		}
		if _, err := t.buildSlice(tx, asked.Indexes); err != nil {
			return err
		}
	}
}

func (d *dictionary) dropIndex(def *sql.Definition) error {
	name, at, err := d.indexNamed(def.Name)
	if err != nil {
		return err
	}
	if at < 0 {
		return unless(def, NotFound, fail(NotFound, "drop index", def.Name, nil))
	}
	t, docs, schema, err := d.opened("drop index", name)
	if err != nil {
		return err
	}
	if err := t.dropIndexes(d.tx, schema.Indexes[at:at+1]); err != nil {
		return err
	}
	if at >= len(schema.finished()) {
		schema.Unfinished--
	}
	schema.Indexes = slices.Delete(slices.Clone(schema.Indexes), at, at+1)
	return t.reshape(d.tx, docs, schema)
}

func (d *dictionary) createView(def *sql.Definition) error {
	if err := d.taken(def.Name); err != nil {
		return unless(def, AlreadyExists, err)
	}
	return d.tx.putView(def.View)
}

func (d *dictionary) dropView(def *sql.Definition) error {
	view, err := d.View(def.Name)
	if err == nil && view == nil {
		return unless(def, UnknownTable, fail(UnknownTable, "drop view", def.Name, nil))
	}
	if err == nil {
		err = d.tx.dropView(def.Name)
	}
	return err
}

// addColumn declares one column more. Documents that are there do not have it.
func (d *dictionary) addColumn(def *sql.Definition) error {
	t, docs, schema, err := d.opened("alter table", def.Table)
	if err != nil {
		return err
	}
	added, err := schemaOf(&sql.Definition{Name: t.name, Columns: def.Columns[:1], Types: def.Types, Key: -1})
	if err != nil {
		return err
	}
	column := added.Columns[0]
	switch {
	case !schema.declared():
		return fail(Unsupported, "alter table: it declares no columns", t.name, nil)
	case slices.ContainsFunc(schema.Columns, func(c Column) bool { return foldedEqual(c.Name, column.Name) }):
		return fail(AlreadyExists, "alter table: column", t.name+"."+column.Name, nil)
	}
	schema.Columns, schema.Checks = append(slices.Clip(schema.Columns), column), append(slices.Clip(schema.Checks), def.Checks...)
	return t.reshape(d.tx, docs, schema)
}

// declared is the position of a column among those of a table's schema.
func (t *Table) declared(schema *Schema, name string) (int, error) {
	at := slices.IndexFunc(schema.Columns, func(c Column) bool { return foldedEqual(c.Name, name) })
	if at < 0 {
		return 0, fail(UnknownColumn, "alter table", t.name+"."+name, nil)
	}
	return at, nil
}

// dropColumn takes a column and its values away. Nothing else in the definition of the table
// reads it: package sql has seen to that.
func (d *dictionary) dropColumn(def *sql.Definition) error {
	t, docs, schema, err := d.opened("alter table", def.Table)
	if err != nil {
		return err
	}
	at, err := t.declared(&schema, def.Name)
	if err != nil {
		return err
	}
	path := query.Field(schema.Columns[at].Name)
	having, err := query.Select(query.Exists(path))
	if err != nil {
		return err
	}
	if _, err := t.UpdateWhere(d.tx, having, op.Append(nil, op.Delete(path))); err != nil {
		return err
	}
	schema.Columns = slices.Delete(slices.Clone(schema.Columns), at, at+1)
	return t.reshape(d.tx, docs, schema)
}

// analyze has everything planned anew, by what is found out now.
func (d *dictionary) analyze(def *sql.Definition) error {
	tables := []string{def.Name}
	if def.Name == "" {
		var err error
		if tables, err = d.tx.Tables(); err != nil {
			return err
		}
	} else if table, at, err := d.indexNamed(def.Name); err != nil {
		return err
	} else if at >= 0 {
		tables[0] = table
	}
	for _, name := range tables {
		exact, found, err := d.tableName(name)
		if err == nil && !found {
			err = fail(UnknownTable, "analyze", name, nil)
		}
		if err != nil {
			return err
		}
		known := d.tx.env.vocabulary.describe(exact)
		s, err := known.table.open(d.tx)
		if err != nil {
			return err
		}
		_, _, err = known.statistics.read(s, true)
		s.end()
		if err != nil {
			return err
		}
	}
	d.tx.env.vocabulary.replan()
	return nil
}
