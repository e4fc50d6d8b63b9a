package storetest

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
)

// Small are options that make deep trees, frequent checkpoints and several runs
// out of few entries.
func Small() store.Options {
	return store.Options{PageBytes: 512, CacheBytes: 16 << 10, OverlayBytes: 8 << 10}
}

// Open opens an environment that the test's end checks and closes.
func Open(t *testing.T, b store.Backend, options store.Options) *store.Env {
	t.Helper()
	env, err := store.Open(context.Background(), b, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(t, env) })
	return env
}

// Close checks an environment and closes it. It may have been closed before.
func Close(t *testing.T, env *store.Env) {
	t.Helper()
	report, err := env.Check(context.Background())
	if store.CodeOf(err) == store.Closed {
		return
	}
	if err != nil {
		t.Errorf("Check: %v", err)
	} else if !report.Clean() {
		t.Errorf("Check found:\n%s", strings.Join(report.Problems, "\n"))
	}
	if err := env.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// carriesAnEnvironment runs thousands of random writes against a model, with
// checkpoints between them and, where the backend allows, openings.
func (s Suite) carriesAnEnvironment(t *testing.T) {
	options := func() store.Options {
		o := Small()
		if s.Modifiers != nil {
			o.Modifiers = s.Modifiers()
		}
		return o
	}
	b := s.New(t)
	env, err := store.Open(context.Background(), b, options())
	if err != nil {
		t.Fatal(err)
	}
	m := NewModel(t, Seed(t))
	for round := range 4 {
		for range 40 / min(Stride(), 4) {
			m.Step(env)
		}
		if round%2 == 1 {
			if err := env.Checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		m.Compare(env)
		if s.Reopen == nil {
			continue
		}
		Close(t, env)
		b = s.Reopen(t, b)
		if env, err = store.Open(context.Background(), b, options()); err != nil {
			t.Fatal(err)
		}
		m.Compare(env)
	}
	Close(t, env)
}

func join(names []string) string { return strings.Join(names, " ") }

func itoa(n int) string { return strconv.Itoa(n) }
