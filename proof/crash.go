package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// terrain is what a run takes place on: a platform's properties and options that
// make much happen out of little.
type terrain struct {
	properties store.Properties
	options    store.Options
}

func drawTerrain(random *rand.Rand) terrain {
	t := terrain{properties: storetest.Browser(), options: storetest.Small()}
	if random.IntN(3) == 0 {
		t.properties = storetest.Directory()
	}
	if random.IntN(2) == 0 {
		t.properties.MaxBlob = 24 << 10
	}
	t.options.Modifiers = drawChain(random)
	t.options.PageBytes = 256 << random.IntN(4)
	t.options.OverlayBytes = 2 << 10 << random.IntN(4)
	t.options.CacheBytes = 8 << 10 << random.IntN(4)
	return t
}

// crashShape keeps an environment small, since it is opened thousands of times.
var crashShape = shape{keys: 150, operations: 14, large: 12, largest: 60 << 10, flow: true}

// crash enumerates every moment at which a run of three writers can be cut off:
// between any two changes of what is stored, whether by the end of the process or
// by a power cut that takes what was not durable with it. What is left must open, must be exactly
// what some transaction left, must hold all that was acknowledged, and must go on
// working.
func crash(seed uint64) (int64, error) {
	random := rand.New(rand.NewPCG(seed, 4))
	t := drawTerrain(random)
	steps := compose(random, 40, crashShape)
	points, err := t.enumerate(seed, steps)
	if err == nil {
		return points, nil
	}
	steps, err = reduce(steps, err, func(steps []step) error {
		_, err := t.enumerate(seed, steps)
		return err
	})
	return points, history(steps, err)
}

func (t terrain) enumerate(seed uint64, steps []step) (points int64, err error) {
	f := t.flow(seed, newLineage())
	if err := f.start(steps, 3); err != nil {
		return 0, err
	}
	random := rand.New(rand.NewPCG(seed, 5))
	f.platform.Images(func(n int, blobs map[string][]byte) bool {
		points++
		after := t.flow(seed+uint64(n)+1, f.lineage.fork())
		after.platform = storetest.Restore(t.properties, after.schedule, blobs)
		err = after.survives(f.lineage, n, compose(random, 1+random.IntN(4), crashShape))
		if err != nil {
			err = fmt.Errorf("crash after change %d of %d: %w", n, f.platform.Changes(), err)
		}
		return err == nil
	})
	return points, err
}

// survives recovers from a crash that left the first n changes, and goes on.
func (f *flow) survives(before *lineage, n int, steps []step) error {
	number, err := f.recover()
	if err != nil {
		return err
	}
	if err := before.lost(number, n); err != nil {
		return err
	}
	return f.goOn(steps, 0)
}

// fork returns a lineage that goes on from this one, without its acknowledgements.
func (l *lineage) fork() *lineage {
	return &lineage{moments: l.moments[:len(l.moments):len(l.moments)]}
}

// flow returns an empty platform and what works on it.
func (t terrain) flow(seed uint64, l *lineage) *flow {
	f := &flow{lineage: l, schedule: storetest.NewSchedule(seed), options: t.options}
	f.options.Random = rand.NewPCG(seed, 7).Uint64
	f.platform = storetest.NewPlatform(t.properties, f.schedule)
	return f
}

// start opens the environment and runs steps on it.
func (f *flow) start(steps []step, writers int) error {
	if err := f.schedule.Run(func() { f.failure = f.open() }); err != nil {
		return err
	}
	if f.failure != nil {
		return f.failure
	}
	return f.run(steps, writers)
}

// nested crashes again and again: in recovering from the crash before, in the
// first checkpoint after it, or at work. Nothing may ever be lost over all of it.
func nested(seed uint64) (int64, error) {
	random := rand.New(rand.NewPCG(seed, 6))
	t := drawTerrain(random)
	f := t.flow(seed, newLineage())
	if err := f.start(compose(random, 40, crashShape), 3); err != nil {
		return 0, err
	}
	crashes := int64(0)
	for generation := range 24 {
		changes := f.platform.Changes()
		n := random.IntN(changes + 1)
		if random.IntN(2) == 0 { // soon after opening
			n = min(n, random.IntN(8))
		}
		next := t.flow(random.Uint64(), f.lineage.fork())
		next.platform = f.platform.Image(n, next.schedule)
		crashes++
		number, err := next.recover()
		if err == nil {
			err = f.lineage.lost(number, n)
		}
		if err == nil {
			next.lineage.acks = []ack{{number: number, strict: true}} // it is on the medium
			err = next.run(compose(random, random.IntN(12), crashShape), 1+random.IntN(3))
		}
		if err != nil {
			return crashes, fmt.Errorf("generation %d, crash after change %d of %d: %w", generation, n, changes, err)
		}
		f = next
	}
	return crashes, f.goOn(nil, 0)
}
