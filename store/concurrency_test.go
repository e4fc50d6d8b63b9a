package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

func increment(tx *store.Tx, name string) error {
	db, err := tx.DB("counters")
	if err != nil {
		return err
	}
	value, found, err := db.Get([]byte(name))
	if err != nil {
		return err
	}
	var n uint64
	if found {
		n = binary.BigEndian.Uint64(value)
	}
	return db.Put([]byte(name), binary.BigEndian.AppendUint64(nil, n+1))
}

func counter(t *testing.T, env *store.Env, name string) uint64 {
	t.Helper()
	var n uint64
	err := env.View(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("counters")
		if err != nil {
			return err
		}
		value, _, err := db.Get([]byte(name))
		if err == nil {
			n = binary.BigEndian.Uint64(value)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConcurrentUpdatesAreSerial(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	const writers, each = 8, 200
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range each {
				if err := env.Update(context.Background(), func(tx *store.Tx) error { return increment(tx, "c") }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if n := counter(t, env, "c"); n != writers*each {
		t.Errorf("%d increments counted, want %d", n, writers*each)
	}
}

// TestOptimisticTransactionsAreSerial does the same with transactions that stay
// open beside one another, and are begun again when they lose.
func TestOptimisticTransactionsAreSerial(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	const writers, each = 4, 100
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for done := 0; done < each; {
				tx, err := env.Begin(context.Background(), true)
				if err == nil {
					err = increment(tx, "c")
				}
				if err == nil {
					err = tx.Commit(context.Background())
				}
				switch store.CodeOf(err) {
				case "":
					done++
				case store.Conflict:
				default:
					t.Error(err)
					return
				}
				tx.Rollback()
			}
		})
	}
	wait.Wait()
	if n := counter(t, env, "c"); n != writers*each {
		t.Errorf("%d increments counted, want %d", n, writers*each)
	}
}

// gated keeps commits back until its gate is open.
type gated struct {
	store.Backend
	gate store.Gate
}

func (g *gated) Commit(ctx context.Context, batch *store.Batch) error {
	if err := g.gate.Wait(ctx); err != nil {
		return err
	}
	return g.Backend.Commit(ctx, batch)
}

// TestBeginAgainWaits loses to a commit that is on its way: on what was committed
// before it the next attempt would lose too, and the one after that.
func TestBeginAgainWaits(t *testing.T) {
	schedule := storetest.NewSchedule(1)
	b := &gated{memory.New(), schedule.NewGate()}
	b.gate.Open()
	options := storetest.Small()
	options.Scheduler = schedule
	env := storetest.Open(t, b, options)
	var loser *store.Tx
	err := schedule.Run(func() {
		update(t, env, func(tx *store.Tx) error { return increment(tx, "c") })
		var err error
		if loser, err = env.Begin(context.Background(), true); err == nil {
			err = increment(loser, "c")
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.gate = schedule.NewGate()
	schedule.Go(func(context.Context) { update(t, env, func(tx *store.Tx) error { return increment(tx, "c") }) })
	if err := schedule.Drain(); !errors.Is(err, storetest.ErrStuck) {
		t.Fatalf("the commit does not wait: %v", err)
	}
	if err := loser.Commit(context.Background()); store.CodeOf(err) != store.Conflict {
		t.Fatalf("a commit after what it read was changed: %v", err)
	}
	begun := 0
	schedule.Go(func(ctx context.Context) {
		tx, err := env.BeginAgain(ctx)
		begun++
		if err == nil {
			err = increment(tx, "c")
		}
		if err == nil {
			err = tx.Commit(ctx)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err := schedule.Drain(); !errors.Is(err, storetest.ErrStuck) || begun != 0 {
		t.Errorf("it began %d times before the commit it lost to was done", begun)
	}
	b.gate.Open()
	if err := schedule.Drain(); err != nil {
		t.Fatal(err)
	}
	if n := counter(t, env, "c"); n != 3 {
		t.Errorf("%d increments counted, want 3", n)
	}
}

func TestConflictsFollowWhatWasRead(t *testing.T) {
	ctx := context.Background()
	put := func(key string) func(*store.DB) error {
		return func(db *store.DB) error { return db.Put([]byte(key), []byte("x")) }
	}
	get := func(key string) func(*store.DB) error {
		return func(db *store.DB) error {
			_, _, err := db.Get([]byte(key))
			return err
		}
	}
	walk := func(low, high string, n int) func(*store.DB) error {
		return func(db *store.DB) error {
			c := db.Cursor(store.KeyRange{Low: []byte(low), High: []byte(high)})
			for ok := c.First(); ok && n > 1; ok = c.Next() {
				n--
			}
			return c.Err()
		}
	}
	count := func(db *store.DB) error {
		_, err := db.Count(store.KeyRange{})
		return err
	}
	for _, test := range []struct {
		name          string
		mine, theirs  func(*store.DB) error
		wantsConflict bool
	}{
		{"blind writes of one key", put("b"), put("b"), false},
		{"read of what was written", get("b"), put("b"), true},
		{"read of another key", get("b"), put("c"), false},
		{"read of a key that was missing", get("bb"), put("bb"), true},
		{"walk over what was written", walk("a", "z", 99), put("bb"), true},
		{"walk that stopped before", walk("a", "z", 2), put("d"), false},
		{"walk that came just there", walk("a", "z", 2), put("b"), true},
		{"walk beside it", walk("a", "c", 99), put("c"), false},
		{"count", count, put("zz"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := storetest.Open(t, memory.New(), store.Options{})
			write := func(f func(*store.DB) error) error {
				return env.Update(ctx, func(tx *store.Tx) error {
					db, err := tx.DB("d")
					if err != nil {
						return err
					}
					return f(db)
				})
			}
			for _, key := range []string{"a", "b", "c", "d", "e"} {
				if err := write(put(key)); err != nil {
					t.Fatal(err)
				}
			}
			tx, err := env.Begin(ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			db, err := tx.DB("d")
			if err == nil {
				err = test.mine(db)
			}
			if err == nil {
				err = db.Put([]byte("mine"), nil)
			}
			if err == nil {
				err = write(test.theirs)
			}
			if err != nil {
				t.Fatal(err)
			}
			err = tx.Commit(ctx)
			if got := store.CodeOf(err) == store.Conflict; got != test.wantsConflict || !got && err != nil {
				t.Errorf("Commit: %v, want a conflict: %v", err, test.wantsConflict)
			}
		})
	}
}

// TestSnapshotOutlivesCheckpoints reads through an old transaction while the
// trees under it are replaced many times.
func TestSnapshotOutlivesCheckpoints(t *testing.T) {
	ctx := context.Background()
	env := storetest.Open(t, memory.New(), storetest.Small())
	m := storetest.NewModel(t, storetest.Seed(t))
	for range 20 {
		m.Step(env)
	}
	m.Compare(env)
	old, err := env.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback()
	before := listing(t, old)
	for range 10 {
		for range 10 {
			m.Step(env)
		}
		if err := env.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if after := listing(t, old); after != before {
		t.Error("a snapshot changed under its transaction")
	}
}

func listing(t *testing.T, tx *store.Tx) string {
	t.Helper()
	names, err := tx.DBs()
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, name := range names {
		db, err := tx.DB(name)
		if err != nil {
			t.Fatal(err)
		}
		c := db.Cursor(store.KeyRange{})
		for ok := c.First(); ok; ok = c.Next() {
			value, err := c.Value()
			if err != nil {
				t.Fatal(err)
			}
			text += fmt.Sprintf("%s %q %x\n", name, c.Key(), value[:min(len(value), 8)])
		}
		if c.Err() != nil {
			t.Fatal(c.Err())
		}
	}
	return text
}

// slow holds commits back until they are let go, so that others pile up.
type slow struct {
	store.Backend
	enter   chan struct{}
	release chan struct{}
	commits int
}

func (s *slow) Commit(ctx context.Context, batch *store.Batch) error {
	s.enter <- struct{}{}
	<-s.release
	s.commits++
	return s.Backend.Commit(ctx, batch)
}

func TestCommitsAreGrouped(t *testing.T) {
	b := &slow{Backend: memory.New(), enter: make(chan struct{}, 100), release: make(chan struct{}, 100)}
	env, err := store.Open(context.Background(), b, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	write := func(i int) {
		wait.Go(func() {
			err := env.Update(context.Background(), func(tx *store.Tx) error { return increment(tx, fmt.Sprint(i)) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	write(0)
	<-b.enter // the first record is being written
	for i := 1; i < 50; i++ {
		write(i)
	}
	for env.Staged() < 49 { // and all others wait behind it
		runtime.Gosched()
	}
	b.release <- struct{}{}
	<-b.enter
	b.release <- struct{}{}
	wait.Wait()
	if b.commits != 2 {
		t.Errorf("50 commits took %d writes, want 2", b.commits)
	}
	close(b.release)
	storetest.Close(t, env)
}

func TestLifetimes(t *testing.T) {
	ctx := context.Background()
	env := storetest.Open(t, memory.New(), store.Options{})
	expectCode := func(err error, want store.Code) {
		t.Helper()
		if store.CodeOf(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	tx, err := env.Begin(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	db, err := tx.DB("d")
	if err != nil {
		t.Fatal(err)
	}
	expectCode(db.Put(nil, nil), store.InvalidKey)
	expectCode(db.Put(make([]byte, store.MaxKeyBytes+1), nil), store.TooLarge)
	expectCode(db.Put([]byte("k"), make([]byte, 17<<20)), store.TooLarge)
	c := db.Cursor(store.KeyRange{})
	tx.Rollback()
	tx.Rollback()
	expectCode(db.Put([]byte("k"), nil), store.TxEnded)
	expectCode(tx.Commit(ctx), store.TxEnded)
	c.First()
	expectCode(c.Err(), store.TxEnded)
	reading, err := env.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = reading.DB("d")
	expectCode(err, store.NotFound)
	reading.Rollback()
	if err := env.Update(ctx, func(tx *store.Tx) error { _, err := tx.DB("d"); return err }); err != nil {
		t.Fatal(err)
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err != nil {
			return err
		}
		return db.Put([]byte("k"), nil)
	})
	expectCode(err, store.ReadOnly)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	expectCode(env.Update(cancelled, func(tx *store.Tx) error {
		_, err := tx.DB("e")
		if err == nil {
			err = tx.Work(1 << 20)
		}
		return err
	}), store.Aborted)
	expectCode(env.Put(cancelled, "d", []byte("k"), nil), store.Aborted)
	_, err = env.Begin(cancelled, true)
	expectCode(err, store.Aborted)
	open, err := env.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := env.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	_, err = open.DB("d")
	expectCode(err, store.Closed)
	_, err = env.Begin(ctx, false)
	expectCode(err, store.Closed)
	expectCode(env.Update(ctx, func(*store.Tx) error { return nil }), store.Closed)
	expectCode(env.Checkpoint(ctx), store.Closed)
	expectCode(env.Flush(ctx), store.Closed)
	expectCode(env.Sync(ctx), store.Closed)
	_, err = env.Check(ctx)
	expectCode(err, store.Closed)
	expectCode(open.Renew(ctx), store.Closed)
}

func TestFailingUpdateLeavesNothing(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	failure := errors.New("no")
	err := env.Update(context.Background(), func(tx *store.Tx) error {
		for i := range 1000 {
			if err := increment(tx, fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return failure
	})
	if err != failure {
		t.Fatalf("Update gave %v", err)
	}
	stat, err := env.Stat(context.Background())
	if err != nil || stat.Position != 0 || stat.Entries != 0 {
		t.Errorf("something stayed: %+v, %v", stat, err)
	}
}
