package main

import (
	"context"
	"runtime"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// scheduler lets the engine wait for other operations, start some, and let
// others run, by way of the host that steps them.
type scheduler struct{ bridge *bridge }

var _ store.Scheduler = scheduler{}

// Go makes a task. The host learns of it with the answer to the call at hand.
func (s scheduler) Go(f func(ctx context.Context)) {
	t := s.bridge.start(func(t *task) ([]byte, error) {
		f(t.ctx)
		return nil, nil
	})
	s.bridge.wake(t)
}

// After makes a task that waits for the host's clock first.
func (s scheduler) After(d time.Duration, f func(ctx context.Context)) {
	s.Go(func(ctx context.Context) {
		if _, err := s.bridge.await(wire.Sleep, msgp.AppendInt64(nil, d.Milliseconds())); err == nil {
			f(ctx)
		}
	})
}

// Breathe lets Go's own scheduler run as well: switching between coroutines does not, and a collection
// that finds no turn for its worker may not end for as long as the operation goes on, while the heap grows.
func (s scheduler) Breathe(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	runtime.Gosched()
	if _, err := s.bridge.await(wire.Breathe, nil); err != nil {
		return err
	}
	return ctx.Err()
}

func (s scheduler) NewGate() store.Gate { return &gate{bridge: s.bridge} }

type gate struct {
	bridge  *bridge
	open    bool
	waiting []*task
}

func (g *gate) Open() {
	g.open = true
	for _, t := range g.waiting {
		g.bridge.wake(t)
	}
	g.waiting = nil
}

// Wait returns at once where the gate is open, even if the context has ended.
func (g *gate) Wait(ctx context.Context) error {
	t := g.bridge.current
	for !g.open {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t != nil {
			g.waiting = append(g.waiting, t)
		}
		_, err := g.bridge.await(wire.Wait, nil)
		g.leave(t)
		if err != nil {
			return err
		}
	}
	return nil
}

// leave takes a task off the list of those that wait.
func (g *gate) leave(t *task) {
	for i, waiting := range g.waiting {
		if waiting == t {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
}
