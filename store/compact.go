//go:build !page

package store

import (
	"context"
	"slices"
	"strings"
	"time"
)

// publishing is a snapshot on its way to the others.
type publishing struct {
	snapshot published
	left     []Blob // to be written before it
	written  []string
	began    time.Time
}

// stale is how old a snapshot may be when it is published: others may have published
// later ones.
const stale = time.Hour

// Compact publishes a snapshot of what is known here, so that others have less to
// read, and deletes what snapshots and time have made needless: not before a day
// has gone, for whoever begins with a snapshot reads on from it. It writes and deletes no more
// than budget blobs and reports whether there is nothing left to do; the next call
// goes on. Any context may do so at any time, also several at once. Elsewhere than on a Merging
// backend it is a checkpoint.
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
	for budget > 0 {
		tidy, fresh := true, r.publishes == nil || r.env.now().Sub(r.publishes.began) > stale
		if fresh {
			if tidy, err = r.begin(ctx, &budget); err != nil {
				return false, err
			}
		}
		if err := r.env.goOnPublishing(ctx, &budget); err != nil || r.publishes != nil || !tidy {
			return false, err
		}
		if fresh {
			return true, nil
		}
	}
	return false, nil
}

// begin tidies up and begins a snapshot that says so. It reports whether all is tidy. Deleting takes
// half of the budget at most, so that what is committed is not kept from those who open.
func (r *replica) begin(ctx context.Context, budget *int) (tidy bool, err error) {
	e := r.env
	r.publishes = nil
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
	if err := e.noteStrays(ctx); err != nil {
		return false, err
	}
	return tidy, e.beginPublishing(ctx)
}

// beginPublishing folds what is known, unless the snapshot it is on has all of it.
func (e *Env) beginPublishing(ctx context.Context) error {
	r := e.replica()
	if err := e.forgetStamps(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	known, news := r.known.clone(), r.base == nil || r.base.changed
	for m := range known.recent {
		news = news || !r.base.known.contains(m)
	}
	r.mu.Unlock()
	if !news {
		return nil
	}
	if err := e.foldNews(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[RootName] == nil {
		return nil // nothing was ever committed
	}
	now := e.now()
	p := published{stamp: stamp{r.clock.next(now), r.id}, root: r.held[RootName], known: known}
	if r.base != nil {
		p.retired, p.swept, p.looked = slices.Clone(r.base.retired), r.base.swept, r.base.looked
	}
	if len(r.retired) > 0 {
		p.retired = append(p.retired, retirement{p.stamp.time, r.retired})
	}
	r.publishes = &publishing{snapshot: p, began: now}
	for name, bytes := range r.held {
		if isShared(name) {
			r.publishes.left = append(r.publishes.left, Blob{name, bytes})
		}
	}
	return nil
}

// foldNews folds what was committed since the snapshot that it is on, if anything was.
func (e *Env) foldNews(ctx context.Context) error {
	e.mu.Lock()
	none := e.committed.bytes() == 0 && e.tip.bytes() == 0
	e.mu.Unlock()
	if none {
		return nil
	}
	if err := e.beginCheckpoint(ctx); err != nil {
		return err
	}
	return e.runCheckpoint(ctx, false, nil)
}

// goOnPublishing writes as many blobs as it may, and then the snapshot.
func (e *Env) goOnPublishing(ctx context.Context, budget *int) error {
	r := e.replica()
	u := r.publishes
	if u == nil {
		return nil
	}
	n := min(len(u.left), *budget)
	if n > 0 {
		if err := r.shared.Commit(ctx, &Batch{Put: u.left[:n]}); err != nil {
			return backendError("compact", err)
		}
		for _, blob := range u.left[:n] {
			u.written = append(u.written, blob.Name)
		}
		u.left = u.left[n:]
		*budget -= n
	}
	if *budget < 2 {
		return nil
	}
	p := &u.snapshot
	sealed, err := p.seal(ctx, e.pages.sealer)
	if err == nil {
		err = backendError("compact", r.shared.Commit(ctx, &Batch{Put: []Blob{{p.name(), sealed}}}))
	}
	if err == nil {
		err = backendError("compact", r.shared.Commit(ctx, &Batch{Put: []Blob{{RootName, sealed}}}))
	}
	if err != nil {
		return err
	}
	*budget -= 2
	r.published(u)
	return nil
}

// published notes that a snapshot is the others' too.
func (r *replica) published(u *publishing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := u.snapshot.retired; len(left) > 0 && left[len(left)-1].time == u.snapshot.stamp.time {
		r.retired = r.retired[len(left[len(left)-1].names):]
	}
	for _, name := range u.written {
		if _, held := r.held[name]; !held { // it was left over meanwhile
			r.retired = append(r.retired, name)
		}
		delete(r.held, name)
		r.out[name] = struct{}{}
	}
	r.base, r.publishes = &u.snapshot, nil
}

// deleteSuperseded deletes what nobody reads any more who began less than a day ago, and
// reports whether that was all.
func (e *Env) deleteSuperseded(ctx context.Context, budget *int) (all bool, err error) {
	r := e.replica()
	if r.base == nil {
		return true, nil
	}
	limit := min(hybridOf(e.now()).add(-grace), r.base.known.horizon)
	for len(r.base.retired) > 0 && r.base.retired[0].time < limit {
		oldest := &r.base.retired[0]
		n := min(len(oldest.names), *budget)
		if err := r.delete(ctx, oldest.names[:n], budget); err != nil {
			return false, err
		}
		r.base.changed = r.base.changed || n > 0
		if oldest.names = oldest.names[n:]; len(oldest.names) > 0 {
			return false, nil
		}
		r.base.retired, r.base.changed = r.base.retired[1:], true
	}
	if r.base.swept.until(limit) < settling {
		return true, nil
	}
	for _, prefix := range append(buckets(r.base.swept, limit), publishedPrefix) {
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
	r.base.swept, r.base.changed = limit, true
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

// forgetStamps deletes the stamps that no record can be older than.
func (e *Env) forgetStamps(ctx context.Context) error {
	limit := hybridOf(e.now()).add(-grace)
	return e.asForeign(ctx, func(tx *Tx) error {
		var old [][]byte
		c := tx.stamps.Cursor(KeyRange{})
		defer c.Close()
		for ok := c.First(); ok; ok = c.Next() {
			value, err := c.Value()
			if err != nil {
				return err
			}
			if len(value) >= stampBytes && readStamp(value).time < limit {
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
