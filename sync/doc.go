// Package sync keeps copies of data that lives elsewhere, behind an origin: a slow
// database that is only read. A Puller brings whole shapes (tables, or what a condition
// leaves of them) into tables of an environment and keeps them up to date; a View loads
// single rows and their relations as they are asked for. Both go on with what they have
// where there is no network. PROTOCOL.md describes what crosses; package sync/origin is
// the other end.
//
// Whatever interrupts a pull, it goes on after the last chunk, and what is shown is
// always one whole shape: rows and position change in the same transaction, and what
// is not complete yet lies beside what is shown.
//
// Web pages have the same in the entry stowage/sync of the npm package, with files of
// the same names and the same tables in the environment.
//
// Reading order: value.go and message.go (what arrives), source.go and electric.go (how it
// is asked for; staticexport.go, couch.go and rest.go for others than origins), request.go, shape.go and application.go (how it is kept), pull.go and
// pulling.go (when it is asked for); then view.go, model.go, relation.go, mode.go, ensure.go
// (how what is wanted comes to be here), load.go, loaded.go, item.go, overlay.go.
package sync
