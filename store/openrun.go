package store

import "bytes"

// openRun is a run that stays open while a transaction writes to one database in
// ascending order: what a bulk load writes goes to pages as it comes, and not among the
// writes first, unless it is too large for a page. While it is open, neither these nor the
// runs that they are spilled to hold anything of its database, so that it does not matter
// which of them lies above. Nobody reads it: who has to closes it.
type openRun struct {
	space       space
	first, last []byte // whole keys
	builder     *builder
}

// openPages is how many pages' worth a database's writes come to before they become an open run. Of plain
// pages that is more than runBytes: they would have become a run at the commit.
const openPages = 6

// opens reports whether the writes to a database are to become an open run. In a transaction that is its
// first run, if any; in a nested one none, for it may be small and have many like it. Who looks for keys as
// often as it writes them loads nothing: the next look would close the run.
func (tx *Tx) opens(s *spaceWrites) bool {
	return s.bytes >= openPages*tx.env.options.PageBytes && len(s.tail) == 0 && len(tx.writes.large) == 0 &&
		tx.growing == nil && len(tx.runs) == 0 && s.space != catalogue && tx.parent == nil && !tx.env.merges() && 2*s.looked < len(s.sorted)
}

// openRun moves the writes to a database to a run that stays open. The others stay, a few most often.
func (tx *Tx) openRun(s *spaceWrites) error {
	all := tx.writes
	tx.writes = &writeSet{}
	tx.growing = &openRun{space: s.space, first: bytes.Clone(all.key(s.sorted[0])), builder: tx.newBuilder()}
	return all.all(func(whole []byte, e entry) error {
		if id := spaceOf(whole); id != s.space {
			tx.writes.space(id).put(whole, e)
			return nil
		}
		return tx.grow(whole, e)
	})
}

// grow appends a write to the open run.
func (tx *Tx) grow(whole []byte, e entry) error {
	r := tx.growing
	r.builder.out.ctx = tx.in.ctx
	r.last = append(r.last[:0], whole...)
	return tx.Spoil(r.builder.add(whole, e))
}

// closeFor closes the open run where it is one of the database that somebody wants to read.
func (tx *Tx) closeFor(id space) error {
	switch {
	case tx.failed != nil:
		return tx.failed // maybe in doing this
	case tx.growing == nil || tx.growing.space != id:
		return nil
	default:
		return tx.closeRun()
	}
}

// closeRun makes the open run one like the others. Who cannot wait fails before anything is done, and may
// try again.
func (tx *Tx) closeRun() error {
	if tx.growing == nil {
		return nil
	}
	if err := tx.env.breathe(tx.in.ctx); err != nil {
		return err
	}
	return tx.Spoil(tx.endRun(true))
}

// endRun closes the open run. When the commit comes next, and nothing is to be flushed, it takes along the
// writes where all their keys come after its own: most bulk loads leave one tree.
func (tx *Tx) endRun(flush bool) error {
	r := tx.growing
	tx.growing = nil
	r.builder.out.ctx = tx.in.ctx
	tx.spans = append(tx.spans, KeyRange{Low: r.first, High: append(r.last, 0)})
	along := !flush && !tx.writes.empty() && tx.writes.spaces[0].space > r.space
	return tx.finishRun(r.builder, along, flush)
}

// dropRun gives up the open run.
func (tx *Tx) dropRun() {
	if tx.growing != nil {
		tx.written = append(tx.written, tx.growing.builder.out.refs...)
		tx.growing = nil
	}
}
