// Package encrypt holds the encrypting stage of the modifier chain, AES-256-GCM: with
// it nothing of documents, keys, indexes or names of tables stands in stored blobs as it is.
// SECURITY.md tells what can be seen all the same. JavaScript has the stage in
// js/src/crypto, to the byte.
//
//	key := encrypt.AESGCM(encrypt.Passphrase("correct horse battery staple"))
//	env, err := store.Open(ctx, backend, store.Options{
//		Modifiers: []store.Modifier{compress.S2{}, key},
//	})
//
// With a wrong key an environment does not open, and nothing is changed.
package encrypt

import (
	"bytes"
	"context"
	"sync"

	"github.com/stowage-db/stowage/crypto"
	"github.com/stowage-db/stowage/store"
)

// Ring is the encrypting stage with the keys of one environment. It is given to one
// store.Open, and may be used by several goroutines.
//
// The passphrase or key is dropped once it has opened what is stored; what stays in
// memory until Forget are the keys that it led to.
type Ring struct {
	mu       sync.RWMutex
	unlocker Unlocker // zero once it has done its work
	open     *opened  // nil while locked
	amended  *crypto.Keys
}

// opened is what a ring seals and opens with.
type opened struct {
	env    crypto.ID
	header []byte
	keys   *crypto.Keys
	sealer *crypto.Sealer
	opener *crypto.Opener
}

var _ store.Rotator = (*Ring)(nil)

// stage is stored in every blob the stage took part in.
var stage = store.Stage{Kind: store.Encrypt, ID: 1}

// AESGCM returns the stage, to be opened by a passphrase or key. The first that opens a
// new environment is its first slot.
func AESGCM(u Unlocker) *Ring { return &Ring{unlocker: u.clone()} }

// Stage implements store.Modifier.
func (r *Ring) Stage() store.Stage { return stage }

// Unlock gives the ring a passphrase or key, after Forget or before opening. It is used
// when the environment loads its keys the next time.
func (r *Ring) Unlock(u Unlocker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unlocker = u.clone()
}

// Forget overwrites all keys, as far as Go lets; until the next Load everything fails
// with KeyRequired. What is sealed or opened meanwhile ends first.
func (r *Ring) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	if r.open == nil {
		return
	}
	r.open.keys.Forget()
	r.open.opener.Forget()
	r.open, r.amended = nil, nil
}

// drop forgets the secret.
func (r *Ring) drop() {
	if r.unlocker.secret != nil {
		r.unlocker.secret.Forget()
	}
	r.unlocker = Unlocker{}
}

// Load implements store.Keyed.
func (r *Ring) Load(ctx context.Context, env [16]byte, header []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.open; o != nil && o.env == env && bytes.Equal(o.header, header) {
		return header, nil
	}
	keys, err := r.load(ctx, env, header)
	if err != nil {
		return nil, coded("load keys", err)
	}
	if r.amended = nil; header != nil {
		r.drop()
	}
	r.use(env, keys)
	return keys.Header(), nil
}

// load opens a header: with what is known from an earlier one where it can, so that
// nothing is hashed, else with the secret.
func (r *Ring) load(ctx context.Context, env crypto.ID, header []byte) (*crypto.Keys, error) {
	if header == nil {
		kek, err := r.unlocker.kek()
		if err != nil {
			return nil, err
		}
		return crypto.NewKeys(env, kek), nil
	}
	ring, err := crypto.ReadRing(header)
	if err != nil {
		return nil, err
	}
	if r.amended != nil && bytes.Equal(r.amended.Header(), header) {
		return r.amended, nil
	}
	if r.open != nil && r.open.env == env {
		keys, err := r.open.keys.Resume(ring)
		if err == nil || r.unlocker.secret == nil {
			return keys, err
		}
	}
	if err := r.unlocker.check(); err != nil {
		return nil, err
	}
	return ring.Unlock(ctx, env, r.unlocker.secret)
}

// use has the ring seal and open with keys. The session of an epoch that goes on goes on too.
func (r *Ring) use(env crypto.ID, keys *crypto.Keys) {
	o := &opened{env: env, header: keys.Header(), keys: keys}
	if before := r.open; before != nil && before.env == env {
		before.opener.Learn(keys)
		if o.opener = before.opener; before.keys.Epoch() == keys.Epoch() {
			o.sealer = before.sealer
		}
	}
	if o.opener == nil {
		o.opener = keys.Opener()
	}
	if o.sealer == nil {
		o.sealer = keys.Sealer()
	}
	r.open = o
}

// Seal implements store.Modifier.
func (r *Ring) Seal(ctx context.Context, blobs []store.Sealing) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.open == nil {
		return keyRequired("encrypt")
	}
	for i := range blobs {
		b := &blobs[i]
		b.Bytes = r.open.sealer.Seal(b.Room(len(b.Bytes) + crypto.BlobBytes)[:0], label(b), b.Bytes)
	}
	return nil
}

// Open implements store.Modifier. What was changed is Tampered.
func (r *Ring) Open(ctx context.Context, blobs []store.Sealing) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.open == nil {
		return keyRequired("decrypt")
	}
	for i := range blobs {
		b := &blobs[i]
		plain, err := r.open.opener.Open(make([]byte, 0, max(0, len(b.Bytes)-crypto.BlobBytes)), label(b), b.Bytes)
		switch err {
		case nil:
			b.Bytes = plain
		case crypto.ErrEpoch:
			return store.ErrStaleHeader
		default:
			return &store.Error{Code: store.Tampered, Op: "decrypt", Name: b.Name}
		}
	}
	return nil
}

func label(b *store.Sealing) crypto.Label {
	return crypto.Label{Kind: byte(b.Kind), Name: b.Name, Before: b.Before}
}
