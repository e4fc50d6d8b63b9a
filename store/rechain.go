package store

import (
	"bytes"
	"context"
)

// Rechain gives a living environment another chain of modifiers. New blobs pass the
// new one at once; the old ones are read and sealed anew in slices, each of which is a
// checkpoint and is kept if Rechain ends early, by an error, its context or a crash: called
// again with the same stages it goes on from there. Until it has come to its end, the environment can
// only be opened with the stages of both chains; afterwards, with the new one alone. Readers
// and writers go on meanwhile, here and in other contexts, which follow by themselves
// if they have the stages, and else fail with KeyRequired or MissingModifier.
//
// With the chain that it has already, it seals everything anew by the newest of the
// keys. When it has come to its end, nothing that the environment names is sealed by an older one, and a
// stage that is a Rotator has dropped those.
//
// A stage that both chains have is the new one from now on. Where it is Keyed it must open
// the header there is. progress, which may be nil, is told how many bytes of plain
// pages are done, of about how many.
//
// Errors: InvalidOption; Unsupported for two stages with keys; WrongKey; Conflict where
// another context gives the environment a third chain; Aborted and those of a checkpoint.
func (e *Env) Rechain(ctx context.Context, modifiers []Modifier, progress func(done, total int64)) error {
	if e.merges() {
		return fail(Unsupported, "rechain: others seal by the keys they know", "", nil)
	}
	wanted, err := newChain(modifiers)
	if err != nil {
		return err
	}
	if err := e.syncRoot(ctx); err != nil {
		return err
	}
	if err := e.extend(ctx, wanted); err != nil {
		return err
	}
	target := stagesOf(wanted.all)
	e.mu.Lock()
	e.options.Modifiers = modifiers
	goesOn := e.root.resealing.leadsTo(target)
	e.mu.Unlock()
	if !goesOn {
		err := e.reroot(ctx, func(r *root) error { return e.beginResealing(ctx, r, wanted) })
		if err != nil {
			return err
		}
	}
	return e.resealAll(ctx, target, progress)
}

// resealAll does slice after slice until a root says that all are done.
func (e *Env) resealAll(ctx context.Context, target []byte, progress func(done, total int64)) error {
	for {
		r := &renewal{target: target}
		if err := e.reseal(ctx, r); err != nil {
			return err
		}
		if !r.stopped {
			r.passed = r.total
		}
		if progress != nil {
			progress(min(r.passed, r.total), r.total)
		}
		if !r.stopped {
			return nil
		}
	}
}

// extend lets the chain open what a new one seals. A stage with keys is loaded with the
// header that is stored, before anything depends on it.
func (e *Env) extend(ctx context.Context, wanted *chain) error {
	e.mu.Lock()
	h := e.root.header
	e.mu.Unlock()
	s := e.pages.sealer
	if err := s.loading.take(ctx); err != nil {
		return err
	}
	defer s.loading.pass()
	if _, err := s.chain.Load().with(wanted); err != nil {
		return err
	}
	if wanted.keyed != nil && h != nil {
		if _, err := wanted.keyed.Load(ctx, h.id, bytes.Clone(h.keys)); err != nil {
			return err
		}
	}
	return s.change(func(c *chain) (*chain, error) { return c.with(wanted) })
}

// beginResealing has a root say what its blobs are to be sealed with from now on.
func (e *Env) beginResealing(ctx context.Context, r *root, wanted *chain) (err error) {
	if wanted.keyed != nil && r.header == nil {
		if r.header, err = e.pages.sealer.load(ctx, r.id, nil); err != nil {
			return err
		}
	}
	target := stagesOf(wanted.all)
	plain := !encrypted(target) || !encrypted(r.stages) || r.resealing != nil && r.resealing.plain
	r.resealing = &resealing{target: target, plain: plain}
	r.stages = unite(r.stages, target)
	return nil
}

// reseal does one slice. It comes to the end as well where another context has.
func (e *Env) reseal(ctx context.Context, r *renewal) error {
	for attempt := 1; ; attempt++ {
		if err := e.beginCheckpoint(ctx); err != nil {
			return err
		}
		err := e.runCheckpoint(ctx, true, r)
		if !overtaken(err) || !e.shared() && attempt == maxAttempts {
			return err
		}
		if e.shared() {
			if err := e.awaitFold(ctx); err != nil {
				return err
			}
		}
	}
}

// leadsTo reports whether blobs are being sealed anew with the target's stages.
func (w *resealing) leadsTo(target []byte) bool {
	return w != nil && sameStages(w.target, target)
}

func sameStages(a, b []byte) bool { return len(a) == len(b) && len(unite(a, b)) == len(a) }

// renewal is a slice of that, while a checkpoint does it: from where the one before it
// has stopped, all leaves are written anew, and large values with the entries that name them.
type renewal struct {
	target []byte
	next   []byte // entries with lesser whole keys are done
	budget int64  // bytes to be written in this slice

	passed, total int64 // bytes of the tree
	stopped       bool
	end           []byte // the next slice's next, once stopped
}

// A slice is resealPages pages, or a part of the whole where that is more: every slice
// writes the branches of the tree once.
const (
	resealPages  = 64
	resealSlices = 64
)

// begin takes up the work where the root says that it is. It reports false where it has
// been done, and fails where something else is.
func (r *renewal) begin(from *root, pageBytes int) (bool, error) {
	*r = renewal{target: r.target}
	if from.resealing == nil && sameStages(from.stages, r.target) {
		return false, nil
	}
	if !from.resealing.leadsTo(r.target) {
		return false, fail(InvalidArgument, "rechain: another one was begun", "", nil)
	}
	r.next = from.resealing.next
	for _, t := range from.trees {
		r.total += t.root.bytes
	}
	r.budget = max(int64(resealPages*pageBytes), r.total/resealSlices)
	return true, nil
}

// wants reports whether the leaf between two keys must not be adopted, and stops
// before one that is too much for the slice.
func (r *renewal) wants(first, end []byte) bool {
	if r == nil || r.stopped || end != nil && bytes.Compare(end, r.next) <= 0 {
		return false
	}
	if r.budget <= 0 && bytes.Compare(first, r.next) > 0 {
		r.stopped, r.end = true, bytes.Clone(first)
	}
	return !r.stopped
}

// adopted counts a leaf that was.
func (r *renewal) adopted(leaf child) {
	if r != nil && !r.stopped {
		r.passed += leaf.bytes
	}
}

// renew counts an entry that is written, and seals the large value anew that it names.
func (f *fold) renew(key []byte, e entry) (entry, error) {
	r := f.renewal
	if r == nil || r.stopped || bytes.Compare(key, r.next) < 0 {
		return e, nil
	}
	size := int64(len(key) + len(e.value))
	r.passed += size
	r.budget -= size
	if e.kind != overflow {
		return e, nil
	}
	value, err := f.in.value(e)
	if err != nil {
		return e, err
	}
	o, err := f.out.value(value, spaceOf(key) >= uncompressed)
	if err != nil {
		return e, err
	}
	f.bury(e)
	r.budget -= int64(len(value))
	return entry{kind: overflow, value: o.append(nil)}, nil
}

// advance has the root that a slice is published with say how far it has come; the
// last one names the new stages alone, and its header only keys that are used.
func (e *Env) advance(ctx context.Context, batch *Batch, next *root, r *renewal) error {
	if r.stopped {
		w := *next.resealing
		w.next = r.end
		next.resealing = &w
		return nil
	}
	next.resealing, next.stages = nil, r.target
	h, err := e.retired(ctx, next)
	if err != nil || h == next.header {
		return err
	}
	next.header = h
	return e.keepHeader(ctx, batch, next)
}
