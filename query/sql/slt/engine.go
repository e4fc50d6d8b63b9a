// Package slt holds an engine of SQL to another one: by files in the format of
// sqllogictest, whose results were taken from SQLite, and by statements made at
// random that two engines are given in turn.
//
// An engine is what runs statements: see [Engine]. A file is read by [Parse] and run
// by [Run]; [Generator] makes schemas, rows and statements, which [Differ] compares.
package slt

import "github.com/stowage-db/stowage/query/sql/value"

// Engine runs statements on a database of its own, empty at first.
type Engine interface {
	// Name is what skipif and onlyif of files know the engine by.
	Name() string
	// Run runs one statement, and returns the rows that it has.
	Run(statement string) (rows [][]value.Value, err error)
	Close() error
}
