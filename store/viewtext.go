package store

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query/sql"
)

// Views that SQL has created stand in a database of their own, by their names with the
// ASCII letters in lower case. Each is
//
//	array of 3: name str, text str, names of its columns array of str
//
// An environment without views has no such database.
const viewsName = reservedTable + "\x00views"

// View implements sql.Catalog.
func (d *dictionary) View(name string) (*sql.View, error) {
	db, err := d.tx.database(viewsName, false, 0)
	if CodeOf(err) == NotFound {
		return nil, nil
	}
	if err != nil || name == "" {
		return nil, err
	}
	stored, found, err := db.get([]byte(folded(name)))
	if err != nil || !found {
		return nil, err
	}
	r := schemaReader{b: stored}
	r.array(3)
	view := &sql.View{Name: r.string(), Text: r.string()}
	for range r.array(-1) {
		view.Columns = append(view.Columns, r.string())
	}
	if r.err != nil || len(r.b) > 0 {
		return nil, fail(Corrupt, "read view", name, r.err)
	}
	return view, nil
}

// putView keeps a view. That the catalogue is written to as well tells plans from before.
func (tx *Tx) putView(v *sql.View) error {
	db, err := tx.database(viewsName, true, 0)
	if err != nil {
		return err
	}
	stored := msgp.AppendString(msgp.AppendString(msgp.AppendArrayHeader(nil, 3), v.Name), v.Text)
	stored = msgp.AppendArrayHeader(stored, uint32(len(v.Columns)))
	for _, column := range v.Columns {
		stored = msgp.AppendString(stored, column)
	}
	if err := db.Put([]byte(folded(v.Name)), stored); err != nil {
		return err
	}
	return db.save()
}

// dropView forgets a view.
func (tx *Tx) dropView(name string) error {
	db, err := tx.database(viewsName, true, 0)
	if err != nil {
		return err
	}
	if err := db.Clear([]byte(folded(name))); err != nil {
		return err
	}
	return db.save()
}
