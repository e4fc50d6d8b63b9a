package structure

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/stowage-db/stowage/store"
)

// sweptAtOnce is how many records one transaction of a sweep removes: few enough that
// others do not wait for it.
const sweptAtOnce = 512

// Sweep removes what has expired, and what large structures that were deleted have left,
// in many small transactions. It tells how many records it has removed. Without it what
// has expired is not to be seen either; it only takes room.
func (s *Structures) Sweep(ctx context.Context) (removed int, err error) {
	for {
		var n int
		err := s.Update(ctx, func(t *Tx) (err error) {
			n, err = t.sweep()
			return err
		})
		if removed += n; err != nil || n == 0 {
			return removed, err
		}
	}
}

// sweepEvery sweeps until ctx ends. What fails, and is not for ever, the next time does.
func (s *Structures) sweepEvery(ctx context.Context, every time.Duration) {
	defer close(s.ended)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := s.Sweep(ctx); store.CodeOf(err) == store.Closed {
				return
			}
		}
	}
}

// sweep removes one slice, and tells how many records it was.
func (t *Tx) sweep() (n int, err error) {
	for n < sweptAtOnce {
		due, err := t.first(store.KeyRange{Low: []byte{tagExpiry}, High: expiryKey(t.now+1, "")})
		if err != nil || due == nil {
			if err != nil {
				return n, err
			}
			break
		}
		key, at := string(due[9:]), int64(binary.BigEndian.Uint64(due[1:]))
		h, found, err := t.load("sweep", key)
		if err != nil {
			return n, err
		}
		if !found || h.expires != at {
			return n, corrupt("sweep")
		}
		if err := t.bury(key, h); err != nil {
			return n, err
		}
		n += 2 + int(min(h.count, buryAtOnce))
	}
	for n < sweptAtOnce {
		remains, err := t.first(t.db.Prefix([]byte{tagRemains}))
		if err != nil || remains == nil {
			return n, err
		}
		erased, err := t.erase(remains[1:], sweptAtOnce-n)
		if err != nil {
			return n, err
		}
		if erased == 0 {
			erased, err = 1, t.clear(remains)
		}
		if n += erased; err != nil {
			return n, err
		}
	}
	return n, nil
}

// first returns the first stored key of a range, nil where there is none.
func (t *Tx) first(r store.KeyRange) ([]byte, error) {
	found, err := t.keys(r, 1)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}
