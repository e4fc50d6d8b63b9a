//go:build !page

package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestDropTakesWhatHadNotSeenIt: what is written by who does not know yet that a database was dropped goes with it, also
// where it was made anew there. Who has seen the drop makes it anew for all.
func TestDropTakesWhatHadNotSeenIt(t *testing.T) {
	w := newEdges(t, 15)
	ctx := context.Background()
	w.run(func() {
		a, _ := w.mustOpen("a")
		b, _ := w.mustOpen("b")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		expect := func(when string, want map[string]string) {
			t.Helper()
			must(a.SyncAfter(ctx, b.Token()))
			must(b.SyncAfter(ctx, a.Token()))
			late, _ := w.mustOpen("late " + when)
			must(late.SyncAfter(ctx, a.Token()+b.Token()))
			for name, env := range map[string]*store.Env{"a": a, "b": b, "late": late} {
				if got := sharedContents(t, env); !maps.Equal(got, want) {
					t.Fatalf("%s, %s: %v, not %v", when, name, got, want)
				}
			}
		}
		must(putShared(a, "before", "a"))
		expect("made", map[string]string{"before": "a"})
		must(dropShared(a))
		w.sleep(time.Second)
		must(putShared(b, "late", "b")) // later, but it does not know
		expect("dropped", map[string]string{})
		must(putShared(b, "after", "b"))
		expect("made anew", map[string]string{"after": "b"})
		must(dropShared(a))
		must(putShared(a, "anew", "a"))
		w.sleep(time.Second)
		must(putShared(b, "late", "b"))
		expect("made anew meanwhile", map[string]string{"anew": "a"})
		must(dropShared(a))
		w.sleep(time.Second)
		must(dropShared(b))
		must(putShared(b, "last", "b"))
		must(putShared(a, "lost", "a")) // after a drop, and before another one that it has not seen
		expect("dropped by both", map[string]string{"last": "b"})

		c, _ := w.mustOpen("c")
		must(c.SyncAfter(ctx, b.Token()))
		must(dropShared(a))
		must(b.SyncAfter(ctx, a.Token()))
		must(putShared(b, "anew", "b"))
		must(c.SyncAfter(ctx, b.Token())) // which is listed, and the drop is not
		if got := sharedContents(t, c); !maps.Equal(got, map[string]string{"anew": "b"}) {
			t.Fatalf("who hears of the making before the drop: %v", got)
		}
		expect("heard in another order", map[string]string{"anew": "b"})
		must(c.Sync(ctx))

		must(dropShared(a))
		must(putShared(a, "kept", "a"))
		for range 3 { // the records and all that may be forgotten are gone
			w.sleep(30 * time.Hour)
			if _, err := a.Compact(ctx, 500); err != nil {
				t.Fatal(err)
			}
		}
		must(putShared(c, "late", "c")) // has not looked for days
		must(a.SyncAfter(ctx, c.Token()))
		must(c.SyncAfter(ctx, a.Token()))
		expect("days later", map[string]string{"kept": "a"})
		if got := sharedContents(t, c); !maps.Equal(got, map[string]string{"kept": "a"}) {
			t.Fatalf("who has not looked for days: %v", got)
		}
	})
}

func dropShared(env *store.Env) error {
	return env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("shared")
		if err != nil {
			return err
		}
		return db.Drop()
	})
}

// TestDropsAgree has contexts make, write to, empty and drop a few databases, meeting in whatever order; then all have the same.
func TestDropsAgree(t *testing.T) {
	for seed := 1; seed <= 24; seed += storetest.Stride() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { dropsAgree(t, uint64(seed)) })
	}
}

func dropsAgree(t *testing.T, seed uint64) {
	const contexts, steps = 4, 120
	w := newEdges(t, seed)
	ctx := context.Background()
	w.run(func() {
		random := rand.New(rand.NewPCG(seed, 77))
		var envs []*store.Env
		for i := range contexts {
			env, _ := w.mustOpen(fmt.Sprint(i))
			envs = append(envs, env)
		}
		drops := 0
		for n := range steps {
			env := envs[random.IntN(contexts)]
			name := fmt.Sprint("db", random.IntN(2))
			err := env.Update(ctx, func(tx *store.Tx) error {
				db, err := tx.DB(name)
				if err != nil {
					return err
				}
				switch random.IntN(8) {
				case 0:
					drops++
					return db.Drop()
				case 1:
					return db.Empty()
				case 2:
					return db.SetMeta([]byte(fmt.Sprint(n)))
				case 3:
					return db.Clear([]byte(fmt.Sprint(random.IntN(4))))
				default:
					return db.Put([]byte(fmt.Sprint(random.IntN(4))), []byte(fmt.Sprint(n)))
				}
			})
			if err == nil && random.IntN(4) == 0 { // meets one of the others, as far as that goes
				err = envs[random.IntN(contexts)].SyncAfter(ctx, env.Token())
				if errors.Is(err, store.NotFound) { // it was written to what a third one has made
					err = nil
				}
			}
			if err == nil && random.IntN(30) == 0 {
				_, err = env.Compact(ctx, 30)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
		}
		w.sleep(3 * time.Minute)
		late, _ := w.mustOpen("late")
		want := everything(t, late)
		for i, env := range envs {
			if err := env.Sync(ctx); err != nil {
				t.Fatal(err)
			}
			if got := everything(t, env); !maps.Equal(got, want) {
				t.Fatalf("context %d: %v, not %v", i, got, want)
			}
			if report, err := env.Check(ctx); err != nil || len(report.Problems) > 0 {
				t.Fatalf("%+v %v", report, err)
			}
		}
		t.Logf("%d drops, %d entries", drops, len(want))
	})
}

// everything is what all databases hold, and which there are.
func everything(t *testing.T, env *store.Env) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := env.View(context.Background(), func(tx *store.Tx) error {
		names, err := tx.DBs()
		for _, name := range names {
			db, err := tx.DB(name)
			if err != nil {
				return err
			}
			all[name] = string(db.Meta())
			c := db.Cursor(store.KeyRange{})
			for ok := c.First(); ok; ok = c.Next() {
				value, err := c.Value()
				if err != nil {
					return err
				}
				all[name+"/"+string(c.Key())] = string(value)
			}
			c.Close()
			if c.Err() != nil {
				return c.Err()
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
