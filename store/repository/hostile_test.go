package repository_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// liar is a tier that answers what nobody has asked.
type liar struct{ replies []repository.Reply }

func (l liar) Read(context.Context, ...repository.Read) ([]repository.Reply, error) {
	return l.replies, nil
}

func (l liar) Write(context.Context, ...repository.Write) error { return nil }

func (l liar) Close() error { return nil }

// TestLiars holds that a tier which does not answer what it is asked has failed, and that
// this is all that comes of it.
func TestLiars(t *testing.T) {
	for _, replies := range [][]repository.Reply{nil, {{}}, make([]repository.Reply, 9)} {
		ring, err := repository.NewRing([]repository.Tier{liar{replies}, liar{replies}}, repository.RingOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, lying := range []repository.Tier{liar{replies}, ring} {
			inBubble(t, func(u *tiers) {
				people := newPeople(u)
				u.done(people.Add(context.Background(), person{ID: "ada", Integer: number(1)}))
				good := u.fast.Tier
				u.fast.Tier = lying
				u.is(people, "ada", 1)
				u.fast.Tier, u.fallback.Tier = good, lying
				for _, err := range people.Many([]string{"ada", "bo"}).Entities(context.Background()) {
					u.fails(err, store.BackendFailed)
				}
			})
		}
	}
}

// TestRefused holds that a call which both tiers refuse fails as that, and opens no breaker.
func TestRefused(t *testing.T) {
	inBubble(t, func(u *tiers) {
		s, heard := serve(u, 1, time.Hour, false)
		long := strings.Repeat("k", 5000)
		_, err := s.GetOne(context.Background(), long)
		u.fails(err, store.TooLarge)
		_, err = newPeople(u).Query(long).Entity(context.Background())
		u.fails(err, store.TooLarge)
		u.fails(s.Add(context.Background(), person{ID: long}), store.TooLarge)
		if n := heard.warnings(); n > 0 {
			t.Errorf("%d warnings", n)
		}
	})
}

// TestShortLives holds that what stays for less than tiers can tell is there at first.
func TestShortLives(t *testing.T) {
	inBubble(t, func(u *tiers) {
		people := newPeople(u)
		u.done(people.AddWith(context.Background(), repository.AddOptions{FallbackExpiry: time.Nanosecond}, person{ID: "ada", Integer: number(1)}))
		u.is(people, "ada", 1)
	})
}

// TestEventsInTheirOrder holds that changes of a breaker are told in their order, each
// warning with what has opened it, however many calls there are at the same time.
func TestEventsInTheirOrder(t *testing.T) {
	fast, _ := inMemory(t)
	fallback, _ := inMemory(t)
	u := &tiers{t: t, fast: &probe{Tier: fast}, fallback: &probe{Tier: fallback}}
	follows := map[repository.State][]repository.State{
		repository.Closed: {repository.Open}, repository.Open: {repository.HalfOpen}, repository.HalfOpen: {repository.Open, repository.Closed},
	}
	var mu sync.Mutex
	state, opened := repository.Closed, uint64(0)
	o := repository.ServiceOptions{OnEvent: func(e repository.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case repository.StateChanged:
			if !slices.Contains(follows[state], e.State) {
				t.Errorf("%s follows %s", e.State, state)
			}
			state = e.State
		case repository.Warning:
			if opened++; e.Err == nil || errors.Is(e.Err, gobreaker.ErrOpenState) || errors.Is(e.Err, gobreaker.ErrTooManyRequests) {
				t.Errorf("opened by %v", e.Err)
			}
		}
	}}
	o.Breaker.Fast = repository.Breaker{Failures: 1, Recovery: time.Microsecond}
	s, err := repository.NewService(newPeople(u), o)
	u.done(err)
	var calls atomic.Int64
	u.fast.set(func(ctx context.Context, write bool) error {
		if calls.Add(1)%2 == 0 {
			return nil
		}
		return fails(ctx, write)
	})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 200 {
				_, _ = s.Exists(context.Background(), strconv.Itoa(n))
			}
		})
	}
	all.Wait()
	if opened == 0 || opened != s.Metrics().Warnings {
		t.Errorf("%d warnings of %d", opened, s.Metrics().Warnings)
	}
}
