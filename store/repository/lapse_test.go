package repository_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// lapse is what becomes of one call of a tier.
type lapse int

const (
	fine      lapse = iota
	lost            // it fails
	hidden          // it fails, and was done
	silent          // there is no answer in time
	late            // nor here, and it was done
	given           // who has called gives up
	givenLate       // and it was done
	lapses
)

// faulty are the calls of both tiers in their order, of which some lapse.
type faulty struct {
	lapses map[int]lapse

	mu     sync.Mutex // what one call of a service asks of the tiers it asks side by side
	calls  int
	cancel context.CancelFunc // of the call that the tiers work for
}

// next tells what becomes of the next call, and how the call that it is for is given up.
func (f *faulty) next() (lapse, context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	return f.lapses[f.calls], f.cancel
}

// workFor says which call the tiers work for.
func (f *faulty) workFor(cancel context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancel = cancel
}

// unsteady is a tier whose calls lapse.
type unsteady struct {
	repository.Tier
	f *faulty
}

func (u unsteady) lapse(ctx context.Context, call func(context.Context) error) error {
	of, cancel := u.f.next()
	if of == fine || of == hidden || of == late || of == givenLate {
		if err := call(ctx); err != nil || of == fine {
			return err
		}
	}
	switch of {
	case given, givenLate:
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	case silent, late:
		<-ctx.Done()
		return ctx.Err()
	}
	return &store.Error{Code: store.BackendFailed, Op: "unsteady"}
}

func (u unsteady) Read(ctx context.Context, reads ...repository.Read) (replies []repository.Reply, err error) {
	err = u.lapse(ctx, func(ctx context.Context) (err error) {
		replies, err = u.Tier.Read(ctx, reads...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return replies, nil
}

func (u unsteady) Write(ctx context.Context, writes ...repository.Write) error {
	return u.lapse(ctx, func(ctx context.Context) error { return u.Tier.Write(ctx, writes...) })
}

// known is which versions of an entity may be read, 0 for that there is none.
type known map[int]bool

// script adds, reads and deletes an entity, and returns what is wrong.
func script(f *faulty, s *repository.Service[person, string], people *repository.Repository[person, string]) error {
	may := known{0: true}
	version := 0
	for step, op := range []string{"read", "add", "read", "keep", "read", "many", "add", "exists", "read", "behind", "delete", "read", "exists", "add", "repository", "many", "past", "read", "delete", "add", "read", "repository"} {
		ctx, cancel := context.WithCancel(context.Background())
		f.workFor(cancel)
		wrote, read, got := -1, false, 0
		var err error
		one := func(p person, e error) {
			if read, err = true, e; err == nil {
				got = *p.Integer
			}
		}
		switch op {
		case "add", "keep", "past":
			version++
			wrote = version
			err = s.AddWith(ctx, repository.AddOptions{MemoryAlways: op == "keep", NoMemory: op == "past"}, person{ID: "ada", Integer: number(version)})
		case "delete":
			wrote, err = 0, s.Delete(ctx, "ada")
		case "read":
			one(s.GetOne(ctx, "ada"))
		case "behind":
			one(s.GetOne(ctx, "ada", repository.NoMemory()))
		case "repository":
			one(people.Query("ada").Entity(ctx))
		case "many":
			var found []person
			found, err = s.GetMany(ctx, []string{"bo", "ada", "cy"})
			if read = true; len(found) > 0 {
				got = *found[0].Integer
			}
		case "exists":
			var there bool
			if there, err = s.Exists(ctx, "ada"); err == nil && (there && len(may) == 1 && may[0] || !there && !may[0]) {
				return fmt.Errorf("step %d: it exists: %t, of %v", step, there, may)
			}
		}
		cancel()
		switch code := store.CodeOf(err); {
		case err == nil, code == store.NotFound && read:
			if wrote >= 0 {
				may = known{wrote: true}
			}
			if read && !may[got] {
				return fmt.Errorf("step %d, %s: read %d of %v", step, op, got, may)
			}
			if read {
				may = known{got: true}
			}
		case code == store.BackendFailed, code == store.Unavailable, code == store.Timeout, code == store.Aborted:
			if wrote >= 0 {
				may[wrote] = true
			}
		default:
			return fmt.Errorf("step %d, %s: %w", step, op, err)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// lapsing runs the script where calls lapse, and tells how many there were.
func lapsing(t *testing.T, of map[int]lapse, caches bool) (calls int) {
	synctest.Test(t, func(t *testing.T) {
		fast, _ := inMemory(t)
		fallback, _ := inMemory(t)
		f := &faulty{lapses: of}
		people, err := repository.NewHash[person, string](repository.Config{Name: "person", Fast: unsteady{fast, f}, Fallback: unsteady{fallback, f}})
		if err != nil {
			t.Fatal(err)
		}
		var o repository.ServiceOptions
		if caches {
			o.Cache, o.ExistsCache = &repository.Cache{Entries: 9}, &repository.Cache{Entries: 9}
		}
		s, err := repository.NewService(people, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := script(f, s, people); err != nil {
			t.Errorf("where %v lapse, caches %t: %v", of, caches, err)
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		calls = f.calls
	})
	return calls
}

// TestNthCallLapses holds that nothing wrong is read whichever call of a tier goes wrong,
// in whichever way; and, in as many runs as STOWAGE_LAPSES says, whichever few of them.
func TestNthCallLapses(t *testing.T) {
	for _, caches := range []bool{false, true} {
		calls := lapsing(t, nil, caches)
		step := 1
		if testing.Short() {
			step = 4
		}
		for n := 1; n <= calls; n += step {
			for of := lost; of < lapses; of++ {
				lapsing(t, map[int]lapse{n: of}, caches)
			}
		}
		runs, _ := strconv.Atoi(os.Getenv("STOWAGE_LAPSES"))
		for seed := range runs {
			draw := rand.New(rand.NewPCG(uint64(seed), 1))
			of := map[int]lapse{}
			for range 2 + draw.IntN(3) {
				of[1+draw.IntN(calls+5)] = lost + lapse(draw.IntN(int(lapses-lost)))
			}
			lapsing(t, of, caches)
		}
	}
}
