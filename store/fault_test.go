package store_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestCrashAtEveryCall kills the backend at each of its calls in turn, during a
// random workload with checkpoints, and opens what is left: it must be clean and
// hold exactly what was acknowledged, or that and the transaction under way.
func TestCrashAtEveryCall(t *testing.T) {
	seed := storetest.Seed(t)
	for at := 0; ; at += storetest.Stride() {
		blobs := memory.NewBlobs()
		faulty := storetest.NewFaulty(memory.Open(blobs))
		faulty.FailAt(at, storetest.Dead)
		m := storetest.NewModel(t, seed+uint64(at))
		pending, crashed := runUntilFault(t, faulty, m)
		reopened := storetest.Open(t, memory.Open(blobs), storetest.Small())
		if err := m.Difference(reopened); err != nil {
			m.Holds(pending)
			if other := m.Difference(reopened); other != nil {
				t.Fatalf("crash at call %d: neither before nor after the last transaction: %v; %v", at, err, other)
			}
		}
		for range 5 { // and it goes on working
			m.Step(reopened)
		}
		m.Compare(reopened)
		storetest.Close(t, reopened)
		if !crashed {
			return
		}
	}
}

// runUntilFault works on a new environment until the backend fails. It returns
// what the model would hold had the last transaction committed.
func runUntilFault(t *testing.T, b *storetest.Faulty, m *storetest.Model) (pending map[string]map[string]string, crashed bool) {
	t.Helper()
	pending = m.Now()
	env, err := store.Open(context.Background(), b, storetest.Small())
	if err != nil {
		expectFault(t, err)
		return pending, true
	}
	defer env.Close(context.Background())
	for range 25 {
		after, err := m.Try(env)
		if err != nil {
			expectFault(t, err)
			return after, true
		}
		pending = m.Now()
	}
	if err := env.Checkpoint(context.Background()); err != nil {
		expectFault(t, err)
		return pending, true
	}
	// A background checkpoint may have met the fault instead.
	return pending, b.Failed()
}

func expectFault(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, storetest.ErrFault) || store.CodeOf(err) != store.BackendFailed {
		t.Fatalf("the backend's fault came back as %v", err)
	}
}

// TestGoesOnAfterOneFault fails a single call, before or after it took effect,
// and goes on with the same environment.
func TestGoesOnAfterOneFault(t *testing.T) {
	seed := storetest.Seed(t)
	for _, mode := range []storetest.Mode{storetest.Before, storetest.After} {
		for at := 0; at < 60; at += storetest.Stride() {
			faulty := storetest.NewFaulty(memory.New())
			env := storetest.Open(t, faulty, storetest.Small())
			m := storetest.NewModel(t, seed+uint64(at))
			faulty.FailAt(at, mode)
			for range 12 {
				after, err := m.Try(env)
				if err == nil {
					continue
				}
				expectFault(t, err)
				if m.Difference(reloaded(t, env, faulty)) != nil {
					m.Holds(after) // the commit happened although it was reported as failed
				}
			}
			faulty.Heal()
			m.Compare(env)
			storetest.Close(t, env)
		}
	}
}

// reloaded makes the environment find out how a failed write ended.
func reloaded(t *testing.T, env *store.Env, b *storetest.Faulty) *store.Env {
	t.Helper()
	b.Heal()
	err := env.Update(context.Background(), func(tx *store.Tx) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// TestReadsWhatIsBeingWritten begins on top of a commit whose large value is still
// on its way: it can be read, and when that commit fails in the end, whoever read
// it is run again without it, even if it wrote nothing itself.
func TestReadsWhatIsBeingWritten(t *testing.T) {
	for _, writes := range []bool{true, false} {
		schedule := storetest.NewSchedule(1)
		faulty := storetest.NewFaulty(memory.New())
		options := storetest.Small()
		options.Scheduler = schedule
		env := storetest.Open(t, faulty, options)
		update := func(f func(db *store.DB) error) (err *error) {
			err = new(error)
			schedule.Go(func(ctx context.Context) {
				*err = env.Update(ctx, func(tx *store.Tx) error {
					db, err := tx.DB("a")
					return errors.Join(err, f(db))
				})
			})
			return err
		}
		if created := update(func(*store.DB) error { return nil }); schedule.Drain() != nil || *created != nil {
			t.Fatal(*created)
		}

		faulty.HangAt(0, storetest.Hung, schedule.NewGate())
		failed := update(func(db *store.DB) error { return db.Put([]byte("large"), make([]byte, 40_000)) })
		if err := schedule.Drain(); !errors.Is(err, storetest.ErrStuck) {
			t.Fatalf("the first commit does not wait: %v", err)
		}
		var found []int
		done := update(func(db *store.DB) error {
			value, _, err := db.Get([]byte("large"))
			found = append(found, len(value))
			if writes {
				err = errors.Join(err, db.Put([]byte("small"), nil))
			}
			return err
		})
		if err := schedule.Drain(); !errors.Is(err, storetest.ErrStuck) || *done != nil {
			t.Fatalf("the second does not wait for the first: %v, %v", err, *done)
		}
		faulty.Heal()
		if err := schedule.Drain(); err != nil {
			t.Fatal(err)
		}
		expectFault(t, *failed)
		if writes {
			expectFault(t, *done) // it was to be written with the first
			continue
		}
		if *done != nil || !slices.Equal(found, []int{40_000, 0}) {
			t.Errorf("found values of %d bytes, want 40000, then 0 in a second run; %v", found, *done)
		}
	}
}

// TestSnapshotOutlivesAFailedCommit has a commit fail while a transaction reads on
// top of it: that one is to be run again, but sees one state until then.
func TestSnapshotOutlivesAFailedCommit(t *testing.T) {
	ctx, schedule := context.Background(), storetest.NewSchedule(1)
	faulty := storetest.NewFaulty(memory.New())
	options := storetest.Small()
	options.Scheduler = schedule
	env := storetest.Open(t, faulty, options)
	var failed error
	faulty.HangAt(0, storetest.Hung, schedule.NewGate())
	schedule.Go(func(context.Context) {
		failed = env.Update(ctx, func(tx *store.Tx) error { return increment(tx, "n") })
	})
	if err := schedule.Drain(); !errors.Is(err, storetest.ErrStuck) {
		t.Fatalf("the first commit does not wait: %v", err)
	}
	err := schedule.Run(func() {
		tx, err := env.BeginExclusive(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		defer tx.Rollback()
		before := listing(t, tx)
		faulty.Heal()
		for failed == nil {
			schedule.Pause()
		}
		if after := listing(t, tx); before == "" || after != before {
			t.Errorf("it saw\n%s, then\n%s", before, after)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	expectFault(t, failed)
}

// TestCheckpointOfNothingWritesNothing holds so that the root of a new environment
// is made by its first commit alone.
func TestCheckpointOfNothingWritesNothing(t *testing.T) {
	b := memory.New()
	env := storetest.Open(t, b, storetest.Small())
	if err := env.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	if names := b.Blobs().Names(); len(names) != 0 {
		t.Errorf("a checkpoint of nothing wrote %q", names)
	}
}

// TestALargeFirstCommitIsInterrupted ends the first commit of a new environment after each of its writes:
// chunks that are written ahead of it must not be there without a root, which would be damage.
func TestALargeFirstCommitIsInterrupted(t *testing.T) {
	large := make([]byte, 12<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range large {
		large[i] = byte(rng.Uint32())
	}
	for writes := 0; ; writes++ {
		blobs := memory.NewBlobs()
		env, err := store.Open(ctx, &rationed{memory.Share(blobs), writes}, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		failed := env.Put(ctx, "a", []byte("k"), large)
		_ = env.Close(ctx)
		again, err := store.Open(ctx, memory.Share(blobs), store.Options{})
		if err != nil {
			t.Fatalf("after %d writes: %v", writes, err)
		}
		if err := again.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if failed == nil {
			if writes < 3 {
				t.Errorf("nothing was written ahead: %d writes", writes)
			}
			return
		}
	}
}

// TestFirstCommitHangs has a large transaction write ahead of its commit while the first commit of a
// new environment does not answer, which brings the root too: it waits, instead of losing to it.
func TestFirstCommitHangs(t *testing.T) {
	large := bytes.Repeat([]byte("1234567"), 12<<20/7)
	for _, mode := range []storetest.Mode{storetest.Hung, storetest.HungAfter} {
		schedule := storetest.NewSchedule(1)
		options := storetest.Small()
		options.Scheduler = schedule
		faulty := storetest.NewFaulty(memory.New())
		env := storetest.Open(t, faulty, options)
		var first, second error
		faulty.HangAt(0, mode, schedule.NewGate())
		schedule.Go(func(ctx context.Context) { first = env.Put(ctx, "a", []byte("k"), []byte("v")) })
		schedule.Go(func(ctx context.Context) { second = env.Put(ctx, "a", []byte("l"), large) })
		if err := schedule.Drain(); !errors.Is(err, storetest.ErrStuck) || second != nil {
			t.Errorf("%v: the second commit does not wait: %v, %v", mode, err, second)
		}
		faulty.Heal()
		if err := schedule.Drain(); err != nil {
			t.Fatal(err)
		}
		expectFault(t, first)
		if second != nil {
			t.Errorf("%v: %v", mode, second)
		}
	}
}

// rationed is a backend that writes so many batches and no more.
type rationed struct {
	store.Backend
	left int
}

func (r *rationed) Commit(ctx context.Context, batch *store.Batch) error {
	if r.left == 0 {
		return errSwitchedOff
	}
	r.left--
	return r.Backend.Commit(ctx, batch)
}

// TestFirstRootIsThereAfterAll: writing the first root seems to fail and has not; what is committed
// next is not lost to it.
func TestFirstRootIsThereAfterAll(t *testing.T) {
	large := bytes.Repeat([]byte("1234567"), 12<<20/7)
	faulty := storetest.NewFaulty(memory.New())
	env := storetest.Open(t, faulty, store.Options{})
	faulty.FailAt(0, storetest.After)
	if err := env.Put(ctx, "a", []byte("l"), large); err == nil {
		t.Fatal("nothing failed")
	}
	faulty.Heal()
	tx, err := env.Begin(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	tx.SetDurability(store.Buffered)
	db, err := tx.DB("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Put([]byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := env.Flush(ctx); err != nil {
		t.Error(err)
	}
	if value, _, err := env.Get(ctx, "a", []byte("k")); err != nil || string(value) != "v" {
		t.Errorf("%q %v", value, err)
	}
	if err := env.Put(ctx, "a", []byte("l"), large); err != nil {
		t.Error(err)
	}
}

// TestAFailedCommitLeavesNoBlobs fails commits half-way, whose blobs are there and
// gone after the checkpoint that follows: not only after the next opening.
func TestAFailedCommitLeavesNoBlobs(t *testing.T) {
	backend := &switched{Backend: memory.New()}
	env, err := store.Open(ctx, backend, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close(ctx)
	large := bytes.Repeat([]byte("large"), 20_000)
	if err := env.Put(ctx, "a", []byte("k"), large); err != nil {
		t.Fatal(err)
	}
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := backend.List(ctx, "p/")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		backend.torn = true
		if err := env.Put(ctx, "a", []byte("other"), large); err == nil {
			t.Fatal("the backend was to fail")
		}
		backend.torn = false
	}
	for range 2 { // the second gives back what the first no longer names
		if err := env.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
	}
	after, err := backend.List(ctx, "p/")
	if err != nil {
		t.Fatal(err)
	}
	if len(after) > len(before) {
		t.Errorf("%d blobs were left, %d are in use", len(after), len(before))
	}
}
