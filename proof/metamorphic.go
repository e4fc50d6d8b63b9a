package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// optionSets is under how many options a history is run. Tests of this program make
// do with fewer.
var optionSets = 96

// metamorphic runs one history under many option sets, on every backend: all
// that the operations give must be equal to the byte. It counts option sets.
func metamorphic(seed uint64) (int64, error) {
	random := rand.New(rand.NewPCG(seed, 9))
	steps := compose(random, 100, modelShape)
	_, want, err := drawTerrain(random).solo(seed, steps)
	if err != nil {
		return 0, fmt.Errorf("the first run: %w", err)
	}
	sets := make(chan optionSet, optionSets)
	for i := range optionSets {
		sets <- drawOptions(random, i)
	}
	close(sets)
	failures := make(chan error, optionSets)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for set := range sets {
				failures <- set.agrees(seed, steps, want)
			}
		})
	}
	workers.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return int64(optionSets), err
}

// agrees fails where a history gives anything else than it gave before.
func (s optionSet) agrees(seed uint64, steps []step, want uint64) error {
	digest, err := s.run(seed, steps)
	if err == nil && digest != want {
		err = wrong("other results than the first run")
	}
	if err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	return nil
}

// optionSet is all that may be chosen about an environment without changing what
// it gives.
type optionSet struct {
	backend    string
	properties store.Properties // of simulated backends
	options    store.Options
	compress   bool
	encrypt    bool
	scheduled  bool
}

// Real files are slow, so they come once in eight times.
var backends = []string{"memory", "browser", "directory", "browser", "memory", "directory", "browser", "file"}

func drawOptions(random *rand.Rand, i int) optionSet {
	s := optionSet{backend: backends[i%len(backends)], compress: i/len(backends)%2 == 0, encrypt: i/len(backends)%3 == 0, scheduled: random.IntN(2) == 0}
	s.properties = storetest.Browser()
	if s.backend == "directory" {
		s.properties = storetest.Directory()
	}
	s.properties.MaxBlob = []int{20 << 10, 24 << 10, 64<<10 - 1, 256 << 10, 1 << 20}[random.IntN(5)]
	s.options = store.Options{
		PageBytes:    256 << random.IntN(9),
		CacheBytes:   4 << 10 << random.IntN(14),
		OverlayBytes: 1 << 10 << random.IntN(14),
		Durability:   store.Durability(random.IntN(2)),
	}
	if s.compress {
		s.options.Modifiers = append(s.options.Modifiers, compress.S2{})
	}
	if s.encrypt {
		s.options.Modifiers = append(s.options.Modifiers, newRing())
	}
	return s
}

func (s optionSet) String() string {
	return fmt.Sprintf("on %s (blobs up to %d), pages %d, cache %d, overlay %d, durability %d, compressed %v, encrypted %v, scheduled %v", s.backend,
		s.properties.MaxBlob, s.options.PageBytes, s.options.CacheBytes, s.options.OverlayBytes, s.options.Durability, s.compress, s.encrypt, s.scheduled)
}

func (s optionSet) run(seed uint64, steps []step) (digest uint64, err error) {
	var schedule *storetest.Schedule
	if s.scheduled {
		schedule = storetest.NewSchedule(seed)
		s.options.Scheduler = schedule
	}
	connect, remove, err := s.place(schedule)
	if err != nil {
		return 0, err
	}
	defer remove()
	work := &solo{options: s.options, connect: connect}
	if !s.scheduled {
		return work.run(steps)
	}
	stuck := schedule.Run(func() { digest, err = work.run(steps) })
	return digest, errors.Join(stuck, err, schedule.Drain())
}

// place returns how to reach blobs of the set's kind, and how to get rid of them.
func (s optionSet) place(schedule *storetest.Schedule) (connect func() (store.Backend, error), remove func(), err error) {
	switch s.backend {
	case "memory":
		blobs := memory.NewBlobs()
		return func() (store.Backend, error) { return memory.Open(blobs), nil }, func() {}, nil
	case "file":
		dir, err := os.MkdirTemp("", "proof-")
		return func() (store.Backend, error) { return file.Open(dir) }, func() { _ = os.RemoveAll(dir) }, err
	default:
		platform := storetest.NewPlatform(s.properties, schedule)
		return func() (store.Backend, error) { return platform.Connect(), nil }, func() {}, nil
	}
}
