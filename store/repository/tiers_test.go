package repository_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/repository/tiertest"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

// clock is the time of tiers over structures, which stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_800_000_000_000)} }

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// opener makes an empty tier, and what has time pass for it.
type opener func(t *testing.T) (repository.Tier, func(time.Duration))

func inMemory(t *testing.T) (repository.Tier, func(time.Duration)) { return over(t, memory.New()) }

func inFile(t *testing.T) (repository.Tier, func(time.Duration)) {
	b, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return over(t, b)
}

func over(t *testing.T, b store.Backend) (repository.Tier, func(time.Duration)) {
	c := newClock()
	env := storetest.Open(t, b, store.Options{})
	return repository.Over(structure.New(env, "tier", structure.Options{Clock: c.time})), c.pass
}

// inRing opens a ring of three tiers in memory.
func inRing(by repository.By) opener {
	return func(t *testing.T) (repository.Tier, func(time.Duration)) {
		shards, passes := make([]repository.Tier, 3), make([]func(time.Duration), 3)
		for i := range shards {
			shards[i], passes[i] = inMemory(t)
		}
		ring, err := repository.NewRing(shards, repository.RingOptions{By: by})
		if err != nil {
			t.Fatal(err)
		}
		return ring, func(d time.Duration) {
			for _, pass := range passes {
				pass(d)
			}
		}
	}
}

func TestTiers(t *testing.T) {
	for name, suite := range map[string]tiertest.Suite{
		"memory": {New: inMemory},
		"file":   {New: inFile},
		"circle": {New: inRing(repository.ByCircle), Sharded: true},
		"modulo": {New: inRing(repository.ByModulo), Sharded: true},
	} {
		t.Run(name, suite.Run)
	}
}

// probe is a tier that counts how often it is called, and fails or waits as it is told.
type probe struct {
	repository.Tier
	mu            sync.Mutex
	reads, writes int
	before        func(ctx context.Context, write bool) error
}

func (p *probe) Read(ctx context.Context, reads ...repository.Read) ([]repository.Reply, error) {
	if err := p.called(ctx, false); err != nil {
		return nil, err
	}
	return p.Tier.Read(ctx, reads...)
}

func (p *probe) Write(ctx context.Context, writes ...repository.Write) error {
	if err := p.called(ctx, true); err != nil {
		return err
	}
	return p.Tier.Write(ctx, writes...)
}

func (p *probe) called(ctx context.Context, write bool) error {
	p.mu.Lock()
	before := p.before
	if write {
		p.writes++
	} else {
		p.reads++
	}
	p.mu.Unlock()
	if before != nil {
		return before(ctx, write)
	}
	return nil
}

// set has the tier behave in another way, or as it is where before is nil.
func (p *probe) set(before func(ctx context.Context, write bool) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = before
}

// calls returns how often the tier was read and written since the last time.
func (p *probe) calls() (reads, writes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reads, writes = p.reads, p.writes
	p.reads, p.writes = 0, 0
	return reads, writes
}

// fails has every call of a tier fail.
func fails(context.Context, bool) error { return &store.Error{Code: store.BackendFailed, Op: "probe"} }

// hangs has every call of a tier take until its context ends.
func hangs(ctx context.Context, _ bool) error {
	<-ctx.Done()
	return ctx.Err()
}

// tiers are a fast and a fallback tier in the hands of a test.
type tiers struct {
	t              *testing.T
	fast, fallback *probe
	pass           func(time.Duration)
	warnings       []error // of one goroutine
}

type pair struct {
	name           string
	fast, fallback opener
}

// pairs are what every scenario runs over. Redis is among them where a server can be started.
var pairs = []pair{
	{"memory over memory", inMemory, inMemory},
	{"memory over a file", inMemory, inFile},
	{"a ring over memory", inRing(repository.ByCircle), inMemory},
}

// overPairs runs a test over each pair of tiers.
func overPairs(t *testing.T, test func(u *tiers)) {
	for _, pair := range pairs {
		t.Run(pair.name, func(t *testing.T) {
			fast, passFast := pair.fast(t)
			fallback, passFallback := pair.fallback(t)
			test(&tiers{t: t, fast: &probe{Tier: fast}, fallback: &probe{Tier: fallback}, pass: func(d time.Duration) {
				passFast(d)
				passFallback(d)
			}})
		})
	}
}

// config is one of a repository over the tiers.
func (u *tiers) config(name string) repository.Config {
	return repository.Config{Name: name, Fast: u.fast, Fallback: u.fallback, Expire: time.Hour,
		OnWarning: func(err error) { u.warnings = append(u.warnings, err) }}
}

// done fails the test unless err is nil.
func (u *tiers) done(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}

// fails fails the test unless err has a code.
func (u *tiers) fails(err error, code store.Code) {
	u.t.Helper()
	if store.CodeOf(err) != code {
		u.t.Fatalf("%v, not %s", err, code)
	}
}

// held is what a tier holds under a key.
func held(t *testing.T, tier *probe, key string, kind repository.Kind) repository.Reply {
	t.Helper()
	replies, err := tier.Tier.Read(context.Background(), repository.Read{Key: key, Kind: kind, Range: repository.All})
	if err != nil {
		t.Fatal(err)
	}
	return replies[0]
}
