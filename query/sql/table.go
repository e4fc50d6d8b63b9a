package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// Table is what resolving and planning must know of a table. Nobody changes one
// that a Catalog has handed out.
type Table struct {
	Name    string
	Columns []Column // declared ones, or where Open some of those that there are
	Open    bool     // a table of documents: any other name is a member too
	// Members finds all columns where Open, in the order in which documents first have
	// them: what * stands for, and what NATURAL and names of two such tables are decided by. It
	// reads the whole table where nobody has since that was last written to.
	Members func() ([]Column, error)
	Key     query.Path // where the identity is in a document
	// Integer: identities are integers, so that rowid is another name for Key.
	Integer bool
	Indexes []query.Index
	// Checks are the expressions of CHECK constraints.
	Checks []string
	// Rows is about how many there are, −1 where nobody knows.
	Rows int64
	// Distinct tells per index and length of prefix about how many different ones
	// there are; nil where nobody knows.
	Distinct [][]int64
	// Handle is the Source's own.
	Handle any
}

// Column is a member of a table's documents.
type Column struct {
	Name      string
	Path      query.Path
	Affinity  value.Affinity
	Collation value.Collation
	NotNull   bool
	Hidden    bool   // not among those that * stands for
	Default   string // an expression; "" for none
	Generated string // an expression; "" for none
}

// position is that of a column, −1 where there is none.
func (t *Table) position(name string) int {
	return slices.IndexFunc(t.Columns, func(col Column) bool { return value.Fold(col.Name) == value.Fold(name) })
}

// key is the column that is the identity, −1 where none is.
//
//go:noinline
func (t *Table) key() int {
	for i := range t.Columns {
		if t.Columns[i].Path.Equal(t.Key) {
			return i
		}
	}
	return -1
}

// given is the first column that is not generated, −1 where all are.
func (t *Table) given() int {
	for i := range t.Columns {
		if t.Columns[i].Generated == "" {
			return i
		}
	}
	return -1
}

// with is the table with one more column.
//
//go:noinline
func (t *Table) with(col *Column) *Table {
	more := *t
	more.Columns = append(slices.Clip(t.Columns), *col)
	return &more
}

// identified is the table with a column that is its identity: where identities are integers that no
// column is declared for, a hidden one.
func (t *Table) identified() *Table {
	if !t.Integer || len(t.Key) != 1 || t.key() >= 0 {
		return t
	}
	return t.with(&Column{Name: t.Key[0].Name, Path: t.Key, Hidden: true})
}

// isRowidName reports whether a name, in small letters, may mean an identity that is an integer.
func isRowidName(folded string) bool {
	return folded == "rowid" || folded == "oid" || folded == "_rowid_"
}
