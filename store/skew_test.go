//go:build !page

package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// fast is a schedule whose clock is ahead.
type fast struct {
	*storetest.Schedule
	by time.Duration
}

func (f fast) Now() time.Time { return f.Schedule.Now().Add(f.by) }

func (w *edges) openAhead(location string, by time.Duration) *store.Env {
	w.t.Helper()
	env, err := store.OpenMerging(context.Background(), w.kv.At(location), store.Options{Scheduler: fast{w.schedule, by}, Random: w.random.Uint64, PageBytes: w.page, CacheBytes: w.cache})
	if err != nil {
		w.t.Fatal(err)
	}
	return env
}

// TestClockAhead has a context whose clock is hours ahead write, and publish, between others. Nobody goes by its clock,
// what the others acknowledge is seen at once and never lost, and what it wrote counts everywhere from the time it gave.
func TestClockAhead(t *testing.T) {
	const by = 3 * time.Hour
	for _, early := range []bool{true, false} { // whether a snapshot was there before
		t.Run(fmt.Sprint(early), func(t *testing.T) {
			w := newEdges(t, 14)
			ctx := context.Background()
			want := make(map[string]string)
			w.run(func() {
				a, _ := w.mustOpen("a")
				put := func(env *store.Env, key, value string) {
					t.Helper()
					if err := putShared(env, key, value); err != nil {
						t.Fatal(err)
					}
				}
				compact := func(env *store.Env) {
					t.Helper()
					for done := false; !done; {
						var err error
						if done, err = env.Compact(ctx, 500); err != nil {
							t.Fatal(err)
						}
					}
				}
				agree := func(when string) {
					t.Helper()
					for i := range 3 {
						env, _ := w.mustOpen(fmt.Sprint(when, i))
						if got := sharedContents(t, env); !maps.Equal(got, want) {
							t.Fatalf("%s: %v, not %v", when, got, want)
						}
						if report, err := env.Check(ctx); err != nil || len(report.Problems) > 0 {
							t.Fatalf("%+v %v", report, err)
						}
					}
				}
				want["x"], want["only a's"] = "a", "0"
				put(a, "only a's", "0")
				if early {
					compact(a)
				}
				w.sleep(2 * time.Minute)
				broken := w.openAhead("b", by)
				put(broken, "x", "b")
				put(broken, "only b's", "b")
				compact(broken)
				w.sleep(2 * time.Minute)
				put(a, "x", "a")
				if err := a.SyncAfter(ctx, broken.Token()); !errors.Is(err, store.ClockSkew) {
					t.Errorf("a token of a time to come: %v", err)
				}
				w.sleep(2 * time.Minute)
				if early {
					agree("before")
				} else if _, _, err := w.open("c"); !errors.Is(err, store.ClockSkew) {
					t.Errorf("opening where all snapshots are of a time to come: %v", err)
				}
				for n := range 10 { // while the other's snapshot says that it has them
					w.sleep(10 * time.Minute)
					want[fmt.Sprint(n)] = "a"
					put(a, fmt.Sprint(n), "a")
				}
				compact(a)
				w.sleep(2 * time.Minute)
				agree("meanwhile")
				w.sleep(by)
				want["x"], want["only b's"] = "b", "b" // the later
				agree("later")
				last, _ := w.mustOpen("a")
				put(last, "x", "a again")
				want["x"] = "a again"
				w.sleep(2 * time.Minute)
				agree("in the end")
				compact(last)
				w.sleep(26 * time.Hour)
				last, _ = w.mustOpen("a")
				compact(last)
				agree("a day later")
			})
		})
	}
}
