package storetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

func TestPlatformConforms(t *testing.T) {
	for name, properties := range map[string]store.Properties{"browser": storetest.Browser(), "directory": storetest.Directory()} {
		t.Run(name, func(t *testing.T) {
			platforms := map[store.Backend]*storetest.Platform{}
			connect := func(p *storetest.Platform) store.Backend {
				b := p.Connect()
				platforms[b] = p
				return b
			}
			storetest.Suite{
				New:    func(*testing.T) store.Backend { return connect(storetest.NewPlatform(properties, nil)) },
				Reopen: func(_ *testing.T, closed store.Backend) store.Backend { return connect(platforms[closed]) },
			}.Run(t)
		})
	}
}

// TestImages looks at what crashes leave: a relaxed commit may be lost to a
// power cut, a batch is torn only where batches are not atomic.
func TestImages(t *testing.T) {
	batch := func(durability store.Durability, names ...string) *store.Batch {
		b := &store.Batch{Durability: durability}
		for _, name := range names {
			b.Put = append(b.Put, store.Blob{Name: name, Bytes: []byte(name)})
		}
		return b
	}
	for _, test := range []struct {
		properties store.Properties
		images     []int // the number of blobs in each
		durable    []int // after each of the batches
	}{
		{storetest.Browser(), []int{0, 2, 3, 4}, []int{0, 2, 2}},
		{storetest.Directory(), []int{0, 1, 2, 3, 4}, []int{2, 3, 4}},
	} {
		p := storetest.NewPlatform(test.properties, nil)
		var durable []int
		for _, b := range []*store.Batch{batch(store.Relaxed, "a", "b"), batch(store.Strict, "c"), batch(store.Relaxed, "d")} {
			if err := p.Connect().Commit(context.Background(), b); err != nil {
				t.Fatal(err)
			}
			durable = append(durable, p.Durable())
		}
		var images []int
		p.Images(func(n int, blobs map[string][]byte) bool {
			images = append(images, len(blobs))
			if image := p.Image(n, nil).Blobs(); len(image) != len(blobs) {
				t.Errorf("image %d holds %d blobs, want %d", n, len(image), len(blobs))
			}
			return true
		})
		if !slices.Equal(images, test.images) || !slices.Equal(durable, test.durable) {
			t.Errorf("images %v, durable %v; want %v, %v", images, durable, test.images, test.durable)
		}
	}
}

// TestScheduleFollowsFromItsSeed runs the same operations twice under each of
// some seeds: the order is the same for one seed, and not for all.
func TestScheduleFollowsFromItsSeed(t *testing.T) {
	run := func(seed uint64) (order []int) {
		s := storetest.NewSchedule(seed)
		gate := s.NewGate()
		for n := range 8 {
			s.Go(func(ctx context.Context) {
				if n == 3 {
					gate.Open()
				}
				if err := gate.Wait(ctx); err != nil {
					t.Error(err)
				}
				order = append(order, n)
				s.Pause()
				order = append(order, n)
			})
		}
		if err := s.Drain(); err != nil {
			t.Fatal(err)
		}
		return order
	}
	different := false
	for seed := range uint64(8) {
		first := run(seed)
		if again := run(seed); len(first) != 16 || !slices.Equal(first, again) {
			t.Fatalf("seed %d gave %v, then %v", seed, first, again)
		}
		different = different || !slices.Equal(first, run(seed+1))
	}
	if !different {
		t.Error("no two seeds gave different orders")
	}
}

func TestScheduleFindsOperationsThatWaitForEver(t *testing.T) {
	s := storetest.NewSchedule(1)
	gate := s.NewGate()
	if err := s.Run(func() { _ = gate.Wait(context.Background()) }); !errors.Is(err, storetest.ErrStuck) {
		t.Errorf("an operation that waits for ever: %v", err)
	}
	if err := s.Drain(); !errors.Is(err, storetest.ErrStuck) {
		t.Errorf("draining it: %v", err)
	}
	gate.Open()
	if err := s.Drain(); err != nil {
		t.Errorf("once its gate is open: %v", err)
	}
}
