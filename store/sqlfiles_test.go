//go:build !js

package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stowage-db/stowage/query/sql/slt"
	"github.com/stowage-db/stowage/query/sql/slt/sqlite"
	"github.com/stowage-db/stowage/query/sql/value"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// sqlEngine is an environment, as package slt runs statements on.
type sqlEngine struct{ env *store.Env }

// openSQL opens an empty environment whose statements hold so many bytes at most.
func openSQL(t testing.TB, ceiling int) slt.Engine {
	env, err := store.Open(ctx, memory.New(), store.Options{StatementBytes: ceiling})
	if err != nil {
		t.Fatal(err)
	}
	return sqlEngine{env}
}

func (e sqlEngine) Name() string { return "stowage" }
func (e sqlEngine) Close() error { return e.env.Close(ctx) }

func (e sqlEngine) Run(statement string) (rows [][]value.Value, err error) {
	for row, err := range e.env.Query(ctx, statement) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row.Values())
	}
	return rows, nil
}

// openSQLite opens the engine that is right.
func openSQLite(t testing.TB) slt.Engine {
	engine, err := sqlite.Open()
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// ceilings of statements: what is usual, and so little that all spills that can.
var ceilings = []int{4 << 20, 1 << 10}

// TestSQLFiles runs the files of sqllogictest on environments.
func TestSQLFiles(t *testing.T) {
	names, err := filepath.Glob("../query/sql/slt/testdata/*.test")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no files", err)
	}
	for _, ceiling := range ceilings {
		for _, name := range names {
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			records, err := slt.Parse(file, "stowage")
			file.Close()
			if err != nil {
				t.Fatal(err)
			}
			engine := openSQL(t, ceiling)
			_, failures := slt.Run(engine, records)
			for _, f := range failures {
				t.Errorf("with %d bytes, %s: %v", ceiling, filepath.Base(name), f)
			}
			engine.Close()
		}
	}
}

// TestSQLDiffers holds environments to SQLite by statements made at random, the same ones each time; SEED
// starts elsewhere.
func TestSQLDiffers(t *testing.T) {
	seed := uint64(99)
	if given := os.Getenv("SEED"); given != "" {
		seed, _ = strconv.ParseUint(given, 10, 64)
	}
	t.Logf("seed %d", seed)
	rounds := uint64(100)
	if testing.Short() {
		rounds = 10
	}
	ran, failed := 0, 0
	for i := range rounds {
		n, wrong, d := slt.Differ(seed+i, 100, func() slt.Pair {
			return slt.Pair{Right: openSQLite(t), Held: openSQL(t, ceilings[i%2])}
		}, func(err error) bool { return errors.Is(err, store.Unsupported) })
		ran, failed = ran+n, failed+wrong
		if d != nil {
			t.Fatalf("with %d bytes: %v", ceilings[i%2], d)
		}
	}
	t.Logf("%d statements, %d of them errors", ran, failed)
}
