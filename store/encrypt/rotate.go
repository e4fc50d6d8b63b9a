package encrypt

import (
	"context"

	"github.com/stowage-db/stowage/crypto"
	"github.com/stowage-db/stowage/store"
)

// Rotate draws another data key, seals everything anew under it, and drops the
// older ones: see store.Env.Rotate, which it calls. Where what opened the environment is its only slot, the master
// key is drawn anew as well. So to be rid of somebody: remove their slot, and those
// of all others, rotate, and let the others in again.
func (r *Ring) Rotate(ctx context.Context, env *store.Env, progress func(done, total int64)) error {
	return env.Rotate(ctx, progress)
}

// Renew implements store.Rotator: it begins an epoch.
func (r *Ring) Renew(_ context.Context, header []byte) ([]byte, error) {
	header, err := r.change(header, func(keys *crypto.Keys, _ *crypto.Ring) (*crypto.Keys, error) {
		return keys.Rotate()
	})
	return header, coded("rotate", err)
}

// Retire implements store.Rotator: it drops the epochs before the newest.
func (r *Ring) Retire(_ context.Context, header []byte) ([]byte, error) {
	header, err := r.change(header, func(keys *crypto.Keys, _ *crypto.Ring) (*crypto.Keys, error) {
		return keys.Retire(keys.Epoch()), nil
	})
	return header, coded("rotate", err)
}
