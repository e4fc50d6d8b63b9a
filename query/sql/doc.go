// Package sql is SQL's face of the query engine: SQLite's dialect over tables of
// documents. It knows nothing of storage.
//
// Data flows one way. A text is parsed (token.go, parser.go and what it names),
// its names are given meaning (scope.go, resolve.go), a plan is made (join.go,
// access.go), and carried out by pushing rows from one step to the next
// (select.go, scan.go) out of a [Source], which reads and writes in one transaction.
//
// Functions that only ready a statement and are called from many places are not inlined:
// there it counts how much code there is to download.
//
// All columns of a statement that somebody looks at have a place of their own in
// one row of values, so that an expression, in whatever subquery it stands, is a
// function of that row: see [run].
package sql
