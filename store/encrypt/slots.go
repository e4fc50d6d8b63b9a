package encrypt

import (
	"context"

	"github.com/stowage-db/stowage/crypto"
	"github.com/stowage-db/stowage/store"
)

// Slot is one way to open an environment.
type Slot struct {
	ID         uint32
	Passphrase bool // else a key
	Current    bool // it is the one that has opened the environment here
}

// Slots tells what opens the environment; nothing while it is locked.
func (r *Ring) Slots() []Slot {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.open == nil {
		return nil
	}
	current := r.open.keys.Slot()
	var slots []Slot
	for _, s := range r.open.keys.Slots() {
		slots = append(slots, Slot{s.ID, s.KDF.Kind != crypto.RawKey, s.ID == current})
	}
	return slots
}

// AddSlot lets another passphrase or key open the environment, and returns the slot's
// id. More than 32 are TooLarge.
func (r *Ring) AddSlot(ctx context.Context, env *store.Env, u Unlocker) (id uint32, err error) {
	kek, err := u.kek()
	if err != nil {
		return 0, err
	}
	err = r.amend(ctx, env, func(keys *crypto.Keys, _ *crypto.Ring) (next *crypto.Keys, err error) {
		next, id, err = keys.AddSlot(kek)
		return next, err
	})
	return id, err
}

// RemoveSlot has a slot open the environment no more. The last one stays: that, and one
// that there is not, is NotFound. Who has kept the passphrase and a copy of what was stored has the
// data keys that it led to.
func (r *Ring) RemoveSlot(ctx context.Context, env *store.Env, id uint32) error {
	return r.amend(ctx, env, func(keys *crypto.Keys, _ *crypto.Ring) (*crypto.Keys, error) {
		return keys.RemoveSlot(id)
	})
}

// ChangePassphrase has the slot that the old passphrase or key opens opened by the new
// one. It takes the time of two hashes, however much is stored. A wrong old one is WrongKey.
func (r *Ring) ChangePassphrase(ctx context.Context, env *store.Env, old, new Unlocker) error {
	if err := old.check(); err != nil {
		return err
	}
	kek, err := new.kek()
	if err != nil {
		return err
	}
	return r.amend(ctx, env, func(keys *crypto.Keys, ring *crypto.Ring) (*crypto.Keys, error) {
		theirs, err := ring.Unlock(ctx, keys.Env(), old.secret)
		if err != nil {
			return nil, err
		}
		return keys.ChangeSlot(theirs.Slot(), kek)
	})
}

// Shred deletes the keys: nobody can read the environment any more, with whatever
// passphrase. Copies of it that somebody made keep theirs. The environment can only be closed then.
func (r *Ring) Shred(ctx context.Context, env *store.Env) error {
	err := env.Amend(ctx, func([]byte) ([]byte, error) { return []byte{}, nil })
	if store.CodeOf(err) == store.CorruptHeader { // which is how a shredded environment is met
		err = nil
	}
	if err == nil {
		r.Forget()
	}
	return err
}

// amend has the environment store changed keys. change gets the keys of what is
// stored, again where another context was faster.
func (r *Ring) amend(ctx context.Context, env *store.Env, change func(*crypto.Keys, *crypto.Ring) (*crypto.Keys, error)) error {
	return coded("change keys", env.Amend(ctx, func(header []byte) ([]byte, error) { return r.change(header, change) }))
}

// change is what a stored header becomes, whose keys are then known when it is loaded.
func (r *Ring) change(header []byte, change func(*crypto.Keys, *crypto.Ring) (*crypto.Keys, error)) ([]byte, error) {
	keys, ring, err := r.resume(header)
	if err != nil {
		return nil, err
	}
	next, err := change(keys, ring)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.amended = next
	return next.Header(), nil
}

// resume opens a stored header with what the ring knows.
func (r *Ring) resume(header []byte) (*crypto.Keys, *crypto.Ring, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.open == nil {
		return nil, nil, keyRequired("change keys")
	}
	ring, err := crypto.ReadRing(header)
	if err != nil {
		return nil, nil, err
	}
	keys, err := r.open.keys.Resume(ring)
	return keys, ring, err
}
