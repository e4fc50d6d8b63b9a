package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// survivors runs two or three contexts on one platform, and at each call that any
// of them makes kills the one that makes it: before the call has an effect, or
// after. The others go on and must hold all that was acknowledged, by the
// dead one too, and agree; nothing of them may wait for ever. Then it enumerates
// every moment at which all of them can be cut off at once. It counts deaths.
func survivors(seed uint64) (deaths int64, err error) {
	random := rand.New(rand.NewPCG(seed, 14))
	t := drawTerrain(random)
	t.properties.Atomic, t.properties.PrefixDurable = true, true // as where there are contexts
	contexts := 2 + random.IntN(2)
	steps := compose(random, 8+random.IntN(12), crashShape)

	whole := t.crowd(seed, contexts)
	if err := whole.run(steps); err != nil {
		return 0, fmt.Errorf("while nobody dies: %w", err)
	}
	for at := range whole.platform.Calls() {
		for _, after := range []bool{false, true} {
			deaths++
			c := t.crowd(seed, contexts)
			c.platform.KillAt(at, after)
			if err := c.run(steps); err != nil {
				return deaths, fmt.Errorf("death at call %d, after it %v: %w", at, after, err)
			}
		}
	}
	n, err := t.cutOff(seed, whole)
	return deaths + n, err
}

// cutOff opens what every end of all contexts at once would have left.
func (t terrain) cutOff(seed uint64, c *crowd) (deaths int64, err error) {
	c.platform.Images(func(n int, blobs map[string][]byte) bool {
		deaths++
		after := t.flow(seed+uint64(n)+1, c.lineage.fork())
		after.platform = storetest.Restore(t.properties, after.schedule, blobs)
		if err = after.survives(c.lineage, n, nil); err != nil {
			err = fmt.Errorf("all cut off after change %d of %d: %w", n, c.platform.Changes(), err)
		}
		return err == nil
	})
	return deaths, err
}

// crowd is several contexts on a platform, each with an environment.
type crowd struct {
	terrain  terrain
	seed     uint64
	lineage  *lineage
	schedule *storetest.Schedule
	platform *storetest.Platform
	members  []*inmate
	failure  error // the first that no death excuses
}

// inmate is one of a crowd.
type inmate struct {
	place *storetest.Context
	env   *store.Env // nil where opening did not come to an end
}

func (t terrain) crowd(seed uint64, contexts int) *crowd {
	c := &crowd{terrain: t, seed: seed, lineage: newLineage(), schedule: storetest.NewSchedule(seed)}
	c.platform = storetest.NewPlatform(t.properties, c.schedule)
	for range contexts {
		c.members = append(c.members, &inmate{place: c.platform.Share()})
	}
	return c
}

// run deals the steps out to the contexts, two writers to the first, and holds what is left
// against what was acknowledged.
func (c *crowd) run(steps []step) error {
	options := c.terrain.options
	options.Scheduler = c.schedule
	options.Random = rand.NewPCG(c.seed, 7).Uint64
	for _, m := range c.members {
		c.schedule.Go(func(ctx context.Context) {
			env, err := openEnv(ctx, m.place, options)
			if c.report(m, step{kind: reopen}, err); err == nil {
				m.env = env
			}
		})
	}
	if err := errors.Join(c.schedule.Drain(), c.failure); err != nil {
		return err
	}
	writers := len(c.members) + 1
	for w := range writers {
		c.schedule.Go(func(context.Context) { c.work(c.members[w%len(c.members)], steps, w, writers) })
	}
	if err := errors.Join(c.schedule.Drain(), c.failure); err != nil {
		return err
	}
	if err := errors.Join(c.schedule.Run(func() { c.failure = c.conclude() }), c.schedule.Drain()); err != nil || c.failure != nil {
		return errors.Join(err, c.failure)
	}
	again := c.terrain.flow(c.seed+1, c.lineage.fork())
	again.platform = storetest.Restore(c.terrain.properties, again.schedule, c.platform.Blobs())
	return again.survives(c.lineage, c.platform.Changes(), nil)
}

func (c *crowd) report(m *inmate, s step, err error) {
	if err != nil && !m.place.Dead() && c.failure == nil {
		c.failure = fmt.Errorf("%v: %w", s, err)
	}
}

func (c *crowd) work(m *inmate, steps []step, first, every int) {
	for i := first; i < len(steps) && c.failure == nil && !m.place.Dead(); i += every {
		c.report(m, steps[i], c.do(m, &steps[i]))
	}
}

func (c *crowd) do(m *inmate, s *step) error {
	var number int
	var err error
	switch s.kind {
	case update:
		number, err = c.lineage.update(m.env, s)
	case optimistic:
		number, err = c.lineage.optimistic(m.env, s)
	case view:
		_, err := c.look(m)
		return err
	case rotate:
		return rotateKeys(m.env)
	default:
		return m.env.Checkpoint(context.Background())
	}
	if s.giveUp && err == errGivenUp {
		return nil
	}
	if err == nil {
		c.lineage.acks = append(c.lineage.acks, ack{number, s.strict, c.platform.Changes(), c.platform.Durable()})
	}
	return err
}

// look asks for the latest state and compares all of it, and that what anybody was
// told is committed before is in it.
func (c *crowd) look(m *inmate) (number int, err error) {
	if m.env == nil {
		return 0, storetest.ErrFault
	}
	acknowledged := c.lineage.acks[:len(c.lineage.acks)]
	if err := m.env.Sync(context.Background()); err != nil {
		return 0, err
	}
	err = m.env.View(context.Background(), func(tx *store.Tx) error {
		if number, err = c.lineage.verify(tx, false); err != nil {
			return err
		}
		for _, a := range acknowledged {
			if !c.lineage.includes(number, a.number) {
				return wrong("a reader sees %d and misses %d, committed before", number, a.number)
			}
		}
		return nil
	})
	return number, err
}

// conclude has every survivor look, fold and close; the call that kills may come
// as late as that.
func (c *crowd) conclude() error {
	var seen []int
	for _, m := range c.members {
		number, err := c.look(m)
		if err == nil {
			err = m.env.Checkpoint(context.Background())
		}
		if err == nil {
			err = clean(m.env, -1)
		}
		if m.place.Dead() {
			continue
		}
		if err != nil {
			return err
		}
		seen = append(seen, number)
	}
	for _, number := range seen {
		if number != seen[0] {
			return wrong("one survivor sees %d, another one %d", seen[0], number)
		}
	}
	for _, m := range c.members {
		if m.env == nil {
			continue
		}
		if err := m.env.Close(context.Background()); err != nil && !m.place.Dead() {
			return err
		}
	}
	return nil
}
