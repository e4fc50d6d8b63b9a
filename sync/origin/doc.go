// Package origin serves tables and views of a database, read-only, over the
// Shapes protocol of ElectricSQL: a snapshot and a log of changes in chunks that
// can be cached, resumed and followed live. PROTOCOL.md, beside the package
// sync, describes what crosses; any client of that protocol can follow.
//
//	source, err := origin.OpenSQLite("atlas.sqlite")
//	o, err := origin.Open(ctx, source, origin.Config{
//		Sidecar: "atlas.sidecar",
//		Tables:  []origin.Table{{Name: "cities"}, {Name: "countries"}},
//	})
//	defer o.Close()
//	go o.Run(ctx)                      // looks for changes
//	http.ListenAndServe(address, o.Handler())
//
// The source is never written. What changed is found by comparing: a cheap gate
// (Source.Gate) tells whether anything was committed at all, and then every shape
// is read in one snapshot and held against the hashes of its rows, which stand
// with the log in a SQLite file of the origin's own, the sidecar. Losing the
// sidecar costs clients a refetch and nothing else.
//
// Only SQL that this package has composed itself reaches the source. Filters and
// statements from outside are parsed (parser.go) into a bounded subset and
// rendered again (render.go), values as parameters, tables as subqueries that
// hold the allowed columns only.
package origin
