package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// benchDocs are documents of about 357 bytes.
func benchDocs(n int) [][]byte {
	docs := make([][]byte, n)
	for i := range docs {
		docs[i] = query.AppendValue(nil, fields{
			"id": i, "name": fmt.Sprintf("City of the number %d", i*7919%n), "country": fmt.Sprintf("C%03d", i*31%250),
			"population": i * 7919 % n, "capital": i%50 == 0, "altitude": float64(i%3000) / 10,
			"loc":  fields{"type": "Point", "coordinates": []any{float64(i%360) - 179.5, float64(i%180) - 89.5}},
			"note": strings.Repeat("words ", 25), "zone": "Europe/Oslo",
		})
	}
	return docs
}

func benchTable(b *testing.B, schema store.Schema) (*store.Env, *store.Table) {
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	table, err := env.Table(ctx, "cities", schema, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { env.Close(ctx) })
	return env, table
}

func oneIndex() store.Schema {
	return store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "population", Paths: []query.Path{population}}}}
}

func BenchmarkTableInsert(b *testing.B) {
	docs := benchDocs(10_000)
	b.ReportAllocs()
	for range b.N {
		b.StopTimer()
		env, table := benchTable(b, oneIndex())
		b.StartTimer()
		err := env.Update(ctx, func(tx *store.Tx) error {
			_, err := table.Insert(tx, docs)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(docs)), "ns/doc")
}

// BenchmarkTableStage is the insert without the commit.
func BenchmarkTableStage(b *testing.B) {
	docs := benchDocs(10_000)
	env, table := benchTable(b, oneIndex())
	b.ReportAllocs()
	for range b.N {
		tx, err := env.Begin(ctx, true)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := table.Insert(tx, docs); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		tx.Rollback()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(docs)), "ns/doc")
}

func BenchmarkTableFind(b *testing.B) {
	docs := benchDocs(10_000)
	env, table := benchTable(b, oneIndex())
	err := env.Update(ctx, func(tx *store.Tx) error {
		_, err := table.Insert(tx, docs)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := env.Checkpoint(ctx); err != nil {
		b.Fatal(err)
	}
	name := query.Field("name")
	for _, bench := range []struct {
		name   string
		filter query.Expr
		order  []query.Order
		limit  int64
		count  bool
		rows   int // that the figure is divided by
	}{
		{"scan", query.Contains(name, "77"), nil, -1, false, 10_000},
		{"all", nil, nil, -1, false, 10_000},
		{"range", query.Between(population, 1000, 1799), nil, -1, false, 800},
		{"ordered", nil, []query.Order{{Path: population, Desc: true}}, 20, false, 20},
		{"sorted", nil, []query.Order{{Path: name}}, 20, false, 10_000},
		{"count", query.Between(population, 1000, 1799), nil, -1, true, 1},
		{"get", query.Eq(query.Field("id"), 77), nil, -1, false, 1},
	} {
		q, err := query.Select(bench.filter)
		if err != nil {
			b.Fatal(err)
		}
		q.Order, q.Limit = bench.order, bench.limit
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				err := env.View(ctx, func(tx *store.Tx) error {
					if bench.count {
						_, err := table.Count(tx, q)
						return err
					}
					return table.Find(tx, q, func([]byte) error { return nil })
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bench.rows), "ns/row")
		})
	}
}

// BenchmarkTableInsertOne commits one document at a time into a table that holds
// ten thousand.
func BenchmarkTableInsertOne(b *testing.B) {
	docs := benchDocs(10_000)
	env, table := benchTable(b, oneIndex())
	insert := func(docs [][]byte) {
		err := env.Update(ctx, func(tx *store.Tx) error {
			_, err := table.Insert(tx, docs)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	insert(docs)
	if err := env.Checkpoint(ctx); err != nil {
		b.Fatal(err)
	}
	more := make([][]byte, b.N)
	for i := range more {
		more[i] = query.AppendValue(nil, fields{"id": len(docs) + i, "name": "one more", "population": i * 7919 % len(docs), "note": strings.Repeat("words ", 40)})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range more {
		insert(more[i : i+1])
	}
}
