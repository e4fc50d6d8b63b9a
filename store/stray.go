//go:build !page

package store

import (
	"context"
	"slices"
)

// noteStrays has the next snapshot retire the pages that nobody needs and nobody has retired: those of a
// context that ended while it was publishing, and those of a snapshot that another one, begun
// from the same, took the place of. They are looked for once a day: that takes a list of all pages and reads all branches.
//
// What another context is publishing right now looks like a stray too. That does no harm: strays are deleted a day
// later, by those who are on snapshots that retire them. That other one's, begun before, does not; and
// whoever compacts goes over to it, if it came last, before it deletes anything.
func (e *Env) noteStrays(ctx context.Context) error {
	r := e.replica()
	now := hybridOf(e.now())
	if r.base == nil || r.base.looked.until(now) < grace {
		return nil
	}
	names, err := r.shared.List(ctx, pagePrefix)
	if err != nil {
		return backendError("compact", err)
	}
	needed, err := e.reachable(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.held {
		needed[name] = true
	}
	for _, name := range r.retired {
		needed[name] = true
	}
	for _, left := range r.base.retired {
		for _, name := range left.names {
			needed[name] = true
		}
	}
	strays := slices.DeleteFunc(names, func(name string) bool { return needed[name] })
	r.retired = append(r.retired, strays...)
	r.base.looked, r.base.changed = now, true
	return nil
}
