//go:build !js

package slt_test

import (
	"testing"

	"github.com/stowage-db/stowage/query/sql/slt"
	"github.com/stowage-db/stowage/query/sql/slt/sqlite"
)

// openSQLite opens the engine that is right.
func openSQLite(t testing.TB) slt.Engine {
	engine, err := sqlite.Open()
	if err != nil {
		t.Fatal(err)
	}
	return engine
}
