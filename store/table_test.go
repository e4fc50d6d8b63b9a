package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

type fields = map[string]any

var (
	country, population, slug, tags = query.Field("country"), query.Field("population"), query.Field("slug"), query.Field("tags")
	ctx                             = context.Background()
)

func TestTablesAreListedAndOpenedAsTheyAre(t *testing.T) {
	b := newBed(t, cities())
	b.mustInsert(fields{"id": 1, "country": "NO"})
	put(t, b.env, "cities", "a database", "of that name")
	b.view(func(tx *store.Tx) error {
		names, err := tx.Tables()
		if err != nil || !slices.Equal(names, []string{"cities"}) {
			t.Errorf("Tables() = %q, %v", names, err)
		}
		opened, err := tx.OpenTable("cities")
		if err != nil {
			return err
		}
		if _, found, err := opened.Get(tx, key(1)); err != nil || !found || len(opened.Schema().Indexes) != len(cities().Indexes) {
			t.Errorf("the table as it is: found %v, %v", found, err)
		}
		for _, name := range []string{"", "towns", "cities\x00country"} {
			if _, err := tx.OpenTable(name); store.CodeOf(err) != store.NotFound {
				t.Errorf("OpenTable(%q): %v, want not_found", name, err)
			}
		}
		return nil
	})
}

func cities() store.Schema {
	return store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "country", Paths: []query.Path{country}},
		{Name: "country,population", Paths: []query.Path{country, population}},
		{Name: "&slug", Paths: []query.Path{slug}, Unique: true},
		{Name: "*tags", Paths: []query.Path{tags}, Multi: true},
	}}
}

// documents is what tables have in common, with policies over them or not.
type documents interface {
	Name() string
	Schema() store.Schema
	Insert(tx *store.Tx, docs [][]byte) (ids [][]byte, err error)
	Put(tx *store.Tx, docs [][]byte) (ids [][]byte, err error)
	Replace(tx *store.Tx, docs [][]byte) (ids [][]byte, err error)
	Upsert(tx *store.Tx, doc []byte, q *query.Query) (store.Identities, error)
	Get(tx *store.Tx, key []byte) (doc []byte, found bool, err error)
	GetMany(tx *store.Tx, keys [][]byte, emit func(doc []byte) error) error
	Find(tx *store.Tx, q *query.Query, emit func(doc []byte) error) error
	Explain(tx *store.Tx, q *query.Query) (*store.Explanation, error)
	Count(tx *store.Tx, q *query.Query) (int64, error)
	Contains(tx *store.Tx, q *query.Query) (bool, error)
	Update(tx *store.Tx, key, change []byte) (found bool, err error)
	UpdateWhere(tx *store.Tx, q *query.Query, change []byte) (store.Identities, error)
	UpdateFunc(tx *store.Tx, q *query.Query, f func(doc []byte) ([]byte, error)) (store.Identities, error)
	UpdateMany(tx *store.Tx, changes []store.Change) (store.Identities, error)
	Delete(tx *store.Tx, key []byte) (found bool, err error)
	DeleteMany(tx *store.Tx, keys [][]byte) (n int64, err error)
	DeleteWhere(tx *store.Tx, q *query.Query) (store.Identities, error)
	Truncate(tx *store.Tx) error
	CacheQueries(n int)
	ClearCache()
	Cached() int
}

// bed is an environment with one table.
type bed struct {
	t     *testing.T
	env   *store.Env
	table documents
}

func newBed(t *testing.T, schema store.Schema) *bed { return newBedOn(t, memory.New(), schema) }

func newBedOn(t *testing.T, b store.Backend, schema store.Schema) *bed {
	env := storetest.Open(t, b, storetest.Small())
	table, err := env.Table(ctx, "cities", schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &bed{t, env, table}
}

// update runs f in a transaction and returns the error it failed with.
func (b *bed) update(f func(tx *store.Tx) error) error { return b.env.Update(ctx, f) }

func (b *bed) view(f func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.env.View(ctx, f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) insert(docs ...any) ([]any, error) {
	var ids [][]byte
	err := b.update(func(tx *store.Tx) (err error) {
		ids, err = b.table.Insert(tx, raws(docs))
		return err
	})
	return values(ids), err
}

func (b *bed) mustInsert(docs ...any) {
	b.t.Helper()
	if _, err := b.insert(docs...); err != nil {
		b.t.Fatal(err)
	}
}

// find returns the identities of what is found.
func (b *bed) find(q *query.Query) (ids []string) {
	b.t.Helper()
	b.view(func(tx *store.Tx) error {
		return b.table.Find(tx, q, func(doc []byte) error {
			id, _, err := query.Lookup(doc, query.Field("id"))
			ids = append(ids, show(id))
			return err
		})
	})
	return ids
}

func (b *bed) explain(q *query.Query) (x *store.Explanation) {
	b.t.Helper()
	b.view(func(tx *store.Tx) (err error) {
		x, err = b.table.Explain(tx, q)
		return err
	})
	return x
}

func (b *bed) count(q *query.Query) (n int64) {
	b.t.Helper()
	b.view(func(tx *store.Tx) (err error) {
		n, err = b.table.Count(tx, q)
		return err
	})
	return n
}

// get returns a document's text, or "-".
func (b *bed) get(id any) (doc string) {
	b.t.Helper()
	b.view(func(tx *store.Tx) error {
		raw, found, err := b.table.Get(tx, key(id))
		doc = "-"
		if found {
			doc = show(raw)
		}
		return err
	})
	return doc
}

func raws(docs []any) (raw [][]byte) {
	for _, doc := range docs {
		raw = append(raw, query.AppendValue(nil, doc))
	}
	return raw
}

func values(raw [][]byte) (shown []any) {
	for _, v := range raw {
		shown = append(shown, show(v))
	}
	return shown
}

func key(id any) []byte {
	key, err := store.AppendIdentity(nil, query.AppendValue(nil, id))
	if err != nil {
		panic(err)
	}
	return key
}

func where(t *testing.T, filter query.Expr) *query.Query {
	t.Helper()
	q, err := query.Select(filter)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestTableKeepsDocuments(t *testing.T) {
	b := newBed(t, cities())
	oslo := fields{"id": 1, "country": "NO", "population": 700_000, "slug": "oslo", "tags": []any{"harbour", "capital"}}
	bergen := fields{"id": 2, "country": "NO", "population": 290_000, "slug": "bergen", "tags": []any{"harbour"}}
	ids, err := b.insert(oslo, bergen, fields{"id": "x", "country": "SE"})
	if err != nil || fmt.Sprint(ids) != "[1 2 x]" {
		t.Fatal(ids, err)
	}
	if got := b.get(1); got != show(query.AppendValue(nil, oslo)) {
		t.Error(got)
	}
	if got := b.get(3); got != "-" {
		t.Error(got)
	}
	for filter, want := range map[query.Expr][]string{
		query.Eq(country, "NO"):                                         {"1", "2"},
		query.Eq(slug, "bergen"):                                        {"2"},
		query.Contains(tags, "harbour"):                                 {"1", "2"},
		query.And(query.Eq(country, "NO"), query.Gt(population, 500e3)): {"1"},
		query.Not(query.Exists(slug)):                                   {"x"},
	} {
		q := where(t, filter)
		if got := b.find(q); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", filter, got, want)
		}
		if got := b.count(q); got != int64(len(want)) {
			t.Errorf("%v: count %d, want %d", filter, got, len(want))
		}
	}
}

func TestTableRefuses(t *testing.T) {
	schema := cities()
	schema.Increment = true
	b := newBed(t, schema)
	b.mustInsert(fields{"id": 1, "slug": "oslo"})
	deep := query.Raw(bytes.Repeat([]byte{0x91}, query.MaxDepth))
	for _, test := range []struct {
		name string
		doc  any
		code store.Code
	}{
		{"no map", 5, store.InvalidDocument},
		{"damaged", query.Raw{0x81, 0xa1}, store.InvalidDocument},
		{"too deep", fields{"id": 2, "deep": append(deep, 0xc0)}, store.TooDeep},
		{"the identity again", fields{"id": 1.0}, store.DuplicateKey},
		{"a unique value again", fields{"id": 2, "slug": "oslo"}, store.DuplicateKey},
		{"null", fields{"id": nil}, store.InvalidKey},
		{"NaN", fields{"id": query.Raw{0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}}, store.InvalidKey},
		{"a map as identity", fields{"id": fields{}}, store.InvalidKey},
		{"text that is not UTF-8", fields{"id": "a\xed\xa0\x80"}, store.InvalidKey},
		{"a list that holds such text", fields{"id": []any{int64(1), []any{"\xff"}}}, store.InvalidKey},
		{"a list that holds undefined", fields{"id": []any{int64(1), query.Raw{0xd4, 0, 0}}}, store.InvalidKey},
		{"an identity too long", fields{"id": strings.Repeat("x", store.MaxKeyBytes)}, store.TooLarge},
		{"a value too long for its index", fields{"id": 2, "country": strings.Repeat("x", store.MaxKeyBytes)}, store.TooLarge},
	} {
		_, err := b.insert(fields{"id": 77}, test.doc, fields{"id": 78})
		var at *store.DocumentError
		if !errors.Is(err, test.code) || !errors.As(err, &at) || at.Document != 1 {
			t.Errorf("%s: %v, want %s of document 1", test.name, err, test.code)
		}
		if got := b.find(where(t, nil)); !slices.Equal(got, []string{"1"}) {
			t.Fatalf("%s: left %v behind", test.name, got)
		}
	}
	b.view(func(tx *store.Tx) error {
		_, err := b.table.Insert(tx, raws([]any{fields{"id": 5}}))
		if !errors.Is(err, store.ReadOnly) {
			t.Error(err)
		}
		return nil
	})
}

func TestTableUpdates(t *testing.T) {
	b := newBed(t, cities())
	b.mustInsert(fields{"id": 1, "country": "NO", "slug": "oslo"}, fields{"id": 2, "country": "NO", "slug": "bergen"})
	update := func(id any, patch any) (found bool, err error) {
		err = b.update(func(tx *store.Tx) (err error) {
			found, err = b.table.Update(tx, key(id), query.AppendValue(nil, patch))
			return err
		})
		return found, err
	}
	if found, err := update(1, fields{"country": "SE", "name": "Oslo"}); !found || err != nil {
		t.Fatal(found, err)
	}
	if got := b.get(1); got != "{country:SE id:1 slug:oslo name:Oslo}" {
		t.Error(got)
	}
	if got := b.find(where(t, query.Eq(country, "NO"))); !slices.Equal(got, []string{"2"}) {
		t.Error(got)
	}
	undefined := query.Raw{0xd4, 0, 0}
	if found, err := update(1, fields{"country": undefined, "other": undefined}); !found || err != nil {
		t.Fatal(found, err)
	}
	if got := b.get(1); got != "{id:1 slug:oslo name:Oslo}" {
		t.Error(got)
	}
	if found, err := update(3, fields{"a": 1}); found || err != nil {
		t.Error(found, err)
	}
	if _, err := update(1, fields{"id": 5}); !errors.Is(err, store.InvalidDocument) {
		t.Error(err)
	}
	if _, err := update(1, fields{"slug": "bergen"}); !errors.Is(err, store.DuplicateKey) {
		t.Error(err)
	}
	if _, err := update(1, 5); !errors.Is(err, store.InvalidDocument) {
		t.Error(err)
	}
	if found, err := update(1, fields{"id": 1.0, "slug": "oslo"}); !found || err != nil {
		t.Error(found, err)
	}
}

// TestPatchOfEqualNames changes a document that has a member several times, and gets longer than
// it and the patch together.
func TestPatchOfEqualNames(t *testing.T) {
	b := newBed(t, store.Schema{Key: query.Field("id")})
	member := func(doc []byte, name, value string) []byte {
		return msgp.AppendString(msgp.AppendString(doc, name), value)
	}
	doc := msgp.AppendInt(msgp.AppendString([]byte{0x85}, "id"), 1)
	for range 4 {
		doc = member(doc, "a", "")
	}
	long := strings.Repeat("x", 100)
	err := b.update(func(tx *store.Tx) error {
		if _, err := b.table.Put(tx, [][]byte{doc}); err != nil {
			return err
		}
		_, err := b.table.Update(tx, key(1), member([]byte{0x81}, "a", long))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.get(1), "{id:1"+strings.Repeat(" a:"+long, 4)+"}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestUnique: what counts is how a call leaves the index.
func TestUnique(t *testing.T) {
	b := newBed(t, cities())
	put := func(docs ...any) error {
		return b.update(func(tx *store.Tx) error {
			_, err := b.table.Put(tx, raws(docs))
			return err
		})
	}
	at := func(id int, slug any) any { return fields{"id": id, "slug": slug} }
	b.mustInsert(at(1, "a"), at(2, "b"), at(3, nil), at(4, nil), fields{"id": 5}, at(6, fields{}), at(7, fields{}))
	for _, step := range []struct {
		name string
		docs []any
		code store.Code
	}{
		{"exchanged", []any{at(1, "b"), at(2, "a")}, ""},
		{"taken", []any{at(1, "a")}, store.DuplicateKey},
		{"taken twice in one call", []any{at(8, "c"), at(9, "c")}, store.DuplicateKey},
		{"given up and taken back", []any{at(1, "d"), at(1, "b")}, ""},
		{"taken and given up", []any{at(1, "a"), at(1, "b")}, ""},
		{"given up for another", []any{at(2, "e"), at(1, "a")}, ""},
		{"an empty string", []any{at(10, "")}, ""},
		{"a zero is no empty string", []any{at(11, "\x00")}, ""},
		{"but is itself", []any{at(12, "\x00")}, store.DuplicateKey},
		{"an integer", []any{at(13, 1)}, ""},
		{"the same as a float", []any{at(14, 1.0)}, store.DuplicateKey},
	} {
		if err := put(step.docs...); store.CodeOf(err) != step.code {
			t.Errorf("%s: %v, want %q", step.name, err, step.code)
		}
	}
	for slug, want := range map[string]string{"a": "[1]", "b": "[]", "e": "[2]", "c": "[]", "": "[10]"} {
		if got := fmt.Sprint(b.find(where(t, query.Eq(query.Field("slug"), slug)))); got != want {
			t.Errorf("%q: %s, want %s", slug, got, want)
		}
	}
}

func TestTableIncrements(t *testing.T) {
	b := newBed(t, store.Schema{Key: query.Field("id"), Increment: true})
	undefined := query.Raw{0xd4, 0, 0}
	fifteen := fields{}
	for i := range 15 {
		fifteen[fmt.Sprintf("f%02d", i)] = i
	}
	for _, step := range []struct {
		docs []any
		want string
	}{
		{[]any{fields{"a": 1}, fields{"a": 2}}, "[1 2]"},
		{[]any{fields{"id": 10}, fields{}, fields{"id": 5}, fields{"id": undefined, "b": 1}}, "[10 11 5 12]"},
		{[]any{fields{"id": 20.5}, fields{}, fields{"id": "text"}, fields{"id": -3}, fifteen}, "[20.5 21 text -3 22]"},
	} {
		if ids, err := b.insert(step.docs...); err != nil || fmt.Sprint(ids) != step.want {
			t.Fatal(ids, err, step.want)
		}
	}
	if got := b.get(12); got != "{b:1 id:12}" && got != "{id:12 b:1}" {
		t.Error(got)
	}
	if got := b.get(22); !strings.Contains(got, "f00:0") || !strings.HasSuffix(got, "f14:14 id:22}") {
		t.Error(got)
	}
	// What is deleted, and what a failed transaction gave out: the one is never
	// given out again, the other is.
	err := b.update(func(tx *store.Tx) error {
		_, err := b.table.Delete(tx, key(22))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := b.insert(fields{}, 5); err == nil {
		t.Fatal(ids)
	}
	if ids, err := b.insert(fields{}); err != nil || fmt.Sprint(ids) != "[23]" {
		t.Error(ids, err)
	}
	if _, err := b.insert(fields{"id": uint64(1 << 60)}); err != nil {
		t.Error(err)
	}
	if _, err := b.insert(fields{}); !errors.Is(err, store.InvalidKey) {
		t.Error(err)
	}
}

// TestIncrementLater: a table that begins to increment goes on behind its
// greatest number, and one that does cannot stop.
func TestIncrementLater(t *testing.T) {
	b := newBed(t, store.Schema{Key: query.Field("id")})
	b.mustInsert(fields{"id": 41}, fields{"id": -5}, fields{"id": "z"})
	if _, err := b.insert(fields{}); !errors.Is(err, store.InvalidKey) {
		t.Fatal(err)
	}
	var err error
	if b.table, err = b.env.Table(ctx, "cities", store.Schema{Key: query.Field("id"), Increment: true}, nil); err != nil {
		t.Fatal(err)
	}
	if ids, err := b.insert(fields{}); err != nil || fmt.Sprint(ids) != "[42]" {
		t.Fatal(ids, err)
	}
	if b.table, err = b.env.Table(ctx, "cities", store.Schema{Key: query.Field("id")}, nil); err != nil {
		t.Fatal(err)
	}
	if ids, err := b.insert(fields{}); err != nil || fmt.Sprint(ids) != "[43]" {
		t.Fatal(ids, err)
	}
}

func TestSchemaGrows(t *testing.T) {
	b := newBed(t, store.Schema{Key: query.Field("id")})
	var docs []any
	for i := range 2500 {
		docs = append(docs, fields{"id": i, "country": []string{"NO", "SE"}[i%2], "slug": i, "tags": []any{i % 3}})
	}
	b.mustInsert(docs...)
	old := b.table
	var reports []int64
	table, err := b.env.Table(ctx, "cities", cities(), func(done, total int64) {
		if total != 2500 {
			t.Errorf("total %d", total)
		}
		reports = append(reports, done)
	})
	if err != nil || !slices.Equal(reports, []int64{1000, 2000, 2500}) {
		t.Fatal(err, reports)
	}
	b.table = table
	if x := b.explain(where(t, query.Eq(country, "NO"))); x.Index != "country" || x.Results != 1250 {
		t.Errorf("%+v", x)
	}
	// A handle from before keeps the new indexes as well.
	b.table = old
	if _, err := b.insert(fields{"id": 2500, "slug": 7}); !errors.Is(err, store.DuplicateKey) {
		t.Error(err)
	}
	b.mustInsert(fields{"id": 2500, "country": "FI"})
	// An index that is not named any more is kept too.
	if b.table, err = b.env.Table(ctx, "cities", store.Schema{Key: query.Field("id")}, nil); err != nil {
		t.Fatal(err)
	}
	if x := b.explain(where(t, query.Eq(country, "FI"))); x.Index != "country" || x.Results != 1 {
		t.Errorf("%+v", x)
	}
}

func TestSchemaMismatch(t *testing.T) {
	b := newBed(t, cities())
	b.mustInsert(fields{"id": 1, "name": "a"}, fields{"id": 2, "name": "a"})
	id := query.Field("id")
	for _, test := range []struct {
		name   string
		table  string
		schema store.Schema
		code   store.Code
	}{
		{"another key", "cities", store.Schema{Key: query.Field("code")}, store.SchemaMismatch},
		{"another path", "cities", store.Schema{Key: id, Indexes: []store.IndexSpec{{Name: "country", Paths: []query.Path{slug}}}}, store.SchemaMismatch},
		{"unique now", "cities", store.Schema{Key: id, Indexes: []store.IndexSpec{{Name: "country", Paths: []query.Path{country}, Unique: true}}}, store.SchemaMismatch},
		{"unique, but is not", "cities", store.Schema{Key: id, Indexes: []store.IndexSpec{{Name: "name", Paths: []query.Path{query.Field("name")}, Unique: true}}}, store.DuplicateKey},
		{"no name", "", store.Schema{Key: id}, store.InvalidArgument},
		{"a name with a zero", "a\x00b", store.Schema{Key: id}, store.InvalidArgument},
		{"no key", "t", store.Schema{}, store.InvalidPath},
		{"index without a path", "t", store.Schema{Key: id, Indexes: []store.IndexSpec{{Name: "i"}}}, store.InvalidArgument},
		{"index without a name", "t", store.Schema{Key: id, Indexes: []store.IndexSpec{{Paths: []query.Path{id}}}}, store.InvalidArgument},
		{"index with an empty path", "t", store.Schema{Key: id, Indexes: []store.IndexSpec{{Name: "i", Paths: []query.Path{{}}}}}, store.InvalidPath},
		{"multi-entry with two paths", "t", store.Schema{Key: id, Indexes: []store.IndexSpec{{Name: "i", Paths: []query.Path{id, slug}, Multi: true}}}, store.InvalidArgument},
		{"the same index twice", "t", store.Schema{Key: id, Indexes: []store.IndexSpec{{Name: "i", Paths: []query.Path{id}}, {Name: "i", Paths: []query.Path{slug}}}}, store.InvalidArgument},
		{"incrementing inside", "t", store.Schema{Key: query.Field("a", "b"), Increment: true}, store.InvalidArgument},
	} {
		if _, err := b.env.Table(ctx, test.table, test.schema, nil); !errors.Is(err, test.code) {
			t.Errorf("%s: %v, want %s", test.name, err, test.code)
		}
	}
	if got := b.find(where(t, nil)); !slices.Equal(got, []string{"1", "2"}) {
		t.Error(got)
	}
}

// TestLargeBatch inserts more in one transaction than it holds in memory, and
// reads its own writes there.
func TestLargeBatch(t *testing.T) {
	const n = 12_000
	b := newBed(t, cities())
	var docs []any
	for i := range n {
		docs = append(docs, fields{"id": i * 7919 % n, "slug": fmt.Sprint(i), "country": []string{"NO", "SE"}[i%2], "note": strings.Repeat("x", 300)})
	}
	batch := raws(docs)
	err := b.update(func(tx *store.Tx) error {
		if _, err := b.table.Insert(tx, batch[:n/2]); err != nil {
			return err
		}
		if _, err := b.table.Insert(tx, batch[n/2:]); err != nil {
			return err
		}
		if count, err := b.table.Count(tx, where(t, query.Eq(country, "NO"))); err != nil || count != n/2 {
			t.Errorf("within: %d, %v", count, err)
		}
		if _, err := b.table.DeleteWhere(tx, where(t, query.Eq(country, "SE"))); err != nil {
			return err
		}
		_, err := b.table.UpdateWhere(tx, where(t, query.Lt(query.Field("id"), 100)), query.AppendValue(nil, fields{"country": "FI"}))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[query.Expr]int64{
		query.Noop():                             n / 2,
		query.Eq(country, "SE"):                  0,
		query.Eq(country, "NO"):                  n/2 - 50,
		query.Eq(country, "FI"):                  50,
		query.Exists(slug):                       n / 2,
		query.Not(query.Eq(country, "NO")):       50,
		query.Contains(query.Field("note"), "y"): 0,
	} {
		if got := b.count(where(t, filter)); got != want {
			t.Errorf("%v: %d, want %d", filter, got, want)
		}
	}
	if _, err := b.insert(fields{"id": n, "slug": "0"}); !errors.Is(err, store.DuplicateKey) {
		t.Error(err)
	}
	b.mustInsert(fields{"id": n, "slug": "1"}) // it was deleted with its document
}

// TestPages walks through a table page by page, in many orders, and must see
// each document once.
func TestPages(t *testing.T) {
	b := newBed(t, cities())
	var docs []any
	for i := range 100 {
		docs = append(docs, fields{"id": i, "country": []any{"NO", "SE", nil}[i%3], "population": i / 10, "tags": []any{"all", i % 4}})
	}
	b.mustInsert(docs...)
	for _, test := range []struct {
		filter query.Expr
		order  []query.Order
		want   int
	}{
		{nil, nil, 100},
		{nil, []query.Order{{Path: country}}, 100},
		{nil, []query.Order{{Path: population, Desc: true}}, 100},
		{nil, []query.Order{{Path: country, Desc: true}, {Path: population, Desc: true}}, 100},
		{query.Eq(country, "NO"), []query.Order{{Path: population, Desc: true}}, 34},
		{query.In(country, "NO", "SE"), []query.Order{{Path: population}}, 67},
		{query.Contains(tags, "all"), nil, 100},
		{query.Contains(tags, 3), []query.Order{{Path: slug}}, 25},
	} {
		for _, reverse := range []bool{false, true} {
			q := where(t, test.filter)
			q.Order, q.Limit, q.Reverse = test.order, 7, reverse
			seen := map[string]bool{}
			for page := b.find(q); len(page) > 0; page = b.find(q) {
				for _, id := range page {
					if seen[id] {
						t.Fatalf("%v: %s came twice", test.order, id)
					}
					seen[id] = true
				}
				q.After = after(b, test.order, page[len(page)-1])
			}
			if len(seen) != test.want {
				t.Errorf("%v: %d documents, want %d", test.order, len(seen), test.want)
			}
		}
	}
}

// after is what the next page begins behind.
func after(b *bed, order []query.Order, id string) (values [][]byte) {
	var n int
	fmt.Sscan(id, &n)
	b.view(func(tx *store.Tx) error {
		doc, _, err := b.table.Get(tx, key(n))
		for _, column := range order {
			v, found, _ := query.Lookup(doc, column.Path)
			if !found {
				v = query.Raw{0xd4, 0, 0}
			}
			values = append(values, v)
		}
		return err
	})
	return append(values, query.AppendValue(nil, n))
}

// TestExplain pins what is read for what is asked.
func TestExplain(t *testing.T) {
	b := newBed(t, cities())
	var docs []any
	for i := range 200 {
		docs = append(docs, fields{"id": i, "country": []string{"NO", "SE", "FI", "DK"}[i%4], "population": i, "slug": i, "tags": []any{i % 5}})
	}
	b.mustInsert(docs...)
	name := query.Field("name")
	for _, test := range []struct {
		name    string
		filter  query.Expr
		order   []query.Order
		limit   int64
		offset  int64
		explain store.Explanation
	}{
		{"all", nil, nil, -1, 0, store.Explanation{Ranges: 1, Keys: 200, Documents: 200, Results: 200}},
		{"one", query.Eq(query.Field("id"), 7), nil, -1, 0, store.Explanation{Ranges: 1, Keys: 1, Documents: 1, Results: 1}},
		{"index", query.Eq(country, "NO"), nil, -1, 0, store.Explanation{Index: "country", Ranges: 1, Keys: 50, Documents: 50, Results: 50}},
		{"page", query.Eq(country, "NO"), nil, 10, 20, store.Explanation{Index: "country", Ranges: 1, Keys: 10, Documents: 10, Results: 10}},
		{"ordered page", query.In(country, "NO", "SE"), []query.Order{{Path: population, Desc: true}}, 10, 0,
			store.Explanation{Index: "country,population", Ranges: 2, Merged: true, Reverse: true, Keys: 10, Documents: 10, Results: 10}},
		{"sorted page", query.Eq(slug, 7), []query.Order{{Path: name}}, 10, 0,
			store.Explanation{Index: "&slug", Ranges: 1, Sorted: true, Keys: 1, Documents: 1, Results: 1}},
		{"filtered", query.And(query.Eq(country, "NO"), query.Contains(name, "x")), nil, -1, 0,
			store.Explanation{Index: "country", Ranges: 1, Filtered: true, Keys: 50, Documents: 50}},
		{"element", query.Contains(tags, 3), nil, 5, 0, store.Explanation{Index: "*tags", Ranges: 1, Keys: 5, Documents: 5, Results: 5}},
		{"nothing", query.And(query.Gt(country, "X"), query.Lt(country, "B")), nil, -1, 0, store.Explanation{Index: "country"}},
	} {
		q := where(t, test.filter)
		q.Order, q.Limit, q.Skip = test.order, test.limit, test.offset
		if got := b.explain(q); *got != test.explain {
			t.Errorf("%s: %+v, want %+v", test.name, *got, test.explain)
		}
	}
}
