package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// flow is one environment on a platform with several writers at work, all of it
// following from a seed.
type flow struct {
	lineage  *lineage
	schedule *storetest.Schedule
	platform *storetest.Platform
	options  store.Options
	faulty   *storetest.Faulty // nil where nothing is to fail
	env      *store.Env
	failure  error // the first that nothing excuses
}

func (f *flow) report(s step, err error) {
	if err != nil && f.failure == nil && !f.excused(s, err) {
		f.failure = fmt.Errorf("%v: %w", s, err)
	}
}

// open opens the environment, on the connection that may fail or a new one.
func (f *flow) open() (err error) {
	var backend store.Backend = f.platform.Connect()
	if f.faulty != nil {
		backend = f.faulty
	}
	f.options.Scheduler = f.schedule
	f.env, err = openEnv(context.Background(), backend, f.options)
	return err
}

// run deals the steps out to writers and lets them all work to the end. It
// fails where an operation never ends.
func (f *flow) run(steps []step, writers int) error {
	for w := range writers {
		f.schedule.Go(func(context.Context) {
			for i := w; i < len(steps) && f.failure == nil; i += writers {
				f.report(steps[i], f.do(&steps[i]))
			}
		})
	}
	if err := f.schedule.Drain(); err != nil {
		return err
	}
	return f.failure
}

func (f *flow) do(s *step) error {
	switch s.kind {
	case update, optimistic:
		number, err := f.write(s)
		if err == nil {
			f.lineage.acks = append(f.lineage.acks, ack{number, s.strict, f.platform.Changes(), f.platform.Durable()})
		}
		if s.giveUp && err == errGivenUp {
			return nil
		}
		return err
	case view:
		return f.look()
	case rotate:
		return rotateKeys(f.env)
	default:
		return f.env.Checkpoint(context.Background())
	}
}

func (f *flow) write(s *step) (int, error) {
	if s.kind == optimistic {
		return f.lineage.optimistic(f.env, s)
	}
	return f.lineage.update(f.env, s)
}

// look compares everything, and that what was acknowledged before is in it.
func (f *flow) look() error {
	acknowledged := len(f.lineage.acks)
	return f.env.View(context.Background(), func(tx *store.Tx) error {
		number, err := f.lineage.verify(tx, false)
		if err != nil {
			return err
		}
		for _, a := range f.lineage.acks[:acknowledged] {
			if !f.lineage.includes(number, a.number) {
				return wrong("a reader sees %d and misses %d, committed before", number, a.number)
			}
		}
		return nil
	})
}

// recover opens what is on the platform, compares everything and returns the
// number of the last transaction found.
func (f *flow) recover() (number int, err error) {
	before := f.platform.Changes()
	stuck := f.schedule.Run(func() {
		if err = f.open(); err != nil {
			return
		}
		if f.platform.Changes() != before {
			err = wrong("opening wrote")
			return
		}
		err = f.env.View(context.Background(), func(tx *store.Tx) error {
			number, err = f.lineage.verify(tx, true)
			return err
		})
		if err == nil {
			err = clean(f.env, -1)
		}
	})
	return number, errors.Join(stuck, err)
}

// goOn writes to an environment that has recovered, folds it, and looks whether
// anything is wrong, or more than so many blobs left over.
func (f *flow) goOn(steps []step, orphans int64) error {
	if err := f.run(steps, 2); err != nil {
		return err
	}
	var err error
	stuck := f.schedule.Run(func() {
		for _, work := range []func() error{
			func() error { return f.env.Checkpoint(context.Background()) },
			f.look,
			func() error { return clean(f.env, orphans) },
			func() error { return f.env.Close(context.Background()) },
		} {
			if err == nil {
				err = work()
			}
		}
	})
	return errors.Join(stuck, err)
}

// clean checks an environment. orphans is how many blobs may be left over, −1
// for any number.
func clean(env *store.Env, orphans int64) error {
	report, err := env.Check(context.Background())
	if err != nil {
		return err
	}
	if !report.Clean() {
		return wrong("Check found %q", report.Problems)
	}
	if orphans >= 0 && report.Orphans > orphans {
		return wrong("%d blobs are left over", report.Orphans)
	}
	return nil
}
