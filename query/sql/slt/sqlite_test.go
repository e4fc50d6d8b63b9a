//go:build !js

package slt_test

import (
	"database/sql"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/stowage-db/stowage/query/sql/slt"
	"github.com/stowage-db/stowage/query/sql/value"
)

// sqlite is the engine that is right.
type sqlite struct{ db *sql.DB }

func openSQLite(t testing.TB) slt.Engine {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return sqlite{db}
}

func (s sqlite) Name() string { return "sqlite" }
func (s sqlite) Close() error { return s.db.Close() }

func (s sqlite) Run(statement string) (rows [][]value.Value, err error) {
	found, err := s.db.Query(statement)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	raw := make([]any, len(names))
	into := make([]any, len(names))
	for i := range raw {
		into[i] = &raw[i]
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]value.Value, len(raw))
		for i, v := range raw {
			row[i] = fromDriver(v)
		}
		rows = append(rows, row)
	}
	return rows, found.Err()
}

func fromDriver(v any) value.Value {
	switch v := v.(type) {
	case int64:
		return value.FromInt(v)
	case bool:
		return value.FromBool(v)
	case float64:
		return value.FromReal(v)
	case string:
		return value.FromText(v)
	case []byte:
		return value.FromBlob(v)
	}
	return value.Value{}
}
