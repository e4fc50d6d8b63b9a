package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// readCounter counts the reads of a backend.
type readCounter struct {
	store.Backend
	reads int
}

func (c *readCounter) Read(ctx context.Context, names []string) ([][]byte, error) {
	c.reads++
	return c.Backend.Read(ctx, names)
}

// TestReadsAhead holds a table in hundreds of leaves, more than fit the cache: what
// goes to documents here and there must not read the leaves one by one.
func TestReadsAhead(t *testing.T) {
	const n, asked = 8000, 300
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	backend := &readCounter{Backend: memory.New()}
	env, err := store.Open(ctx, backend, store.Options{PageBytes: 4096, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close(ctx)
	schema := store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "population", Paths: []query.Path{population}}}}
	table, err := env.Table(ctx, "cities", schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc := func(id int) []byte {
		return query.AppendValue(nil, fields{"id": id, "population": id * 7919 % n, "note": fmt.Sprintf("%0200d", id)})
	}
	docs := make([][]byte, n)
	for i := range docs {
		docs[i] = doc(i)
	}
	must := func(f func(tx *store.Tx) error) {
		t.Helper()
		if err := env.Update(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	must(func(tx *store.Tx) error { _, err := table.Insert(tx, docs); return err })
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	keys := make([][]byte, asked)
	some := make([][]byte, asked)
	for i, id := range random.Perm(n)[:asked] {
		some[i] = doc(id)
		keys[i] = key(id)
	}
	got := 0
	works := map[string]func(tx *store.Tx) error{
		"getMany": func(tx *store.Tx) error {
			got = 0
			return table.GetMany(tx, keys, func(d []byte) error {
				if string(d) != string(some[got]) {
					t.Errorf("document %d is another one", got)
				}
				got++
				return nil
			})
		},
		"put": func(tx *store.Tx) error { _, err := table.Put(tx, some); got = asked; return err },
		"find": func(tx *store.Tx) error {
			got = 0
			return table.Find(tx, where(t, query.Lt(population, asked)), func([]byte) error { got++; return nil })
		},
	}
	for name, work := range works {
		before := backend.reads
		must(work)
		if reads := backend.reads - before; reads > asked/4 || got != asked {
			t.Errorf("%s: %d documents with %d reads", name, got, reads)
		}
	}
}
