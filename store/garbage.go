package store

import (
	"context"
	"math"
	"slices"
	"time"
)

// garbage are blobs that no root and no log record will name again.
type garbage struct {
	refs       []Ref
	generation uint64    // who reads the root from before this one may still read them; 0: nobody may
	since      time.Time // that root was published
	log        bool      // large values overwritten in the overlay: the log names them until a checkpoint covers it
}

// covered are the log records up to a position, which a root covers.
type covered struct {
	position   uint64
	generation uint64 // of that root
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
	retired := garbage{refs: leftover, generation: e.root.generation, since: e.now()}
	e.garbage = slices.DeleteFunc(e.garbage, func(g garbage) bool {
		if g.log {
			retired.refs = append(retired.refs, g.refs...)
		}
		return g.log
	})
	if len(retired.refs) > 0 {
		e.garbage = append(e.garbage, retired)
	}
}

// forgetLogged forgets what the log names of garbage and of its own: who reads the
// log anew comes across it again. e.mu is held.
func (e *Env) forgetLogged() {
	e.garbage = slices.DeleteFunc(e.garbage, func(g garbage) bool { return g.log })
	e.bodies, e.covered = nil, nil
}

// forgetBodies gives back the chunks of log records up to a position.
func (e *Env) forgetBodies(covered uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bodies = slices.DeleteFunc(e.bodies, func(b body) bool {
		if b.position <= covered {
			e.garbage = append(e.garbage, garbage{refs: b.refs})
		}
		return b.position <= covered
	})
}

// collect deletes the garbage that no transaction can read any more, here or in
// another context, and the log records whose places nobody will ask for.
func (e *Env) collect(ctx context.Context) error {
	others := Others{Pin: Pin{math.MaxUint64, math.MaxUint64}}
	if e.shared() {
		var err error
		if others, err = e.info.Contexts.Others(ctx); err != nil {
			return backendError("collect", err)
		}
	}
	e.mu.Lock()
	free, reloads := e.takeGarbage(others.Read), e.reloads
	var log *NameRange
	e.covered = slices.DeleteFunc(e.covered, func(c covered) bool {
		if c.generation <= others.Known {
			log = &NameRange{From: logName(0), To: logName(c.position)}
		}
		return c.generation <= others.Known
	})
	e.mu.Unlock()
	if log != nil {
		if err := e.backend.Commit(ctx, &Batch{DeleteRange: log}); err != nil {
			return backendError("collect", err) // what stays is found by the next opening
		}
	}
	return e.remove(ctx, free, reloads)
}

// takeGarbage takes off the list what nobody reads, others having pinned a
// generation. e.mu is held.
func (e *Env) takeGarbage(pinned uint64) (free []Ref) {
	oldest, now, patience := e.oldest(), e.now(), e.patience()
	e.garbage = slices.DeleteFunc(e.garbage, func(g garbage) bool {
		dead := !g.log && g.generation <= oldest && (g.generation <= pinned || now.Sub(g.since) >= patience)
		if dead {
			free = append(free, g.refs...)
		}
		return dead
	})
	return free
}

// patience is how long garbage waits for other contexts. e.mu is held.
func (e *Env) patience() time.Duration {
	waiting, live := 0, int64(0)
	for _, g := range e.garbage {
		if g.generation > 0 {
			waiting += len(g.refs)
		}
	}
	for _, t := range e.root.trees {
		live += t.root.bytes / int64(e.options.PageBytes)
	}
	if int64(waiting)*crowdedGarbage > live {
		return crowdedPinLasts
	}
	return pinLasts
}

// deleteBlobs is how many blobs are deleted in one batch.
const deleteBlobs = 1024

// remove deletes blobs that were garbage when the environment had been read so many
// times.
func (e *Env) remove(ctx context.Context, refs []Ref, reloads int) error {
	e.pages.cache.drop(refs)
	if e.merges() {
		e.leave(refs, reloads)
		return nil
	}
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
// killed: pages and chunks that neither the trees nor the log name. What a context
// that is alive may have written and not published yet is not touched, nor is
// anything while somebody may read an older root.
func (e *Env) sweep(ctx context.Context) error {
	e.mu.Lock()
	needed := !e.swept && !e.suspect && !e.merges() && e.oldest() == e.root.generation
	e.mu.Unlock()
	if !needed {
		return nil
	}
	names, err := e.backend.List(ctx, pagePrefix)
	if err != nil {
		return backendError("sweep", err)
	}
	alive, err := e.alive(ctx)
	if err != nil || alive == nil {
		return err
	}
	live, err := e.reachable(ctx)
	if err != nil {
		return err
	}
	orphans := slices.DeleteFunc(names, func(name string) bool { return live[name] || alive[writerOf(name)] })
	for len(orphans) > 0 {
		n := min(len(orphans), deleteBlobs)
		if err := e.backend.Commit(ctx, &Batch{Delete: orphans[:n]}); err != nil {
			return backendError("sweep", err)
		}
		orphans = orphans[n:]
	}
	e.mu.Lock()
	e.swept = true
	e.mu.Unlock()
	return nil
}

// alive are the writers of other contexts, nil where one of them may read an older
// root. It is asked after names were listed, and root and log read after that: then
// whoever wrote them is alive, or has published all it ever will.
func (e *Env) alive(ctx context.Context) (map[string]bool, error) {
	alive := make(map[string]bool)
	if !e.shared() {
		return alive, nil
	}
	others, err := e.info.Contexts.Others(ctx)
	if err != nil {
		return nil, backendError("sweep", err)
	}
	if err := e.syncRoot(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if others.Read < e.root.generation || e.oldest() < e.root.generation {
		return nil, nil
	}
	for _, writer := range others.Writers {
		alive[writerOf(Ref{Writer: writer}.name())] = true
	}
	return alive, nil
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
