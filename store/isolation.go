package store

import "bytes"

// Isolation says whose the bytes of documents are that programs and tables hand each
// other. Which commits a transaction sees is no question of it: one snapshot, always.
type Isolation uint8

const (
	// Copies are the program's own: it may keep and change what it is given, and change
	// what it has given once the call has returned.
	Copies Isolation = iota
	// Shared is what a table hands out of its own memory, where every reader of a page
	// meets it: such bytes must not be modified, and hold until the transaction ends,
	// results of projections and aggregates until emit returns. Documents of more than
	// MaxCopied bytes that a program hands in are kept as they are and must not be
	// modified either. It saves programs that only decode a copy of each document.
	Shared
)

// handOut makes of a result what its reader may have.
func (e *Env) handOut(result []byte) []byte {
	if e.options.Isolation == Shared {
		return result
	}
	return bytes.Clone(result)
}

// handingOut is emit, told what its reader may have.
func (e *Env) handingOut(emit func([]byte) error) func([]byte) error {
	if e.options.Isolation == Shared {
		return emit
	}
	return func(result []byte) error { return emit(bytes.Clone(result)) }
}

// takeIn makes of a program's document what can be kept. Short ones are copied where they are written.
func (e *Env) takeIn(doc []byte) []byte {
	if e.options.Isolation == Shared || len(doc) <= MaxCopied {
		return doc
	}
	return bytes.Clone(doc)
}
