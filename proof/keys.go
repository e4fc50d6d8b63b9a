package main

import (
	"context"
	"math/rand/v2"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
)

// drawChain returns one of the chains that environments are proven with.
func drawChain(random *rand.Rand) []store.Modifier {
	switch random.IntN(3) {
	case 0:
		return []store.Modifier{compress.S2{}}
	case 1:
		return []store.Modifier{compress.S2{}, newRing()}
	default:
		return nil
	}
}

// newRing returns the encrypting stage, always with the same key. What it seals differs
// from run to run in its bytes, and in nothing that a run depends on.
func newRing() store.Modifier { return encrypt.AESGCM(encrypt.Key(make([]byte, 32))) }

// openEnv opens an environment with a ring of its own: one belongs to one opening.
func openEnv(ctx context.Context, b store.Backend, options store.Options) (*store.Env, error) {
	var chain []store.Modifier
	for _, m := range options.Modifiers {
		if _, ok := m.(store.Keyed); ok {
			m = newRing()
		}
		chain = append(chain, m)
	}
	options.Modifiers = chain
	return store.Open(ctx, b, options)
}

// rotateKeys rotates where there are keys. Of those that were begun before, by whoever
// is dead now, it goes on with the last.
func rotateKeys(env *store.Env) error {
	err := env.Rotate(context.Background(), nil)
	if store.CodeOf(err) == store.KeyRequired {
		return nil
	}
	return err
}
