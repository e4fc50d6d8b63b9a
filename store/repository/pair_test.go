package repository_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// inBubble runs a test over two tiers in memory, by a clock that needs no waiting.
func inBubble(t *testing.T, test func(u *tiers)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fast, pass := inMemory(t)
		fallback, _ := inMemory(t)
		test(&tiers{t: t, fast: &probe{Tier: fast}, fallback: &probe{Tier: fallback}, pass: pass})
	})
}

// is fails the test unless a person is the one that is read.
func (u *tiers) is(people *repository.Repository[person, string], id string, integer int) {
	u.t.Helper()
	got, err := people.Query(id).Entity(context.Background())
	u.done(err)
	if got.Integer == nil || *got.Integer != integer {
		u.t.Errorf("%s is %v, not %d", id, got, integer)
	}
}

// TestTimeouts holds that a fast tier that hangs knows nothing, not that there is nothing,
// and that a fallback that hangs is told as that.
func TestTimeouts(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		u.done(people.Add(ctx, person{ID: "ada", Integer: number(1)}))
		u.is(people, "ada", 1)
		u.fast.set(hangs)
		began := time.Now()
		u.is(people, "ada", 1)
		if passed := time.Since(began); passed != time.Second {
			t.Errorf("it took %v", passed)
		}
		_, err := people.Query("bo").Entity(ctx)
		u.fails(err, store.NotFound)

		u.fallback.set(hangs)
		_, err = people.Query("ada").Entity(ctx)
		u.fails(err, store.Unavailable)
		u.fast.set(nil)
		_, err = people.Query("cy").Entity(ctx)
		u.fails(err, store.Timeout)
		_, err = people.Query("cy", repository.NoMemory()).Entity(ctx)
		u.fails(err, store.Timeout)
		u.is(people, "ada", 1)
		u.fails(people.Add(ctx, person{ID: "ada", Integer: number(2)}), store.Timeout)
		u.fallback.set(nil)
		u.is(people, "ada", 1)

		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = people.Query("cy").Entity(ended)
		u.fails(err, store.Aborted)
		u.fails(people.Add(ended, person{ID: "cy"}), store.Aborted)
	})
}

// TestNothingOldIsRead holds that what a failing fast tier still has is not read there
// once something newer was added.
func TestNothingOldIsRead(t *testing.T) {
	for name, breaks := range map[string]func(context.Context, bool) error{"fails": fails, "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(u *tiers) {
				ctx, people := context.Background(), newPeople(u)
				u.done(people.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, person{ID: "ada", Integer: number(1)}))
				u.fast.set(func(ctx context.Context, write bool) error {
					if write {
						return breaks(ctx, write)
					}
					return nil
				})
				u.done(people.Add(ctx, person{ID: "ada", Integer: number(2)}))
				if len(u.warnings) == 0 {
					t.Error("without a warning")
				}
				if held(t, u.fast, "person:ada", repository.KindHash).Value.Fields["integer"] != "1" {
					t.Error("the fast tier has nothing old")
				}
				u.is(people, "ada", 2) // though the fast tier would answer
				u.fast.set(nil)
				u.fallback.calls()
				u.is(people, "ada", 2)
				u.is(people, "ada", 2)
				if reads, _ := u.fallback.calls(); reads != 1 {
					t.Errorf("the fallback was read %d times after the fast tier had recovered", reads)
				}
			})
		})
	}
}

// TestDeceived holds that an add which fails though the fallback has carried it out does
// not leave in the fast tier what was before.
func TestDeceived(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		u.done(people.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, person{ID: "ada", Integer: number(1)}))
		well := u.fallback.Tier
		u.fallback.Tier = &moody{Tier: well, mood: deceiving, draw: rand.New(rand.NewPCG(0, 0))}
		u.fails(people.Add(ctx, person{ID: "ada", Integer: number(2)}), store.BackendFailed)
		u.fallback.Tier = well
		u.is(people, "ada", 2)
	})
}

// TestLongTimes holds that times as long as can be said are for ever.
func TestLongTimes(t *testing.T) {
	inBubble(t, func(u *tiers) {
		c := u.config("person")
		c.Expire, c.FallbackExpiry, c.FastTimeout, c.FallbackTimeout = math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64
		people, err := repository.NewHash[person, string](c)
		u.done(err)
		u.done(people.Add(context.Background(), person{ID: "ada", Integer: number(1)}))
		for range 2 {
			u.is(people, "ada", 1)
		}
		if !held(t, u.fast, "person:ada", repository.KindExists).Found {
			t.Error("the fast tier does not have it")
		}
	})
}

// TestNotAsked holds that an add which a breaker has stopped leaves the fast tier as it is.
func TestNotAsked(t *testing.T) {
	inBubble(t, func(u *tiers) {
		s, _ := serve(u, 1, time.Hour, false)
		u.done(s.AddWith(context.Background(), repository.AddOptions{MemoryAlways: true}, person{ID: "ada"}))
		u.fallback.set(fails)
		u.fails(s.Add(context.Background(), person{ID: "bo"}), store.Unavailable)
		u.fails(s.Add(context.Background(), person{ID: "ada", Integer: number(1)}), store.Unavailable)
		reads(u, s, "ada")
	})
}

// TestReadDuringAnAdd holds that a read which began before an add does not put back
// what it replaced, wherever the two meet.
func TestReadDuringAnAdd(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		u.done(people.Add(ctx, person{ID: "ada", Integer: number(1)}))
		added := make(chan error, 1)
		u.fast.set(func(_ context.Context, write bool) error {
			if write { // the hydration, which has the old entity in its hands
				u.fast.set(nil)
				go func() { added <- people.Add(ctx, person{ID: "ada", Integer: number(2)}) }()
				synctest.Wait() // until it waits for its turn
			}
			return nil
		})
		u.is(people, "ada", 1)
		u.done(<-added)
		u.is(people, "ada", 2)
	})
	inBubble(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		u.done(people.Add(ctx, person{ID: "ada", Integer: number(1)}))
		late := &lateReader{Tier: u.fallback.Tier, read: make(chan struct{}), answer: make(chan struct{})}
		u.fallback.Tier = late
		read := make(chan error, 1)
		go func() {
			_, err := people.Query("ada").Entity(ctx)
			read <- err
		}()
		<-late.read // the old entity, which is on its way
		u.done(people.Add(ctx, person{ID: "ada", Integer: number(2)}))
		close(late.answer)
		u.done(<-read)
		u.is(people, "ada", 2)
	})
}

// lateReader is a tier whose first answer comes late.
type lateReader struct {
	repository.Tier
	read, answer chan struct{}
	answered     bool
}

func (l *lateReader) Read(ctx context.Context, reads ...repository.Read) ([]repository.Reply, error) {
	replies, err := l.Tier.Read(ctx, reads...)
	if !l.answered {
		l.answered = true
		close(l.read)
		<-l.answer
	}
	return replies, err
}

// TestAddOptions holds what an add does to the fast tier, and how long things stay.
func TestAddOptions(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		stays := func(tier *probe) time.Duration { return held(t, tier, "person:ada", repository.KindHash).Expiry }
		u.done(people.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, person{ID: "ada", Integer: number(1)}))
		if got := stays(u.fast); got <= 0 || got > time.Hour || stays(u.fallback) != 0 {
			t.Errorf("it stays %v and %v", got, stays(u.fallback))
		}
		u.done(people.AddWith(ctx, repository.AddOptions{NoMemory: true}, person{ID: "ada", Integer: number(2)}))
		if held(t, u.fast, "person:ada", repository.KindHash).Found {
			t.Error("the fast tier has something old")
		}
		u.fast.calls()
		got, err := people.Query("ada", repository.NoMemory()).Entity(ctx)
		if u.done(err); *got.Integer != 2 {
			t.Errorf("read %v", got)
		}
		u.untouched(u.fast)
		u.is(people, "ada", 2)
		u.done(people.AddWith(ctx, repository.AddOptions{FallbackExpiry: time.Minute}, person{ID: "ada", Integer: number(3)}))
		for _, tier := range []*probe{u.fast, u.fallback} {
			if got := stays(tier); got <= 0 || got > time.Minute {
				t.Errorf("it stays %v", got)
			}
		}
		u.done(people.Query("ada", repository.NoMemory()).Delete(ctx))
		_, err = people.Query("ada").Entity(ctx)
		u.fails(err, store.NotFound)
		u.done(people.AddWith(ctx, repository.AddOptions{FallbackExpiry: time.Minute}, person{ID: "ada", Integer: number(4)}))
		u.is(people, "ada", 4)
		if got := stays(u.fast); got <= 0 || got > time.Minute {
			t.Errorf("what was read stays %v, longer than where it was read", got)
		}
		u.pass(time.Minute)
		_, err = people.Query("ada").Entity(ctx)
		u.fails(err, store.NotFound)
	})
}

// checked is an entity that may be wrong.
type checked struct {
	ID string `json:"id"`
}

func (c checked) Validate() error {
	if strings.HasPrefix(c.ID, "wrong") {
		return errors.New("a wrong id")
	}
	return nil
}

func TestAddsAllOrNone(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		r, err := repository.NewHash[checked, string](u.config("checked"))
		u.done(err)
		u.fails(r.Add(ctx, checked{"right"}, checked{"wrong"}), store.InvalidDocument)
		u.fails(r.Add(ctx, checked{"right"}, checked{""}), store.InvalidKey)
		u.fails(r.Add(ctx, checked{"right"}, checked{strings.Repeat("long", 50_000)}), store.TooLarge)
		u.untouched(u.fast)
		exists, err := r.Query("right").Exists(ctx)
		if u.done(err); exists {
			t.Error("one of them was added")
		}
		u.done(r.Add(ctx))
		u.done(r.Add(ctx, checked{"a"}, checked{"b"}, checked{"a"}))
		for _, id := range []string{"a", "b"} {
			exists, err := r.Query(id).Exists(ctx)
			if u.done(err); !exists {
				t.Errorf("%s was not added", id)
			}
		}
	})
}

func TestConfigs(t *testing.T) {
	inBubble(t, func(u *tiers) {
		for name, wrong := range map[string]func(c *repository.Config){
			"no name":     func(c *repository.Config) { c.Name = "" },
			"no fast":     func(c *repository.Config) { c.Fast = nil },
			"no fallback": func(c *repository.Config) { c.Fallback = nil },
			"one tier":    func(c *repository.Config) { c.Fast = c.Fallback },
			"expire":      func(c *repository.Config) { c.Expire = -1 },
			"id":          func(c *repository.Config) { c.ID = "number" },
			"id type":     func(c *repository.Config) { c.ID = "adult" },
		} {
			c := u.config("person")
			wrong(&c)
			if _, err := repository.NewHash[person, string](c); store.CodeOf(err) != store.InvalidOption {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := repository.NewHash[string, string](u.config("text"))
		u.fails(err, store.InvalidOption)
		type Named struct{ Name string }
		_, err = repository.NewHash[struct {
			Named
			ID   string `json:"id"`
			Also string `json:"Name"`
		}, string](u.config("person"))
		u.fails(err, store.InvalidOption)
		_, err = repository.NewHash[person, float64](u.config("person"))
		u.fails(err, store.InvalidOption)
		_, err = repository.NewHash[person, struct{ Number int }](u.config("person"))
		u.fails(err, store.InvalidOption)
	})
}
