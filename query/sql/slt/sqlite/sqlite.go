//go:build !js

// Package sqlite is SQLite as an engine that others are held to. Only tests import it.
package sqlite

import (
	"database/sql"

	_ "modernc.org/sqlite" // the driver

	"github.com/stowage-db/stowage/query/sql/slt"
	"github.com/stowage-db/stowage/query/sql/value"
)

// Open opens an empty database in memory.
func Open() (slt.Engine, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each would have a database of its own
	return engine{db}, nil
}

type engine struct{ db *sql.DB }

func (e engine) Name() string { return "sqlite" }
func (e engine) Close() error { return e.db.Close() }

func (e engine) Run(statement string) (rows [][]value.Value, err error) {
	found, err := e.db.Query(statement)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	raw, into := make([]any, len(names)), make([]any, len(names))
	for i := range raw {
		into[i] = &raw[i]
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]value.Value, len(raw))
		for i, v := range raw {
			row[i] = Value(v)
		}
		rows = append(rows, row)
	}
	return rows, found.Err()
}

// Value returns what the driver answered with as a value.
func Value(answer any) value.Value {
	switch v := answer.(type) {
	case int64:
		return value.FromInt(v)
	case float64:
		return value.FromReal(v)
	case string:
		return value.FromText(v)
	case []byte:
		return value.FromBlob(v)
	}
	return value.Value{}
}
