package repository_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// told are the events of a service.
type told struct {
	mu     sync.Mutex
	events []repository.Event
}

func (l *told) tell(e repository.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// states are those that the breaker of a tier has come to.
func (l *told) states(tier repository.TierName) (states []repository.State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Kind == repository.StateChanged && e.Tier == tier {
			states = append(states, e.State)
		}
	}
	return states
}

func (l *told) warnings() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Kind == repository.Warning {
			n++
		}
	}
	return n
}

// serve returns a service of people, whose breakers open after so many failures.
func serve(u *tiers, failures int, recovery time.Duration, caches bool) (*repository.Service[person, string], *told) {
	u.t.Helper()
	heard := new(told)
	o := repository.ServiceOptions{OnEvent: heard.tell}
	o.Breaker.Fast = repository.Breaker{Failures: failures, Recovery: recovery}
	o.Breaker.Fallback = o.Breaker.Fast
	if caches {
		o.Cache, o.ExistsCache = &repository.Cache{Entries: 10}, &repository.Cache{Entries: 10}
	}
	s, err := repository.NewService(newPeople(u), o)
	u.done(err)
	u.t.Cleanup(func() { u.done(s.Shutdown(context.Background())) })
	return s, heard
}

// reads fails the test unless a service gives a person.
func reads(u *tiers, s *repository.Service[person, string], id string) {
	u.t.Helper()
	got, err := s.GetOne(context.Background(), id)
	if u.done(err); got.ID != id {
		u.t.Errorf("read %v", got)
	}
}

func TestScenario47_BreakersPassByATierThatFails(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		s, heard := serve(u, 1, time.Hour, false)
		u.done(s.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, person{ID: "ada"}))
		u.fast.set(fails)
		reads(u, s, "ada")
		u.fast.calls()
		reads(u, s, "ada")
		u.untouched(u.fast)
		if n := heard.warnings(); n != 1 || !slices.Equal(heard.states(repository.Fast), []repository.State{repository.Open}) {
			t.Errorf("%d warnings, states %v", n, heard.states(repository.Fast))
		}
		u.fallback.set(fails)
		_, err := s.GetOne(ctx, "ada")
		u.fails(err, store.Unavailable)
		u.fails(s.Add(ctx, person{ID: "bo"}), store.Unavailable)
		u.fallback.calls()
		u.fails(s.Add(ctx, person{ID: "bo"}), store.Unavailable)
		u.untouched(u.fallback)

		u.fast.set(nil)
		u.fallback.set(nil)
		s, heard = serve(u, 1, time.Millisecond, false)
		u.fast.set(fails)
		reads(u, s, "ada")
		time.Sleep(2 * time.Millisecond)
		reads(u, s, "ada") // the one call that is let through, which fails
		time.Sleep(2 * time.Millisecond)
		u.fast.set(nil)
		reads(u, s, "ada") // and the next, which does not
		want := []repository.State{repository.Open, repository.HalfOpen, repository.Open, repository.HalfOpen, repository.Closed}
		if got := heard.states(repository.Fast); !slices.Equal(got, want) || heard.warnings() != 2 {
			t.Errorf("%v, %d warnings", got, heard.warnings())
		}
		u.fallback.calls()
		reads(u, s, "ada")
		u.untouched(u.fallback)
	})
}

func TestScenario48_NotFoundOpensNoBreaker(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		s, heard := serve(u, 0, 0, false)
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "g", "g", "g", "g", "g", "g"} {
			_, err := s.GetOne(ctx, id)
			u.fails(err, store.NotFound)
		}
		u.done(s.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, person{ID: "ada"}))
		u.fast.set(fails)
		for range 4 {
			reads(u, s, "ada") // from the fallback, though the breaker is still closed
		}
		if len(heard.states(repository.Fast)) > 0 || heard.warnings() > 0 {
			t.Errorf("states %v, %d warnings", heard.states(repository.Fast), heard.warnings())
		}
		reads(u, s, "ada")
		reads(u, s, "ada")
		if heard.warnings() != 1 || len(heard.states(repository.Fallback)) > 0 {
			t.Errorf("%d warnings, the fallback is %v", heard.warnings(), heard.states(repository.Fallback))
		}
		if _, err := s.GetOne(ctx, ""); store.CodeOf(err) != store.InvalidKey {
			t.Error(err)
		}
	})
}

func TestScenario49_CachesForgetWhatChanges(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		s, _ := serve(u, 1, time.Hour, true)
		exists := func(want bool) {
			t.Helper()
			if got, err := s.Exists(ctx, "ada"); err != nil || got != want {
				t.Errorf("exists: %v, %v", got, err)
			}
		}
		missing := func(options ...repository.Option) {
			t.Helper()
			_, err := s.GetOne(ctx, "ada", options...)
			u.fails(err, store.NotFound)
		}
		fields := repository.Fields("id", "integer")
		for range 2 {
			missing()
			missing(fields)
			exists(false)
		}
		u.fast.calls()
		missing()
		missing(repository.Fields("integer", "id"))
		exists(false)
		u.untouched(u.fast)
		u.done(s.Add(ctx, person{ID: "ada", Integer: number(1)}))
		for _, integer := range []int{1, 2} {
			u.done(s.Add(ctx, person{ID: "ada", Integer: number(integer)}))
			exists(true)
			for range 2 {
				for _, options := range [][]repository.Option{nil, {fields}, {repository.NoMemory()}} {
					got, err := s.GetOne(ctx, "ada", options...)
					if u.done(err); *got.Integer != integer {
						t.Errorf("read %v, not %d", got, integer)
					}
				}
			}
		}
		u.done(s.Delete(ctx, "ada"))
		missing()
		missing(fields)
		exists(false)
		if m := s.Metrics(); m.Hits == 0 || m.Misses == 0 || m.FallbackReads == 0 || m.MarkerHits == 0 {
			t.Errorf("%+v", m)
		}
	})
}
