package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// TestSkipsCount holds skips both ways and counts, far and near, against a walk, over a tree with
// newer layers, runs that delete among them, and a transaction's own writes above it, and counts
// what they read of it alone.
func TestSkipsCount(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	ctx := context.Background()
	blobs := memory.New()
	env, err := store.Open(ctx, blobs, store.Options{PageBytes: 4096, OverlayBytes: 8 << 10})
	if err != nil {
		t.Fatal(err)
	}
	const many = 20000
	in := func(f func(db *store.DB) error) {
		t.Helper()
		err := env.Update(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("numbers")
			if err != nil {
				return err
			}
			return f(db)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change := func(db *store.DB) error {
		for range 50 {
			var err error
			i, behind := random.IntN(2*many), 2*many+random.IntN(1000)
			switch random.IntN(4) {
			case 0:
				err = db.Put(number(i), nil)
			case 1:
				_, err = db.Delete(number(i &^ 1))
			case 2:
				err = db.Put(number(behind), nil)
			default:
				err = db.Clear(number(behind)) // often of what there is not
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	in(func(db *store.DB) error {
		for i := range many {
			if err := db.Put(number(2*i), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		in(change)
		in(func(db *store.DB) error {
			if err := skips(db, random); err != nil {
				return err
			}
			if err := change(db); err != nil {
				return err
			}
			return skips(db, random)
		})
	}
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if err := env.Close(ctx); err != nil {
		t.Fatal(err)
	}

	counter := &readCounter{Backend: memory.Open(blobs.Blobs())}
	if env, err = store.Open(ctx, counter, store.Options{PageBytes: 4096}); err != nil {
		t.Fatal(err)
	}
	defer env.Close(ctx)
	counter.reads = 0
	in(func(db *store.DB) error {
		c := db.Cursor(store.KeyRange{})
		if !c.Last() || !c.SkipBack(many/2) || !c.Skip(many/4) {
			t.Error("skipping came to an end")
		}
		return c.Err()
	})
	if counter.reads > 20 {
		t.Errorf("two skips read %d times", counter.reads)
	}
}

// skips compares skips and counts, between places in a database far from each other and near, with a walk.
func skips(db *store.DB, random *rand.Rand) error {
	var all []string
	c := db.Cursor(store.KeyRange{})
	for k := range c.Keys() {
		all = append(all, string(k))
	}
	for i := range 300 {
		from, n := random.IntN(len(all)), random.IntN([...]int{len(all), 1000, 100, 20}[i%4])
		if i%5 == 0 {
			from = len(all) - 1 - random.IntN(200) // where much was deleted
		}
		to, skip := from+n, c.Skip
		if random.IntN(2) == 0 {
			to, skip = from-n, c.SkipBack
		}
		if !c.SeekExact([]byte(all[from])) {
			return fmt.Errorf("%x is not there: %w", all[from], c.Err())
		}
		want := to >= 0 && to < len(all)
		if got := skip(int64(n)); got != want || got && string(c.Key()) != all[to] || c.Err() != nil {
			return fmt.Errorf("from %d to %d: %v %x, %v", from, to, got, c.Key(), c.Err())
		}
		if !want {
			continue
		}
		low, high := min(from, to), max(from, to)
		if got, err := db.Count(store.KeyRange{Low: []byte(all[low]), High: []byte(all[high])}); got != int64(n) || err != nil {
			return fmt.Errorf("between %d and %d are %d, %w", low, high, got, err)
		}
	}
	return nil
}
