package store_test

import (
	"context"
	"errors"
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
	for at := 0; ; at++ {
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
		for at := range 60 {
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
