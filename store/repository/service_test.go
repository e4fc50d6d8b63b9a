package repository_test

import (
	"context"
	"math"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/storetest"
)

// cached returns a service of people behind a cache, and fills both tiers with some.
func cached(u *tiers, c repository.Cache, people int) *repository.Service[person, string] {
	u.t.Helper()
	r := newPeople(u)
	var all []person
	for i := range people {
		all = append(all, person{ID: strconv.Itoa(i)})
	}
	u.done(r.AddWith(context.Background(), repository.AddOptions{MemoryAlways: true}, all...))
	s, err := repository.NewService(r, repository.ServiceOptions{Cache: &c})
	u.done(err)
	u.fast.calls()
	return s
}

// asks reads people, and tells which of them the cache did not have.
func asks(u *tiers, s *repository.Service[person, string], ids ...string) (missed []string) {
	u.t.Helper()
	for _, id := range ids {
		reads(u, s, id)
		if n, _ := u.fast.calls(); n > 0 {
			missed = append(missed, id)
		}
	}
	return missed
}

func TestCaches(t *testing.T) {
	for _, test := range []struct {
		name       string
		cache      repository.Cache
		asks, miss []string // ids, or "" for a minute to pass
	}{
		{"the least recent goes", repository.Cache{Entries: 2},
			[]string{"0", "1", "0", "2", "0", "1"}, []string{"0", "1", "2", "1"}},
		{"the least frequent goes", repository.Cache{Entries: 2, Evict: repository.LeastFrequent},
			[]string{"0", "0", "0", "1", "1", "2", "1", "0", "2", "2", "2", "2", "1"}, []string{"0", "1", "2", "1", "2", "1"}},
		{"what is old goes", repository.Cache{Entries: 9, TTL: time.Minute},
			[]string{"0", "0", "", "0", "0"}, []string{"0", "0"}},
		{"what is too much goes", repository.Cache{Bytes: 20, SizeOf: func(any) int { return 10 }},
			[]string{"0", "1", "0", "2", "0", "1"}, []string{"0", "1", "2", "1"}},
		{"what is too large is not kept", repository.Cache{Bytes: 20, SizeOf: func(any) int { return 21 }},
			[]string{"0", "0"}, []string{"0", "0"}},
		{"what takes less than nothing is not kept", repository.Cache{Bytes: 20, SizeOf: func(any) int { return -1 }},
			[]string{"0", "0"}, []string{"0", "0"}},
		{"what stays as long as can be said stays", repository.Cache{Entries: 9, TTL: math.MaxInt64, Jitter: math.MaxInt64},
			[]string{"0", "", "0"}, []string{"0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(u *tiers) {
				s := cached(u, test.cache, 3)
				var missed []string
				for _, id := range test.asks {
					if id == "" {
						time.Sleep(time.Minute)
						continue
					}
					missed = append(missed, asks(u, s, id)...)
				}
				if !reflect.DeepEqual(missed, test.miss) {
					t.Errorf("missed %v, not %v", missed, test.miss)
				}
			})
		})
	}
	inBubble(t, func(u *tiers) {
		s := cached(u, repository.Cache{Entries: 1000, TTL: time.Minute, Jitter: time.Minute}, 200)
		all := make([]string, 200)
		for i := range all {
			all[i] = strconv.Itoa(i)
		}
		asks(u, s, all...)
		time.Sleep(90 * time.Second)
		if n := len(asks(u, s, all...)); n == 0 || n == len(all) {
			t.Errorf("%d of %d have gone by the middle of the jitter", n, len(all))
		}
	})
	inBubble(t, func(u *tiers) {
		s := cached(u, repository.Cache{Bytes: 640, SizeOf: func(any) int { return 600 }}, 1)
		reads(u, s, "0")
		for i := range 30 { // what does not exist takes room too
			_, err := s.GetOne(context.Background(), strconv.Itoa(100+i))
			u.fails(err, store.NotFound)
		}
		u.fast.calls()
		if missed := asks(u, s, "0"); len(missed) == 0 {
			t.Error("there is room for whatever does not exist")
		}
	})
	inBubble(t, func(u *tiers) {
		for _, wrong := range []repository.Cache{{}, {Entries: -1}, {Bytes: 1}, {Entries: 1, TTL: -1}, {Entries: 1, Evict: 9}} {
			_, err := repository.NewService(newPeople(u), repository.ServiceOptions{Cache: &wrong})
			u.fails(err, store.InvalidOption)
		}
	})
}

// TestSingleFlight holds that a hundred who ask at once cost one read.
func TestSingleFlight(t *testing.T) {
	inBubble(t, func(u *tiers) {
		s := cached(u, repository.Cache{Entries: 9}, 1)
		let := make(chan struct{})
		u.fast.set(func(context.Context, bool) error { <-let; return nil })
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { reads(u, s, "0") })
		}
		ctx, cancel := context.WithCancel(context.Background())
		gaveUp := make(chan error, 1)
		go func() {
			_, err := s.GetOne(ctx, "0")
			gaveUp <- err
		}()
		synctest.Wait()
		cancel()
		u.fails(<-gaveUp, store.Aborted)
		close(let)
		all.Wait()
		if n, _ := u.fast.calls(); n != 1 {
			t.Errorf("%d reads", n)
		}
	})
}

// TestStaleFlight holds that an answer which was on its way while its entity changed is
// neither kept nor given to who asks afterwards.
func TestStaleFlight(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx := context.Background()
		s := cached(u, repository.Cache{Entries: 9}, 1)
		late := &lateReader{Tier: u.fast.Tier, read: make(chan struct{}), answer: make(chan struct{})}
		u.fast.Tier = late
		before := make(chan person, 1)
		go func() {
			got, _ := s.GetOne(ctx, "0")
			before <- got
		}()
		<-late.read
		u.done(s.Add(ctx, person{ID: "0", Integer: number(2)}))
		for range 2 {
			got, err := s.GetOne(ctx, "0")
			if u.done(err); got.Integer == nil {
				t.Error("read what was before the add")
			}
			if late.answer != nil {
				close(late.answer)
				<-before
				late.answer = nil
			}
		}
	})
}

func TestGetMany(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		s := cached(u, repository.Cache{Entries: 1000}, 500)
		ids := []string{"7", "missing", "3"}
		for i := range 500 {
			ids = append(ids, strconv.Itoa(i))
		}
		reads(u, s, "3")
		u.fast.calls()
		for range 2 {
			got, err := s.GetMany(ctx, ids)
			if u.done(err); len(got) != 500 || got[0].ID != "7" || got[1].ID != "3" || got[2].ID != "0" || got[499].ID != "499" {
				t.Fatalf("%d entities, %v …", len(got), got[:min(3, len(got))])
			}
			u.fallback.calls()
		}
		if n, _ := u.fast.calls(); n != 4 {
			t.Errorf("%d round trips for 499 entities", n)
		}
		if got, err := s.GetMany(ctx, nil); err != nil || len(got) != 0 {
			t.Errorf("none of them: %v, %v", got, err)
		}
		_, err := s.GetMany(ctx, []string{"new", ""})
		u.fails(err, store.InvalidKey)
	})
}

// TestWrongKey holds that a key which is none fails nobody but who has asked for it, though
// others wait for what is asked together with it.
func TestWrongKey(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx := context.Background()
		s := cached(u, repository.Cache{Entries: 1}, 520) // the last eight are asked for once the others are there
		let := make(chan struct{})
		u.fast.set(func(context.Context, bool) error { <-let; return nil })
		var ids []string
		for i := range 520 {
			ids = append(ids, strconv.Itoa(i))
		}
		ids = append(ids, "")
		var all sync.WaitGroup
		all.Go(func() {
			_, err := s.GetMany(ctx, ids)
			u.fails(err, store.InvalidKey)
		})
		synctest.Wait()
		all.Go(func() { reads(u, s, "519") })
		synctest.Wait()
		close(let)
		all.Wait()
	})
}

// TestFullDisk holds that a fallback without room, or that may not be written to, is still
// read, by its code told from one that fails, and written to once that is over.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	b, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	disk := storetest.NewFaulty(b)
	fast, _ := inMemory(t)
	fallback, _ := over(t, disk)
	u := &tiers{t: t, fast: &probe{Tier: fast}, fallback: &probe{Tier: fallback}}
	s, heard := serve(u, 1, time.Hour, false)
	u.done(s.Add(ctx, person{ID: "ada", Integer: number(1)}))
	disk.FailAt(0, storetest.Full)
	for range 2 {
		u.fails(s.Add(ctx, person{ID: "bo", Integer: number(1)}), store.Quota)
		u.fails(s.Delete(ctx, "ada"), store.Quota)
		reads(u, s, "ada")
	}
	disk.Heal()
	u.fallback.set(func(_ context.Context, write bool) error {
		if write {
			return &store.Error{Code: store.Denied, Op: "probe"}
		}
		return nil
	})
	for range 2 {
		u.fails(s.Delete(ctx, "ada"), store.Denied)
		reads(u, s, "ada")
	}
	u.fallback.set(nil)
	u.done(s.Delete(ctx, "ada"))
	if _, err := s.GetOne(ctx, "ada"); store.CodeOf(err) != store.NotFound || heard.warnings() > 0 {
		t.Errorf("%v, %d warnings", err, heard.warnings())
	}
}

func TestShutdown(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx := context.Background()
		s := cached(u, repository.Cache{Entries: 9}, 2)
		reads(u, s, "0")
		u.fast.set(hangs)
		var all sync.WaitGroup
		all.Go(func() { reads(u, s, "1") })
		synctest.Wait()
		brief, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		u.fails(s.Shutdown(brief), store.Aborted)
		for range 2 {
			u.done(s.Shutdown(ctx))
		}
		all.Wait()
		_, err := s.GetOne(ctx, "0")
		u.fails(err, store.Closed)
		_, err = s.GetMany(ctx, []string{"0"})
		u.fails(err, store.Closed)
		_, err = s.Exists(ctx, "0")
		u.fails(err, store.Closed)
		u.fails(s.Add(ctx, person{ID: "0"}), store.Closed)
		u.fails(s.Delete(ctx, "0"), store.Closed)
	})
}
