package storetest

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stowage-db/stowage/store"
)

// ErrStuck is what a Schedule reports when operations wait and nothing is left
// that could ever let them go on.
var ErrStuck = errors.New("operations wait for ever")

// Schedule is a store.Scheduler that runs operations one at a time and decides
// by its seed which one goes on whenever one has to wait, or may. A run of many
// operations on many environments follows from the seed alone, as long as all of
// it happens within Run and Drain.
//
// A Schedule is used by one goroutine.
type Schedule struct {
	random  *rand.Rand
	ready   []*strand
	current *strand
	waiting int // strands that stand before a gate
	steps   int64
	slept   time.Duration // that nobody had anything to do
	alarms  []alarm       // by their time
}

// alarm is a gate that opens by itself.
type alarm struct {
	at   time.Time
	gate store.Gate
}

var _ store.Scheduler = (*Schedule)(nil)

// strand is one operation as a coroutine.
type strand struct {
	resume func() (struct{}, bool)
	yield  func(struct{}) bool
	done   bool
}

// NewSchedule returns a schedule whose decisions follow from seed.
func NewSchedule(seed uint64) *Schedule {
	return &Schedule{random: rand.New(rand.NewPCG(seed, 2))}
}

// Go implements store.Scheduler.
func (s *Schedule) Go(f func(ctx context.Context)) {
	t := &strand{}
	t.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		f(context.Background())
		t.done = true
	})
	s.ready = append(s.ready, t)
}

// After implements store.Scheduler.
func (s *Schedule) After(d time.Duration, f func(ctx context.Context)) {
	s.Go(func(ctx context.Context) {
		due := s.NewGate()
		s.OpenAt(s.Now().Add(d), due)
		if due.Wait(ctx) == nil {
			f(ctx)
		}
	})
}

// Run starts an operation and lets all of them run until it has ended. It fails
// with ErrStuck when it never will.
func (s *Schedule) Run(f func()) error {
	ended := false
	s.Go(func(context.Context) { f(); ended = true })
	for !ended {
		if !s.awaken() {
			return ErrStuck
		}
		s.step()
	}
	return nil
}

// Drain runs operations until none can go on. It fails with ErrStuck when some
// have not ended by then.
func (s *Schedule) Drain() error {
	for s.awaken() {
		s.step()
	}
	if s.waiting > 0 {
		return ErrStuck
	}
	return nil
}

// Now is the schedule's own time, which environments under it go by: each step
// takes some of it, and where all wait for a moment to come, it comes at once.
func (s *Schedule) Now() time.Time {
	return time.Unix(0, 0).Add(s.slept + time.Duration(s.steps)*stepTakes)
}

const stepTakes = 20 * time.Microsecond

// OpenAt opens a gate when it is time.
func (s *Schedule) OpenAt(at time.Time, gate store.Gate) {
	i, _ := slices.BinarySearchFunc(s.alarms, at, func(a alarm, at time.Time) int { return a.at.Compare(at) })
	s.alarms = slices.Insert(s.alarms, i, alarm{at, gate})
}

// awaken opens the gates whose time has come, where nobody can go on the next
// one's, and reports whether anybody can go on then.
func (s *Schedule) awaken() bool {
	for len(s.alarms) > 0 && (len(s.ready) == 0 || !s.alarms[0].at.After(s.Now())) {
		next := s.alarms[0]
		s.alarms = s.alarms[1:]
		s.slept += max(0, next.at.Sub(s.Now()))
		next.gate.Open()
	}
	return len(s.ready) > 0
}

func (s *Schedule) step() {
	i := s.random.IntN(len(s.ready))
	t := s.ready[i]
	last := len(s.ready) - 1
	s.ready[i], s.ready[last] = s.ready[last], nil
	s.ready = s.ready[:last]
	s.steps++
	s.current = t
	t.resume()
	s.current = nil
}

// Pause lets other operations go first, as many as the seed says.
func (s *Schedule) Pause() {
	if s.current == nil || len(s.ready) == 0 {
		s.steps++
		return
	}
	t := s.current
	s.ready = append(s.ready, t)
	t.yield(struct{}{})
}

// Breathe implements store.Scheduler.
func (s *Schedule) Breathe(ctx context.Context) error {
	s.Pause()
	return ctx.Err()
}

// NewGate implements store.Scheduler.
func (s *Schedule) NewGate() store.Gate { return &gate{schedule: s} }

type gate struct {
	schedule *Schedule
	open     bool
	waiting  []*strand
}

// Open lets those that wait go on.
func (g *gate) Open() {
	g.open = true
	g.schedule.ready = append(g.schedule.ready, g.waiting...)
	g.schedule.waiting -= len(g.waiting)
	g.waiting = nil
}

// Wait fails with ErrStuck outside of an operation, where nobody could open the
// gate meanwhile.
func (g *gate) Wait(ctx context.Context) error {
	if g.open {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t := g.schedule.current
	if t == nil {
		return ErrStuck
	}
	g.waiting = append(g.waiting, t)
	g.schedule.waiting++
	t.yield(struct{}{})
	return nil
}
