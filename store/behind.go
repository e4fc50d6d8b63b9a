package store

import "context"

// behind is the write-behind: what was committed with Buffered and is not written
// yet. It is staged on the tip like any other commit, but nobody waits for it, so
// it stays there until enough has come together, or time has passed, or a commit
// that does wait takes it along.
type behind struct {
	waiting int     // buffered commits that are not written yet
	bytes   int     // of those staged since a group was last begun
	armed   bool    // a flush is coming
	shown   *state  // what readers see while some wait; nil when it must be made anew
	redoing []Gate  // updates that are run again; open when that is done
	lost    []error // why buffered commits came to nothing, until Flush tells
}

// Flush writes what buffered commits have left and waits until it is stored, as
// relaxed as the backend is. It fails with the first reason for which a buffered
// commit has come to nothing since the last Flush.
func (e *Env) Flush(ctx context.Context) error {
	if e.isClosed() {
		return fail(Closed, "flush", "", nil)
	}
	for {
		if err := e.writeStaged(ctx); err != nil {
			return err
		}
		e.mu.Lock()
		b := &e.behind
		if e.flushing == nil && e.staged == nil && len(b.redoing) == 0 {
			lost := b.lost
			b.lost = nil
			e.mu.Unlock()
			if len(lost) > 0 {
				return lost[0]
			}
			return nil
		}
		redoing := b.redoing
		e.mu.Unlock()
		for _, redone := range redoing {
			if err := redone.Wait(ctx); err != nil {
				return fail(Aborted, "flush", "", err)
			}
		}
	}
}

// writeStaged waits until nothing is staged, and writes it where nobody does.
func (e *Env) writeStaged(ctx context.Context) error {
	for {
		e.mu.Lock()
		under := e.flushing
		switch {
		case under == nil && e.staged == nil:
			e.mu.Unlock()
			return nil
		case under == nil:
			e.begin()
			e.mu.Unlock()
			e.flush(context.WithoutCancel(ctx))
			continue
		}
		e.mu.Unlock()
		if err := under.done.Wait(ctx); err != nil {
			return fail(Aborted, "flush", "", err)
		}
	}
}

// delay takes note of a buffered commit that was just staged, and reports whether
// the group is to be written at once. e.mu is held.
func (e *Env) delay(m *member) bool {
	b := &e.behind
	b.waiting++
	b.bytes += m.tx.writes.bytes
	for _, blob := range m.tx.unsaved {
		b.bytes += len(blob.Bytes)
	}
	if b.bytes >= e.options.BufferBytes {
		return true
	}
	if !b.armed {
		b.armed = true
		e.scheduler.After(e.options.BufferTime, e.flushLate)
	}
	return false
}

func (e *Env) flushLate(ctx context.Context) {
	e.mu.Lock()
	e.behind.armed = false
	due := e.flushing == nil && e.staged != nil
	if due {
		e.begin()
	}
	e.mu.Unlock()
	if due {
		e.flush(ctx)
	}
}

// visible is what readers see: what is written and, while buffered commits wait,
// all that is staged. e.mu is held.
func (e *Env) visible() *state {
	b := &e.behind
	if b.waiting == 0 {
		b.shown = nil
		return e.committed
	}
	if b.shown == nil || b.shown.sequence != e.tip.sequence {
		b.shown = e.tip.freeze()
	}
	return b.shown
}

// written takes note that members were. e.mu is held.
func (b *behind) written(members []*member) {
	for _, m := range members {
		if m.buffered {
			b.waiting--
		}
	}
}

// lose takes note that the buffered ones of members have come to nothing. e.mu is
// held.
func (e *Env) lose(members []*member, err error) {
	b := &e.behind
	b.shown = nil
	for _, m := range members {
		if !m.buffered {
			continue
		}
		b.waiting--
		b.lost = append(b.lost, err)
		if tell := e.options.OnLost; tell != nil {
			e.scheduler.Go(func(context.Context) { tell(err) })
		}
	}
}

// redo runs a buffered update again that another context was faster than: its
// promise was given. A transaction that was not an Update cannot be run again; it
// is lost. e.mu is held.
func (e *Env) redo(m *member) {
	again := m.tx.again
	written := m.written
	m.written = nil
	if again == nil {
		e.lose([]*member{m}, m.err)
		e.scheduler.Go(func(context.Context) { e.discard(written) })
		return
	}
	b := &e.behind
	b.waiting--
	b.shown = nil
	redone := e.scheduler.NewGate()
	b.redoing = append(b.redoing, redone)
	e.scheduler.Go(func(ctx context.Context) {
		e.discard(written)
		err := e.Update(ctx, again)
		e.mu.Lock()
		if err != nil {
			b.waiting++
			e.lose([]*member{m}, err)
		}
		for i, g := range b.redoing {
			if g == redone {
				b.redoing = append(b.redoing[:i:i], b.redoing[i+1:]...)
				break
			}
		}
		e.mu.Unlock()
		redone.Open()
	})
}
