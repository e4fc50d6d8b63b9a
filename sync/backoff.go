package sync

import (
	"context"
	"math/rand/v2"
	"time"
)

// Retry says how long to wait before something is tried again. The zero value is
// usable.
type Retry struct {
	Base time.Duration // the first wait is at most this, each that follows twice as long; 1 s
	Most time.Duration // none is longer; 32 s
	Rest time.Duration // that an origin is left alone which failed five times in a row; 30 s
}

func (r *Retry) fill() {
	if r.Base <= 0 {
		r.Base = time.Second
	}
	if r.Most <= 0 {
		r.Most = 32 * time.Second
	}
	if r.Rest <= 0 {
		r.Rest = 30 * time.Second
	}
}

// longestFloor bounds how long an origin may ask for.
const longestFloor = time.Hour

// backoff waits for a random time below a limit that doubles with each failure ("full
// jitter"), so that many who failed together do not come back together. What the origin
// asks for is a floor.
type backoff struct {
	Retry
	failures int
}

func (b *backoff) succeeded() { b.failures = 0 }

// failed returns how long to wait now, after one more failure.
func (b *backoff) failed(floor time.Duration) time.Duration {
	limit := b.Most
	if doubled := b.Base << min(b.failures, 30); doubled > 0 {
		limit = min(limit, doubled)
	}
	b.failures++
	return min(floor, longestFloor) + rand.N(limit)
}

// pause waits for a while, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
