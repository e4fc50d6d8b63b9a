//go:build !page

package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// edges are contexts of one environment in a KV store, in simulated time.
type edges struct {
	t        *testing.T
	schedule *storetest.Schedule
	kv       *storetest.KV
	random   *rand.Rand
	cache    int // bytes
	page     int // bytes
}

func newEdges(t *testing.T, seed uint64) *edges {
	t.Logf("seed %d", seed)
	schedule := storetest.NewSchedule(seed)
	return &edges{t, schedule, storetest.NewKV(schedule, seed), rand.New(rand.NewPCG(seed, 9)), 1 << 20, 2048}
}

func (w *edges) open(location string) (*store.Env, *storetest.KVLocation, error) {
	at := w.kv.At(location)
	env, err := store.OpenMerging(context.Background(), at, store.Options{Scheduler: w.schedule, Random: w.random.Uint64, PageBytes: w.page, CacheBytes: w.cache})
	return env, at, err
}

func (w *edges) mustOpen(location string) (*store.Env, *storetest.KVLocation) {
	w.t.Helper()
	env, at, err := w.open(location)
	if err != nil {
		w.t.Fatal(err)
	}
	return env, at
}

func (w *edges) sleep(d time.Duration) {
	gate := w.schedule.NewGate()
	w.schedule.OpenAt(w.schedule.Now().Add(d), gate)
	_ = gate.Wait(context.Background())
}

func (w *edges) run(f func()) {
	w.t.Helper()
	if err := w.schedule.Run(f); err != nil {
		w.t.Fatal(err)
	}
}

func putShared(env *store.Env, key, value string) error {
	return env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("shared")
		if err != nil {
			return err
		}
		return db.Put([]byte(key), []byte(value))
	})
}

// sharedContents are all entries of the database.
func sharedContents(t *testing.T, env *store.Env) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := env.View(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("shared")
		if err != nil {
			return err
		}
		c := db.Cursor(store.KeyRange{})
		defer c.Close()
		for ok := c.First(); ok; ok = c.Next() {
			value, err := c.Value()
			if err != nil {
				return err
			}
			all[string(c.Key())] = string(value)
		}
		return c.Err()
	})
	if err != nil && store.CodeOf(err) != store.NotFound {
		t.Fatal(err)
	}
	return all
}

func TestReplicasSeeWhatOthersCommit(t *testing.T) {
	w := newEdges(t, 1)
	w.run(func() {
		a, at := w.mustOpen("a")
		b, _ := w.mustOpen("b")
		before := at.Operations.Puts
		if err := putShared(a, "x", "1"); err != nil {
			t.Fatal(err)
		}
		if n := at.Operations.Puts - before; n != 1 {
			t.Errorf("a commit takes %d puts", n)
		}
		w.sleep(2 * time.Minute)
		if err := b.Sync(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := sharedContents(t, b)["x"]; got != "1" {
			t.Errorf("x is %q elsewhere", got)
		}
		c, opened := w.mustOpen("c")
		if got := sharedContents(t, c)["x"]; got != "1" {
			t.Errorf("x is %q for who comes later", got)
		}
		if o := opened.Operations; o.Gets+o.Lists > 4+1 { // the record itself
			t.Errorf("opening takes %+v", o)
		}
	})
}

func TestReplicaReadsAToken(t *testing.T) {
	w := newEdges(t, 2)
	w.run(func() {
		a, _ := w.mustOpen("a")
		b, _ := w.mustOpen("b")
		for i := range 5 {
			if err := putShared(a, fmt.Sprint(i), "x"); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.SyncAfter(context.Background(), a.Token()); err != nil {
			t.Fatal(err)
		}
		if n := len(sharedContents(t, b)); n != 5 {
			t.Errorf("%d of 5 are seen", n)
		}
		if err := b.SyncAfter(context.Background(), "nonsense"); !errors.Is(err, store.InvalidArgument) {
			t.Errorf("a token that is none: %v", err)
		}
	})
}

func TestReplicaRefusesWhatTakesOneWriter(t *testing.T) {
	w := newEdges(t, 3)
	w.run(func() {
		env, _ := w.mustOpen("a")
		for _, schema := range []store.Schema{
			{Key: query.Path{{Name: "id"}}, Increment: true},
			{Key: query.Path{{Name: "id"}}, Indexes: []store.IndexSpec{{Name: "email", Paths: []query.Path{{{Name: "email"}}}, Unique: true}}},
		} {
			if _, err := env.Table(context.Background(), "t", schema, nil); !errors.Is(err, store.Unsupported) {
				t.Errorf("%+v: %v", schema, err)
			}
		}
	})
}

// TestReplicaKeepsItsKeys: what one context sealed by keys that it drew or was given alone, others could not read.
func TestReplicaKeepsItsKeys(t *testing.T) {
	w := newEdges(t, 7)
	w.run(func() {
		ctx := context.Background()
		keyed := store.Options{Scheduler: w.schedule, Random: w.random.Uint64, Modifiers: []store.Modifier{storetest.NewCipher("one")}}
		env, err := store.OpenMerging(ctx, w.kv.At("a"), keyed)
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"rotate":  env.Rotate(ctx, nil),
			"rechain": env.Rechain(ctx, nil, nil),
			"amend":   env.Amend(ctx, storetest.NewEpoch),
		} {
			if !errors.Is(err, store.Unsupported) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := putShared(env, "x", "1"); err != nil {
			t.Fatal(err)
		}
		keyed.Modifiers = []store.Modifier{storetest.NewCipher("one")}
		w.sleep(3 * time.Minute)
		other, err := store.OpenMerging(ctx, w.kv.At("b"), keyed)
		if err != nil {
			t.Fatal(err)
		}
		if got := sharedContents(t, other)["x"]; got != "1" {
			t.Errorf("x is %q elsewhere", got)
		}
	})
}

// TestReplicasAgree has writers in many places write for ten minutes, compact, fail and begin
// anew; then all of them have all that was acknowledged, and the same.
func TestReplicasAgree(t *testing.T) {
	for seed := 1; seed <= 4; seed += storetest.Stride() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { agree(t, uint64(seed)) })
	}
}

func agree(t *testing.T, seed uint64) {
	const writers, locations = 8, 6
	w := newEdges(t, seed)
	w.kv.Faults = 0.02
	acknowledged, since := make(map[string]string), make(map[string]time.Time)
	commits, puts, looked := 0, 0, 0
	w.run(func() {
		end := w.schedule.Now().Add(600 * time.Second)
		left := writers
		all := w.schedule.NewGate()
		for i := range writers {
			w.schedule.Go(func(ctx context.Context) {
				defer func() {
					if left--; left == 0 {
						all.Open()
					}
				}()
				random := rand.New(rand.NewPCG(seed, uint64(100+i)))
				env, at, err := w.open(fmt.Sprint(i % locations))
				synced := w.schedule.Now()
				for n := 0; w.schedule.Now().Before(end); n++ {
					w.sleep(time.Duration(500+random.IntN(4000)) * time.Millisecond)
					switch {
					case err != nil || random.IntN(60) == 0:
						env, at, err = w.open(fmt.Sprint(i % locations))
						continue
					case random.IntN(40) == 0:
						_, _ = env.Compact(ctx, 1+random.IntN(40))
						continue
					case w.schedule.Now().Sub(synced) > time.Minute:
						synced = w.schedule.Now()
						if env.Sync(ctx) != nil {
							break
						}
						got := sharedContents(t, env)
						for key, value := range acknowledged {
							if synced.Sub(since[key]) <= time.Minute {
								continue
							}
							if looked++; got[key] != value {
								t.Errorf("%s is not seen elsewhere after %v", key, synced.Sub(since[key]))
							}
						}
					}
					before := at.Operations.Puts
					key, value := fmt.Sprintf("%d/%d", i, n), fmt.Sprint(random.IntN(1000))
					failed := env.Update(ctx, func(tx *store.Tx) error {
						db, err := tx.DB("shared")
						if err == nil {
							err = db.Put([]byte(key), []byte(value))
						}
						if err == nil {
							err = db.Put([]byte(fmt.Sprintf("both/%d", random.IntN(20))), []byte(key))
						}
						if err == nil && random.IntN(10) == 0 {
							err = db.Clear([]byte(fmt.Sprintf("both/%d", random.IntN(20))))
						}
						return err
					})
					if failed == nil {
						acknowledged[key], since[key] = value, w.schedule.Now()
						commits++
						puts += at.Operations.Puts - before
					}
				}
			})
		}
		if err := all.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.kv.Faults = 0
		w.sleep(3 * time.Minute)
		var first map[string]string
		for i := range locations {
			env, at := w.mustOpen(fmt.Sprint(i))
			got := sharedContents(t, env)
			if first == nil {
				first = got
				t.Logf("%d commits, %d puts, %d entries, %d refused, %d looked for, opening takes %+v", commits, puts, len(got), w.kv.Refused, looked, at.Operations)
			}
			for key, value := range acknowledged {
				if got[key] != value {
					t.Fatalf("location %d: %s is %q, not %q", i, key, got[key], value)
				}
			}
			if !maps.Equal(first, got) {
				t.Fatalf("location %d has other contents: %v", i, differences(first, got))
			}
			if report, err := env.Check(context.Background()); err != nil || len(report.Problems) > 0 {
				t.Fatalf("location %d: %+v %v", i, report, err)
			}
		}
		if puts != commits {
			t.Errorf("%d commits took %d puts", commits, puts)
		}
	})
}

func differences(a, b map[string]string) (keys []string) {
	for key := range maps.Clone(a) {
		if a[key] != b[key] {
			keys = append(keys, fmt.Sprintf("%s: %q, %q", key, a[key], b[key]))
		}
	}
	slices.Sort(keys)
	return keys
}

// TestReplicaDiesAtEveryCall kills a context at each of its calls, before or after that is
// carried out: what it had acknowledged stays, what it had not stays as a whole or not at
// all, and others go on from what it left.
func TestReplicaDiesAtEveryCall(t *testing.T) {
	for call := 1; ; call++ {
		survived := true
		for _, after := range []bool{false, true} {
			survived = dieAt(t, call, after) && survived
		}
		if survived {
			t.Logf("%d calls", call-1)
			return
		}
	}
}

// dieAt reports whether the context survived, having made fewer calls.
func dieAt(t *testing.T, call int, after bool) (survived bool) {
	w := &edges{t: t, schedule: storetest.NewSchedule(uint64(call)), random: rand.New(rand.NewPCG(uint64(call), 9)), page: 2048}
	w.kv = storetest.NewKV(w.schedule, uint64(call))
	ctx := context.Background()
	w.run(func() {
		doomed := w.kv.At("a")
		doomed.DiesAt, doomed.DiesAfter = call, after
		env, err := store.OpenMerging(ctx, doomed, store.Options{Scheduler: w.schedule, Random: w.random.Uint64, PageBytes: 1024})
		var acknowledged []int
		write := func(n int) {
			if err == nil && putPair(env, n) == nil {
				acknowledged = append(acknowledged, n)
			}
		}
		n := 0
		for range 2 {
			for range 6 {
				write(n)
				n++
			}
			for done := false; err == nil && !done && doomed.Calls() < call; {
				done, _ = env.Compact(ctx, 3)
			}
			w.sleep(25 * time.Hour)
		}
		survived = doomed.Calls() < call
		w.sleep(3 * time.Minute)
		for range 5 {
			heir, _ := w.mustOpen("b")
			got := sharedContents(t, heir)
			for _, n := range acknowledged {
				if got[fmt.Sprint("left/", n)] == "" {
					t.Fatalf("call %d, after %v: commit %d is lost", call, after, n)
				}
			}
			for n := range n {
				if got[fmt.Sprint("left/", n)] != got[fmt.Sprint("right/", n)] {
					t.Fatalf("call %d, after %v: half of commit %d", call, after, n)
				}
			}
			if report, err := heir.Check(ctx); err != nil || len(report.Problems) > 0 {
				t.Fatalf("call %d, after %v: %+v %v", call, after, report, err)
			}
			for done := false; !done; {
				if done, err = heir.Compact(ctx, 1000); err != nil {
					t.Fatal(err)
				}
			}
			w.sleep(49 * time.Hour)
		}
		noStrays(t, w)
	})
	return survived
}

// noStrays reports pages that are stored and that nobody needs.
func noStrays(t *testing.T, w *edges) {
	t.Helper()
	env, at := w.mustOpen("who looks")
	if report, err := env.Check(context.Background()); err != nil || len(report.Problems) > 0 {
		t.Fatalf("%+v %v", report, err)
	}
	if strays := w.kv.Unread(at, "p/"); len(strays) > 0 {
		t.Errorf("%d pages are needed by nobody: %v", len(strays), strays)
	}
}

// TestReplicasCompactForDays has contexts in several places write and compact at once for a week, so that
// what they supersede is deleted meanwhile. Some end in the middle of a call. Whoever opens finds everything,
// and in the end nothing is left that nobody needs.
func TestReplicasCompactForDays(t *testing.T) {
	for seed := 1; seed <= 6; seed += storetest.Stride() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { compactForDays(t, uint64(seed)) })
	}
}

func compactForDays(t *testing.T, seed uint64) {
	const places, days = 4, 7
	w := newEdges(t, seed)
	w.kv.Faults, w.cache = 0.02, 1
	var acknowledged []int
	n, ended, compacted := 0, 0, 0
	w.run(func() {
		end := w.schedule.Now().Add(days * 24 * time.Hour)
		left, all := places, w.schedule.NewGate()
		for i := range places {
			w.schedule.Go(func(ctx context.Context) {
				defer func() {
					if left--; left == 0 {
						all.Open()
					}
				}()
				random := rand.New(rand.NewPCG(seed, uint64(100+i)))
				for w.schedule.Now().Before(end) {
					env, at, err := w.open(fmt.Sprint(i))
					if err != nil {
						t.Errorf("opening: %v", err)
						return
					}
					if random.IntN(3) == 0 {
						at.DiesAt, at.DiesAfter = at.Calls()+1+random.IntN(40), random.IntN(2) == 0
						ended++
					}
					for range 1 + random.IntN(6) {
						if mine := n; random.IntN(3) > 0 {
							n++
							if putPair(env, mine) == nil {
								acknowledged = append(acknowledged, mine)
							}
						}
						for range 4 {
							if done, err := env.Compact(ctx, 1+random.IntN(30)); done || err != nil {
								compacted++
								break
							}
						}
						w.sleep(time.Duration(random.Int64N(int64(3 * time.Hour))))
						if at.DiesAt == 0 {
							sharedContents(t, env) // as they were
						}
						if err := env.Sync(ctx); err != nil && at.DiesAt == 0 {
							t.Errorf("sync: %v", err)
						}
					}
				}
			})
		}
		if err := all.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.kv.Faults = 0
		var last *storetest.KVLocation
		for range 7 { // each in a context of its own, which goes on with what those before have done
			w.sleep(25 * time.Hour)
			var env *store.Env
			env, last = w.mustOpen("heir")
			got := sharedContents(t, env)
			for _, n := range acknowledged {
				if got[fmt.Sprint("left/", n)] == "" || got[fmt.Sprint("right/", n)] == "" {
					t.Fatalf("commit %d is lost", n)
				}
			}
			for done := false; !done; {
				var err error
				if done, err = env.Compact(context.Background(), 500); err != nil {
					t.Fatal(err)
				}
			}
		}
		if o := last.Operations; o.Puts > 2 || o.Deletes > 1 { // a snapshot in the place of yesterday's
			t.Errorf("compacting when there is nothing to do takes %+v", o)
		}
		noStrays(t, w)
		t.Logf("%d commits, %d compactions, %d contexts ended in the middle", len(acknowledged), compacted, ended)
	})
}

// TestReplicasExpireAsOne has contexts write and compact in an environment whose keys all expire at one time. Until then
// whoever opens finds everything, in the last minute too; after that nobody finds a part of it, and nothing is left.
func TestReplicasExpireAsOne(t *testing.T) {
	for seed := 1; seed <= 4; seed += storetest.Stride() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { expireAsOne(t, uint64(seed)) })
	}
}

func expireAsOne(t *testing.T, seed uint64) {
	w := newEdges(t, seed)
	w.kv.Faults = 0.02
	w.run(func() {
		ctx := context.Background()
		expires := w.schedule.Now().Add(30 * time.Hour) // so that some of it is superseded for a day
		open := func(location string) (*store.Env, error) {
			at := w.kv.At(location)
			at.Expires = expires
			return store.OpenMerging(ctx, at, store.Options{Scheduler: w.schedule, Random: w.random.Uint64, PageBytes: w.page, CacheBytes: w.cache})
		}
		random := rand.New(rand.NewPCG(seed, 100))
		var acknowledged []int
		last := func() time.Duration { return expires.Sub(w.schedule.Now()) }
		for n := 0; last() > 3*time.Minute; n++ {
			env, err := open(fmt.Sprint(n % 3))
			if err != nil {
				t.Fatal(err)
			}
			if putPair(env, n) == nil {
				acknowledged = append(acknowledged, n)
			}
			if random.IntN(3) == 0 {
				_, _ = env.Compact(ctx, 1+random.IntN(30))
			}
			w.sleep(min(time.Duration(random.Int64N(int64(40*time.Minute))), last()-2*time.Minute))
		}
		w.kv.Faults = 0
		w.sleep(last() - 30*time.Second)
		env, err := open("late")
		if err != nil {
			t.Fatal(err)
		}
		got := sharedContents(t, env)
		for _, n := range acknowledged {
			if got[fmt.Sprint("left/", n)] == "" || got[fmt.Sprint("right/", n)] == "" {
				t.Fatalf("commit %d is lost", n)
			}
		}
		if report, err := env.Check(ctx); err != nil || len(report.Problems) > 0 {
			t.Fatalf("%+v %v", report, err)
		}
		if err := putPair(env, -1); !errors.Is(err, store.Closed) {
			t.Errorf("a commit in the last minute: %v", err)
		}
		w.sleep(31 * time.Second)
		for _, location := range []string{"late", "new"} { // the first remembers the hint
			if _, err := open(location); !errors.Is(err, store.Closed) {
				t.Errorf("opening what has expired: %v", err)
			}
		}
		w.sleep(2 * time.Minute)
		if left, err := w.kv.At("who looks").List(ctx, ""); err != nil || len(left) > 0 {
			t.Errorf("%v is left, %v", left, err)
		}
		t.Logf("%d commits", len(acknowledged))
	})
}

// putPair writes two entries in one commit.
func putPair(env *store.Env, n int) error {
	return env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("shared")
		for _, side := range []string{"left/", "right/"} {
			if err == nil {
				err = db.Put([]byte(fmt.Sprint(side, n)), []byte(fmt.Sprint(n, " is this long so that pages are few entries long")))
			}
		}
		return err
	})
}

// TestInvocationsStayBelowAThousandOperations: what an invocation may ask of KV is enough to open
// what nobody has compacted for thousands of commits, for each step of compacting that, and of deleting it a day later.
func TestInvocationsStayBelowAThousandOperations(t *testing.T) {
	const limit, budget, short, long = 1000, 500, 4000, 400
	w := newEdges(t, 6)
	w.page = 0 // as everywhere
	ctx := context.Background()
	w.run(func() {
		a, _ := w.mustOpen("a")
		for n := range short + long {
			size := 20
			if n >= short {
				size = 1500 // these do not come with lists
			}
			if err := putShared(a, fmt.Sprint(n), string(bytes.Repeat([]byte{'x'}, size))); err != nil {
				t.Fatal(err)
			}
		}
		w.sleep(3 * time.Minute)
		most, calls := 0, 0
		invoke := func() (done bool) {
			t.Helper()
			env, at := w.mustOpen("b") // an isolate does not last
			done, err := env.Compact(ctx, budget)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(sharedContents(t, env)); n != short+long {
				t.Fatalf("%d of %d are there", n, short+long)
			}
			calls, most = calls+1, max(most, at.Operations.All())
			return done
		}
		for range 3 {
			for range 100 {
				if invoke() {
					break
				}
			}
			w.sleep(25 * time.Hour)
		}
		if most > limit {
			t.Errorf("an invocation takes %d operations", most)
		}
		t.Logf("%d invocations take %d operations at most", calls, most)
		if records, err := w.kv.At("c").List(ctx, "l/"); err != nil || len(records) > 0 {
			t.Errorf("%d records are left, %v", len(records), err)
		}
	})
}

// TestReplicasMergeTables has two contexts write the same documents, with other values in
// the index, and empty the table, at the same time.
func TestReplicasMergeTables(t *testing.T) {
	w := newEdges(t, 4)
	ctx := context.Background()
	schema := store.Schema{Key: query.Path{{Name: "id"}}, Indexes: []store.IndexSpec{{Name: "country", Paths: []query.Path{{{Name: "country"}}}}}}
	w.run(func() {
		var envs []*store.Env
		var tables []*store.Table
		for _, at := range []string{"a", "b"} {
			env, _ := w.mustOpen(at)
			table, err := env.Table(ctx, "places", schema, nil)
			if err != nil {
				t.Fatal(err)
			}
			envs, tables = append(envs, env), append(tables, table)
		}
		write := func(i int, f func(tx *store.Tx) error) {
			if err := envs[i].Update(ctx, f); err != nil {
				t.Fatal(err)
			}
		}
		meet := func() map[string]int {
			t.Helper()
			w.sleep(3 * time.Minute)
			var seen []map[string]int
			for i := range envs {
				if err := envs[i].Sync(ctx); err != nil {
					t.Fatal(err)
				}
				if report, err := envs[i].Check(ctx); err != nil || len(report.Problems) > 0 {
					t.Fatalf("%+v %v", report, err)
				}
				counts := make(map[string]int)
				if err := envs[i].View(ctx, func(tx *store.Tx) error {
					for _, country := range []string{"NO", "SE", "DK"} {
						n, err := tables[i].Count(tx, where(t, query.Eq(query.Path{{Name: "country"}}, country)))
						if err != nil {
							return err
						}
						counts[country] = int(n)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				seen = append(seen, counts)
			}
			if !maps.Equal(seen[0], seen[1]) {
				t.Fatalf("one has %v, the other %v", seen[0], seen[1])
			}
			return seen[0]
		}
		put := func(i, id int, country string) {
			write(i, func(tx *store.Tx) error {
				_, err := tables[i].Put(tx, [][]byte{raw(fields{"id": id, "country": country})})
				return err
			})
		}
		for id := range 10 {
			put(0, id, "NO")
			w.sleep(time.Second)
			put(1, id, "SE")
		}
		if got := meet(); got["SE"] != 10 || got["NO"] != 0 {
			t.Errorf("the later do not stay: %v", got)
		}
		write(0, func(tx *store.Tx) error { return tables[0].Truncate(tx) })
		w.sleep(time.Second)
		put(1, 3, "DK")
		if got := meet(); got["DK"] != 1 || got["SE"] != 0 {
			t.Errorf("emptied and written to: %v", got)
		}
		put(1, 4, "DK")
		w.sleep(time.Second)
		three, err := store.AppendIdentity(nil, raw(3))
		if err != nil {
			t.Fatal(err)
		}
		write(0, func(tx *store.Tx) error { _, err := tables[0].Delete(tx, three); return err })
		if got := meet(); got["DK"] != 1 {
			t.Errorf("deleted and written: %v", got)
		}
	})
}

// TestReplicaImports has one context import what an ordinary environment exported, and
// another one read it.
func TestReplicaImports(t *testing.T) {
	w := newEdges(t, 5)
	ctx := context.Background()
	w.run(func() {
		plain, err := store.Open(ctx, memory.New(), store.Options{Scheduler: w.schedule})
		if err != nil {
			t.Fatal(err)
		}
		table, err := plain.Table(ctx, "places", store.Schema{Key: query.Path{{Name: "id"}}, Indexes: []store.IndexSpec{{Name: "country", Paths: []query.Path{{{Name: "country"}}}}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := plain.Update(ctx, func(tx *store.Tx) error {
			for id := range 500 {
				if _, err := table.Put(tx, [][]byte{raw(fields{"id": id, "country": "NO"})}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var exported bytes.Buffer
		if err := plain.Export(ctx, &exported, nil); err != nil {
			t.Fatal(err)
		}
		a, _ := w.mustOpen("a")
		if _, err := a.Table(ctx, "places", table.Schema(), nil); err != nil { // empty, but with stamps
			t.Fatal(err)
		}
		again := bytes.NewReader(bytes.Clone(exported.Bytes()))
		if err := a.Import(ctx, &exported, store.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		b, _ := w.mustOpen("b")
		if err := b.SyncAfter(ctx, a.Token()); err != nil {
			t.Fatal(err)
		}
		if err := putShared(b, "x", "before"); err != nil {
			t.Fatal(err)
		}
		if err := a.SyncAfter(ctx, b.Token()); err != nil {
			t.Fatal(err)
		}
		if err := a.Import(ctx, again, store.ImportOptions{Replace: true}); err != nil {
			t.Fatal(err)
		}
		for _, env := range []*store.Env{a, b} {
			if err := env.SyncAfter(ctx, a.Token()); err != nil {
				t.Fatal(err)
			}
			if got := sharedContents(t, env); len(got) > 0 {
				t.Errorf("%v is there that the import does not have", got)
			}
		}
		if err := b.View(ctx, func(tx *store.Tx) error {
			table, err := tx.OpenTable("places")
			if err != nil {
				return err
			}
			n, err := table.Count(tx, where(t, query.Eq(query.Path{{Name: "country"}}, "NO")))
			if n != 500 {
				t.Errorf("%d of 500 are there", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if report, err := b.Check(ctx); err != nil || len(report.Problems) > 0 {
			t.Fatalf("%+v %v", report, err)
		}
	})
}
