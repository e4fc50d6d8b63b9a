package store

import (
	"bytes"
	"context"
)

// Rotator is a Keyed stage whose keys can be drawn anew.
type Rotator interface {
	Keyed
	// Renew returns what the header becomes with another key, by which everything is
	// sealed once that is loaded. One that has no room for it is TooLarge.
	Renew(ctx context.Context, header []byte) ([]byte, error)
	// Retire returns what the header becomes without the keys before the newest, or
	// the header itself where there are none. Nothing that is still read by who opens the environment is sealed by them.
	Retire(ctx context.Context, header []byte) ([]byte, error)
}

// Rotate draws another key, seals everything anew by it, and drops the keys before it:
// who has those, and no key that opens the environment now, reads nothing that is written from
// then on. Readers and writers go on meanwhile, here and in other contexts.
//
// It may end early as Rechain may: everything can be read then with the keys that open the
// environment, and either of the two goes on from there. Rotate does so
// without drawing a third key, unless the header was changed meanwhile. For what has leaked
// since an unfinished rotation began, rotate twice.
//
// The older keys are dropped by the very root that says that everything is sealed anew, and a
// header that changes before that has all of it begin anew: so no key is dropped that is still needed.
//
// Errors: KeyRequired where no stage has keys, Unsupported where they cannot be drawn anew, and on a Merging backend, where
// contexts go on with the keys they have: there, import an export into an environment under another name, which draws its own; NotEncrypted while Rechain
// takes that stage away; TooLarge after many rotations of which none has come to its end, which Rechain brings about; and those of Rechain.
func (e *Env) Rotate(ctx context.Context, progress func(done, total int64)) error {
	if e.merges() {
		return fail(Unsupported, "rotate: others seal by the keys they know: import an export into an environment under another name, which draws its own", "", nil)
	}
	keyed := e.pages.sealer.chain.Load().keyed
	if keyed == nil {
		return fail(KeyRequired, "rotate", "", nil)
	}
	rotator, ok := keyed.(Rotator)
	if !ok {
		return fail(Unsupported, "rotate", "", nil)
	}
	if err := e.syncRoot(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	under := e.root.resealing
	e.mu.Unlock()
	if under == nil || !under.rotation {
		err := e.reroot(ctx, func(r *root) (err error) {
			under, err = beginRotation(ctx, r, rotator)
			return err
		})
		if err != nil {
			return err
		}
	}
	return e.resealAll(ctx, under.target, progress)
}

// beginRotation has a root bring another key, and say that everything is to be sealed anew.
func beginRotation(ctx context.Context, r *root, rotator Rotator) (*resealing, error) {
	w := &resealing{target: r.stages, rotation: true}
	if r.resealing != nil {
		w.target, w.plain = r.resealing.target, r.resealing.plain
	}
	if !hasStage(w.target, rotator.Stage()) {
		return nil, fail(NotEncrypted, "rotate", "", nil)
	}
	keys, err := rotator.Renew(ctx, bytes.Clone(r.header.keys))
	if err != nil {
		return nil, err
	}
	r.header, r.resealing = &header{r.id, keys}, w
	return w, nil
}

// retired is a root's header once everything is sealed by the newest key: without the
// others, and none where the stage that it belongs to is gone.
func (e *Env) retired(ctx context.Context, r *root) (*header, error) {
	keyed := e.pages.sealer.chain.Load().keyed
	if r.header == nil || keyed == nil || !hasStage(r.stages, keyed.Stage()) {
		return nil, nil
	}
	rotator, ok := keyed.(Rotator)
	if !ok {
		return r.header, nil
	}
	keys, err := rotator.Retire(ctx, bytes.Clone(r.header.keys))
	if err != nil || bytes.Equal(keys, r.header.keys) {
		return r.header, err
	}
	return &header{r.header.id, keys}, nil
}

// begunAnew is what becomes of it when the header changes: what is done may be
// sealed by keys that are not the newest any more.
func (w *resealing) begunAnew() *resealing {
	if w == nil {
		return nil
	}
	return &resealing{target: w.target, plain: w.plain}
}
