package store

import (
	"context"
	"time"
)

// Scheduler is what the engine asks of the place it runs in, besides storage:
// to wait for another operation, to start one, and to let others run. On a
// server these are goroutines and channels. In a WASM instance every operation
// is a coroutine that hands such a request to its host and is stepped again
// when it is met, because a goroutine that waited there would stop the page.
//
// The engine never waits with one of its own locks held. A scheduler that has a
// method Now() time.Time is also asked what time it is.
type Scheduler interface {
	// NewGate returns a closed gate.
	NewGate() Gate
	// Go runs f as an operation of its own, soon.
	Go(f func(ctx context.Context))
	// After runs f as an operation of its own, once some time has passed.
	After(d time.Duration, f func(ctx context.Context))
	// Breathe lets others run when it is their turn. It fails when ctx has ended.
	Breathe(ctx context.Context) error
}

// Gate is closed until Open is called, once; then it stays open.
type Gate interface {
	// Wait returns when the gate is open, or with ctx's error.
	Wait(ctx context.Context) error
	Open()
}

// goroutines is the Scheduler of native programs.
type goroutines struct{}

func (goroutines) NewGate() Gate                  { return make(channelGate) }
func (goroutines) Go(f func(ctx context.Context)) { go f(context.Background()) }
func (goroutines) After(d time.Duration, f func(ctx context.Context)) {
	time.AfterFunc(d, func() { f(context.Background()) })
}
func (goroutines) Breathe(ctx context.Context) error { return ctx.Err() }

type channelGate chan struct{}

func (g channelGate) Open() { close(g) }

func (g channelGate) Wait(ctx context.Context) error {
	select {
	case <-g:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
