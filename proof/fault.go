package main

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// fault fails every call of a run in turn, in every way a call can fail: once,
// before or after it took effect, for ever, for want of space, by not answering,
// and where batches can be torn, halfway. Whoever is affected must be told, with
// the right code; reads go on while a call hangs or space is short; once the
// fault is over the same environment works again, and opened anew it holds all
// that was acknowledged. It counts the faults.
func fault(seed uint64) (faults int64, err error) {
	random := rand.New(rand.NewPCG(seed, 10))
	t := drawTerrain(random)
	steps := compose(random, 16, crashShape)
	modes := []storetest.Mode{storetest.Before, storetest.After, storetest.Dead, storetest.Full, storetest.Hung, storetest.HungAfter}
	if !t.properties.Atomic {
		modes = append(modes, storetest.Torn)
	}
	for _, mode := range modes {
		for at, happened := 0, true; happened; at++ {
			happened, err = t.fails(seed, steps, at, mode)
			if err != nil {
				steps, err = reduce(steps, err, func(steps []step) error {
					_, err := t.fails(seed, steps, at, mode)
					return err
				})
				return faults, fmt.Errorf("%v at call %d: %w", mode, at, history(steps, err))
			}
			faults++
		}
	}
	return faults, nil
}

// fails makes one call fail. It reports whether there was such a call.
func (t terrain) fails(seed uint64, steps []step, at int, mode storetest.Mode) (happened bool, err error) {
	f := t.flow(seed, newLineage())
	f.faulty = storetest.NewFaulty(f.platform.Connect())
	f.faulty.HangAt(at, mode, f.schedule.NewGate())
	if err := f.strain(steps, mode); err != nil {
		return true, err
	}
	happened = f.faulty.Failed()
	f.faulty.Heal()
	if err := f.schedule.Drain(); err != nil {
		return true, fmt.Errorf("after what hung has answered: %w", err)
	}
	if f.failure != nil {
		return true, f.failure
	}
	random := rand.New(rand.NewPCG(seed, 11))
	if f.env != nil {
		f.faulty = nil
		// What a write that failed has left behind is found by the next opening.
		if err := f.goOn(compose(random, 3, crashShape), -1); err != nil {
			return true, fmt.Errorf("once the fault is over: %w", err)
		}
	}
	again := t.flow(seed+1, f.lineage.fork())
	again.platform = storetest.Restore(t.properties, again.schedule, f.platform.Blobs())
	if err := again.survives(f.lineage, f.platform.Changes(), compose(random, 3, crashShape)); err != nil {
		return true, fmt.Errorf("opened again: %w", err)
	}
	return happened, nil
}

// strain opens an environment and works on it until the fault has shown, and
// looks whether what it leaves untouched goes on.
func (f *flow) strain(steps []step, mode storetest.Mode) error {
	err := f.schedule.Run(func() {
		if err := f.open(); err != nil {
			f.env = nil
			f.report(step{kind: reopen}, err)
		}
	})
	if err == nil && f.failure == nil && f.env != nil {
		err = f.run(steps, 2)
	}
	hangs := mode == storetest.Hung || mode == storetest.HungAfter
	if hangs && f.faulty.Failed() && errors.Is(err, storetest.ErrStuck) {
		err = nil
	}
	if err != nil || f.failure != nil {
		return errors.Join(err, f.failure)
	}
	if f.env == nil || mode == storetest.Dead || !f.faulty.Failed() {
		return nil
	}
	var looked error
	if err := f.schedule.Run(func() { looked = f.look() }); err != nil {
		return fmt.Errorf("reading meanwhile: %w", err)
	}
	if looked != nil && !f.excused(step{kind: view}, looked) {
		return fmt.Errorf("reading meanwhile: %w", looked)
	}
	return nil
}

// excused reports whether a fault made on purpose explains what a step failed
// with, and the error says so. What is validated may lose to a commit that hangs
// for as long as that hangs, and a checkpoint or rotation to the reload that a failed commit
// calls for.
func (f *flow) excused(s step, err error) bool {
	var untrue wrongAnswer
	if errors.As(err, &untrue) || f.faulty == nil || !f.faulty.Failed() {
		return false
	}
	switch store.CodeOf(err) {
	case store.BackendFailed, store.Quota:
		return errors.Is(err, storetest.ErrFault)
	case store.Conflict:
		return s.kind == optimistic || s.kind == checkpoint || s.kind == rotate
	}
	return false
}
