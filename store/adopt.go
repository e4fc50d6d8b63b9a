//go:build !page

package store

import (
	"context"
	"math"
)

// adopt goes over to the snapshot that the hint tells of, where that is a later one
// than this environment is on. Whoever compacts does, so that no snapshot is long
// without what another one left over; and who only reads need not keep all that has
// come since.
//
// The other state is put together aside, until it contains all that this one does.
// Then one takes the place of the other, and nobody sees less than before.
func (e *Env) adopt(ctx context.Context) error {
	r := e.replica()
	p, err := r.later(ctx)
	if err != nil || p == nil {
		return err
	}
	aside, err := e.aside(ctx, p)
	if err == nil {
		err = aside.learn(ctx)
	}
	if err != nil {
		return err
	}
	if err := e.turn.take(ctx); err != nil {
		return err
	}
	defer e.turn.pass()
	own, err := e.drainLog(ctx)
	if err != nil {
		return err
	}
	missing, err := aside.fetch(ctx, r.recent())
	if err == nil && len(missing) == 0 {
		aside.rest(ctx)
		e.take(aside.replica())
		err = e.reloadAs(ctx, true)
	}
	e.mu.Lock()
	e.pass(own, err)
	return err
}

// later returns a snapshot that is later than the one it is on, nil if none is seen: what the hint tells of,
// or this context's own portion, which it may not tell of yet.
func (r *replica) later(ctx context.Context) (*published, error) {
	p, err := r.hint(ctx)
	if err != nil && CodeOf(err) != ClockSkew { // what is held here needs none of those
		return nil, err
	}
	if own := r.portion; own != nil && (p == nil || p.stamp.compare(own.stamp) < 0) {
		p = own
	}
	if p == nil || r.base != nil && p.stamp.compare(r.base.stamp) <= 0 {
		return nil, nil
	}
	return p, nil
}

// aside is an environment of its own on a snapshot, nil for none.
func (e *Env) aside(ctx context.Context, p *published) (*Env, error) {
	o := e.options
	o.CacheBytes, o.OverlayBytes, o.LockAfter, o.OnLost = asideCache, math.MaxInt, 0, nil
	s, err := newSealer(o.Modifiers)
	if err != nil {
		return nil, err
	}
	r := newReplica(e.replica().shared, Info{}, &o)
	r.largest, r.publishing = e.replica().largest, e.replica().publishing
	return r.open(ctx, p, o, s)
}

const asideCache = 1 << 20

// drainLog waits until nothing is staged or being written, and takes the log. The turn
// is held.
func (e *Env) drainLog(ctx context.Context) (*group, error) {
	if err := e.ready(ctx); err != nil {
		return nil, err
	}
	for {
		if err := e.writeStaged(ctx); err != nil {
			return nil, err
		}
		e.mu.Lock()
		if err := e.refuse("sync"); err != nil {
			e.mu.Unlock()
			return nil, err
		}
		if e.flushing == nil && e.staged == nil {
			e.flushing = &group{done: e.scheduler.NewGate()}
			defer e.mu.Unlock()
			return e.flushing, nil
		}
		e.mu.Unlock()
	}
}

// rest ends all that an environment does by itself.
func (e *Env) rest(ctx context.Context) {
	e.mu.Lock()
	e.closing = true
	e.mu.Unlock()
	e.awaitIdle(context.WithoutCancel(ctx))
}

// take has what is held here be what another replica holds.
func (e *Env) take(other *replica) {
	r := e.replica()
	e.mu.Lock()
	defer e.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before, r.held, r.logged = r.held, other.held, other.logged
	r.base, r.known, r.retired = other.base, other.known, other.retired
	r.done, r.folded = other.done, other.folded
	r.since = e.reloads + 1
	r.clock.heard(other.clock.last)
	e.garbage = nil // of the state before
}

// recent are the records that this context knows one by one.
func (r *replica) recent() []mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	marks := make([]mark, 0, len(r.known.recent))
	for m := range r.known.recent {
		marks = append(marks, m)
	}
	return marks
}
