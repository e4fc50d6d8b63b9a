package store

import (
	"slices"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/query/sql"
)

// Tables and columns that SQL has declared get other names. Views do not follow: what they
// read is refused another name.

// renameTable has a table's databases stand under another name in the catalogue. Nothing of
// them is written; who has opened the table under the old name does not find it.
func (d *dictionary) renameTable(def *sql.Definition) error {
	t, _, _, err := d.opened("alter table", def.Table)
	if err != nil {
		return err
	}
	if !isTableName(def.Name) {
		return fail(InvalidArgument, "alter table: name", "", nil)
	}
	// Who does not see this transaction would go on writing under the old name.
	if err := d.tx.env.mergeable(t.name, &Schema{Increment: true}); err != nil {
		return err
	}
	if err := d.taken(def.Name); err != nil {
		return err
	}
	if err := d.unviewed(t.name); err != nil {
		return err
	}
	return d.tx.eachOf(t.name, func(db *DB) error { return db.rename(def.Name + db.name[len(t.name):]) })
}

// rename has the database stand under another name, which nobody has. Later calls of its
// handle fail as after Drop.
func (db *DB) rename(name string) error {
	moved := &DB{tx: db.tx, name: name, space: db.space, flags: db.flags, meta: db.meta}
	if err := db.Drop(); err != nil {
		return err
	}
	return moved.save()
}

// renameColumn gives the member of a column another name in all documents. The indexes of it
// are built anew.
func (d *dictionary) renameColumn(def *sql.Definition) error {
	t, docs, schema, err := d.opened("alter table", def.Table)
	if err != nil {
		return err
	}
	at, err := t.declared(&schema, def.Name)
	if err != nil {
		return err
	}
	if err := d.unviewed(t.name, schema.Columns[at].Name); err != nil {
		return err
	}
	from, to := query.Field(schema.Columns[at].Name), query.Field(def.Paths[0])
	if from.Equal(to) {
		return nil
	}
	if there, err := d.has(t, to); there || err != nil {
		if err == nil {
			err = fail(AlreadyExists, "alter table: documents have such a member", t.name+"."+def.Paths[0], nil)
		}
		return err
	}
	var stay, again []IndexSpec
	for _, index := range schema.Indexes {
		if !slices.ContainsFunc(index.Paths, from.Equal) {
			stay = append(stay, index)
			continue
		}
		again = append(again, index)
	}
	if len(again) > 0 && schema.Unfinished > 0 {
		return fail(Unsupported, "alter table: an index is being built", t.name, nil)
	}
	if err := t.dropIndexes(d.tx, again); err != nil {
		return err
	}
	schema.Indexes, schema.Columns = stay, slices.Clone(schema.Columns)
	if err := t.reshape(d.tx, docs, schema); err != nil {
		return err
	}
	having, err := query.Select(query.Exists(from))
	if err != nil {
		return err
	}
	if _, err := t.UpdateWhere(d.tx, having, op.Append(nil, op.Rename(from, def.Paths[0]))); err != nil {
		return err
	}
	schema.Columns[at].Name = def.Paths[0]
	if err := t.reshape(d.tx, docs, schema); err != nil || len(again) == 0 {
		return err
	}
	for i := range again {
		again[i].Paths = slices.Clone(again[i].Paths)
		for j, path := range again[i].Paths {
			if path.Equal(from) {
				again[i].Paths[j] = to
			}
		}
	}
	return t.indexed(d.tx, &Schema{Key: schema.Key, Indexes: again})
}

// has reports whether a document of a table has a member.
func (d *dictionary) has(t *Table, path query.Path) (bool, error) {
	having, err := query.Select(query.Exists(path))
	if err != nil {
		return false, err
	}
	having.Limit = 1
	n, err := t.Count(d.tx, having)
	return n > 0, err
}

// unviewed fails where a view reads a table and, if one is given, has the name of a column.
func (d *dictionary) unviewed(table string, column ...string) error {
	db, err := d.tx.database(viewsName, false, 0)
	if CodeOf(err) == NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	var views []string
	c := db.Cursor(KeyRange{})
	for ok := c.First(); ok; ok = c.Next() {
		views = append(views, string(c.Key()))
	}
	err = c.Err()
	c.Close()
	for _, name := range views {
		if err != nil {
			return err
		}
		view, err := d.View(name)
		if err != nil {
			return err
		}
		if view == nil || !sql.Names(view.Text, column...) {
			continue
		}
		reads := sql.Names(view.Text, table)
		if p, err := d.tx.planFor(`SELECT 1 FROM "` + view.Name + `"`); err == nil {
			reads = slices.Contains(p.Tables(), table)
		}
		if reads {
			return fail(InvalidStatement, "alter table: a view reads it", view.Name, nil)
		}
	}
	return err
}
