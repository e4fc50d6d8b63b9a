// Package query is the language of Stowage's filters and the order of its keys,
// and knows nothing of storage. It parses filters and queries from MessagePack,
// matches them on the raw bytes of documents, encodes values as ordered keys,
// and plans which ranges of which index answer a query.
//
// Documents, filters and values are MessagePack as msgpackr writes it with
// useRecords: false. Nothing is ever decoded into Go maps: a value is looked at
// where it lies.
//
// Reading order: value.go (one value in its bytes), path.go (finding it),
// key.go (ordering it), filter.go and operators.go (what can be asked), match.go,
// within.go and host.go (asking it), plan.go (asking an index instead), builder.go
// and functions.go (asking in Go).
package query
