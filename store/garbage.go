package store

import "context"

// garbage are blobs that no root and no log record will name again.
type garbage struct {
	refs  []Ref
	epoch uint64 // transactions that began before this one may still read them
	log   bool   // large values overwritten in the overlay: the log names them until a checkpoint covers it
}

// body is a log record's body that was too long for one blob.
type body struct {
	position uint64
	refs     []Ref
}

func appendDead(list []garbage, dead []Overflow) []garbage {
	if len(dead) == 0 {
		return list
	}
	return append(list, garbage{refs: chunkRefs(dead), log: true})
}

func chunkRefs(dead []Overflow) []Ref {
	var refs []Ref
	for _, o := range dead {
		for i := range o.Chunks {
			refs = append(refs, o.First.plus(i))
		}
	}
	return refs
}

// settle takes refs off the list of names nothing refers to yet: they were
// published.
func (e *Env) settle(refs []Ref) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ref := range refs {
		delete(e.unwritten, ref)
	}
}

// discard gives back blobs that were never published.
func (e *Env) discard(refs []Ref) {
	if len(refs) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ref := range refs {
		delete(e.unwritten, ref)
	}
	e.garbage = append(e.garbage, garbage{refs: refs})
}

// retire notes what the root just published no longer names. e.mu is held.
func (e *Env) retire(leftover []Ref) {
	for i := range e.garbage {
		if e.garbage[i].log {
			e.garbage[i].log, e.garbage[i].epoch = false, e.epoch
		}
	}
	if len(leftover) > 0 {
		e.garbage = append(e.garbage, garbage{refs: leftover, epoch: e.epoch})
	}
}

// keepBody notes the chunks of a long log record, to be given back with it.
func (e *Env) keepBody(r record) {
	if r.body.kind != overflow {
		return
	}
	if o, ok := readOverflow(r.body.value); ok {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.bodies = append(e.bodies, body{r.position, chunkRefs([]Overflow{o})})
	}
}

// forgetBodies gives back the chunks of log records up to a position; zero
// forgets all of them without giving anything back.
func (e *Env) forgetBodies(covered uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var kept []body
	for _, b := range e.bodies {
		if b.position <= covered {
			e.garbage = append(e.garbage, garbage{refs: b.refs})
		} else if covered > 0 {
			kept = append(kept, b)
		}
	}
	e.bodies = kept
}

// collect deletes the garbage that no transaction can read any more.
func (e *Env) collect(ctx context.Context) error {
	e.mu.Lock()
	oldest := e.epoch
	for tx := e.live; tx != nil; tx = tx.next {
		oldest = min(oldest, tx.epoch)
	}
	var free []Ref
	var kept []garbage
	for _, g := range e.garbage {
		if g.log || g.epoch > oldest {
			kept = append(kept, g)
		} else {
			free = append(free, g.refs...)
		}
	}
	e.garbage = kept
	e.mu.Unlock()
	return e.remove(ctx, free)
}

// deleteBlobs is how many blobs are deleted in one batch.
const deleteBlobs = 1024

func (e *Env) remove(ctx context.Context, refs []Ref) error {
	e.pages.cache.drop(refs)
	for len(refs) > 0 {
		n := min(len(refs), deleteBlobs)
		names := make([]string, n)
		for i, ref := range refs[:n] {
			names[i] = ref.name()
		}
		if err := e.backend.Commit(ctx, &Batch{Delete: names}); err != nil {
			e.mu.Lock()
			e.garbage = append(e.garbage, garbage{refs: refs})
			e.mu.Unlock()
			return backendError("collect", err)
		}
		refs = refs[n:]
	}
	return nil
}

// sweep deletes, once, what openings before this one left behind when they were
// killed: pages and chunks that neither the trees nor the log name.
func (e *Env) sweep(ctx context.Context) error {
	if e.swept {
		return nil
	}
	names, err := e.backend.List(ctx, pagePrefix)
	if err != nil {
		return backendError("sweep", err)
	}
	live, err := e.reachable(ctx)
	if err != nil {
		return err
	}
	var orphans []string
	for _, name := range names {
		if !live[name] {
			orphans = append(orphans, name)
		}
	}
	for len(orphans) > 0 {
		n := min(len(orphans), deleteBlobs)
		if err := e.backend.Commit(ctx, &Batch{Delete: orphans[:n]}); err != nil {
			return backendError("sweep", err)
		}
		orphans = orphans[n:]
	}
	e.swept = true
	return nil
}

// reachable lists the names of all blobs that are in use, or soon may be. It
// reads branches, and of the leaves only those that hold large values.
func (e *Env) reachable(ctx context.Context) (map[string]bool, error) {
	live := make(map[string]bool)
	mark := func(refs []Ref) {
		for _, ref := range refs {
			live[ref.name()] = true
		}
	}
	e.mu.Lock()
	s := e.committed
	for ref := range e.unwritten {
		live[ref.name()] = true
	}
	for _, g := range e.garbage {
		mark(g.refs)
	}
	for _, b := range e.bodies {
		mark(b.refs)
	}
	e.mu.Unlock()
	in := &reader{ctx: ctx, pages: e.pages}
	work := e.worker(ctx)
	value := func(e entry) {
		if o, ok := readOverflow(e.value); ok && e.kind == overflow {
			mark(chunkRefs([]Overflow{o}))
		}
	}
	for _, l := range s.layers {
		if l.memory != nil {
			c := newMemoryCursor(l.memory)
			for c.seek(nil); c.valid(); c.next() {
				value(c.now)
			}
			continue
		}
		err := in.walkPages(l.tree, func(c child, level int) error {
			live[c.ref.name()] = true
			if level > 0 || c.overflows == 0 {
				return work(64)
			}
			p, err := in.node(c.ref, 0)
			if err != nil {
				return err
			}
			for i := range p.len() {
				value(p.entry(i))
			}
			return work(p.size())
		})
		if err != nil {
			return nil, err
		}
	}
	return live, nil
}
