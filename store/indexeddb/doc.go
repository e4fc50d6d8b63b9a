// Package indexeddb is a backend for Go programs that are compiled to GOOS=js and
// run in a browser, in a page or a worker. It keeps the environment "name" as the
// JavaScript package does: in the database "stowage:name", version 1, in the
// object store "blobs", under each blob's name a Uint8Array. So a Go program
// opens what JavaScript wrote, and the other way round, but not both at once: it
// holds the environment's Web Lock alone for as long as it has it open.
//
//	backend, err := indexeddb.Open(ctx, "atlas")
//	env, err := store.Open(ctx, backend, store.Options{Modifiers: []store.Modifier{compress.S2{}}})
//
// Calls wait for the browser, so they must not be made by the function of a
// js.Func, which the browser waits for; let that start a goroutine.
package indexeddb
