//go:build !page

package store_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestCompactionGoesOnElsewhere compacts what takes many times as many pages as a call may write, each call in a
// context of its own, some of which end in the middle: every one that does not leaves less to the next. Meanwhile others
// write, and in the end all of it is in a snapshot.
func TestCompactionGoesOnElsewhere(t *testing.T) {
	for seed := 1; seed <= 4; seed += storetest.Stride() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { goOnElsewhere(t, uint64(seed)) })
	}
}

func goOnElsewhere(t *testing.T, seed uint64) {
	const keys, budget = 800, 40
	w := newEdges(t, seed)
	w.page = 1024
	ctx := context.Background()
	random := rand.New(rand.NewPCG(seed, 5))
	want := make(map[string]string)
	put := func(env *store.Env, n int) {
		t.Helper()
		if err := env.Update(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("shared")
			for range n {
				key, value := fmt.Sprintf("%05d", random.IntN(keys)), fmt.Sprint(random.Uint64(), strings.Repeat("x", random.IntN(150)*(1+5*(random.IntN(10)/9))))
				if err == nil && random.IntN(20) > 0 {
					want[key], err = value, db.Put([]byte(key), []byte(value))
				} else if err == nil {
					delete(want, key)
					err = db.Clear([]byte(key))
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.run(func() {
		calls, most, trees := 0, 0, 0
		for range 3 {
			writer, _ := w.mustOpen("writer")
			for range 60 {
				put(writer, 1+random.IntN(20))
			}
			put(writer, keys) // in one record
			w.sleep(20 * time.Minute)
			for again := true; again; calls++ {
				if calls == 1000 {
					t.Fatal("compacting comes to no end")
				}
				w.sleep(2 * time.Minute)
				env, at := w.mustOpen("b")
				if got := sharedContents(t, env); !maps.Equal(got, want) {
					t.Fatalf("call %d: %v", calls, differences(got, want))
				}
				before := at.Operations.Puts
				if random.IntN(5) == 0 {
					at.DiesAt, at.DiesAfter = at.Calls()+1+random.IntN(budget), random.IntN(2) == 0
					if _, err := env.Compact(ctx, budget); err != nil {
						continue
					}
				} else if done, err := env.Compact(ctx, budget); err != nil {
					t.Fatal(err)
				} else {
					again = !done
				}
				stat, err := env.Stat(ctx)
				if err != nil {
					t.Fatal(err)
				}
				most, trees = max(most, at.Operations.Puts-before), max(trees, stat.Trees)
				if random.IntN(10) == 0 {
					put(writer, 5)
				}
			}
		}
		w.sleep(3 * time.Minute)
		env, at := w.mustOpen("c")
		if got := sharedContents(t, env); !maps.Equal(got, want) {
			t.Fatal(differences(got, want))
		}
		if report, err := env.Check(ctx); err != nil || len(report.Problems) > 0 {
			t.Fatalf("%+v %v", report, err)
		}
		t.Logf("%d calls of %d pages at most, %d trees at most, opening takes %+v", calls, most, trees, at.Operations)
		if most > 2*budget {
			t.Errorf("a call writes %d blobs", most)
		}
		if most == 0 || trees < 2 {
			t.Error("no portion was published before it was told that nothing is left to do")
		}
		for range 6 {
			w.sleep(25 * time.Hour)
			heir, _ := w.mustOpen("heir")
			for done := false; !done; {
				var err error
				if done, err = heir.Compact(ctx, 1000); err != nil {
					t.Fatal(err)
				}
			}
		}
		noStrays(t, w)
		if records, err := w.kv.At("d").List(ctx, "l/"); err != nil || len(records) > 0 {
			t.Errorf("%d records are left, %v", len(records), err)
		}
	})
}

// TestRecordsStayForADay: who opens with a snapshot from before, for it was not told of the last one yet, still
// finds the records which that one covers, however old they are.
func TestRecordsStayForADay(t *testing.T) {
	w := newEdges(t, 11)
	ctx := context.Background()
	w.run(func() {
		a, _ := w.mustOpen("a")
		if done, err := a.Compact(ctx, 100); err != nil || !done {
			t.Fatal(done, err)
		}
		for n := range 20 {
			if err := putPair(a, n); err != nil {
				t.Fatal(err)
			}
		}
		w.sleep(50 * time.Hour)
		w.mustOpen("late") // and now that place remembers the hint
		b, _ := w.mustOpen("b")
		for range 3 {
			if _, err := b.Compact(ctx, 100); err != nil {
				t.Fatal(err)
			}
			late, _ := w.mustOpen("late")
			if n := len(sharedContents(t, late)); n != 40 {
				t.Fatalf("%d of 40 entries are seen", n)
			}
			w.sleep(10 * time.Second)
		}
		w.sleep(25 * time.Hour)
		for range 3 {
			last, _ := w.mustOpen("b")
			if _, err := last.Compact(ctx, 100); err != nil {
				t.Fatal(err)
			}
			w.sleep(5 * time.Minute)
		}
		if records, err := w.kv.At("c").List(ctx, "l/"); err != nil || len(records) > 0 {
			t.Errorf("%d records are left, %v", len(records), err)
		}
	})
}

// TestOverwrittenHint: of two snapshots that were begun at about the same time the hint tells of the one that was
// published last. Who is on the other one, and stays there, deletes nothing that it needs.
func TestOverwrittenHint(t *testing.T) {
	w := newEdges(t, 12)
	w.cache = 1
	ctx := context.Background()
	w.run(func() {
		a, _ := w.mustOpen("a")
		for n := range 40 {
			if err := putPair(a, n); err != nil {
				t.Fatal(err)
			}
		}
		compact := func(env *store.Env) {
			t.Helper()
			if _, err := env.Compact(ctx, 500); err != nil {
				t.Fatal(err)
			}
		}
		compact(a)
		w.sleep(5 * time.Minute)
		hint, err := w.kv.At("x").Read(ctx, []string{store.RootName})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for n := range 41 {
				if err := putPair(a, n); err != nil {
					t.Fatal(err)
				}
			}
			compact(a) // leaves pages over that the one before it needs
			w.sleep(time.Hour)
		}
		if err := w.kv.At("x").Commit(ctx, &store.Batch{Put: []store.Blob{{Name: store.RootName, Bytes: hint[0]}}}); err != nil {
			t.Fatal(err)
		}
		for day := range 3 {
			w.sleep(25 * time.Hour)
			before, _ := w.mustOpen(fmt.Sprint("before ", day))
			compact(a)
			w.sleep(2 * time.Minute)
			after, _ := w.mustOpen(fmt.Sprint("after ", day))
			for _, env := range []*store.Env{before, after} {
				if n := len(sharedContents(t, env)); n != 82 {
					t.Fatalf("%d of 82 entries are seen", n)
				}
			}
		}
	})
}

// TestCopyIsOnlyRead: what one context publishes of another environment all others read, and do not write to.
func TestCopyIsOnlyRead(t *testing.T) {
	w := newEdges(t, 13)
	ctx := context.Background()
	w.run(func() {
		publish := func(n int) {
			t.Helper()
			at := w.kv.At("publisher")
			at.Publishing = true
			env, err := store.OpenMerging(ctx, at, store.Options{Scheduler: w.schedule, Random: w.random.Uint64, PageBytes: w.page})
			if err == nil {
				err = putPair(env, n)
			}
			if err == nil {
				_, err = env.Compact(ctx, 500)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		early, _ := w.mustOpen("early")
		if err := putPair(early, 0); err != nil { // nobody can know yet
			t.Fatal(err)
		}
		for n := range 2 {
			w.sleep(3 * time.Minute)
			publish(n)
			w.sleep(3 * time.Minute)
			reader, _ := w.mustOpen("reader")
			if err := early.Sync(ctx); err != nil {
				t.Fatal(err)
			}
			for _, env := range []*store.Env{reader, early} {
				if err := putPair(env, 9); store.CodeOf(err) != store.ReadOnly {
					t.Errorf("writing to a copy: %v", err)
				}
				if got := sharedContents(t, env); len(got) != 2*(n+1) {
					t.Errorf("%v after %d", got, n)
				}
				if _, err := env.Compact(ctx, 500); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
