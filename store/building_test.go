package store_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// many are more documents than two slices index.
const many = 2500

func numbered(from, to int) (docs []any) {
	for i := from; i < to; i++ {
		docs = append(docs, fields{"id": i, "country": []string{"NO", "SE"}[i%2], "slug": i, "tags": []any{i % 3, i % 5}})
	}
	return docs
}

// unindexed is an environment over blobs with a table of many documents and no index.
func unindexed(t *testing.T, blobs *memory.Blobs) *bed {
	t.Helper()
	env := storetest.Open(t, memory.Share(blobs), store.Options{})
	table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t, env, table}
	b.mustInsert(numbered(0, many)...)
	return b
}

// expectIndexed holds all indexes against the documents: they are finished, and hold
// what those say and nothing else.
func expectIndexed(t *testing.T, env *store.Env, indexes int) {
	t.Helper()
	err := env.View(ctx, func(tx *store.Tx) error {
		table, err := tx.OpenTable("cities")
		if err != nil {
			return err
		}
		schema := table.Schema()
		if schema.Unfinished != 0 || len(schema.Indexes) != indexes {
			t.Errorf("%d indexes, %d of them unfinished, want %d", len(schema.Indexes), schema.Unfinished, indexes)
		}
		for _, index := range schema.Indexes {
			var want, got [][]byte
			err := table.Find(tx, where(t, nil), func(doc []byte) error {
				id, _, err := query.Lookup(doc, schema.Key)
				if err == nil {
					var key []byte
					key, err = store.AppendIdentity(nil, id)
					want = append(want, entriesOf(t, index, doc, key)...)
				}
				return err
			})
			if err != nil {
				return err
			}
			db, err := tx.Inner("cities\x00" + index.Name)
			if err != nil {
				return err
			}
			c := db.Cursor(store.KeyRange{})
			defer c.Close()
			for ok := c.First(); ok; ok = c.Next() {
				got = append(got, bytes.Clone(c.Key()))
			}
			slices.SortFunc(want, bytes.Compare)
			if !slices.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("index %s has %d entries, want %d", index.Name, len(got), len(want))
			}
			if _, err := tx.Inner("cities\x00" + index.Name + "\x00"); store.CodeOf(err) != store.NotFound {
				t.Errorf("how far %s was built is still noted: %v", index.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestIndexesAreBuiltWhileOthersWrite changes documents between the slices: such as have been
// indexed and such as have not, here and in another context.
func TestIndexesAreBuiltWhileOthersWrite(t *testing.T) {
	blobs := memory.NewBlobs()
	b := unindexed(t, blobs)
	elsewhere := storetest.Open(t, memory.Share(blobs), store.Options{})
	other, err := elsewhere.Table(ctx, "cities", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var reports []int64
	next := many
	between := func(done, total int64) {
		reports = append(reports, done)
		if done == total {
			return
		}
		if x := b.explain(where(t, query.Eq(country, "NO"))); x.Index != "" || x.Results == 0 {
			t.Errorf("an unfinished index is used: %+v", x)
		}
		for _, on := range []bed{{t, b.env, b.table}, {t, elsewhere, other}} {
			on.mustInsert(numbered(next, next+3)...)
			on.mustInsert(fields{"id": -next, "slug": -next})
			next += 3
			err := on.update(func(tx *store.Tx) error {
				for _, id := range []int{int(done) - 2, int(done) + 2, next % 7} {
					if _, err := on.table.Put(tx, raws([]any{fields{"id": id, "country": "FI", "slug": -10_000 - id, "tags": []any{next}}})); err != nil {
						return err
					}
				}
				_, err := on.table.DeleteMany(tx, [][]byte{key(next % 11), key(many - next%13)})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := b.env.Table(ctx, "cities", cities(), between); err != nil {
		t.Fatal(err)
	}
	if len(reports) < 3 || !slices.IsSorted(reports) {
		t.Errorf("reports %d", reports)
	}
	for _, env := range []*store.Env{b.env, elsewhere} {
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		expectIndexed(t, env, 4)
	}
}

// TestIndexesAreBuiltThroughCrashes kills the backend at each call in turn. The next
// program finds the indexes not begun, finished, or goes on with them.
func TestIndexesAreBuiltThroughCrashes(t *testing.T) {
	resumed := 0
	for at := 0; ; at++ {
		blobs := memory.NewBlobs()
		b := unindexed(t, blobs)
		if err := b.env.Close(ctx); err != nil {
			t.Fatal(err)
		}
		faulty := storetest.NewFaulty(memory.Open(blobs))
		env, err := store.Open(ctx, faulty, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		faulty.FailAt(at, storetest.Dead)
		_, err = env.Table(ctx, "cities", cities(), nil)
		crashed := faulty.Failed()
		_ = env.Close(ctx)
		if err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Fatal(err)
		}
		env = storetest.Open(t, memory.Open(blobs), store.Options{})
		first := int64(0)
		_, err = env.Table(ctx, "cities", cities(), func(done, _ int64) {
			if first == 0 {
				first = done
			}
		})
		if err != nil {
			t.Fatalf("after a crash at call %d: %v", at, err)
		}
		if first > 1000 {
			resumed++
		}
		expectIndexed(t, env, 4)
		storetest.Close(t, env)
		if !crashed {
			break
		}
	}
	if resumed == 0 {
		t.Error("no crash left slices to go on from")
	}
}

// TestIndexesAreBuiltByManyContexts has two contexts build the same indexes while
// two others write at random.
func TestIndexesAreBuiltByManyContexts(t *testing.T) {
	seed := storetest.Seed(t)
	blobs := memory.NewBlobs()
	unindexed(t, blobs)
	var builders, writers sync.WaitGroup
	finished := make(chan struct{})
	var envs []*store.Env
	for i := range 4 {
		env := storetest.Open(t, memory.Share(blobs), storetest.Small())
		envs = append(envs, env)
		if i < 2 {
			builders.Go(func() {
				if _, err := env.Table(ctx, "cities", cities(), nil); err != nil {
					t.Error(err)
				}
			})
			continue
		}
		writers.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("id")}, nil)
			for done := false; !done && err == nil; {
				select {
				case <-finished:
					done = true
				default:
				}
				err = env.Update(ctx, func(tx *store.Tx) error {
					id := r.IntN(many + 100)
					if r.IntN(3) == 0 {
						_, err := table.Delete(tx, key(id))
						return err
					}
					_, err := table.Put(tx, raws([]any{fields{"id": id, "country": "DK", "slug": id, "tags": []any{r.IntN(9)}}}))
					return err
				})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	builders.Wait()
	close(finished)
	writers.Wait()
	for _, env := range envs {
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	expectIndexed(t, envs[3], 4)
}

// TestUniqueIndexThatCannotBe meets the same values in the first slice and in the last.
func TestUniqueIndexThatCannotBe(t *testing.T) {
	b := unindexed(t, memory.NewBlobs())
	b.mustInsert(fields{"id": 99_999, "slug": 3})
	_, err := b.env.Table(ctx, "cities", cities(), nil)
	if store.CodeOf(err) != store.DuplicateKey {
		t.Fatalf("%v, want duplicate_key", err)
	}
	expectIndexed(t, b.env, 0)
	b.mustInsert(fields{"id": 100_000, "slug": 3}) // nothing refuses it any more
	if err := b.update(func(tx *store.Tx) error {
		_, err := b.table.DeleteMany(tx, [][]byte{key(99_999), key(100_000)})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.env.Table(ctx, "cities", cities(), nil); err != nil {
		t.Fatal(err)
	}
	expectIndexed(t, b.env, 4)
}

// TestUnfinishedIndexIsRefusedDuplicates inserts, between slices, what documents have
// that were indexed: refused; and what documents have that were not: found out later.
func TestUnfinishedIndexIsRefusedDuplicates(t *testing.T) {
	b := unindexed(t, memory.NewBlobs())
	slice := 0
	_, err := b.env.Table(ctx, "cities", cities(), func(done, total int64) {
		if slice++; slice > 1 {
			return
		}
		if _, err := b.insert(fields{"id": -1, "slug": 3}); store.CodeOf(err) != store.DuplicateKey {
			t.Errorf("%v, want duplicate_key", err)
		}
		b.mustInsert(fields{"id": -1, "slug": many - 1})
	})
	if store.CodeOf(err) != store.DuplicateKey {
		t.Fatalf("%v, want duplicate_key", err)
	}
	expectIndexed(t, b.env, 0)
}

// TestBuildingIsGivenUp ends it after a slice, empties the table, builds again; and removes
// the index half-way, so that another of its name begins at the beginning.
func TestBuildingIsGivenUp(t *testing.T) {
	b := unindexed(t, memory.NewBlobs())
	giveUp := func() {
		t.Helper()
		stopped, stop := context.WithCancel(ctx)
		_, err := b.env.Table(stopped, "cities", cities(), func(_, _ int64) { stop() })
		if store.CodeOf(err) != store.Aborted {
			t.Fatalf("%v, want aborted", err)
		}
	}
	giveUp()
	exact := store.Schema{Key: query.Field("id"), Exact: true}
	if _, err := b.env.Table(ctx, "cities", exact, nil); err != nil {
		t.Fatal(err)
	}
	expectIndexed(t, b.env, 0)
	if _, err := b.env.Table(ctx, "cities", cities(), nil); err != nil {
		t.Fatal(err)
	}
	expectIndexed(t, b.env, 4)

	if _, err := b.env.Table(ctx, "cities", exact, nil); err != nil {
		t.Fatal(err)
	}
	giveUp()
	if err := b.update(func(tx *store.Tx) error { return b.table.Truncate(tx) }); err != nil {
		t.Fatal(err)
	}
	b.mustInsert(numbered(0, 50)...)
	if _, err := b.env.Table(ctx, "cities", cities(), nil); err != nil {
		t.Fatal(err)
	}
	expectIndexed(t, b.env, 4)
}
