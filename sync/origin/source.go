package origin

import (
	"context"
	"slices"

	"github.com/stowage-db/stowage/store"
)

// Source is a database whose tables are read, and never written. Its methods may
// be called at the same time.
type Source interface {
	// Gate returns a token for the committed state of the database. While it
	// returns the same token, nothing was committed; another token means that
	// something may have been.
	Gate(ctx context.Context) (string, error)

	// Snapshot calls f with a reader of one committed state, which must not be
	// used after f has returned.
	Snapshot(ctx context.Context, f func(Reader) error) error

	// Close ends all connections; nothing may be under way.
	Close() error

	dialect() dialect
}

// Reader reads one committed state of a source.
type Reader interface {
	// Describe returns a table or view by its name, with or without a schema, or
	// fails with store.NotFound.
	Describe(ctx context.Context, name string) (*Relation, error)

	// Rows calls each with the values of every row that a statement finds, one
	// for each of columns, as the text that Postgres writes for them; nil is NULL.
	// The slices are overwritten by the next row.
	Rows(ctx context.Context, s statement, columns []Column, each func(values [][]byte) error) error

	// Answer runs a statement whose columns are not known beforehand.
	Answer(ctx context.Context, s statement, each func(values [][]byte) error) ([]Column, error)
}

// statement is SQL that this package has composed, and its parameters.
type statement struct {
	sql  string
	args []any
}

// Relation is a table or view.
type Relation struct {
	Schema, Name string
	Columns      []Column
}

// Column is a column of a relation, in the terms of the protocol's schema header.
type Column struct {
	Name      string
	Type      string // Postgres' name of the type: int8, text, bool …
	Dims      int    // dimensions of an array; 0 where it is none
	NotNull   bool
	Key       int // 1 for the first column of the primary key; 0 where it is none of it
	Precision int // of numeric; 0 where unbounded
	Scale     int
	Length    int // of varchar and bpchar; 0 where unbounded
}

// column returns the column that an identifier names: the one of exactly that
// name or, where it was not quoted, the one that differs in case only.
func (r *Relation) column(id identifier) (Column, bool) {
	at := slices.IndexFunc(r.Columns, func(c Column) bool { return id.names(c.Name) })
	if at < 0 {
		return Column{}, false
	}
	return r.Columns[at], true
}

// keys returns the indexes of the key's columns, in the key's order.
func (r *Relation) keys() []int {
	var found []int
	for i, c := range r.Columns {
		if c.Key > 0 {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b int) int { return r.Columns[a].Key - r.Columns[b].Key })
	return found
}

// narrowed returns the relation with those columns only that keep accepts.
func (r *Relation) narrowed(keep func(Column) bool) *Relation {
	n := &Relation{Schema: r.Schema, Name: r.Name}
	for _, c := range r.Columns {
		if keep(c) {
			n.Columns = append(n.Columns, c)
		}
	}
	return n
}

// dialect is what differs between the databases in the SQL that is rendered.
type dialect int

const (
	sqliteDialect dialect = iota
	postgresDialect
)

// failure makes the error of a request. Name is a table, column or word of the
// request, never a value of a row.
func failure(code store.Code, op, name string) error {
	return &store.Error{Code: code, Op: op, Name: name}
}
