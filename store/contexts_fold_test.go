package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// fill writes n keys of some size, so that there are pages to fold.
func fill(t *testing.T, env *store.Env, prefix string, n int) {
	t.Helper()
	update(t, env, func(tx *store.Tx) error {
		for i := range n {
			if err := putKey(fmt.Sprint(prefix, i), strings.Repeat(prefix, 100))(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkpoint(t *testing.T, env *store.Env) {
	t.Helper()
	if err := env.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// pages counts the stored pages.
func countPages(blobs *memory.Blobs) (n int) {
	for _, name := range blobs.Names() {
		if strings.HasPrefix(name, "p/") {
			n++
		}
	}
	return n
}

func TestContextsFoldBesideCommits(t *testing.T) {
	_, _, envs := contexts(t, 3, storetest.Small())
	var wait sync.WaitGroup
	const each = 80
	for i, env := range envs {
		wait.Go(func() {
			for n := range each {
				update(t, env, putKey(fmt.Sprint(i, "/", n), strings.Repeat("x", 200)))
				if n%10 == i {
					if err := env.Checkpoint(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
	for _, env := range envs {
		for i := range envs {
			for n := range each {
				expectLatest(t, env, fmt.Sprint(i, "/", n), strings.Repeat("x", 200))
			}
		}
	}
}

// TestContextReadsOverForeignFolds reads through an old transaction while another
// context replaces the trees below it. What it held back goes once it has ended.
func TestContextReadsOverForeignFolds(t *testing.T) {
	ctx := context.Background()
	blobs, _, envs := contexts(t, 2, storetest.Small())
	fill(t, envs[0], "a", 50)
	checkpoint(t, envs[0])
	expectLatest(t, envs[1], "a1", strings.Repeat("a", 100))
	old, err := envs[1].Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback()
	for range 5 {
		fill(t, envs[0], "a", 50)
		checkpoint(t, envs[0])
		if err := envs[1].Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	held := countPages(blobs)
	for i := range 50 {
		if _, err := getKey(old, fmt.Sprint("a", i)); err != nil {
			t.Fatal(err)
		}
	}
	old.Rollback()
	eventually(t, func() bool { return countPages(blobs) < held })
}

// eventually waits for what other goroutines are about to do. It has no bound of
// its own: the test's is enough.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		time.Sleep(time.Millisecond)
	}
}

// TestContextExpires freezes a context with a transaction open until the others pass
// it over. The transaction learns that it is too late; the context starts over.
func TestContextExpires(t *testing.T) {
	ctx := context.Background()
	_, backends, envs := contexts(t, 2, storetest.Small())
	backends[0].Mute() // what is heard just before the freeze would be looked after just behind it
	fill(t, envs[0], "a", 50)
	checkpoint(t, envs[0])
	expectLatest(t, envs[1], "a1", strings.Repeat("a", 100))
	reading, err := envs[1].Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Rollback()
	backends[1].Freeze()
	for range 2 {
		fill(t, envs[0], "b", 50)
		fill(t, envs[0], "a", 50)
		checkpoint(t, envs[0])
		envs[0].Later(time.Hour)
	}
	checkpoint(t, envs[0])
	backends[1].Thaw()
	for i := 0; err == nil && i < 50; i++ { // some may be in memory still
		_, err = getKey(reading, fmt.Sprint("a", i))
	}
	if store.CodeOf(err) != store.SnapshotExpired {
		t.Errorf("reading pages that are gone: %v, want snapshot_expired", err)
	}
	runs := update(t, envs[1], func(tx *store.Tx) error {
		for i := range 50 {
			if _, err := getKey(tx, fmt.Sprint("a", i)); err != nil {
				return err
			}
		}
		return putKey("c", "2")(tx)
	})
	if runs != 2 {
		t.Errorf("the update ran %d times, want 2: its snapshot had expired", runs)
	}
	expectLatest(t, envs[0], "c", "2")
}

// TestZombieIsFenced stops a context in the very call that would publish its
// checkpoint. Another one robs it of the lock and publishes; the first one wakes and must not.
func TestZombieIsFenced(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	context0 := memory.Share(blobs)
	stop := &publishing{Context: context0, stopped: make(chan struct{})}
	zombie := storetest.Open(t, stop, storetest.Small())
	other := storetest.Open(t, memory.Share(blobs), storetest.Small())
	fill(t, zombie, "a", 50)
	checkpoint(t, zombie)
	fill(t, zombie, "b", 50)
	stop.armed.Store(true)
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := zombie.Checkpoint(ctx); err != nil { // in the end it folds what is left
			t.Error(err)
		}
	})
	<-stop.stopped
	update(t, other, putKey("c", "after"))
	checkpoint(t, other)
	root := blobs.Get(store.RootName)
	context0.Thaw()
	wait.Wait()
	if stop.err == nil || store.CodeOf(stop.err) != store.Conflict {
		t.Errorf("the zombie's root: %v, want a conflict", stop.err)
	}
	if len(root) == 0 {
		t.Error("there is no root")
	}
	for _, env := range []*store.Env{zombie, other} {
		expectLatest(t, env, "b1", strings.Repeat("b", 100))
		expectLatest(t, env, "c", "after")
	}
}

// publishing freezes its context when it is about to replace the root.
type publishing struct {
	*memory.Context
	armed   atomic.Bool
	stopped chan struct{}
	err     error
}

func (p *publishing) Commit(ctx context.Context, batch *store.Batch) error {
	if batch.Root == nil || !p.armed.CompareAndSwap(true, false) {
		return p.Context.Commit(ctx, batch)
	}
	p.Context.Freeze()
	close(p.stopped)
	p.err = p.Context.Commit(ctx, batch)
	return p.err
}

// TestSweepSparesOthers has a context sweep while another one has written pages
// that nothing refers to yet, and after a third one was killed with such pages.
func TestSweepSparesOthers(t *testing.T) {
	ctx := context.Background()
	blobs, _, envs := contexts(t, 1, storetest.Small())
	update(t, envs[0], putKey("a", "1"))
	writing := func(env *store.Env) *store.Tx {
		tx, err := env.Begin(ctx, true)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1200 { // more than is held in memory
			if err := putKey(fmt.Sprint("large", i), strings.Repeat("x", 4000))(tx); err != nil {
				t.Fatal(err)
			}
		}
		return tx
	}
	tx := writing(envs[0])
	unpublished := countPages(blobs)
	tab := memory.Share(blobs)
	dying, err := store.Open(ctx, tab, storetest.Small())
	if err != nil {
		t.Fatal(err)
	}
	_ = writing(dying)
	if unpublished == 0 || countPages(blobs) <= unpublished {
		t.Fatal("no pages were written ahead")
	}
	tab.Kill()
	swept := storetest.Open(t, memory.Share(blobs), storetest.Small())
	checkpoint(t, swept)
	if n := countPages(blobs); n < unpublished || n > unpublished+10 {
		t.Errorf("%d pages are left, want the %d of the context that is alive, and a few", n, unpublished)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	expectLatest(t, swept, "large1199", strings.Repeat("x", 4000))
}

// TestLogPlaceIsNotTakenTwice has a context that has heard of nothing commit at a
// place that a checkpoint has covered long since.
func TestLogPlaceIsNotTakenTwice(t *testing.T) {
	ctx := context.Background()
	_, backends, envs := contexts(t, 2, storetest.Small())
	update(t, envs[0], putKey("a", "1"))
	expectLatest(t, envs[1], "a", "1")
	tx, err := envs[1].Begin(ctx, true)
	if err == nil {
		err = putKey("mine", "2")(tx)
	}
	if err != nil {
		t.Fatal(err)
	}
	backends[0].Mute()
	for i := range 3 {
		update(t, envs[0], putKey("a", fmt.Sprint(i)))
		checkpoint(t, envs[0])
		envs[0].Later(time.Hour)
	}
	if err := tx.Commit(ctx); err != nil && store.CodeOf(err) != store.Conflict {
		t.Fatal(err)
	} else if err == nil {
		expectLatest(t, envs[0], "mine", "2")
	}
	update(t, envs[1], putKey("mine", "3"))
	expectLatest(t, envs[0], "mine", "3")
	expectLatest(t, envs[1], "a", "2")
}

// TestSweepKnowsTheRoot has a context publish a checkpoint and die before it can
// tell. The other one sweeps while it commits all the time, so that it never misses a
// record and need not look at the log: it must not take the pages of that root for left over.
func TestSweepKnowsTheRoot(t *testing.T) {
	first := storetest.Seed(t)
	for seed := first; seed < first+100; seed++ {
		schedule := storetest.NewSchedule(seed)
		platform := storetest.NewPlatform(storetest.Browser(), schedule)
		options := storetest.Small()
		options.Scheduler = schedule
		var places []*storetest.Context
		var envs []*store.Env
		err := schedule.Run(func() {
			for range 2 {
				places = append(places, platform.Share())
				env, err := store.Open(context.Background(), places[len(envs)], options)
				if err != nil {
					t.Fatal(err)
				}
				envs = append(envs, env)
			}
			update(t, envs[0], putKey("a", "1"))
			expectLatest(t, envs[1], "a", "1")
			places[0].Mute()
			checkpoint(t, envs[0])
			places[0].Kill()
		})
		for writer := range 3 {
			schedule.Go(func(context.Context) {
				for i := range 8 {
					update(t, envs[1], putKey(fmt.Sprint(writer, i), "2"))
				}
			})
		}
		schedule.Go(func(context.Context) { checkpoint(t, envs[1]) })
		err = errors.Join(err, schedule.Drain(), schedule.Run(func() {
			expectLatest(t, envs[1], "a", "1")
			storetest.Close(t, envs[1])
		}))
		if err != nil || t.Failed() {
			t.Fatalf("with seed %d: %v", seed, err)
		}
	}
}
