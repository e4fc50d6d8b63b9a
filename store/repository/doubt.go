package repository

import (
	"sync"
	"sync/atomic"
	"time"
)

// doubts are the keys of which the fast tier may have something old, because it failed
// when it was to be changed. They are not read there before they were removed there, or
// have expired.
type doubts struct {
	expire time.Duration // after which nothing of them is left in the fast tier; 0 is never
	any    atomic.Bool

	mu    sync.Mutex
	last  uint64
	byKey map[string]doubt
	swept int // how many were left when it was last looked which have expired
}

type doubt struct {
	number uint64 // no other has it
	since  time.Time
}

// raise doubts keys.
func (d *doubts) raise(keys ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byKey == nil {
		d.byKey = make(map[string]doubt)
	}
	now := time.Now()
	for _, key := range keys {
		d.last++
		d.byKey[key] = doubt{d.last, now}
	}
	d.any.Store(true)
	if d.expire > 0 && len(d.byKey) > 2*d.swept+1024 {
		for key, doubt := range d.byKey {
			if now.Sub(doubt.since) > d.expire {
				delete(d.byKey, key)
			}
		}
		d.swept = len(d.byKey)
	}
}

// among returns the doubts of those of the keys that are in doubt.
func (d *doubts) among(keys []string) map[string]doubt {
	if !d.any.Load() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	found := make(map[string]doubt)
	for _, key := range keys {
		if doubt, doubted := d.byKey[key]; doubted {
			found[key] = doubt
		}
	}
	return found
}

// settle ends doubts, but not those that were raised anew.
func (d *doubts) settle(settled map[string]doubt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, doubt := range settled {
		if d.byKey[key] == doubt {
			delete(d.byKey, key)
		}
	}
	d.any.Store(len(d.byKey) > 0)
}
