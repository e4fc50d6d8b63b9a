package store

import (
	"slices"
	"sync"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/query/sql/value"
)

// dictionary tells the statements of one transaction what their names mean: it is their
// sql.Catalog. Tables are found without regard to the case of ASCII letters.
type dictionary struct {
	tx *Tx
	// asked are the tables whose columns were looked for in all documents.
	asked []*described
	sized []sized
}

// vocabulary is what an environment remembers for all dictionaries.
type vocabulary struct {
	mu     sync.Mutex
	tables map[string]*described
	epoch  uint64 // counts what makes plans worth making anew though no definition has changed
	alone  uint64 // counts versions that only one transaction sees
}

// described is a table that a statement has named.
type described struct {
	table      *Table
	members    members
	statistics statistics
}

func (v *vocabulary) describe(table string) *described {
	v.mu.Lock()
	defer v.mu.Unlock()
	d := v.tables[table]
	if d == nil {
		if v.tables == nil {
			v.tables = make(map[string]*described)
		}
		d = &described{table: newTable(table)}
		v.tables[table] = d
	}
	return d
}

// Version is made of the last commit to the catalogue of databases, where all definitions stand.
// What only this transaction sees has a version that nobody else gets.
func (d *dictionary) Version() uint64 {
	changed := d.tx.env.changedAt(catalogue)
	v := &d.tx.env.vocabulary
	v.mu.Lock()
	defer v.mu.Unlock()
	if d.tx.hasWritten(catalogue) || changed > d.tx.base.sequence {
		v.alone++
		return lonely | v.alone
	}
	return changed<<16 | v.epoch&(1<<16-1)
}

// lonely marks versions that only one transaction sees.
const lonely = 1 << 63

// replan has statements planned anew.
func (v *vocabulary) replan() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epoch++
}

// Table implements sql.Catalog.
func (d *dictionary) Table(name string) (*sql.Table, error) {
	name, found, err := d.tableName(name)
	if err != nil || !found {
		return nil, err
	}
	known := d.tx.env.vocabulary.describe(name)
	s, err := known.table.open(d.tx)
	if err != nil {
		return nil, err
	}
	defer s.end()
	t := &sql.Table{
		Name:    name,
		Key:     s.schema.Key,
		Integer: s.schema.Increment,
		Indexes: s.schema.finished(),
		Checks:  s.schema.Checks,
		Open:    !s.schema.declared(),
		Handle:  known,
	}
	if t.Open {
		t.Columns, err = membersOf(known.members.some(d.tx, s.docs))
		t.Members = func() ([]sql.Column, error) { return d.allMembers(known) }
	} else {
		t.Columns = declared(s.schema.Columns)
	}
	if err == nil {
		t.Rows, t.Distinct, err = known.statistics.read(s, false)
		d.sized = append(d.sized, sized{known, t.Rows})
	}
	return t, err
}

// tableName finds the name of a table as it was made.
func (d *dictionary) tableName(name string) (exact string, found bool, err error) {
	if !isTableName(name) || len(name) > MaxNameBytes {
		return "", false, nil
	}
	_, err = d.tx.database(name, false, 0)
	if code := CodeOf(err); code != NotFound {
		return name, err == nil, err
	}
	names, err := d.tx.Tables()
	if err != nil {
		return "", false, err
	}
	at := foldedFind(names, name)
	if at < 0 {
		return "", false, nil
	}
	return names[at], true, nil
}

// allMembers are all columns of a table that declares none.
func (d *dictionary) allMembers(known *described) ([]sql.Column, error) {
	docs, err := d.tx.database(known.table.name, false, 0)
	if err != nil {
		return nil, err
	}
	d.asked = append(d.asked, known)
	return membersOf(known.members.all(d.tx, docs))
}

// membersOf are members as columns.
func membersOf(names []string, err error) ([]sql.Column, error) {
	columns := make([]sql.Column, len(names))
	for i, name := range names {
		columns[i] = sql.Column{Name: name, Path: query.Field(name)}
	}
	return columns, err
}

// declared are the columns of a table as statements know them.
func declared(columns []Column) []sql.Column {
	known := make([]sql.Column, len(columns))
	for i, c := range columns {
		collation, _ := value.CollationNamed(c.Collation)
		known[i] = sql.Column{
			Name:      c.Name,
			Path:      query.Field(c.Name),
			Affinity:  value.AffinityOf(c.Type),
			Collation: collation,
			NotNull:   c.NotNull,
			Default:   c.Default,
			Generated: c.Generated,
		}
	}
	return known
}

// indexNamed finds the table that has an index of a name, −1 where there is none.
func (d *dictionary) indexNamed(name string) (table string, at int, err error) {
	tables, err := d.tx.Tables()
	if err != nil {
		return "", -1, err
	}
	for _, table := range tables {
		db, err := d.tx.database(table, false, 0)
		if err != nil {
			return "", -1, err
		}
		schema, err := readSchema(table, db.Meta())
		if err != nil {
			return "", -1, err
		}
		if at := slices.IndexFunc(schema.Indexes, func(i IndexSpec) bool { return foldedEqual(i.Name, name) }); at >= 0 {
			return table, at, nil
		}
	}
	return "", -1, nil
}
