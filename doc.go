// Package stowage is the map of a small, offline-first store: one Go engine that
// runs as a library on a server and, compiled to WebAssembly, behind a
// Promise-returning TypeScript API in web pages.
//
// The package holds no code. It says which folder is responsible for what, and
// its test keeps the arrows below pointing down:
//
//	web-demo/      the atlas, an application on the packed npm package
//	   │
//	js/            the npm package: open, tables, queries, drivers
//	   ┊ frames
//	wasm/          operations as coroutines; knows that JavaScript exists
//	   │
//	   │   store/memory   store/file   …   one folder a backend, for programs
//	   │      │
//	store/         environments, transactions, pages and log; tables and indexes
//	   │
//	query/         filters and keys: parse, plan, match; knows no storage
//
// A Go program starts at package store and picks a backend beside it. A reader
// of the code starts at ARCHITECTURE.md.
package stowage
