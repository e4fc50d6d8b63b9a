package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestCover: what an index has in its entries is not fetched with the documents.
func TestCover(t *testing.T) {
	b := newBed(t, cities())
	var docs []any
	for i := range 300 {
		docs = append(docs, fields{"id": i, "country": []string{"NO", "SE", "FI"}[i%3], "population": i, "slug": i, "name": "x"})
	}
	b.mustInsert(docs...)
	norway, even := query.Eq(country, "NO"), query.Mod(population, 2, 0)
	for _, test := range []struct {
		name            string
		filter          query.Expr
		aggregate       *query.Aggregate
		index           string
		results         int64
		most, documents int64 // of entries looked at, and documents fetched
	}{
		{"groups", nil, &query.Aggregate{Group: []query.Path{country}, Columns: []query.Column{query.Count()}}, "country", 3, 300, 0},
		{"different values", nil, &query.Aggregate{Group: []query.Path{country}}, "country", 3, 30, 0},
		{"different values of a part", query.Gt(population, 9), &query.Aggregate{Group: []query.Path{country}}, "country,population", 3, 60, 0},
		{"columns", norway, &query.Aggregate{Columns: []query.Column{query.Sum(population), query.Max(query.Field("id"))}}, "country,population", 1, 100, 0},
		{"the least", norway, &query.Aggregate{Columns: []query.Column{query.Min(population)}}, "country,population", 1, 1, 0},
		{"the greatest", norway, &query.Aggregate{Columns: []query.Column{query.Max(population)}}, "country,population", 1, 1, 0},
		{"the greatest of all", nil, &query.Aggregate{Columns: []query.Column{query.Max(slug)}}, "&slug", 1, 1, 0},
		{"the greatest identity", nil, &query.Aggregate{Columns: []query.Column{query.Max(query.Field("id"))}}, "", 1, 1, 1},
		{"what only documents have", norway, &query.Aggregate{Columns: []query.Column{query.Min(query.Field("name"))}}, "country", 1, 100, 100},
		{"first of an order", norway, &query.Aggregate{Columns: []query.Column{query.First(population)}}, "country", 1, 100, 100},
		{"a filter of entries", query.And(norway, even), nil, "country,population", 50, 100, 50},
		{"a filter of entries, and groups", query.And(norway, even), &query.Aggregate{Columns: []query.Column{query.Count()}}, "country,population", 1, 100, 0},
		{"several indexes", query.Or(norway, query.Eq(slug, 1)), nil, "country + &slug", 101, 101, 101},
	} {
		q, err := query.Select(test.filter)
		if err != nil {
			t.Fatal(err)
		}
		q.Aggregate = test.aggregate
		x := b.explain(q)
		if x.Index != test.index || x.Results != test.results || x.Keys > test.most || x.Documents != test.documents {
			t.Errorf("%s: %+v", test.name, x)
		}
	}
}

// TestDifferentValues: those of a path with an index are those of one without.
func TestDifferentValues(t *testing.T) {
	r := rand.New(rand.NewPCG(storetest.Seed(t), 3))
	b := newBed(t, cities())
	values := []any{nil, "NO", "SE", "", 1, 1.0, 2.5, -7, true, []any{1}, fields{"a": 1}, fields{"a": 2}, query.Raw{0xd4, 0, 0}}
	for id := range 400 {
		doc := fields{"id": id, "population": r.IntN(3)}
		if v := r.IntN(len(values) + 1); v < len(values) {
			doc["country"], doc["same"] = values[v], values[v]
		}
		b.mustInsert(doc)
	}
	for _, filter := range []query.Expr{nil, query.Gt(population, 0), query.Ne(country, "NO"), query.In(country, "NO", "SE", 1), query.Eq(country, 1)} {
		var rows [2][]string
		for i, path := range []query.Path{country, query.Field("same")} {
			q, err := query.Select(filter)
			if err != nil {
				t.Fatal(err)
			}
			q.GroupBy(path)
			b.view(func(tx *store.Tx) error {
				return b.table.Find(tx, q, func(row []byte) error {
					rows[i] = append(rows[i], string(row))
					return nil
				})
			})
		}
		if !slices.Equal(rows[0], rows[1]) || len(rows[0]) == 0 {
			t.Errorf("%v: %q, and without an index %q", filter, rows[0], rows[1])
		}
	}
}

// TestCoverOfWhatKeysLack: where an entry does not tell a value, its document does.
func TestCoverOfWhatKeysLack(t *testing.T) {
	b := newBed(t, cities())
	for id, v := range []any{1, 1.0, uint64(1), fields{"a": 1}, fields{"a": 1.0}, []any{fields{}}, nil, query.Raw{0xd4, 0, 0}, "NO"} {
		b.mustInsert(fields{"id": id, "country": v, "population": id})
	}
	b.mustInsert(fields{"id": 9, "population": 9})
	q, err := query.Select(nil)
	if err != nil {
		t.Fatal(err)
	}
	q.GroupBy(country).Aggregated(query.Count())
	var rows []string
	b.view(func(tx *store.Tx) error {
		return b.table.Find(tx, q, func(row []byte) error {
			rows = append(rows, show(row))
			return nil
		})
	})
	if x := b.explain(q); x.Index != "country" || x.Documents != 3 {
		t.Errorf("%+v", x)
	}
	counts := map[byte]int{}
	for _, row := range rows {
		counts[row[len(row)-2]]++
	}
	if len(rows) != 6 || counts['3'] != 1 || counts['2'] != 2 || counts['1'] != 3 {
		t.Errorf("%v", slices.Sorted(slices.Values(rows)))
	}
}
