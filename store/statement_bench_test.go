package store_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// benchStatements are those of bench/statements.mjs, with values.
var benchStatements = []struct {
	name, text string
	values     []any
}{
	{"point", "SELECT * FROM places WHERE id = ?", []any{4711}},
	{"range", "SELECT id, name, population FROM places WHERE population BETWEEN ? AND ?", []any{40_000, 48_000}},
	{"join", "SELECT v.id, p.name, v.rating FROM places p JOIN visits v ON v.place = p.id WHERE p.country = ?", []any{"C7"}},
	{"join-all", "SELECT count(*) AS n, avg(v.rating) AS rating, max(p.population) AS most FROM visits v JOIN places p ON p.id = v.place WHERE p.population > ?", []any{500}},
	{"join-three", "SELECT c.continent, count(*) AS n, avg(v.rating) AS rating FROM visits v JOIN places p ON p.id = v.place JOIN countries c ON c.code = p.country WHERE v.year = ? GROUP BY c.continent", []any{2020}},
	{"join-hashed", "SELECT count(*), sum(q.population) FROM places p JOIN places q ON q.id + 0 = p.id", nil},
	{"join-merged", "SELECT count(*), sum(q.population) FROM places p JOIN places q ON q.id = p.id", nil},
	{"group", "SELECT country, count(*) AS n, sum(population) AS people, max(population) AS most FROM places WHERE population > ? GROUP BY country", []any{500}},
	{"top", "SELECT id, name, population FROM places WHERE population < ? ORDER BY population DESC, id LIMIT 20", []any{70_000}},
	{"sort", "SELECT id, place, rating FROM visits WHERE year <> ? ORDER BY rating DESC, id LIMIT 20", []any{2020}},
	{"like", "SELECT id, name FROM places WHERE text LIKE ?", []any{"%narrow timber%"}},
	{"update", "UPDATE visits SET rating = rating + 0.5 WHERE place BETWEEN ? AND ?", []any{3001, 4000}},
}

// benchDatabase holds as many places and visits.
func benchDatabase(b *testing.B, n int) *store.Env {
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { env.Close(ctx) })
	words := strings.Fields("old quiet narrow broad stone timber river valley market harbour bridge mill square tower garden orchard meadow forest cliff shore")
	text := func(i int) string {
		var some []string
		for j := range 23 {
			some = append(some, words[(i*31+j*j*7+i/97*j)%len(words)])
		}
		return strings.Join(some, " ")
	}
	places, visits, countries := make([][]byte, n), make([][]byte, n), make([][]byte, 48)
	for i := range n {
		places[i] = query.AppendValue(nil, fields{"id": i + 1, "name": "City of number " + strconv.Itoa(i), "country": "C" + strconv.Itoa(i*31%48), "population": i * 7919 % n, "text": text(i)})
		visits[i] = query.AppendValue(nil, fields{"id": i + 1, "place": i*7907%n + 1, "year": 2016 + i%10, "rating": float64(i%11) / 2})
	}
	for i := range countries {
		countries[i] = query.AppendValue(nil, fields{"code": "C" + strconv.Itoa(i), "continent": "Continent " + strconv.Itoa(i%5)})
	}
	fill := func(name, key string, docs [][]byte, indexes ...string) {
		schema := store.Schema{Key: query.Field(key)}
		for _, index := range indexes {
			schema.Indexes = append(schema.Indexes, store.IndexSpec{Name: index, Paths: []query.Path{query.Field(index)}})
		}
		table, err := env.Table(ctx, name, schema, nil)
		for len(docs) > 0 && err == nil {
			some := docs[:min(10_000, len(docs))]
			docs = docs[len(some):]
			err = env.Update(ctx, func(tx *store.Tx) error {
				_, err := table.Insert(tx, some)
				return err
			})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	fill("places", "id", places, "country", "population")
	fill("visits", "id", visits, "place")
	fill("countries", "code", countries)
	return env
}

func BenchmarkStatement(b *testing.B) {
	env := benchDatabase(b, 100_000)
	for _, s := range benchStatements {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if err := env.Update(ctx, func(tx *store.Tx) error {
					for _, err := range tx.Query(s.text, s.values...) {
						if err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	id := 1_000_000
	b.Run("insert", func(b *testing.B) {
		b.ReportAllocs()
		const rows = 500
		text := "INSERT INTO visits (id, place, year, rating) VALUES " + strings.Repeat("(?,?,?,?),", rows-1) + "(?,?,?,?)"
		for range b.N {
			err := env.Update(ctx, func(tx *store.Tx) error {
				for range 10_000 / rows {
					var values []any
					for range rows {
						id++
						values = append(values, id, id%1000, 2020, 2.5)
					}
					for _, err := range tx.Query(text, values...) {
						if err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
