//go:build page

package main

import "github.com/stowage-db/stowage/store"

// openEnv is what opens an environment: pages have no backend that takes more.
var openEnv = store.Open

// random is what names are drawn from: Go's own.
func random([32]byte) func() uint64 { return nil }

func (o *operation) atEdge() error {
	return &store.Error{Code: store.Unsupported, Op: "an operation this engine does not know"}
}
