//go:build !page

package store

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	// stale is how long publishing a snapshot may take: others may have published
	// later ones, and tidied up after them.
	stale = time.Hour
	// leastBudget is as few blobs as a call makes do with.
	leastBudget = 16
	// forgottenStamps is how many stamps a call forgets at most.
	forgottenStamps = 1 << 14
)

// Compact publishes a snapshot of what is known here, so that others have less to
// read, and deletes what snapshots and time have made needless: not before a day
// has gone, for whoever begins with a snapshot reads on from it. It writes and deletes about
// budget blobs at most and reports whether there is nothing left to do. What one call has done
// stays done: where all that is new takes more than budget, a call publishes a portion of it, and the
// next one, by whatever context, goes on from there. Any context may do so at any time, also several at once.
// Elsewhere than on a Merging backend it is a checkpoint.
func (e *Env) Compact(ctx context.Context, budget int) (done bool, err error) {
	if e.merger == nil {
		return true, e.Checkpoint(ctx)
	}
	return e.merger.compact(ctx, budget)
}

func (r *replica) compact(ctx context.Context, budget int) (done bool, err error) {
	if err := r.turn.take(ctx); err != nil {
		return false, err
	}
	defer r.turn.pass()
	budget = max(budget, leastBudget)
	tidy, err := r.tidy(ctx, &budget)
	if err != nil {
		return false, err
	}
	u, err := r.env.fresh(ctx)
	switch {
	case err != nil:
		return false, err
	case u == nil && len(r.env.trees()) <= maxRuns:
		return tidy, nil
	case u != nil && len(u.pages)+2 <= budget:
		return tidy, r.publish(ctx, u)
	}
	progress, err := r.env.publishPortion(ctx, budget-2)
	return tidy && !progress, err
}

// tidy brings this context up to date and deletes what is needless. It reports whether that was all. Deleting takes
// half of the budget at most, so that what is committed is not kept from those who open.
func (r *replica) tidy(ctx context.Context, budget *int) (tidy bool, err error) {
	e := r.env
	if err := e.adopt(ctx); err != nil {
		return false, err
	}
	if err := e.learn(ctx); err != nil {
		return false, err
	}
	half := (*budget + 1) / 2
	*budget -= half
	tidy, err = e.deleteSuperseded(ctx, &half)
	*budget += half
	if err != nil {
		return false, err
	}
	return tidy, e.noteStrays(ctx)
}

// publishing is a snapshot, and the pages that have to be written before it.
type publishing struct {
	snapshot published
	pages    []Blob
	done     int // of the records that were done, those which it contains
	retired  int // of what this context retires, how much the snapshot says
	began    time.Time
}

// fresh folds what is known, unless the snapshot it is on has all of it: then it returns nil.
func (e *Env) fresh(ctx context.Context) (*publishing, error) {
	r := e.replica()
	if err := e.forgetStamps(ctx, forgottenStamps); err != nil {
		return nil, err
	}
	r.mu.Lock()
	known, done := r.known.clone(), r.done
	news := done > r.folded || r.base == nil || r.base.changed
	r.mu.Unlock()
	if !news {
		return nil, nil
	}
	if err := e.foldNews(ctx); err != nil {
		return nil, err
	}
	return r.snapshot(known, done), nil
}

// snapshot is one of what is folded here and contains what is known, which are so many of the records that
// were done. It is nil where nothing was ever committed.
func (r *replica) snapshot(known knowledge, done int) *publishing {
	now := r.env.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[RootName] == nil {
		return nil
	}
	p := published{stamp: stamp{r.clock.next(), r.id}, root: r.held[RootName], known: known, copied: r.publishing}
	if r.base != nil {
		p.copied = p.copied || r.base.copied
		p.retired, p.swept, p.looked = slices.Clone(r.base.retired), r.base.swept, r.base.looked
	}
	names := slices.Clone(r.retired)
	if bound := p.bound(); bound != "" {
		names = append(names, bound)
	}
	if len(names) > 0 {
		p.retired = append(p.retired, retirement{p.stamp.time, names})
	}
	u := &publishing{snapshot: p, done: done, retired: len(r.retired), began: now}
	for name, bytes := range r.held {
		if isShared(name) {
			u.pages = append(u.pages, Blob{name, bytes})
		}
	}
	return u
}

// foldNews folds what was committed since the snapshot that it is on, if anything was.
func (e *Env) foldNews(ctx context.Context) error {
	e.mu.Lock()
	none := e.committed.folded() && e.tip.folded()
	e.mu.Unlock()
	if none {
		return nil
	}
	if err := e.beginCheckpoint(ctx); err != nil {
		return err
	}
	return e.runCheckpoint(ctx, false, nil)
}

// publish writes the pages, then the snapshot, then the hint to it.
func (r *replica) publish(ctx context.Context, u *publishing) error {
	p := &u.snapshot
	sealed, err := p.seal(ctx, r.env.pages.sealer)
	if err != nil {
		return err
	}
	for _, blobs := range [][]Blob{u.pages, {{p.name(), sealed}}, {{RootName, sealed}}} {
		if r.env.now().Sub(u.began) > stale {
			return fail(Aborted, "compact: it took too long", "", nil)
		}
		if len(blobs) == 0 {
			continue
		}
		if err := r.shared.Commit(ctx, &Batch{Put: blobs}); err != nil {
			return backendError("compact", err)
		}
	}
	r.published(u)
	return nil
}

// published notes that a snapshot is the others' too.
func (r *replica) published(u *publishing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retired = r.retired[u.retired:]
	for _, page := range u.pages {
		if _, held := r.held[page.Name]; !held { // it was left over meanwhile
			r.retired = append(r.retired, page.Name)
		}
		delete(r.held, page.Name)
		r.out[page.Name] = struct{}{}
	}
	r.base, r.folded = &u.snapshot, u.done
}

// deleteSuperseded deletes what nobody reads any more who began less than a day ago, and
// reports whether that was all.
//
// What the snapshot retires, another one may need that was published at about the same time, and
// last: it is the one that is read then. So nothing is deleted as long as the hint tells of another.
func (e *Env) deleteSuperseded(ctx context.Context, budget *int) (all bool, err error) {
	r := e.replica()
	if r.base == nil || r.overwritten() {
		return true, nil
	}
	limit := hybridOf(e.now()).add(-grace)
	for len(r.base.retired) > 0 && r.base.retired[0].time < limit {
		oldest := &r.base.retired[0]
		n := slices.IndexFunc(oldest.names, func(name string) bool { _, ok := boundOf(name); return ok })
		if n < 0 {
			n = len(oldest.names)
		}
		n = min(n, *budget)
		if err := r.delete(ctx, oldest.names[:n], budget); err != nil {
			return false, err
		}
		r.base.changed = true
		if oldest.names = oldest.names[n:]; len(oldest.names) > 0 {
			bound, ok := boundOf(oldest.names[0])
			if !ok {
				return false, nil
			}
			if all, err := e.deleteCovered(ctx, bound, oldest.time, budget); !all {
				return false, err
			}
			r.base.swept, oldest.names = bound, oldest.names[1:]
		}
		if len(oldest.names) == 0 {
			r.base.retired = r.base.retired[1:]
		}
	}
	return true, nil
}

// overwritten reports whether the hint tells of another snapshot than the one that it is on, which is not
// just because it was published a moment ago. That one is published anew then, and what it has retired
// so far stays for another day.
func (r *replica) overwritten() bool {
	now := hybridOf(r.env.now())
	if r.hinted == r.base.stamp || r.base.stamp.time.until(now) < settling {
		return false
	}
	for i := range r.base.retired {
		r.base.retired[i].time = now
	}
	r.base.changed = true
	return true
}

// deleteCovered deletes records from before bound and snapshots from before a time, and reports whether
// that was all.
func (e *Env) deleteCovered(ctx context.Context, bound, published hybrid, budget *int) (all bool, err error) {
	r := e.replica()
	for _, prefix := range append(buckets(r.base.swept, bound), publishedPrefix) {
		limit := bound
		if prefix == publishedPrefix {
			limit = published
		}
		names, err := r.shared.List(ctx, prefix)
		if err != nil {
			return false, backendError("compact", err)
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !superseded(name, limit) || name == r.base.name() })
		n := min(len(names), *budget)
		if err := r.delete(ctx, names[:n], budget); err != nil || n < len(names) {
			return false, err
		}
	}
	return true, nil
}

// superseded reports whether a record or snapshot is from before a time.
func superseded(name string, limit hybrid) bool {
	return strings.Compare(name[len(logPrefix):], string(appendHex(nil, uint64(limit)))) < 0
}

func (r *replica) delete(ctx context.Context, names []string, budget *int) error {
	if len(names) == 0 {
		return nil
	}
	*budget -= len(names)
	return backendError("compact", r.shared.Commit(ctx, &Batch{Delete: names}))
}

// forgetStamps deletes so many of the stamps that no record can be older than.
func (e *Env) forgetStamps(ctx context.Context, most int) error {
	r := e.replica()
	r.mu.Lock()
	limit := min(hybridOf(e.now()).add(-grace), r.known.horizon)
	r.mu.Unlock()
	return e.asForeign(ctx, func(tx *Tx) error {
		var old [][]byte
		c := tx.stamps.Cursor(KeyRange{})
		defer c.Close()
		for ok := c.First(); ok && len(old) < most; ok = c.Next() {
			value, err := c.Value()
			if err != nil {
				return err
			}
			if len(value) <= historyBytes && readStamp(value).time < limit { // a drop is never forgotten
				old = append(old, slices.Clone(c.Key()))
			}
			if err := tx.Work(64); err != nil {
				return err
			}
		}
		for _, key := range old {
			if err := tx.stamps.Clear(key); err != nil {
				return err
			}
		}
		return c.Err()
	})
}

// found publishes a new environment, so that others seal as it does.
func (e *Env) found(ctx context.Context) error {
	done, err := e.Compact(ctx, 1<<10)
	if err == nil && !done {
		err = fail(Internal, "open: found", "", nil)
	}
	return err
}
