package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// scattered is a table many times larger than its cache, whose index has another order
// than its documents.
type scattered struct {
	backend *readCounter
	env     *store.Env
	table   *store.Table
	docs    [][]byte // in the order of the index
	leaves  int
}

var byPopulation = []query.Order{{Path: population}}

// scatter makes one of n documents whose notes have the lengths that size tells.
func scatter(t *testing.T, random *rand.Rand, n, cacheBytes int, size func() int) *scattered {
	t.Helper()
	s := &scattered{backend: &readCounter{Backend: memory.New()}}
	s.open(t, enough)
	bytes := 0
	docs := make([][]byte, n)
	s.docs = make([][]byte, n)
	for id, at := range random.Perm(n) {
		docs[id] = query.AppendValue(nil, fields{"id": id, "population": at, "note": fmt.Sprintf("%0*d", size(), id)})
		s.docs[at] = docs[id]
		bytes += len(docs[id])
	}
	s.leaves = bytes/4096 + 1
	if err := s.env.Update(ctx, func(tx *store.Tx) error { _, err := s.table.Insert(tx, docs); return err }); err != nil {
		t.Fatal(err)
	}
	if err := s.env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.env.Close(ctx); err != nil {
		t.Fatal(err)
	}
	s.open(t, cacheBytes)
	t.Cleanup(func() { _ = s.env.Close(ctx) })
	return s
}

func (s *scattered) open(t *testing.T, cacheBytes int) {
	t.Helper()
	var err error
	if s.env, err = store.Open(ctx, s.backend, store.Options{PageBytes: 4096, CacheBytes: cacheBytes}); err != nil {
		t.Fatal(err)
	}
	schema := store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "population", Paths: []query.Path{population}}}}
	if s.table, err = s.env.Table(ctx, "cities", schema, nil); err != nil {
		t.Fatal(err)
	}
}

// find holds a query's documents against those expected.
func (s *scattered) find(t *testing.T, tx *store.Tx, q *query.Query, expected [][]byte) {
	t.Helper()
	at := 0
	err := s.table.Find(tx, q, func(doc []byte) error {
		if at < len(expected) && string(doc) != string(expected[at]) {
			t.Errorf("document %d is another one", at)
		}
		at++
		return nil
	})
	if err != nil || at != len(expected) {
		t.Errorf("%d of %d documents, %v", at, len(expected), err)
	}
}

// leave begins a query and ends it after n documents.
func (s *scattered) leave(t *testing.T, q *query.Query, n int) {
	t.Helper()
	enough := errors.New("enough")
	err := s.env.View(ctx, func(tx *store.Tx) error {
		return s.table.Find(tx, q, func([]byte) error {
			if n--; n == 0 {
				return enough
			}
			return nil
		})
	})
	if !errors.Is(err, enough) {
		t.Error(err)
	}
}

// TestPassInAnotherOrder goes through a table in the order of an index. That must not read
// leaves again and again.
func TestPassInAnotherOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := scatter(t, random, 6000, 192<<10, func() int { return 80 })
	everything := &query.Query{Limit: -1, Order: byPopulation}
	backwards := slices.Clone(s.docs)
	slices.Reverse(backwards)
	for range 5 { // what is left before its end must not keep what it has borrowed
		s.leave(t, everything, 1000)
	}
	for name, work := range map[string]func(tx *store.Tx){
		"to its end": func(tx *store.Tx) { s.find(t, tx, everything, s.docs) },
		"backwards": func(tx *store.Tx) {
			s.find(t, tx, &query.Query{Limit: -1, Order: byPopulation, Reverse: true}, backwards)
		},
		"one within another": func(tx *store.Tx) {
			n := 0
			err := s.table.Find(tx, everything, func([]byte) error {
				if n++; n%2000 == 0 {
					s.find(t, tx, everything, s.docs)
				}
				return nil
			})
			if err != nil || n != len(s.docs) {
				t.Errorf("%d documents, %v", n, err)
			}
		},
		"a part of it": func(tx *store.Tx) {
			s.find(t, tx, &query.Query{Limit: 1000, Skip: 700, Order: byPopulation}, s.docs[700:1700])
		},
		"filtered": func(tx *store.Tx) {
			q := where(t, query.Exists(query.Field("note")))
			q.Order = byPopulation
			s.find(t, tx, q, s.docs)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.backend.blobs = 0
			if err := s.env.View(ctx, func(tx *store.Tx) error { work(tx); return nil }); err != nil {
				t.Fatal(err)
			}
			if most := 40 * s.leaves; s.backend.blobs > most && name != "one within another" || s.backend.blobs > 10*most {
				t.Errorf("%d blobs read of a table of %d", s.backend.blobs, s.leaves)
			}
		})
	}
}

// enough is a cache that all of a scattered table fits.
const enough = 8 << 20

// TestPassInAnotherOrderAgrees holds what queries find with little cache and with enough, documents of
// very different sizes, and with others written meanwhile, against what they find where the
// index is not there to be read.
func TestPassInAnotherOrderAgrees(t *testing.T) {
	t.Run("part", func(t *testing.T) { agreesInAnotherOrder(t, 64<<10+rand.IntN(256<<10)) })
	t.Run("whole", func(t *testing.T) { agreesInAnotherOrder(t, enough) })
}

func agreesInAnotherOrder(t *testing.T, cacheBytes int) {
	seed := rand.Uint64()
	t.Logf("seed %d, %d bytes of cache", seed, cacheBytes)
	random := rand.New(rand.NewPCG(seed, 0))
	s := scatter(t, random, 800, cacheBytes, func() int {
		return 1 << random.IntN(8+random.IntN(8)) // a few of them do not stand in pages
	})
	rest := query.Exists(query.Field("note"))
	rounds := 8
	if testing.Short() {
		rounds = 4
	}
	for range rounds {
		q := &query.Query{Limit: -1}
		if random.IntN(2) == 0 {
			q = where(t, query.And(query.Gte(population, random.IntN(300)), rest))
		}
		q.Order, q.Reverse = byPopulation, random.IntN(2) == 0
		if random.IntN(2) == 0 {
			q.Skip, q.Limit = int64(random.IntN(100)), int64(random.IntN(800))
		}
		reference := *q
		reference.Order = []query.Order{{Path: population}, {Path: query.Field("name")}} // which is no index's
		err := s.env.Update(ctx, func(tx *store.Tx) error {
			for range random.IntN(20) {
				if err := s.rewrite(tx, random); err != nil {
					return err
				}
			}
			var expected [][]byte
			if err := s.table.Find(tx, &reference, func(doc []byte) error { expected = append(expected, doc); return nil }); err != nil {
				return err
			}
			s.find(t, tx, q, expected)
			return s.meanwhile(t, tx, random)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// rewrite gives some document another note.
func (s *scattered) rewrite(tx *store.Tx, random *rand.Rand) error {
	at := random.IntN(len(s.docs))
	v, _ := query.ReadValue(s.docs[at])
	doc := v.(fields)
	doc["note"] = fmt.Sprintf("%0*d", 1<<random.IntN(12), random.Int64())
	s.docs[at] = query.AppendValue(nil, doc)
	_, err := s.table.Put(tx, [][]byte{s.docs[at]})
	return err
}

// meanwhile writes while documents come in the order of the index, which must see all of it.
func (s *scattered) meanwhile(t *testing.T, tx *store.Tx, random *rand.Rand) error {
	return s.table.Find(tx, &query.Query{Limit: -1, Order: byPopulation}, func(doc []byte) error {
		v, _ := query.ReadValue(doc)
		n := v.(fields)["population"].(int64)
		if string(doc) != string(s.docs[n]) {
			t.Errorf("document %d is an old one", n)
		}
		if random.IntN(50) == 0 {
			return s.rewrite(tx, random)
		}
		return nil
	})
}

// TestPassInAnotherOrderIsWatched changes a document that was handed out in the order of an index.
func TestPassInAnotherOrderIsWatched(t *testing.T) {
	t.Run("part", func(t *testing.T) { watchedInAnotherOrder(t, 64<<10) })
	t.Run("whole", func(t *testing.T) { watchedInAnotherOrder(t, enough) })
}

func watchedInAnotherOrder(t *testing.T, cacheBytes int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := scatter(t, random, 2000, cacheBytes, func() int { return 80 })
	w := s.env.Watch()
	defer w.Stop()
	err := w.View(ctx, func(tx *store.Tx) error {
		s.find(t, tx, &query.Query{Limit: -1, Order: byPopulation}, s.docs)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.env.Update(ctx, func(tx *store.Tx) error { return s.rewrite(tx, random) }); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}
