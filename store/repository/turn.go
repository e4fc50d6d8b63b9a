package repository

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// turns has those who write to a key take turns, and tells those who read it from the
// fallback whether somebody has written to it meanwhile.
type turns struct {
	mu    sync.Mutex
	byKey map[string]*turn // those that somebody has joined
}

// turn is that of one key.
type turn struct {
	key     string
	joined  int           // by how many; guarded by turns.mu
	changes atomic.Uint64 // adds and deletes that ended since the first joined
	held    chan struct{} // has one element while somebody writes
}

func (t *turns) join(key string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey == nil {
		t.byKey = make(map[string]*turn)
	}
	u := t.byKey[key]
	if u == nil {
		u = &turn{key: key, held: make(chan struct{}, 1)}
		t.byKey[key] = u
	}
	u.joined++
	return u
}

func (t *turns) leave(u *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.joined--; u.joined == 0 {
		delete(t.byKey, u.key)
	}
}

// take waits until it is the caller's turn to write to each of the keys. They are given
// back by the function it returns.
func (t *turns) take(ctx context.Context, keys []string) (give func(), err error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys))) // in one order, so that nobody waits in a circle
	var taken []*turn
	give = func() {
		for _, u := range taken {
			u.changes.Add(1)
			<-u.held
			t.leave(u)
		}
	}
	for _, key := range keys {
		u := t.join(key)
		select {
		case u.held <- struct{}{}:
			taken = append(taken, u)
		case <-ctx.Done():
			t.leave(u)
			give()
			return nil, ctx.Err()
		}
	}
	return give, nil
}

// ticket is had by who reads a key from the fallback, to put what it finds into the
// fast tier.
type ticket struct {
	*turn
	changes uint64 // of the turn when the ticket was drawn
}

// draw returns a ticket, to be given to leave.
func (t *turns) draw(key string) ticket {
	u := t.join(key)
	return ticket{u, u.changes.Load()}
}

// hold tells whether the key has not been written to since the ticket was drawn and
// nobody is about to. Nobody else writes to it then until release.
func (t ticket) hold() bool {
	select {
	case t.held <- struct{}{}:
	default:
		return false
	}
	if t.turn.changes.Load() != t.changes {
		t.release()
		return false
	}
	return true
}

func (t ticket) release() { <-t.held }
