package repository_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/storetest"
)

// mood is how a tier behaves for a while.
type mood int

const (
	well       mood = iota
	failing         // nothing is done
	deceiving       // what fails was done
	hanging         // until the context ends
	hangingToo      // and it was done all the same
	slow            // up to a second and a half, so that some calls end in time
	moods
)

// moody is a tier whose mood changes.
type moody struct {
	repository.Tier
	mu   sync.Mutex
	draw *rand.Rand
	mood mood
}

func (m *moody) be(mood mood) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mood = mood
}

// suffer makes a call as the mood has it.
func (m *moody) suffer(ctx context.Context, call func(ctx context.Context) error) error {
	m.mu.Lock()
	mood, delay := m.mood, time.Duration(m.draw.IntN(1500))*time.Millisecond
	m.mu.Unlock()
	broken := &store.Error{Code: store.BackendFailed, Op: "moody"}
	switch mood {
	case failing:
		return broken
	case deceiving:
		if err := call(ctx); err != nil {
			return err
		}
		return broken
	case slow:
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	case hangingToo:
		if err := call(ctx); err != nil {
			return err
		}
		fallthrough
	case hanging:
		<-ctx.Done()
		return ctx.Err()
	}
	return call(ctx)
}

func (m *moody) Read(ctx context.Context, reads ...repository.Read) (replies []repository.Reply, err error) {
	err = m.suffer(ctx, func(ctx context.Context) error {
		replies, err = m.Tier.Read(ctx, reads...)
		return err
	})
	return replies, err
}

func (m *moody) Write(ctx context.Context, writes ...repository.Write) error {
	return m.suffer(ctx, func(ctx context.Context) error { return m.Tier.Write(ctx, writes...) })
}

// history is what may be read of one entity, whose versions ascend from 1. Versions that
// three divides are deletions; 0 is that it never was.
type history struct {
	writing chan struct{} // has one element while somebody does
	mu      sync.Mutex
	settled int // the last version of which an add or delete has said that it is stored
	begun   int // the last that anybody has begun to store
}

func (h *history) now() (settled, begun int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.settled, h.begun
}

// campaign is a service over two moody tiers, and what has happened to it.
type campaign struct {
	t         *testing.T
	service   *repository.Service[person, string]
	heard     told
	histories []history
	answers   [2]int // reads that succeeded, and that did not; guarded by heard.mu
}

// slowest is how long a call may take: it waits for its turn, twice for the fallback and
// three times for the fast tier, a second each.
const slowest = (4 + 2 + 3) * time.Second

// TestFaults has 200 requests a second for a minute meet tiers that fail, hang and flap.
// None gets a wrong answer, none waits longer than it should, and breakers do what they
// are to. The minute passes at once, but in `make torture`, which has every pair of tiers
// endure it.
func TestFaults(t *testing.T) {
	seed := storetest.Seed(t)
	if os.Getenv("TORTURE") == "" {
		synctest.Test(t, func(t *testing.T) { endure(t, seed, pairs[0]) })
		return
	}
	for _, pair := range pairs {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			endure(t, seed, pair)
		})
	}
}

func endure(t *testing.T, seed uint64, over pair) {
	draw := rand.New(rand.NewPCG(seed, 0))
	fast, _ := over.fast(t)
	fallback, _ := over.fallback(t)
	tiers := []*moody{{Tier: fast, draw: rand.New(rand.NewPCG(seed, 1))}, {Tier: fallback, draw: rand.New(rand.NewPCG(seed, 2))}}
	r, err := repository.NewHash[person, string](repository.Config{Name: "person", Fast: tiers[0], Fallback: tiers[1], Expire: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c := &campaign{t: t, histories: make([]history, 20)}
	for i := range c.histories {
		c.histories[i].writing = make(chan struct{}, 1)
	}
	o := repository.ServiceOptions{OnEvent: c.heard.tell, Cache: &repository.Cache{Entries: 5}, ExistsCache: &repository.Cache{Entries: 5}}
	o.Breaker.Fast.Recovery, o.Breaker.Fallback.Recovery = time.Second, time.Second
	if c.service, err = repository.NewService(r, o); err != nil {
		t.Fatal(err)
	}
	for _, tier := range tiers {
		go tier.flap(rand.New(rand.NewPCG(draw.Uint64(), 0)))
	}
	var all sync.WaitGroup
	for range 60 * 200 {
		action, id := draw.IntN(10), draw.IntN(len(c.histories))
		all.Go(func() { c.request(action, id) })
		time.Sleep(5 * time.Millisecond)
	}
	all.Wait()
	time.Sleep(10 * time.Second) // all is well by now
	c.recovered()
	c.breakers()
	t.Logf("%d reads succeeded, %d did not; %+v", c.answers[0], c.answers[1], c.service.Metrics())
	if c.answers[0] == 0 || c.answers[1] == 0 || c.service.Metrics().Warnings == 0 {
		t.Error("the campaign has met nothing")
	}
}

// flap changes the mood of a tier for a minute, and then has it be well.
func (m *moody) flap(draw *rand.Rand) {
	for began := time.Now(); time.Since(began) < time.Minute; {
		m.be(max(well, mood(draw.IntN(2*int(moods)))-moods)) // well half of the time
		time.Sleep(time.Duration(100+draw.IntN(2900)) * time.Millisecond)
	}
	m.be(well)
}

// request is one request.
func (c *campaign) request(action, id int) {
	began := time.Now()
	switch action {
	case 0, 1:
		c.write(id)
	case 2:
		c.exists(id)
	case 3:
		c.many(id)
	default:
		c.read(id)
	}
	if took := time.Since(began); took > slowest && action > 1 { // those who write wait for each other here
		c.t.Errorf("a request took %v", took)
	}
}

func (c *campaign) write(id int) {
	h := &c.histories[id]
	h.writing <- struct{}{}
	defer func() { <-h.writing }()
	h.mu.Lock()
	h.begun++
	version := h.begun
	h.mu.Unlock()
	began := time.Now()
	var err error
	if version%3 == 0 {
		err = c.service.Delete(context.Background(), strconv.Itoa(id))
	} else {
		err = c.service.Add(context.Background(), person{ID: strconv.Itoa(id), Integer: &version})
	}
	if took := time.Since(began); took > slowest {
		c.t.Errorf("a write took %v", took)
	}
	if err == nil {
		h.mu.Lock()
		h.settled = version
		h.mu.Unlock()
	}
}

// possible tells whether a version, or -1 for that there is none, may be read between
// two moments.
func possible(version, settled, begun int) bool {
	if version >= 0 {
		return version >= settled && version <= begun
	}
	for v := settled; v <= begun; v++ {
		if v%3 == 0 {
			return true
		}
	}
	return false
}

// judge takes an answer about an entity, which was asked for when so much was settled.
func (c *campaign) judge(id, version int, err error, settled int) {
	c.heard.mu.Lock()
	defer c.heard.mu.Unlock()
	if code := store.CodeOf(err); code == store.Unavailable || code == store.Timeout {
		c.answers[1]++
		return
	} else if err != nil && code != store.NotFound {
		c.t.Error(err)
		return
	}
	c.answers[0]++
	if _, begun := c.histories[id].now(); !possible(version, settled, begun) {
		c.t.Errorf("entity %d is read in version %d, though it was between %d and %d", id, version, settled, begun)
	}
}

func (c *campaign) read(id int) {
	settled, _ := c.histories[id].now()
	version := -1
	got, err := c.service.GetOne(context.Background(), strconv.Itoa(id))
	if err == nil {
		version = *got.Integer
	}
	c.judge(id, version, err, settled)
}

func (c *campaign) many(id int) {
	ids, settled := []string{}, []int{}
	for i := range 3 {
		before, _ := c.histories[(id+i)%len(c.histories)].now()
		ids, settled = append(ids, strconv.Itoa((id+i)%len(c.histories))), append(settled, before)
	}
	found, err := c.service.GetMany(context.Background(), ids)
	for i, text := range ids {
		version := -1
		if len(found) > 0 && found[0].ID == text {
			version, found = *found[0].Integer, found[1:]
		}
		c.judge((id+i)%len(c.histories), version, err, settled[i])
	}
}

func (c *campaign) exists(id int) {
	settled, _ := c.histories[id].now()
	there, err := c.service.Exists(context.Background(), strconv.Itoa(id))
	version := -1
	if _, begun := c.histories[id].now(); there {
		for version = settled; version%3 == 0 && version < begun; {
			version++
		}
		if version%3 == 0 {
			c.t.Errorf("entity %d exists, though it was deleted", id)
		}
	}
	c.judge(id, version, err, settled)
}

// recovered holds that both tiers say the same in the end.
func (c *campaign) recovered() {
	ctx := context.Background()
	for id := range c.histories {
		c.read(id)
		got, err := c.service.GetOne(ctx, strconv.Itoa(id))
		want, missing := c.service.GetOne(ctx, strconv.Itoa(id), repository.NoMemory())
		if store.CodeOf(err) != store.CodeOf(missing) || err == nil && *got.Integer != *want.Integer {
			c.t.Errorf("entity %d is %v, %v, but in the fallback %v, %v", id, got, err, want, missing)
		}
	}
}

// breakers holds that breakers have come from one state to another as they are to.
func (c *campaign) breakers() {
	for _, tier := range []repository.TierName{repository.Fast, repository.Fallback} {
		before := repository.Closed
		for _, state := range c.heard.states(tier) {
			if before == repository.Closed && state != repository.Open || before == repository.Open && state != repository.HalfOpen || before == state {
				c.t.Errorf("the breaker of the %s tier went from %s to %s", tier, before, state)
			}
			before = state
		}
		if before != repository.Closed {
			c.t.Errorf("the breaker of the %s tier is %s in the end", tier, before)
		}
	}
}
