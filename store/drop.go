package store

import "github.com/stowage-db/stowage/query"

// Truncate removes all documents, however many, at the same cost. Integers are given
// out from 1 again.
func (t *Table) Truncate(tx *Tx) error {
	if !tx.Writable() {
		return fail(ReadOnly, "truncate", t.name, nil)
	}
	return tx.eachOf(t.name, (*DB).Empty)
}

// DropTable removes a table with its documents and indexes, and reports whether there
// was one. What is done with its Table later on fails with NotFound, until
// Env.Table has made it again.
func (tx *Tx) DropTable(name string) (found bool, err error) {
	if !tx.Writable() {
		return false, fail(ReadOnly, "drop table", name, nil)
	}
	err = tx.eachOf(name, (*DB).Drop)
	tx.env.unidentified(name)
	if CodeOf(err) == NotFound {
		return false, nil
	}
	return err == nil, err
}

// DropTables removes all tables, as DropTable does.
func (tx *Tx) DropTables() error {
	if !tx.Writable() {
		return fail(ReadOnly, "drop tables", "", nil)
	}
	names, err := tx.Tables()
	for _, name := range names {
		if err == nil {
			_, err = tx.DropTable(name)
		}
	}
	return err
}

// eachOf calls f for a table's documents, then for each database beside them.
func (tx *Tx) eachOf(table string, f func(*DB) error) error {
	if err := tx.usable("open table"); err != nil {
		return err
	}
	if !isTableName(table) {
		return fail(NotFound, "open table", table, nil)
	}
	beside, err := tx.catalogued(query.PrefixRange([]byte(table + "\x00")))
	if err != nil {
		return err
	}
	for _, name := range append([]string{table}, beside...) {
		db, err := tx.database(name, false, 0)
		if err == nil {
			err = f(db)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
