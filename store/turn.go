package store

import (
	"context"
	"sync"
)

// turn lets writers of one environment go one after the other, in the order
// they came. Unlike a mutex it may be held across waits.
type turn struct {
	scheduler Scheduler
	mu        sync.Mutex
	held      bool
	queue     []Gate
}

// take waits for the turn.
func (t *turn) take(ctx context.Context) error {
	t.mu.Lock()
	if !t.held {
		t.held = true
		t.mu.Unlock()
		return nil
	}
	gate := t.scheduler.NewGate()
	t.queue = append(t.queue, gate)
	t.mu.Unlock()
	err := gate.Wait(ctx)
	if err != nil && !t.leave(gate) {
		t.pass() // the turn came while the wait was given up
	}
	if err != nil {
		return fail(Aborted, "wait to write", "", err)
	}
	return nil
}

// leave takes a gate out of the queue; it reports false if it is not in there.
func (t *turn) leave(gate Gate) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, g := range t.queue {
		if g == gate {
			t.queue = append(t.queue[:i], t.queue[i+1:]...)
			return true
		}
	}
	return false
}

// pass gives the turn to the next writer.
func (t *turn) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		t.held = false
		return
	}
	next := t.queue[0]
	t.queue = t.queue[1:]
	next.Open()
}
