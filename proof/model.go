package main

import (
	"errors"
	"math/rand/v2"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// modelShape has databases of some thousand keys, so that trees grow deep and
// runs stack up.
var modelShape = shape{keys: 4000, operations: 150, large: 3, largest: 150 << 10}

// model runs one long history and compares every answer with plain contents. It
// counts operations.
func model(seed uint64) (int64, error) {
	random := rand.New(rand.NewPCG(seed, 8))
	t := drawTerrain(random)
	steps := compose(random, 300, modelShape)
	done, _, err := t.solo(seed, steps)
	if err == nil {
		return done, nil
	}
	steps, err = reduce(steps, err, func(steps []step) error {
		_, _, err := t.solo(seed, steps)
		return err
	})
	return done, history(steps, err)
}

// solo runs a history on a platform, under a schedule that says when checkpoints
// in the background go on.
func (t terrain) solo(seed uint64, steps []step) (done int64, digest uint64, err error) {
	schedule := storetest.NewSchedule(seed)
	platform := storetest.NewPlatform(t.properties, schedule)
	s := &solo{options: t.options, connect: func() (store.Backend, error) { return platform.Connect(), nil }}
	s.options.Scheduler = schedule
	s.options.Random = rand.NewPCG(seed, 7).Uint64
	stuck := schedule.Run(func() { digest, err = s.run(steps) })
	return s.done, digest, errors.Join(stuck, err, schedule.Drain())
}
