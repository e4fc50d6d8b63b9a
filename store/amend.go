package store

import (
	"bytes"
	"context"
)

// Amend publishes a changed header of the keyed stage: change is given the one that
// is stored, and returns what takes its place. It is called again where another
// context was faster, with the header of that one. Then the stage is loaded with it, here
// now and elsewhere before anything else is written there. A Rechain or Rotate that is under way
// begins anew.
//
// Errors: KeyRequired where the chain has no keyed stage, what change and Load
// return, and those of a commit.
func (e *Env) Amend(ctx context.Context, change func(header []byte) ([]byte, error)) error {
	if e.merges() {
		return fail(Unsupported, "amend: others seal by the keys they know", "", nil)
	}
	if e.pages.sealer.chain.Load().keyed == nil {
		return fail(KeyRequired, "amend", "", nil)
	}
	return e.reroot(ctx, func(r *root) error {
		keys, err := change(bytes.Clone(r.header.keys))
		if err == nil {
			r.header, r.resealing = &header{r.id, keys}, r.resealing.begunAnew()
		}
		return err
	})
}

// reroot publishes a root of the same trees that differs in what change makes of it,
// once everything that was staged before is written. Between two contexts the log decides who
// is first, and few look at the root before they write. So the change takes a place
// there as well, by a record of no sections: whoever is about to write that place
// loses it, and has to look. What others have sealed as it was before comes ahead of that
// record, or falls.
func (e *Env) reroot(ctx context.Context, change func(*root) error) error {
	if err := e.beginCheckpoint(ctx); err != nil {
		return err
	}
	var err error
	for attempt := 1; ; attempt++ {
		err = e.rerootOnce(ctx, change)
		if CodeOf(err) != Conflict || attempt == maxAttempts {
			break
		}
	}
	e.endCheckpoint(err)
	return err
}

func (e *Env) rerootOnce(ctx context.Context, change func(*root) error) error {
	if err := e.turn.take(ctx); err != nil {
		return err
	}
	defer e.turn.pass()
	if err := e.ready(ctx); err != nil {
		return err
	}
	if err := e.writeStaged(ctx); err != nil { // nothing is staged while the turn is held
		return err
	}
	own, err := e.ownLog(ctx)
	if err != nil {
		return err
	}
	if e.shared() {
		err = e.catchUp(ctx)
	}
	if err == nil {
		err = e.swapRoot(ctx, change)
	}
	swapped := err == nil
	if swapped {
		err = e.reload(ctx)
	}
	e.mu.Lock()
	e.suspect = e.suspect || swapped && err != nil
	e.pass(own, err)
	if err != nil {
		return err
	}
	return e.repin(ctx)
}

// ownLog waits for the log and takes it.
func (e *Env) ownLog(ctx context.Context) (*group, error) {
	for {
		own, under, err := e.takeLog()
		if err != nil || own != nil {
			return own, err
		}
		if err := e.awaitGroup(ctx, under); err != nil {
			return nil, err
		}
	}
}

// swapRoot changes the root, and what blobs are sealed with as it says.
func (e *Env) swapRoot(ctx context.Context, change func(*root) error) error {
	e.mu.Lock()
	next, old, position := e.root, e.rootBytes, e.committed.position
	e.mu.Unlock()
	next.generation++
	if err := change(&next); err != nil {
		return err
	}
	before := e.pages.sealer.chain.Load()
	err := e.pages.sealer.adopt(&next)
	if err == nil {
		err = e.publishRoot(ctx, &next, old, position+1)
	}
	if err != nil {
		e.mu.Lock()
		e.suspect = e.suspect || CodeOf(err) != Conflict
		e.mu.Unlock()
		_ = e.pages.sealer.change(func(*chain) (*chain, error) { return before, nil })
	}
	return err
}

// publishRoot writes a root in the place of old, with its header where that has
// changed, and the record.
func (e *Env) publishRoot(ctx context.Context, next *root, old []byte, position uint64) error {
	stored, err := e.pages.sealer.sealRoot(ctx, next)
	if err != nil {
		return err
	}
	batch := &Batch{Root: &RootSwap{Old: old, New: stored}, Durability: Strict}
	e.mu.Lock()
	changed := old == nil || next.header != e.root.header
	e.mu.Unlock()
	if changed {
		if err := e.keepHeader(ctx, batch, next); err != nil {
			return err
		}
	}
	if e.shared() {
		r := record{position: position, body: entry{value: appendSections(nil, nil)}}
		if batch.Add, err = e.pages.sealer.seal(ctx, RecordBlob, []Blob{{logName(r.position), r.append(nil)}}); err != nil {
			return err
		}
	}
	return backendError("amend", e.backend.Commit(ctx, batch))
}

// keepHeader has a batch keep a root's header in a blob of its own, in place of all
// that were kept before. Of one that was destroyed nothing is kept.
func (e *Env) keepHeader(ctx context.Context, batch *Batch, r *root) error {
	names, err := e.backend.List(ctx, keyPrefix)
	if err != nil {
		return backendError("amend", err)
	}
	kept := r.keys()
	batch.Put = append(batch.Put, kept...)
	for _, name := range names {
		if len(kept) == 0 || name != kept[0].Name {
			batch.Delete = append(batch.Delete, name)
		}
	}
	return nil
}
