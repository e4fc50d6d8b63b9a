package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// contexts opens environments over the same blobs.
func contexts(t *testing.T, n int, options store.Options) (*memory.Blobs, []*memory.Context, []*store.Env) {
	t.Helper()
	blobs := memory.NewBlobs()
	backends := make([]*memory.Context, n)
	envs := make([]*store.Env, n)
	for i := range envs {
		backends[i] = memory.Share(blobs)
		envs[i] = storetest.Open(t, backends[i], options)
	}
	return blobs, backends, envs
}

// update is Update, telling how often it ran its function.
func update(t *testing.T, env *store.Env, f func(*store.Tx) error) (runs int) {
	t.Helper()
	err := env.Update(context.Background(), func(tx *store.Tx) error {
		runs++
		return f(tx)
	})
	if err != nil {
		t.Error(err)
	}
	return runs
}

// attempt is one transaction that may end with Conflict.
func attempt(ctx context.Context, env *store.Env, f func(*store.Tx) error) error {
	tx, err := env.Begin(ctx, true)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func putKey(key, value string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err != nil {
			return err
		}
		return db.Put([]byte(key), []byte(value))
	}
}

// get reads a key, "" where there is none.
func getKey(tx *store.Tx, key string) (string, error) {
	db, err := tx.DB("d")
	if store.CodeOf(err) == store.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	value, _, err := db.Get([]byte(key))
	return string(value), err
}

// expectLatest expects a value after a Sync.
func expectLatest(t *testing.T, env *store.Env, key, want string) {
	t.Helper()
	if err := env.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	err := env.View(context.Background(), func(tx *store.Tx) error {
		value, err := getKey(tx, key)
		if value != want {
			t.Errorf("%s holds %q, want %q", key, value, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestContextsCountExactly(t *testing.T) {
	_, _, envs := contexts(t, 4, storetest.Small())
	const writers, each = 2, 60
	var wait sync.WaitGroup
	for _, env := range envs {
		for range writers {
			wait.Go(func() {
				for range each {
					update(t, env, func(tx *store.Tx) error { return increment(tx, "c") })
				}
			})
		}
	}
	wait.Wait()
	for _, env := range envs {
		if err := env.Sync(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := counter(t, env, "c"); n != uint64(len(envs)*writers*each) {
			t.Errorf("%d increments counted, want %d", n, len(envs)*writers*each)
		}
	}
}

func TestContextsSeeOneAnother(t *testing.T) {
	_, _, envs := contexts(t, 3, store.Options{})
	for round := range 20 {
		writer := envs[round%3]
		value := fmt.Sprint(round)
		update(t, writer, putKey("k", value))
		for _, env := range envs {
			expectLatest(t, env, "k", value)
		}
	}
}

// TestFirstBulkLoadMeetsNobody: what is first put into tables, old or made with it, does not
// concern a transaction over another table, in the same context or another one.
func TestFirstBulkLoadMeetsNobody(t *testing.T) {
	schema := store.Schema{Key: query.Field("id"), Increment: true}
	bulk := make([][]byte, 20_000)
	for i := range bulk {
		bulk[i] = doc(fields{"n": i})
	}
	for _, n := range []int{1, 2} {
		_, _, envs := contexts(t, n, storetest.Small())
		tables := map[string]*store.Table{}
		for _, name := range []string{"old", "other"} {
			var err error
			if tables[name], err = envs[n-1].Table(ctx, name, schema, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := envs[0].Sync(ctx); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"old", "new"} {
			tx, err := envs[0].Begin(ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tables["other"].Insert(tx, [][]byte{doc(fields{"n": 1})}); err != nil {
				t.Fatal(err)
			}
			update(t, envs[n-1], func(tx *store.Tx) error {
				table, err := tx.Table(name, schema)
				if err != nil {
					return err
				}
				_, err = table.Insert(tx, bulk)
				return err
			})
			if err := tx.Commit(ctx); err != nil {
				t.Errorf("%d contexts, a bulk load of the %s table: %v", n, name, err)
			}
		}
	}
}

// TestContextsOpenWhileOthersCommit has contexts come while there is much to hear.
func TestContextsOpenWhileOthersCommit(t *testing.T) {
	blobs, _, envs := contexts(t, 1, storetest.Small())
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				update(t, envs[0], putKey("k", "x"))
			}
		}
	})
	for i := range 50 {
		env := storetest.Open(t, memory.Share(blobs), storetest.Small())
		update(t, env, putKey(fmt.Sprint(i), "y"))
		storetest.Close(t, env)
	}
	close(done)
	wait.Wait()
	for i := range 50 {
		expectLatest(t, envs[0], fmt.Sprint(i), "y")
	}
}

// TestContextsAreBothFirst opens two contexts on nothing: one of them makes the
// environment, and the other must not make another.
func TestContextsAreBothFirst(t *testing.T) {
	_, _, envs := contexts(t, 2, store.Options{})
	update(t, envs[0], putKey("a", "1"))
	update(t, envs[1], putKey("b", "2"))
	for _, env := range envs {
		expectLatest(t, env, "a", "1")
		expectLatest(t, env, "b", "2")
	}
}

// TestContextsRaceForAPlace commits one after the other what was begun at one
// moment, in contexts that have not heard of each other.
func TestContextsRaceForAPlace(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name          string
		reads, writes [2]string
		want          string // what the first one's key holds then
		conflict      bool
	}{
		{"keys that have nothing in common", [2]string{"a", "b"}, [2]string{"a", "b"}, "0", false},
		{"one key written blindly", [2]string{"a", "b"}, [2]string{"c", "c"}, "1", false},
		{"a key that the first one writes", [2]string{"a", "b"}, [2]string{"b", "c"}, "0", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, backends, envs := contexts(t, 2, store.Options{})
			for _, key := range []string{"a", "b"} {
				update(t, envs[0], putKey(key, "before"))
			}
			expectLatest(t, envs[1], "b", "before")
			backends[0].Mute()
			var open [2]*store.Tx
			for i, env := range envs {
				tx, err := env.Begin(ctx, true)
				if err == nil {
					_, err = getKey(tx, test.reads[i])
				}
				if err == nil {
					err = putKey(test.writes[i], fmt.Sprint(i))(tx)
				}
				if err != nil {
					t.Fatal(err)
				}
				open[i] = tx
			}
			if err := open[0].Commit(ctx); err != nil {
				t.Fatal(err)
			}
			err := open[1].Commit(ctx)
			if (store.CodeOf(err) == store.Conflict) != test.conflict || !test.conflict && err != nil {
				t.Fatalf("the second commit: %v, want a conflict: %v", err, test.conflict)
			}
			for _, env := range envs {
				expectLatest(t, env, test.writes[0], test.want)
			}
		})
	}
}

// TestContextsRunUpdatesAgain has an exclusive update lose its place: it runs again
// where it read a database that has changed, and only there.
func TestContextsRunUpdatesAgain(t *testing.T) {
	for _, test := range []struct {
		name string
		mine string
		runs int
	}{{"the same database", "x", 2}, {"another database", "y", 1}} {
		t.Run(test.name, func(t *testing.T) {
			_, backends, envs := contexts(t, 2, store.Options{})
			in := func(name string) func(*store.Tx) error {
				return func(tx *store.Tx) error {
					db, err := tx.DB(name)
					if err != nil {
						return err
					}
					if _, _, err = db.Get([]byte("k")); err != nil {
						return err
					}
					return db.Put([]byte("k"), nil)
				}
			}
			backends[0].Mute() // before all: what was told late would be heard by the update
			update(t, envs[0], in("x"))
			update(t, envs[0], in("y"))
			if err := envs[1].Sync(context.Background()); err != nil {
				t.Fatal(err)
			}
			update(t, envs[0], in("x"))
			if runs := update(t, envs[1], in(test.mine)); runs != test.runs {
				t.Errorf("the update ran %d times, want %d", runs, test.runs)
			}
		})
	}
}

// TestContextsTellNothingUntrue has two contexts write one key all the time. What an
// update that only reads has found must be committed, whatever becomes of those it
// was staged behind; and a Sync must show what was committed before it began.
func TestContextsTellNothingUntrue(t *testing.T) {
	first := storetest.Seed(t)
	for seed := first; seed < first+100; seed++ {
		schedule := storetest.NewSchedule(seed)
		platform := storetest.NewPlatform(storetest.Browser(), schedule)
		options := storetest.Small()
		options.Scheduler = schedule
		var envs []*store.Env
		stuck := schedule.Run(func() {
			for range 2 {
				env, err := store.Open(context.Background(), platform.Share(), options)
				if err != nil {
					t.Fatal(err)
				}
				envs = append(envs, env)
			}
		})
		written, last, find := 0, 0, []int{} // values are numbers, each written once; last is that of the last commit known
		committed := map[int]bool{0: true}
		read := func(tx *store.Tx) (n int, err error) {
			text, err := getKey(tx, "k")
			_, _ = fmt.Sscan(text, &n)
			return n, err
		}
		for writer := range 6 {
			schedule.Go(func(ctx context.Context) {
				env := envs[writer%2]
				for range 8 {
					var mine int
					write := func(tx *store.Tx) error {
						before, err := read(tx)
						if err != nil {
							return err
						}
						written = max(written, before) + 1
						mine = written
						schedule.Pause()
						return putKey("k", fmt.Sprint(mine))(tx)
					}
					if writer < 2 {
						update(t, env, write)
					} else if err := attempt(ctx, env, write); store.CodeOf(err) == store.Conflict {
						continue
					} else if err != nil {
						t.Error(err)
					}
					committed[mine] = true
					last = max(last, mine)
				}
			})
		}
		for _, env := range envs {
			schedule.Go(func(context.Context) {
				for range 12 {
					var found int
					update(t, env, func(tx *store.Tx) (err error) {
						found, err = read(tx)
						return err
					})
					find = append(find, found)
				}
			})
			schedule.Go(func(ctx context.Context) {
				for range 12 {
					before, seen := last, 0
					err := env.Sync(ctx)
					if err == nil {
						err = env.View(ctx, func(tx *store.Tx) (err error) {
							seen, err = read(tx)
							return err
						})
					}
					if err != nil || seen < before {
						t.Errorf("after a Sync there is %d, and %d was committed before: %v", seen, before, err)
					}
				}
			})
		}
		if err := errors.Join(stuck, schedule.Drain()); err != nil {
			t.Fatal(err)
		}
		for _, n := range find {
			if !committed[n] {
				t.Errorf("%d was read by an update, and is of none that committed", n)
			}
		}
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// TestContextsAreSerial runs transactions of several contexts, interleaved at
// random by one goroutine. Each that commits must have read what the model holds
// then: as if it had run at that moment, alone.
func TestContextsAreSerial(t *testing.T) {
	seed := storetest.Seed(t)
	for round := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, round))
		_, backends, envs := contexts(t, 3, storetest.Small())
		for _, b := range backends {
			if random.IntN(2) == 0 {
				b.Mute()
			}
		}
		runSerial(t, random, envs)
	}
}

func runSerial(t *testing.T, random *rand.Rand, envs []*store.Env) {
	ctx := context.Background()
	type run struct {
		tx            *store.Tx
		reads, writes map[string]string
	}
	model := map[string]string{}
	var open []*run
	committed, lost := 0, 0
	for step := range 400 {
		key := fmt.Sprint(random.IntN(8))
		if len(open) < 5 && random.IntN(4) == 0 {
			tx, err := envs[random.IntN(len(envs))].Begin(ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, &run{tx, map[string]string{}, map[string]string{}})
			continue
		}
		if len(open) == 0 {
			continue
		}
		at := random.IntN(len(open))
		r := open[at]
		switch random.IntN(5) {
		case 0, 1:
			value, err := getKey(r.tx, key)
			if err != nil {
				t.Fatal(err)
			}
			if own, wrote := r.writes[key]; wrote && own != value {
				t.Fatalf("%s: a transaction reads %q, but wrote %q", key, value, own)
			} else if !wrote {
				r.reads[key] = value
			}
		case 2, 3:
			value := fmt.Sprint(step)
			if err := putKey(key, value)(r.tx); err != nil {
				t.Fatal(err)
			}
			r.writes[key] = value
		default:
			open = append(open[:at], open[at+1:]...)
			err := r.tx.Commit(ctx)
			if store.CodeOf(err) == store.Conflict {
				lost++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(r.writes) == 0 {
				continue
			}
			committed++
			for key, value := range r.reads {
				if model[key] != value {
					t.Fatalf("%s: a transaction that committed had read %q, but there was %q", key, value, model[key])
				}
			}
			for key, value := range r.writes {
				model[key] = value
			}
		}
		if random.IntN(20) == 0 {
			if err := envs[random.IntN(len(envs))].Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, r := range open {
		r.tx.Rollback()
	}
	for _, env := range envs {
		for key, value := range model {
			expectLatest(t, env, key, value)
		}
	}
	if committed == 0 {
		t.Error("no transaction committed")
	}
	t.Logf("%d committed, %d lost", committed, lost)
}
