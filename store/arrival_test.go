package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestOrderOfComponents orders by two columns that an index has, where the second holds what stands elsewhere in the index
// than in SQL's order, behind few values of the first and behind many.
func TestOrderOfComponents(t *testing.T) {
	odd := map[string][]any{
		"nothing": {}, "a list": {[]any{1, "x"}}, "booleans": {true, false}, "dates": {time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), "1", "3"},
		"nothing and null": {nil, "missing"},
	}
	for name, some := range odd {
		for _, groups := range []int{1, 3, 32, 33, 300} {
			t.Run(fmt.Sprintf("%s, %d groups", name, groups), func(t *testing.T) {
				env := storetest.Open(t, memory.New(), store.Options{})
				exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, x, y INTEGER)")
				table, err := env.Table(ctx, "t", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
					{Name: "kxy", Paths: []query.Path{query.Field("k"), query.Field("x"), query.Field("y")}},
				}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				var docs [][]byte
				for id := range 1000 {
					members := fields{"id": id, "k": id % groups, "x": []any{-1, 0.5, 2, "", "a", "z"}[id*7%6], "y": id * 31 % 17}
					if id%groups == groups-1 && id > 900 && len(some) > 0 {
						if members["x"] = some[id%len(some)]; members["x"] == "missing" {
							delete(members, "x")
						}
					}
					docs = append(docs, doc(members))
				}
				if err := env.Update(ctx, func(tx *store.Tx) error { _, err := table.Insert(tx, docs); return err }); err != nil {
					t.Fatal(err)
				}
				for _, order := range []string{"k, x, y, id", "k DESC, x DESC, y DESC, id DESC", "k, x, id"} {
					text := "SELECT id FROM t ORDER BY " + order
					if plan := ask(t, env, "EXPLAIN QUERY PLAN "+text+" LIMIT 400"); !strings.Contains(plan, "INDEX kxy") {
						t.Error(plan)
					}
					sorted := "SELECT id FROM t ORDER BY +" + strings.ReplaceAll(order, ", ", ", +")
					for _, limit := range []string{"", " LIMIT 20", " LIMIT 500 OFFSET 300"} {
						if got, want := ask(t, env, text+limit), ask(t, env, sorted+limit); got != want {
							t.Errorf("ORDER BY %s%s: the index has another order", order, limit)
						}
					}
				}
			})
		}
	}
}

// TestOrderOfIdentities orders by a column and the identity behind it, which nothing but a program has to make an integer.
func TestOrderOfIdentities(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{})
	exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER)")
	exec(t, env, "CREATE INDEX k ON t (k)")
	table, err := env.Table(ctx, "t", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "k", Paths: []query.Path{query.Field("k")}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	docs := [][]byte{doc(fields{"id": true, "k": 1}), doc(fields{"id": time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), "k": 1}), doc(fields{"id": "1", "k": 2})}
	for id := range 100 {
		docs = append(docs, doc(fields{"id": id - 50, "k": id % 3}))
	}
	if err := env.Update(ctx, func(tx *store.Tx) error { _, err := table.Insert(tx, docs); return err }); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"%sk, %sid", "%sk DESC, %sid DESC"} {
		text := "SELECT k, id FROM t ORDER BY "
		if got, want := ask(t, env, text+fmt.Sprintf(order, "", "")), ask(t, env, text+fmt.Sprintf(order, "+", "+")); got != want {
			t.Errorf("ORDER BY "+order+": the index has another order", "", "")
		}
	}
}
