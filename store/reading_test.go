package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestReadings reads parts of a table, one within another too, with what was opened for parts before,
// and holds what comes to that which the first reading of a transaction meets. In between it writes.
func TestReadings(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "country", Paths: []query.Path{query.Field("country")}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	write := func(tx *store.Tx, n int) error {
		for range n {
			id := random.IntN(1000)
			if _, err := table.Put(tx, [][]byte{doc(map[string]any{"id": id, "country": random.IntN(40)})}); err != nil {
				return err
			}
			if _, err := table.Delete(tx, query.AppendKeyInt(nil, int64(random.IntN(1000)))); err != nil {
				return err
			}
		}
		return nil
	}
	for range 4 { // layers
		if err := env.Update(ctx, func(tx *store.Tx) error { return write(tx, 300) }); err != nil {
			t.Fatal(err)
		}
	}
	access := func(id int) sql.Access {
		a := sql.Access{Index: -1, Keys: true, Ranges: []query.KeyRange{query.PrefixRange(query.AppendKeyInt(nil, int64(id)))}}
		if id%3 == 0 {
			a.Index, a.Documents, a.Reverse = 0, id%2 == 0, id%5 == 0
			a.Ranges[0] = query.PrefixRange(query.AppendKeyInt(nil, int64(id%40)))
		}
		return a
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		catalog, source := tx.SQL()
		cities, err := catalog.Table("cities")
		if err != nil {
			return err
		}
		read := func(source sql.Source, a sql.Access, within func() error) (keys [][]byte) {
			err := source.Scan(cities, &a, func(r *sql.Record) error {
				keys = append(keys, slices.Concat(r.Key, r.Doc))
				return within()
			})
			if err != nil {
				t.Fatal(err)
			}
			return keys
		}
		nothing := func() error { return nil }
		compare := func(a sql.Access, within func() error) {
			_, fresh := tx.SQL()
			got, want := read(source, a, within), read(fresh, a, nothing)
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%+v delivers %x, and to the first who asks %x", a, got, want)
			}
		}
		for pass := range 6 {
			for id := 0; id < 1000; id += 1 + random.IntN(12) {
				at := id
				if pass%2 == 1 {
					at = random.IntN(1000)
				}
				compare(access(at), func() error {
					if random.IntN(20) == 0 {
						compare(access(random.IntN(1000)), nothing)
					}
					return nil
				})
			}
			if err := write(tx, 20); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
