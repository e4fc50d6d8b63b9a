package store_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// declared are columns, one of each affinity, with an index each.
var declared = []struct{ name, kind string }{{"i", "INTEGER"}, {"n", "NUMERIC"}, {"r", "REAL"}, {"s", "TEXT"}, {"b", "BLOB"}}

// newDeclared opens an environment with a table t of which each document has one value in all columns,
// written as no SQL would.
func newDeclared(t *testing.T, values []any) *store.Env {
	t.Helper()
	env := storetest.Open(t, memory.New(), store.Options{PageBytes: 16 << 10})
	schema := store.Schema{Key: query.Field("id")}
	exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, n NUMERIC, r REAL, s TEXT, b BLOB)")
	for _, c := range declared {
		exec(t, env, fmt.Sprintf("CREATE INDEX %s ON t (%[1]s)", c.name))
		schema.Indexes = append(schema.Indexes, store.IndexSpec{Name: c.name, Paths: []query.Path{query.Field(c.name)}})
	}
	table, err := env.Table(ctx, "t", schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	var docs [][]byte
	for i := range 6000 {
		v := values[i%len(values)]
		docs = append(docs, doc(fields{"id": i, "i": v, "n": v, "r": v, "s": v, "b": v}))
	}
	if err := env.Update(ctx, func(tx *store.Tx) error { _, err := table.Insert(tx, docs); return err }); err != nil {
		t.Fatal(err)
	}
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	return env
}

// TestDeclaredColumns: what SQL reads is the same by an index that covers the question, from documents
// and from columns kept beside them, and numbers are what the declaration says.
func TestDeclaredColumns(t *testing.T) {
	for name, values := range map[string][]any{
		"numbers": {1, 1.0, 2.5, -7, 300.0, 300},
		"all sorts": {1, 1.0, 2.5, "x", "7", "", true, nil, fields{"y": 1}, []any{1, 1.0}, []any{1, fields{"y": 1}}, []byte{1, 0, 2},
			int64(math.MinInt64), float64(math.MinInt64), int64(math.MinInt64 + 1), int64(math.MaxInt64), uint64(1 << 63), float64(1 << 63), int64(1<<60 + 1), float64(1 << 60), 1e300},
	} {
		env := newDeclared(t, values)
		for _, c := range declared {
			t.Run(name+" "+c.kind, func(t *testing.T) {
				covered := fmt.Sprintf("SELECT %s, typeof(%[1]s) AS type FROM t ORDER BY %[1]s, type", c.name)
				if plan := ask(t, env, "EXPLAIN QUERY PLAN "+covered); strings.Contains(plan, "COVERING") != (c.kind != "BLOB") {
					t.Error(plan)
				}
				want := ask(t, env, covered)
				passed := fmt.Sprintf("SELECT %s, typeof(%[1]s) AS type FROM t WHERE b IS NULL OR b IS NOT NULL ORDER BY +%[1]s, type", c.name)
				if plan := ask(t, env, "EXPLAIN QUERY PLAN "+passed); strings.Contains(plan, "INDEX") {
					t.Error(plan)
				}
				for range 4 { // from the third on of columns
					if got := ask(t, env, passed); got != want {
						t.Fatalf("%s\nnot\n%s", brief(got), brief(want))
					}
				}
				for line := range strings.Lines(want) {
					value, kind, _ := strings.Cut(strings.TrimSpace(line), "|")
					if (value == "1" || value == "300") && (c.kind == "REAL" && kind != "real" || (c.kind == "INTEGER" || c.kind == "NUMERIC") && kind != "integer") {
						t.Fatal(line)
					}
				}
			})
		}
	}
}

// brief is an answer without the lines that are as the one before.
func brief(answer string) string {
	var lines []string
	for line := range strings.Lines(answer) {
		if n := len(lines); n == 0 || lines[n-1] != line {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
