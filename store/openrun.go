package store

import "bytes"

// openRun is a run that stays open while a transaction writes to one database in
// ascending order: what a bulk load writes goes to pages as it comes, and not among the
// writes first. While it is open, neither these nor the runs that they are spilled to
// hold anything of its database, so that it does not matter which of them lies above.
// Nobody reads it: who has to closes it.
type openRun struct {
	space       space
	first, last []byte // whole keys
	builder     *builder
}

// openPages is how many pages' worth a database's writes come to before they become an open run. Of plain
// pages that is more than runBytes: they would have become a run at the commit.
const openPages = 6

// opens reports whether the writes to a database are to become an open run. A transaction has one at
// most, and a nested one none, for it may be small and have many like it.
func (tx *Tx) opens(s *spaceWrites) bool {
	return s.bytes >= openPages*tx.env.options.PageBytes && len(s.tail) == 0 && !tx.opened &&
		s.space != catalogue && tx.parent == nil && !tx.env.merges()
}

// openRun moves the writes to a database to a run that stays open.
func (tx *Tx) openRun(s *spaceWrites) error {
	moved := tx.writes.cut(s)
	tx.growing, tx.opened = &openRun{space: s.space, first: bytes.Clone(moved.key(s.sorted[0])), builder: tx.newBuilder()}, true
	return moved.all(tx.grow)
}

// grow appends a write to the open run.
func (tx *Tx) grow(whole []byte, e entry) error {
	r := tx.growing
	out := r.builder.out
	out.ctx = tx.in.ctx
	if e.large() {
		var err error
		if e, err = out.outsize(whole, e); err != nil {
			return err
		}
	}
	r.last = append(r.last[:0], whole...)
	return r.builder.add(whole, e)
}

// closeWithin closes the open run where it may hold keys from low to high, nil for all above: somebody
// wants to read them.
func (tx *Tx) closeWithin(low, high []byte) error {
	switch r := tx.growing; {
	case tx.failed != nil:
		return tx.failed // maybe in doing this
	case r == nil || bytes.Compare(low, r.last) > 0 || high != nil && bytes.Compare(high, r.first) < 0:
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
