package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// readCounter counts the reads of a backend, and the blobs that they ask for. One of
// these it may have lost.
type readCounter struct {
	store.Backend
	reads, blobs int
	lost         string
}

func (c *readCounter) Read(ctx context.Context, names []string) ([][]byte, error) {
	c.reads++
	c.blobs += len(names)
	blobs, err := c.Backend.Read(ctx, names)
	if i := slices.Index(names, c.lost); i >= 0 && err == nil {
		blobs = slices.Clone(blobs)
		blobs[i] = nil
	}
	return blobs, err
}

// Close leaves the backend open, so that it can be opened again.
func (c *readCounter) Close() error { return nil }

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

// TestReadsNeighbours gets documents here and there of a table in hundreds of leaves.
func TestReadsNeighbours(t *testing.T) {
	const n, asked = 8000, 1000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	backend := &readCounter{Backend: memory.New()}
	schema := store.Schema{Key: query.Field("id")}
	open := func(cacheBytes int) (*store.Env, *store.Table) {
		t.Helper()
		env, err := store.Open(ctx, backend, store.Options{PageBytes: 4096, CacheBytes: cacheBytes})
		if err != nil {
			t.Fatal(err)
		}
		table, err := env.Table(ctx, "cities", schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		backend.reads, backend.blobs = 0, 0
		return env, table
	}
	settle(t, open, n)
	get := func(env *store.Env, table *store.Table, id int) error {
		return env.View(ctx, func(tx *store.Tx) error {
			_, found, err := table.Get(tx, key(id))
			if err == nil && !found {
				t.Errorf("%d is not there", id)
			}
			return err
		})
	}

	t.Run("where all fits the cache", func(t *testing.T) {
		env, table := open(8 << 20)
		defer env.Close(ctx)
		if err := get(env, table, 0); err != nil || backend.blobs > 2 {
			t.Errorf("the first one: %d blobs, %v", backend.blobs, err)
		}
		for range asked {
			if err := get(env, table, random.IntN(n)); err != nil {
				t.Fatal(err)
			}
		}
		if leaves := n * 230 / 4096; backend.reads > leaves/4 || backend.blobs < leaves/2 {
			t.Errorf("%d reads of %d blobs", backend.reads, backend.blobs)
		}
	})
	t.Run("where little does", func(t *testing.T) {
		env, table := open(128 << 10)
		defer env.Close(ctx)
		for range asked {
			if err := get(env, table, random.IntN(n)); err != nil {
				t.Fatal(err)
			}
		}
		if stat, err := env.Stat(ctx); err != nil || stat.CacheBytes > 128<<10 || backend.blobs > backend.reads+maxBranches {
			t.Errorf("%d reads of %d blobs, %d bytes held, %v", backend.reads, backend.blobs, stat.CacheBytes, err)
		}
	})
	t.Run("where one of them is lost", func(t *testing.T) {
		pages, err := backend.List(ctx, "p/")
		if err != nil {
			t.Fatal(err)
		}
		backend.lost = pages[len(pages)/3] // a leaf, as most are
		defer func() { backend.lost = "" }()
		env, table := open(8 << 20)
		defer env.Close(ctx)
		failed := 0
		for id := range n {
			if err := get(env, table, id); err != nil {
				failed++
				if !strings.Contains(err.Error(), backend.lost) {
					t.Fatal(err)
				}
			}
		}
		if failed == 0 || failed > 4096/200 {
			t.Errorf("%d documents cannot be read for the loss of one leaf", failed)
		}
	})
}

// maxBranches bounds how many branches the trees of these tests have.
const maxBranches = 32

// settle puts n documents of 200 bytes and more into a table, and into its tree.
func settle(t *testing.T, open func(cacheBytes int) (*store.Env, *store.Table), n int) {
	t.Helper()
	env, table := open(8 << 20)
	defer env.Close(ctx)
	docs := make([][]byte, n)
	for id := range docs {
		docs[id] = query.AppendValue(nil, fields{"id": id, "note": fmt.Sprintf("%0200d", id)})
	}
	if err := env.Update(ctx, func(tx *store.Tx) error { _, err := table.Insert(tx, docs); return err }); err != nil {
		t.Fatal(err)
	}
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
}
