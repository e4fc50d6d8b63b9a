// Package kv is a backend for Go programs that are compiled to GOOS=js and run in a
// Cloudflare Worker under github.com/syumai/workers. It keeps environments in Workers
// KV, where any number of isolates write to them and merge what the others have written,
// as the JavaScript package does: an environment of one is read and written by the other.
//
//	backend, err := kv.Open("STORE", "shop", kv.Options{})
//	env, err := store.OpenMerging(ctx, backend, store.Options{Modifiers: []store.Modifier{compress.S2{}}})
//
// What KV can promise, and what not, stands in js/EDGE.md. A worker of that kind starts a program
// for each request, which opens the environment anew: it reads the hint, the list of what came
// after, and pages as they are needed. Let a cron trigger call store.Env.Compact, so that this is little.
package kv
