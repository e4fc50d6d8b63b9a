//go:build !page

package main

import (
	"math/rand/v2"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// openEnv is what opens an environment: Workers have KV, which takes an engine that merges.
var openEnv = store.OpenMerging

// random is what names are drawn from: Go may have been started where there is no randomness.
func random(seed [32]byte) func() uint64 { return rand.NewChaCha8(seed).Uint64 }

// atEdge carries out what only an engine that merges is asked for.
func (o *operation) atEdge() error {
	switch o.request.Op {
	case wire.SyncAfter:
		return o.syncAfter()
	case wire.Compact:
		return o.compact()
	case wire.Token:
		o.result = msgp.AppendString(o.result, o.bridge.env.Token())
		return nil
	}
	return &store.Error{Code: store.Unsupported, Op: "an operation this engine does not know"}
}

// syncAfter makes visible what tokens name, and what can be seen.
func (o *operation) syncAfter() error {
	tokens, err := o.request.Tokens()
	o.result = msgp.AppendNil(o.result)
	if err != nil {
		return err
	}
	return o.bridge.env.SyncAfter(o.ctx, tokens)
}

// compact publishes and deletes. Its result tells whether nothing is left to do.
func (o *operation) compact() error {
	budget, err := o.request.Budget()
	if err != nil {
		return err
	}
	done, err := o.bridge.env.Compact(o.ctx, budget)
	o.result = msgp.AppendBool(o.result, done)
	return err
}
