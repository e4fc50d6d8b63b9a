//go:build !wasm

package store

import "sync/atomic"

// link is a pointer that one goroutine sets while others follow it.
type link[T any] = atomic.Pointer[T]
