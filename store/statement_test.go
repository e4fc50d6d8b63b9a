package store_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// doc is a document as it is stored.
func doc(fields map[string]any) []byte { return query.AppendValue(nil, fields) }

// TestSourceFindsWhatStandsInTheWay writes through a statement's source and looks who has to
// give way: by identity, by a unique index, and nobody for null.
func TestSourceFindsWhatStandsInTheWay(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	schema := store.Schema{Key: query.Field("id"), Increment: true, Indexes: []store.IndexSpec{
		{Name: "email", Paths: []query.Path{query.Field("email")}, Unique: true},
	}}
	if _, err := env.Table(ctx, "people", schema, nil); err != nil {
		t.Fatal(err)
	}
	err := env.Update(ctx, func(tx *store.Tx) error {
		catalog, source := tx.SQL()
		people, err := catalog.Table("PEOPLE")
		if err != nil || people == nil {
			t.Fatal(people, err)
		}
		for _, step := range []struct {
			fields map[string]any
			index  int // of the conflict; −2: none
		}{
			{map[string]any{"email": "a"}, -2},
			{map[string]any{"email": "b"}, -2},
			{map[string]any{"email": "a"}, 0},
			{map[string]any{"id": 2, "email": "c"}, -1},
			{map[string]any{"email": nil}, -2},
			{map[string]any{"email": nil}, -2},
		} {
			stored, taken, err := source.Insert(people, doc(step.fields))
			switch {
			case err != nil:
				return err
			case step.index == -2 && (taken != nil || stored == nil):
				t.Errorf("%v: in the way is %+v", step.fields, taken)
			case step.index != -2 && (taken == nil || taken.Index != step.index):
				t.Errorf("%v: in the way is %+v", step.fields, taken)
			}
		}
		first := query.AppendKeyInt(nil, 1)
		if _, taken, err := source.Replace(people, first, nil, doc(map[string]any{"id": 1, "email": "b"}), []string{"email"}); err != nil || taken == nil || !bytes.Equal(taken.Key, query.AppendKeyInt(nil, 2)) {
			t.Errorf("an update to what another has: %+v, %v", taken, err)
		}
		if _, taken, err := source.Replace(people, first, nil, doc(map[string]any{"id": 9, "email": "a"}), nil); err != nil || taken != nil {
			t.Errorf("an update to another identity: %+v, %v", taken, err)
		}
		return source.Delete(people, query.AppendKeyInt(nil, 2))
	})
	if err != nil {
		t.Fatal(err)
	}
	table, err := env.Table(ctx, "people", schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		var got []string
		err := table.Find(tx, &query.Query{Limit: -1}, func(doc []byte) error {
			v, _ := query.ReadValue(doc)
			got = append(got, fmt.Sprint(v))
			return nil
		})
		want := []string{"map[email:<nil> id:3]", "map[email:<nil> id:4]", "map[email:a id:9]"}
		if !slices.Equal(got, want) {
			t.Errorf("the table holds %v", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestScan reads a table by its documents and by an index, both ways.
func TestScan(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "country", Paths: []query.Path{query.Field("country")}},
		{Name: "tags", Paths: []query.Path{query.Field("tags")}, Multi: true},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		var docs [][]byte
		for i := range 300 {
			docs = append(docs, doc(map[string]any{"id": i, "country": i % 3, "tags": []any{"x", i % 2}}))
		}
		_, err := table.Insert(tx, docs)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		catalog, source := tx.SQL()
		cities, err := catalog.Table("cities")
		if err != nil {
			return err
		}
		if cities.Rows != 300 || !cities.Open || len(cities.Columns) != 3 || cities.Distinct[0][0] != 3 {
			t.Errorf("the table is %+v", cities)
		}
		ids := func(a sql.Access) (ids []int64) {
			a.Keys = true
			err := source.Scan(cities, &a, func(r *sql.Record) error {
				if (r.Doc != nil) != (a.Documents || a.Index < 0) {
					t.Errorf("%+v delivers the document %x", a, r.Doc)
				}
				raw, _, err := query.DecodeKey(nil, r.Key)
				id, _ := query.ReadValue(raw)
				ids = append(ids, id.(int64))
				return err
			})
			if err != nil {
				t.Error(err)
			}
			return ids
		}
		second := query.PrefixRange(query.AppendKeyInt(nil, 2))
		if n, err := source.About(cities, 0, []query.KeyRange{second}); n != 100 || err != nil {
			t.Errorf("about %d cities of a country: %v", n, err)
		}
		if got := ids(sql.Access{Index: 0, Ranges: []query.KeyRange{second}, Documents: true, Reverse: true}); len(got) != 100 || got[0] != 299 || got[99] != 2 {
			t.Errorf("by country, in reverse: %d", got)
		}
		if got := ids(sql.Access{Index: 0, Ranges: []query.KeyRange{second}}); len(got) != 100 || got[0] != 2 {
			t.Errorf("by country: %d", got)
		}
		if got := ids(sql.Access{Index: -1}); len(got) != 300 || got[7] != 7 {
			t.Errorf("all: %d", got)
		}
		if got := ids(sql.Access{Index: -1, Ranges: []query.KeyRange{query.PrefixRange(query.AppendKeyInt(nil, 42))}}); !slices.Equal(got, []int64{42}) {
			t.Errorf("one: %d", got)
		}
		if got := ids(sql.Access{Index: 1}); len(got) != 300 {
			t.Errorf("an index of elements delivers %d of 300", len(got))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestColumnsOfDocuments looks which columns a table has that declares none: those of all its
// documents, as they are now.
func TestColumnsOfDocuments(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	table, err := env.Table(ctx, "notes", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	columns := func(tx *store.Tx) string {
		catalog, _ := tx.SQL()
		notes, err := catalog.Table("notes")
		if err != nil {
			t.Fatal(err)
		}
		members, err := notes.Members()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range members {
			names = append(names, c.Name)
		}
		return strings.Join(names, " ")
	}
	put := func(tx *store.Tx, fields map[string]any) error {
		_, err := table.Put(tx, [][]byte{doc(fields)})
		return err
	}
	view := func() (names string) {
		if err := env.View(ctx, func(tx *store.Tx) error { names = columns(tx); return nil }); err != nil {
			t.Fatal(err)
		}
		return names
	}
	if got := view(); got != "" {
		t.Errorf("an empty table has %q", got)
	}
	for id, name := range []string{"text", "title"} {
		if err := env.Update(ctx, func(tx *store.Tx) error { return put(tx, map[string]any{"id": id, name: "x"}) }); err != nil {
			t.Fatal(err)
		}
	}
	if got := view(); got != "id text title" {
		t.Errorf("the columns are %q", got)
	}
	gone := fmt.Errorf("given up")
	err = env.Update(ctx, func(tx *store.Tx) error {
		if err := put(tx, map[string]any{"id": 0, "mine": 1}); err != nil {
			return err
		}
		if got := columns(tx); got != "id mine title" {
			t.Errorf("within, the columns are %q", got)
		}
		return gone
	})
	if err != gone {
		t.Fatal(err)
	}
	if got := view(); got != "id text title" {
		t.Errorf("after it was given up the columns are %q", got)
	}
}

// TestSpool puts more into a spool than memory is for, with keys that are alike for long, and
// looks that it comes back in order and leaves nothing behind.
func TestSpool(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), storetest.Small())
	if err := env.Put(ctx, "", []byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	before, err := env.Stat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		_, source := tx.SQL()
		spool, err := source.Spool()
		if err != nil {
			return err
		}
		const rows = 30_000
		keys := make([][]byte, rows)
		for i := range keys {
			key := bytes.Repeat([]byte{byte(random.IntN(2))}, random.IntN(3))
			if random.IntN(50) == 0 {
				key = append(bytes.Repeat([]byte{7}, 2000), byte(random.IntN(4)))
			}
			keys[i] = key
			row := append(binary.BigEndian.AppendUint32(nil, uint32(i)), make([]byte, random.IntN(300))...)
			if err := spool.Add(key, row); err != nil {
				return err
			}
		}
		full, err := env.Stat(ctx)
		if err != nil || full.Blobs <= before.Blobs {
			t.Errorf("nothing was written: %+v, %v", full, err)
		}
		order := make([]int, rows)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
		at := 0
		err = spool.Each(store.KeyRange{}, func(key, row []byte) error {
			i := int(binary.BigEndian.Uint32(row))
			if i != order[at] || !bytes.Equal(key, keys[i]) {
				return fmt.Errorf("row %d is %d, which came as %d", at, i, order[at])
			}
			at++
			return nil
		})
		if err == nil && at != rows {
			err = fmt.Errorf("%d of %d rows came back", at, rows)
		}
		if err != nil {
			return err
		}
		return spool.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	after, err := env.Stat(ctx)
	if err != nil || after.Blobs != before.Blobs {
		t.Errorf("%d blobs before, %d after: %v", before.Blobs, after.Blobs, err)
	}
}

// citiesOf opens an environment with a thousand cities, each as large as size says, and an index of that.
func citiesOf(t *testing.T, size func(id int) int) *store.Env {
	t.Helper()
	env := storetest.Open(t, memory.New(), storetest.Small())
	table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "size", Paths: []query.Path{query.Field("size")}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		var docs [][]byte
		for i := range 1000 {
			docs = append(docs, doc(map[string]any{"id": i, "size": size(i), "name": "a"}))
		}
		_, err := table.Insert(tx, docs)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// TestPresorted sees that rows which an index brings in the order of the first key are sorted by the
// others among those that are equal there.
func TestPresorted(t *testing.T) {
	env := citiesOf(t, func(id int) int { return id / 8 })
	for text, want := range map[string][]int64{
		"SELECT id, name FROM cities WHERE size < 100 ORDER BY size DESC, id LIMIT 10":                             {792, 793, 794, 795, 796, 797, 798, 799, 784, 785},
		"SELECT id, name FROM cities WHERE size > 100 ORDER BY size, id DESC LIMIT 3 OFFSET 6":                     {809, 808, 823},
		"SELECT id, name FROM cities WHERE size < 100 ORDER BY size DESC, id % 2, id DESC LIMIT 5":                 {798, 796, 794, 792, 799},
		"SELECT a.id, b.id FROM cities a JOIN cities b ON b.id = a.id WHERE a.size < 2 ORDER BY a.size, b.id DESC": {7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8},
	} {
		var got []int64
		for row, err := range env.Query(ctx, text) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row.At(0).(int64))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
		var plan []string
		for row := range env.Query(ctx, "EXPLAIN QUERY PLAN "+text) {
			plan = append(plan, row.Get("detail").(string))
		}
		if !slices.Contains(plan, "USE TEMP B-TREE FOR LAST TERM OF ORDER BY") {
			t.Errorf("%s: %q", text, plan)
		}
	}
}

// TestWideRange sees that a range of an index that holds most of a table is read in the order of
// the documents, hence without the index, and one that holds little by it.
func TestWideRange(t *testing.T) {
	env := citiesOf(t, func(id int) int { return 1000 - id })
	for low, want := range map[int]int64{500: 0, 900: 99} { // the first id
		for row, err := range env.Query(ctx, "SELECT id, name FROM cities WHERE size > ?", low) {
			if id := row.At(0); err != nil || id != want {
				t.Errorf("the first city above %d is %v: %v", low, id, err)
			}
			break
		}
	}
}
