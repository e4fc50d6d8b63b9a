//go:build !js

package repository_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/repository/redis"
	"github.com/stowage-db/stowage/store/repository/tiertest"
	"github.com/stowage-db/stowage/store/storetest"
)

func init() {
	pairs = append(pairs, pair{"redis over a file", inRedis, inFile})
}

func TestRedisTier(t *testing.T) { tiertest.Suite{New: inRedis}.Run(t) }

// inRedis opens a Redis server, for which time passes in that its keys stay less long.
func inRedis(t *testing.T) (repository.Tier, func(time.Duration)) {
	options := &goredis.Options{Addr: storetest.Redis(t), Protocol: 2}
	client := goredis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	tier := redis.New(options)
	t.Cleanup(func() { _ = tier.Close() })
	return tier, func(d time.Duration) {
		ctx := context.Background()
		for _, key := range client.Keys(ctx, "*").Val() {
			if left := client.PTTL(ctx, key).Val(); left > 0 {
				client.PExpire(ctx, key, left-d)
			}
		}
	}
}

// TestShare holds that a service forgets what another process changes in the Redis
// server that both have, whatever it has kept about it, and all of it where it may have
// missed something.
func TestShare(t *testing.T) {
	ctx := context.Background()
	options := &goredis.Options{Addr: storetest.Redis(t), Protocol: 2}
	fallback, _ := inMemory(t)
	open := func() *repository.Service[person, string] {
		tier := redis.New(options)
		t.Cleanup(func() { _ = tier.Close() })
		r, err := repository.NewHash[person, string](repository.Config{Name: "person", Fast: tier, Fallback: fallback, Expire: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		s, err := repository.NewService(r, repository.ServiceOptions{Cache: &repository.Cache{Entries: 9}, ExistsCache: &repository.Cache{Entries: 9}, Share: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Shutdown(ctx) })
		return s
	}
	here, there := open(), open()
	// seen waits until a service says that a person has an integer, or that there is none.
	seen := func(s *repository.Service[person, string], integer int) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			got, err := s.GetOne(ctx, "ada")
			some, _ := s.GetOne(ctx, "ada", repository.Fields("integer"))
			exists, _ := s.Exists(ctx, "ada")
			if integer == 0 && store.CodeOf(err) == store.NotFound && !exists || err == nil && exists && *got.Integer == integer && *some.Integer == integer {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("it still reads %v, %v, %v, not %d", got, err, exists, integer)
			}
		}
	}
	seen(here, 0)
	for integer := 1; integer < 20; integer++ {
		if err := there.Add(ctx, person{ID: "ada", Integer: &integer}); err != nil {
			t.Fatal(err)
		}
		seen(here, integer)
		here, there = there, here
	}
	if err := there.Delete(ctx, "ada"); err != nil {
		t.Fatal(err)
	}
	seen(here, 0)

	// What is put there while nobody listens is found when they do again.
	client := goredis.NewClient(options)
	defer func() { _ = client.Close() }()
	if err := client.Do(ctx, "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	integer := 50
	if err := there.Add(ctx, person{ID: "ada", Integer: &integer}); err != nil {
		t.Fatal(err)
	}
	seen(here, 50)
	if err := client.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	seen(here, 50)
	// Only what is read again is answered by the cache: how often it is above depends on
	// how soon the server's messages arrive.
	for end := time.Now().Add(30 * time.Second); here.Metrics().Hits == 0; seen(here, 50) {
		if time.Now().After(end) {
			t.Fatal("nothing was ever cached")
		}
	}
	for _, s := range []*repository.Service[person, string]{here, there} {
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestRedisEnds holds that a fast tier whose server ends in the middle of it, and comes back
// with nothing, is done without for as long, and then used again.
func TestRedisEnds(t *testing.T) {
	ctx := context.Background()
	options := &goredis.Options{Addr: storetest.Redis(t), Protocol: 2}
	fast := redis.New(options)
	t.Cleanup(func() { _ = fast.Close() })
	fallback, _ := inMemory(t)
	r, err := repository.NewHash[person, string](repository.Config{Name: "person", Fast: fast, Fallback: fallback, FastTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	o := repository.ServiceOptions{}
	o.Breaker.Fast = repository.Breaker{Failures: 1, Recovery: 10 * time.Millisecond}
	s, err := repository.NewService(r, o)
	if err != nil {
		t.Fatal(err)
	}
	version := 0
	next := func() {
		t.Helper()
		version++
		if err := s.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, person{ID: "ada", Integer: &version}); err != nil {
			t.Fatal(err)
		}
	}
	reads := func() {
		t.Helper()
		if got, err := s.GetOne(ctx, "ada"); err != nil || *got.Integer != version {
			t.Fatalf("read %v, %v, not %d", got, err, version)
		}
	}
	next()
	reads()
	server, err := net.Dial("tcp", options.Addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = server.Write([]byte("SHUTDOWN NOSAVE\r\n"))
	_, _ = io.ReadAll(server) // until it has ended
	_ = server.Close()
	for range 3 {
		reads()
		next()
	}
	if m := s.Metrics(); m.Warnings == 0 || m.FastFailures == 0 {
		t.Errorf("the server has not ended: %+v", m)
	}
	storetest.RedisAt(t, options.Addr)
	before := s.Metrics().FastHits
	for end := time.Now().Add(30 * time.Second); s.Metrics().FastHits == before; reads() {
		if time.Now().After(end) {
			t.Fatal("the server that came back is not used")
		}
	}
	next()
	reads()
}

// TestShareNothing holds that a service fails which would hear of nothing.
func TestShareNothing(t *testing.T) {
	fast, _ := inMemory(t)
	fallback, _ := inMemory(t)
	u := &tiers{t: t, fast: &probe{Tier: fast}, fallback: &probe{Tier: fallback}}
	_, err := repository.NewService(newPeople(u), repository.ServiceOptions{Share: true})
	u.fails(err, store.Unsupported)
}
