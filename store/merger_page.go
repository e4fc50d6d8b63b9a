//go:build page

package store

import "context"

// A page has no backend that merges. What its engine would ask of one costs nothing to
// download.
type (
	merger  interface{}
	journal struct{}
)

func (e *Env) merges() bool                               { return false }
func (tx *Tx) keepJournal() error                         { return nil }
func (tx *Tx) stampJournal()                              {}
func (e *Env) writeMerging(context.Context, *group) error { return nil }
func (e *Env) journalCommitted(*group)                    {}
func (e *Env) leave([]Ref, int)                           {}
func (e *Env) syncMerging(context.Context) error          { return nil }
func private([]byte) bool                                 { return false }
func (tx *Tx) noteEmptied(string)                         {}
func (e *Env) mergeable(string, *Schema) error            { return nil }
