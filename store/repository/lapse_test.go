package repository_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/structure"
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

// texts are what there may be of an entity; "" is that there is none.
type texts map[string]bool

// subject is what a kind of repository keeps.
type subject[E any] struct {
	open   func(repository.Config) (*repository.Repository[E, string], error)
	entity func(version int) E                     // what the version adds to "ada"
	after  func(before string, version int) string // what there is then
	text   func(E) string                          // of what was read
	asks   []repository.Option                     // what every query must say
	part   []repository.Option                     // what asks for a part that is all there is
}

var persons = subject[person]{
	open:   repository.NewHash[person, string],
	entity: func(version int) person { return person{ID: "ada", Integer: number(version)} },
	after:  func(_ string, version int) string { return strconv.Itoa(version) },
	text:   func(p person) string { return strconv.Itoa(*p.Integer) },
	part:   []repository.Option{repository.Fields("integer")},
}

var ladders = subject[repository.SortedSet[string]]{
	open: repository.NewSortedSet[string],
	entity: func(version int) repository.SortedSet[string] {
		return repository.SortedSet[string]{ID: "ada", Members: []structure.Z{{Member: memberOf(version), Score: float64(version)}}}
	},
	after: joined,
	text: func(s repository.SortedSet[string]) string {
		var members []string
		for _, z := range s.Members {
			members = append(members, fmt.Sprint(z.Member, z.Score))
		}
		if int(s.Size) != len(members) {
			members = append(members, fmt.Sprint("of ", s.Size))
		}
		return inOrder(members)
	},
	part: []repository.Option{repository.MinScore(0), repository.Page(1, 9)},
}

var shops = subject[repository.Geo[string]]{
	open: repository.NewGeo[string],
	entity: func(version int) repository.Geo[string] {
		return repository.Geo[string]{ID: "ada", Members: []repository.Place{{Member: memberOf(version), Longitude: float64(version)}}}
	},
	after: joined,
	text: func(g repository.Geo[string]) string {
		var members []string
		for _, p := range g.Members {
			members = append(members, fmt.Sprintf("%s%.0f", p.Member, p.Longitude))
		}
		return inOrder(members)
	},
	asks: []repository.Option{repository.Near(0, 0, 9000, structure.Kilometres)},
	part: []repository.Option{repository.Count(9)},
}

var signatures = subject[string]{
	open:   repository.NewBoolean[string],
	entity: func(int) string { return "ada" },
	after:  func(string, int) string { return "ada" },
	text:   func(id string) string { return id },
}

// memberOf is the member that a version adds or changes.
func memberOf(version int) string { return string("xyz"[version%3]) }

// joined is what members are once a version was added to them.
func joined(before string, version int) string {
	members := slices.DeleteFunc(strings.Fields(before), func(m string) bool { return strings.HasPrefix(m, memberOf(version)) })
	return inOrder(append(members, fmt.Sprint(memberOf(version), version)))
}

func inOrder(members []string) string {
	slices.Sort(members)
	return strings.Join(members, " ")
}

var script = []string{"read", "add", "read", "keep", "read", "many", "add", "exists", "read", "behind", "delete", "read", "exists", "add", "repository", "many", "past", "read", "delete", "add", "read", "part"}

// play adds, reads and deletes an entity, and returns what is wrong.
func play[E any](f *faulty, of subject[E], s *repository.Service[E, string], entities *repository.Repository[E, string]) error {
	may := texts{"": true}
	version := 0
	for step, op := range script {
		ctx, cancel := context.WithCancel(context.Background())
		f.workFor(cancel)
		then, read, got := texts(nil), false, ""
		var err error
		one := func(entity E, e error) {
			if read, err = true, e; err == nil {
				got = of.text(entity)
			}
		}
		switch op {
		case "add", "keep", "past":
			version++
			then = make(texts)
			for before := range may {
				then[of.after(before, version)] = true
			}
			err = s.AddWith(ctx, repository.AddOptions{MemoryAlways: op == "keep", NoMemory: op == "past"}, of.entity(version))
		case "delete":
			then, err = texts{"": true}, s.Delete(ctx, "ada")
		case "read":
			one(s.GetOne(ctx, "ada", of.asks...))
		case "behind":
			one(s.GetOne(ctx, "ada", append(of.asks, repository.NoMemory())...))
		case "repository":
			one(entities.Query("ada", of.asks...).Entity(ctx))
		case "part":
			one(entities.Query("ada", append(of.asks, of.part...)...).Entity(ctx))
		case "many":
			var found []E
			found, err = s.GetMany(ctx, []string{"bo", "ada", "cy"}, of.asks...)
			if read = true; len(found) > 0 {
				got = of.text(found[0])
			}
		case "exists":
			var there bool
			if there, err = s.Exists(ctx, "ada"); err == nil && (there && len(may) == 1 && may[""] || !there && !may[""]) {
				return fmt.Errorf("step %d: it exists: %t, of %v", step, there, may)
			}
		}
		cancel()
		switch code := store.CodeOf(err); {
		case err == nil, code == store.NotFound && read:
			if then != nil {
				may = then
			}
			if read && !may[got] {
				return fmt.Errorf("step %d, %s: read %q of %v", step, op, got, may)
			}
			if read {
				may = texts{got: true}
			}
		case code == store.BackendFailed, code == store.Unavailable, code == store.Timeout, code == store.Aborted:
			maps.Copy(may, then)
		default:
			return fmt.Errorf("step %d, %s: %w", step, op, err)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// lapsing plays the script where calls lapse, and tells how many there were.
func lapsing[E any](t *testing.T, subject subject[E], of map[int]lapse, caches bool) (calls int) {
	synctest.Test(t, func(t *testing.T) {
		fast, _ := inMemory(t)
		fallback, _ := inMemory(t)
		f := &faulty{lapses: of}
		entities, err := subject.open(repository.Config{Name: "of", Fast: unsteady{fast, f}, Fallback: unsteady{fallback, f}})
		if err != nil {
			t.Fatal(err)
		}
		var o repository.ServiceOptions
		if caches {
			o.Cache, o.ExistsCache = &repository.Cache{Entries: 9}, &repository.Cache{Entries: 9}
		}
		s, err := repository.NewService(entities, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := play(f, subject, s, entities); err != nil {
			t.Errorf("where %v lapse, caches %t: %v", of, caches, err)
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		calls = f.calls
	})
	return calls
}

// each plays the script with one lapse at a time: of a call, one in so many of the ways there are. In as many runs
// as STOWAGE_LAPSES says a few calls lapse, and each call in all ways.
func each[E any](t *testing.T, of subject[E], oneIn int) {
	runs, _ := strconv.Atoi(os.Getenv("STOWAGE_LAPSES"))
	step := 1
	if testing.Short() {
		step = 4
	}
	for _, caches := range []bool{false, true} {
		calls := lapsing(t, of, nil, caches)
		for n := 1; n <= calls; n += step {
			for l := lost; l < lapses; l++ {
				if runs > 0 || (n+int(l))%oneIn == 0 {
					lapsing(t, of, map[int]lapse{n: l}, caches)
				}
			}
		}
		for seed := range runs {
			draw := rand.New(rand.NewPCG(uint64(seed), 1))
			some := map[int]lapse{}
			for range 2 + draw.IntN(3) {
				some[1+draw.IntN(calls+5)] = lost + lapse(draw.IntN(int(lapses-lost)))
			}
			lapsing(t, of, some, caches)
		}
	}
}

// TestNthCallLapses holds that nothing wrong is read whichever call of a tier goes wrong,
// in whichever way; and whichever few of them, see each.
func TestNthCallLapses(t *testing.T) {
	t.Run("Hash", func(t *testing.T) { each(t, persons, 1) })
	t.Run("SortedSet", func(t *testing.T) { each(t, ladders, 3) })
	t.Run("Geo", func(t *testing.T) { each(t, shops, 3) })
	t.Run("Boolean", func(t *testing.T) { each(t, signatures, 3) })
}
