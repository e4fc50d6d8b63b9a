package repository

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/stowage-db/stowage/store"
)

// Breaker says when a service stops calling a tier that fails. The zero value is usable.
type Breaker struct {
	// Failures is how many calls in a row must fail; 5 if zero. With 1 the first does.
	Failures int
	// Recovery is how long the tier is then not called; 30 s if zero. After it one call
	// is let through: if that succeeds all are, if it fails none for as long again.
	Recovery time.Duration
	// Counts tells whether an error is a failure of the tier. If nil all are but those
	// that say that the call was wrong. That something was not found is no error of a tier,
	// and that the caller has given up never counts, nor do Quota and Denied of writes: a
	// tier without room, or that may not be written to, can be read.
	Counts func(error) bool
}

// State is that of a breaker.
type State string

// The states.
const (
	Closed   State = "closed"    // the tier is called
	Open     State = "open"      // it is not
	HalfOpen State = "half-open" // one call is let through
)

var states = map[gobreaker.State]State{gobreaker.StateClosed: Closed, gobreaker.StateOpen: Open, gobreaker.StateHalfOpen: HalfOpen}

// guard is a tier behind a breaker. What fails there fails with Unavailable, and with
// the context's own error where there was no answer in time.
type guard struct {
	Tier
	name    TierName
	counts  func(error) bool
	circuit *gobreaker.CircuitBreaker[[]Reply]
	tell    func(Event)

	failed error // the last failure; guarded by the breaker's lock

	mu      sync.Mutex
	changes []stateChange // that are still to be told of

	telling sync.Mutex // held by who tells
}

// stateChange is a new state, and what may have caused it.
type stateChange struct {
	to  State
	err error
}

func newGuard(t Tier, name TierName, b Breaker, tell func(Event)) (*guard, error) {
	if b.Failures < 0 || b.Recovery < 0 {
		return nil, fail(store.InvalidOption, "repository: breaker", nil)
	}
	if b.Failures == 0 {
		b.Failures = 5
	}
	if b.Recovery == 0 {
		b.Recovery = 30 * time.Second
	}
	if b.Counts == nil {
		b.Counts = func(err error) bool { return !refused(err) }
	}
	g := &guard{Tier: t, name: name, tell: tell}
	g.counts = func(err error) bool { return !errors.As(err, new(unwritable)) && b.Counts(err) }
	g.circuit = gobreaker.NewCircuitBreaker[[]Reply](gobreaker.Settings{
		Timeout:     b.Recovery,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= b.Failures },
		IsExcluded:  func(err error) bool { return errors.As(err, new(given)) },
		IsSuccessful: func(err error) bool { // the breaker's lock is held until the state has changed
			if err == nil || !g.counts(err) {
				return true
			}
			g.failed = err
			return false
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.changes = append(g.changes, stateChange{states[to], g.failed})
		},
	})
	return g, nil
}

// given is the error of a call that its caller has given up.
type given struct{ error }

func (g given) Unwrap() error { return g.error }

// unwritable is the error of a write to a tier that may be read all the same.
type unwritable struct{ error }

func (u unwritable) Unwrap() error { return u.error }

// errTimeout is why the context of a call of a tier has ended, unless its caller's has.
var errTimeout = errors.New("the tier did not answer in time")

// Read implements Tier.
func (g *guard) Read(ctx context.Context, reads ...Read) ([]Reply, error) {
	return g.call(ctx, func() ([]Reply, error) { return g.Tier.Read(ctx, reads...) })
}

// Write implements Tier.
func (g *guard) Write(ctx context.Context, writes ...Write) error {
	_, err := g.call(ctx, func() ([]Reply, error) {
		err := g.Tier.Write(ctx, writes...)
		if code := store.CodeOf(err); code == store.Quota || code == store.Denied {
			err = unwritable{err}
		}
		return nil, err
	})
	return err
}

func (g *guard) call(ctx context.Context, call func() ([]Reply, error)) ([]Reply, error) {
	replies, err := g.circuit.Execute(func() ([]Reply, error) {
		replies, err := call()
		if err != nil && ctx.Err() != nil && context.Cause(ctx) != errTimeout {
			err = given{err}
		}
		return replies, err
	})
	g.tellChanges()
	switch {
	case err == nil:
		return replies, nil
	case notAsked(err), g.counts(err) && !timedOut(err):
		return nil, &store.Error{Code: store.Unavailable, Op: "tier", Name: string(g.name), Err: err}
	}
	return nil, err
}

// tellChanges tells of changes of the state, one after the other: who finds somebody at
// that leaves it to them.
func (g *guard) tellChanges() {
	for g.untold() && g.telling.TryLock() {
		g.tellAll()
	}
}

func (g *guard) untold() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.changes) > 0
}

// tellAll tells of what there is, and gives g.telling back.
func (g *guard) tellAll() {
	defer g.telling.Unlock()
	for {
		g.mu.Lock()
		if len(g.changes) == 0 {
			g.mu.Unlock()
			return
		}
		c := g.changes[0]
		g.changes = g.changes[1:]
		g.mu.Unlock()
		g.tell(Event{Kind: StateChanged, Tier: g.name, State: c.to})
		if c.to == Open {
			g.tell(Event{Kind: Warning, Tier: g.name, Err: c.err})
		}
	}
}

// timedOut tells whether a tier did not answer in time.
func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || store.CodeOf(err) == store.Timeout
}

// notAsked tells whether a breaker has let a call not through.
func notAsked(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}
