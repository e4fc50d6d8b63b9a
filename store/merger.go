//go:build !page

package store

import "context"

// merger is what an environment asks of its replica. Native programs that never open one
// do not have it linked in.
type merger interface {
	// keep notes what a transaction has done, stamp when, record tells others of those
	// that commit together, log has them in the log, and committed takes note that others were told.
	keep(tx *Tx) error
	stamp(tx *Tx)
	record(ctx context.Context, g *group) error
	log(g *group)
	committed(g *group)

	leave(refs []Ref, reloads int)
	syncAfter(ctx context.Context, tokens string) error
	compact(ctx context.Context, budget int) (done bool, err error)
	token() string
}

var _ merger = (*replica)(nil)

// replica is that of an environment which has one. It is no field of its own: by a
// field's type all programs would have what only few need.
func (e *Env) replica() *replica { return e.merger.(*replica) }

// merges reports whether what is committed here is merged with what others commit.
func (e *Env) merges() bool { return e.merger != nil }

// keepJournal notes what the transaction has done, where others are to be told.
func (tx *Tx) keepJournal() error {
	if !tx.env.merges() || tx.foreign {
		return nil
	}
	return tx.env.merger.keep(tx)
}

// stampJournal stamps it. The turn is held.
func (tx *Tx) stampJournal() {
	if tx.journal != nil {
		tx.env.merger.stamp(tx)
	}
}

// writeMerging tells others what a group has done, and then takes note of it here. A replica's
// own log is never stored, so that a record of it is only put together if it is read.
func (e *Env) writeMerging(ctx context.Context, g *group) error {
	if err := e.merger.record(ctx, g); err != nil {
		return err
	}
	if err := e.publish(ctx, &Batch{Put: g.blobs(), Durability: g.durability()}); err != nil {
		return err
	}
	e.merger.log(g)
	return nil
}

// journalCommitted notes that they were told what is committed here. e.mu is held.
func (e *Env) journalCommitted(g *group) {
	if g.mark != (mark{}) {
		e.merger.committed(g)
	}
}

// leave drops blobs that were garbage when the environment had been read so many times.
func (e *Env) leave(refs []Ref, reloads int) { e.merger.leave(refs, reloads) }

// syncMerging makes visible what can be seen from here.
func (e *Env) syncMerging(ctx context.Context) error { return e.merger.syncAfter(ctx, "") }

// noteEmptied notes that a database loses all it has.
func (tx *Tx) noteEmptied(name string) { tx.emptied = append(tx.emptied, name) }

// private reports whether a database means nothing to another environment.
func private(name []byte) bool { return string(name) == stampsName }

// mergeable fails with Unsupported where writers that do not see one another could not
// keep what a schema promises.
func (e *Env) mergeable(table string, s *Schema) error {
	needed := ""
	for _, index := range s.Indexes {
		if index.Unique {
			needed = "a unique index"
		}
	}
	if s.Increment {
		needed = "an incrementing identity"
	}
	if !e.merges() || needed == "" {
		return nil
	}
	return fail(Unsupported, "open table: "+needed+" takes one place that all writes go through, as a Durable Object is", table, nil)
}
