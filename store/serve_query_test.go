package store_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestIndexesServe asks two tables of the same documents, of which one has indexes, where a
// member is of every kind that a document can have: the answers are the same, and come by an index.
func TestIndexesServe(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	env := storetest.Open(t, memory.New(), storetest.Small())
	path := func(name string) []query.Path { return []query.Path{query.Field(name)} }
	served, err := env.Table(ctx, "served", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "name", Paths: path("name")}, {Name: "kind", Paths: path("kind")}, {Name: "tags", Paths: path("tags"), Multi: true},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := env.Table(ctx, "plain", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	date := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	values := []any{"x", "X", "xy", "Xy%", "é", "Éa", "", " x", "t", "true", "5", "-5", "[", "[x", "{", "\"x\"", "2024-02-03T04:05:06.000Z", "Infinity", "\x00x", "\u00a0x",
		5, 5.0, 5.5, -5, 0, 1, true, false, nil, date, []byte("x"), []byte{}, []any{"x", 5}, map[string]any{"a": "x"}, []any{}}
	any1 := func() any { return values[random.IntN(len(values))] }
	texts := []string{`["x",5]`, ` [ "x" ] `, `{"a":"x"}`, `"x"`, `5`, `5.0`, `true`, `null`, `[[5]]`, `"é"`, `-5`, `[1,true]`}
	var docs [][]byte
	documents := 1500
	if testing.Short() {
		documents = 500
	}
	for id := range documents {
		fields := map[string]any{"id": id, "kind": random.IntN(40), "name": any1()}
		switch random.IntN(6) {
		case 0:
			fields["tags"] = texts[random.IntN(len(texts))]
		case 1:
			fields["tags"] = map[string]any{"a": any1()}
		case 2:
			delete(fields, "name")
		case 3:
			fields["tags"] = random.IntN(8)
		default:
			tags := []any{}
			for range random.IntN(4) {
				if tag := any1(); tag != nil {
					if _, is := tag.([]byte); !is {
						tags = append(tags, tag)
					}
				}
			}
			fields["tags"] = tags
		}
		docs = append(docs, doc(fields))
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		if _, err := served.Put(tx, docs); err != nil {
			return err
		}
		_, err := plain.Put(tx, docs)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, env, "ANALYZE")
	met := 0
	odd := func(a, b string) string {
		for _, lines := range [][2]string{{a, b}, {b, a}} {
			for line := range strings.Lines(lines[0]) {
				if !strings.Contains("\n"+lines[1], "\n"+line) {
					return ask(t, env, "SELECT id, json_quote(name), json_quote(tags) FROM plain WHERE id = CAST(? AS INTEGER)", strings.TrimSpace(line))
				}
			}
		}
		return "none"
	}
	look := func(text, by string, values ...any) {
		t.Helper()
		got, want := ask(t, env, "SELECT served.id FROM served"+text+" ORDER BY 1", values...), ask(t, env, "SELECT served.id FROM plain AS served"+text+" ORDER BY 1", values...)
		if got != want {
			t.Errorf("%s %v: by the index there are %d rows, without it %d; one of only one of both is %s", text, values, strings.Count(got, "\n"), strings.Count(want, "\n"), odd(got, want))
		}
		met += strings.Count(got, "\n")
		if plan := ask(t, env, "EXPLAIN QUERY PLAN SELECT served.id FROM served"+text, values...); !strings.Contains(plan, by) {
			t.Errorf("%s is not served by %q:\n%s", text, by, plan)
		}
	}
	for _, v := range []any{"x", "X", "5", "é", "true", "[x", "", 5, 5.5, 1, 0, -5, nil, "2024-02-03T04:05:06.000Z"} {
		look(" WHERE ? IN (SELECT value FROM json_each(tags)) AND json_type(tags) = 'array'", "(tags HAS ?)", v)
		look(" WHERE EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?) AND json_type(tags) = 'array'", "(tags HAS ?)", v)
		look(" JOIN json_each(served.tags) AS tag WHERE tag.value = ? AND json_type(served.tags) = 'array'", "(tags HAS ?)", v)
		look(" WHERE kind = 3 OR name = ?", "MULTI-INDEX OR", v)
		look(" WHERE (name = ? OR kind > 36) AND id <> 700", "MULTI-INDEX OR", v)
	}
	for _, p := range []string{"x", "X", "é", "É", "5", "-5", "0", "1", "2024", "[", "{", " ", "true", "xy", "\x00", "I", "inf"} {
		look(" WHERE name LIKE ?", "(name LIKE ?)", p+"%")
		look(" WHERE name LIKE ?", "(name LIKE ?)", p)
		look(" WHERE name GLOB ?", "(name GLOB ?)", p+"*")
		look(" WHERE name LIKE ? AND name > 'a'", "name LIKE ?", p+"_%")
		look(" WHERE name LIKE ? OR kind = 3", "MULTI-INDEX OR", p+"_%") // the second finds some of what the first passes by
	}
	look(" WHERE name LIKE ?", "(name LIKE ?)", "%x")
	look(" WHERE name GLOB ?", "(name GLOB ?)", nil)
	if met < documents/2 {
		t.Errorf("no more than %d rows were met", met)
	}
}

// TestLastEntriesRecur has an index end in entries of documents that came before, many more than are
// read ahead at once: no document is lost behind them.
func TestLastEntriesRecur(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{})
	tagged, err := env.Table(ctx, "tagged", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "tags", Paths: []query.Path{query.Field("tags")}, Multi: true},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var dates []any
	for month := time.January; month < time.July; month++ {
		dates = append(dates, time.Date(2024, month, 1, 0, 0, 0, 0, time.UTC))
	}
	const listed, documents = 100, 5000
	var docs [][]byte
	for id := range documents {
		fields := map[string]any{"id": id}
		if id < listed {
			fields["tags"] = dates
		}
		docs = append(docs, doc(fields))
	}
	if err := env.Update(ctx, func(tx *store.Tx) error { _, err := tagged.Put(tx, docs); return err }); err != nil {
		t.Fatal(err)
	}
	exec(t, env, "ANALYZE")
	text := "SELECT id FROM tagged WHERE '2024-01-01T00:00:00.000Z' IN (SELECT value FROM json_each(tags)) AND json_type(tags) = 'array' ORDER BY id"
	if plan := ask(t, env, "EXPLAIN QUERY PLAN "+text); !strings.Contains(plan, "(tags HAS ?)") {
		t.Error(plan)
	}
	if n := strings.Count(ask(t, env, text), "\n"); n != listed {
		t.Errorf("%d of %d documents", n, listed)
	}
}
