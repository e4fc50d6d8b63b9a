package store

import (
	"bytes"
	"math"
)

// count counts the live keys within bounds.
func (tx *Tx) count(bounds KeyRange) (int64, error) {
	if n, all, err := tx.walked(bounds, few); err != nil || all {
		return n, err
	}
	held, err := tx.holders(bounds, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	if len(held) == 0 {
		return 0, nil
	}
	oldest := held[len(held)-1]
	var changes int64
	for _, h := range held[:len(held)-1] {
		changes += h.entries
	}
	// A change costs a search in the layers below it, a step of a walk much less.
	if !oldest.counted || changes*changeSteps > oldest.entries {
		n, _, err := tx.walked(bounds, math.MaxInt64)
		return n, err
	}
	return tx.countChanges(bounds, held)
}

// holder is a layer, or the transaction's own writes, that has entries within
// the bounds.
type holder struct {
	writes  *spaceWrites // or
	layer   layer
	entries int64
	counted bool // entries is exact and none of them is a tombstone
}

func (h *holder) sources(dst []source, in *reader, bounds KeyRange) []source {
	if h.writes != nil {
		return h.writes.cursors(dst)
	}
	return layerSources(dst, []layer{h.layer}, in, bounds)
}

// holders lists what has entries within bounds, newest first. Of what stands in memory it
// counts so many at most.
func (tx *Tx) holders(bounds KeyRange, most int64) ([]holder, error) {
	if err := tx.closeFor(spaceOf(bounds.Low)); err != nil {
		return nil, err
	}
	var held []holder
	note := func(h holder) {
		if h.entries > 0 {
			held = append(held, h)
		}
	}
	for t := tx; t != nil && t.writable; t = t.parent {
		if written := t.writes.find(spaceOf(bounds.Low)); written != nil {
			h := holder{writes: written}
			h.entries = entriesWithin(h.sources(nil, &tx.in, bounds), bounds, most)
			note(h)
		}
		for _, run := range t.runs {
			h, err := tx.treeHolder(run, bounds)
			if err != nil {
				return nil, err
			}
			note(h)
		}
	}
	for _, l := range tx.layers {
		h := holder{layer: l}
		var err error
		if l.memory == nil {
			h, err = tx.treeHolder(l.tree, bounds)
		} else {
			h.entries = entriesWithin(h.sources(nil, &tx.in, bounds), bounds, most)
		}
		if err != nil {
			return nil, err
		}
		note(h)
	}
	return held, nil
}

func (tx *Tx) treeHolder(t tree, bounds KeyRange) (holder, error) {
	low, err := tx.in.rank(t, bounds.Low)
	if err != nil {
		return holder{}, err
	}
	high, err := tx.in.rank(t, bounds.High)
	return holder{layer: layer{tree: t}, entries: high - low, counted: t.root.tombstones == 0}, err
}

// entriesWithin counts what stands in memory. A key that was written twice may
// count twice: it is a measure of the work that a search would be.
func entriesWithin(sources []source, bounds KeyRange, most int64) (n int64) {
	for _, s := range sources {
		for s.seek(bounds.Low); n < most && s.valid() && bytes.Compare(s.key(), bounds.High) < 0; s.next() {
			n++
		}
	}
	return n
}

// countChanges counts what the oldest layer holds, corrected by what the newer
// ones add to it and take away.
func (tx *Tx) countChanges(bounds KeyRange, held []holder) (int64, error) {
	oldest := held[len(held)-1]
	var newer []source
	for _, h := range held[:len(held)-1] {
		newer = h.sources(newer, &tx.in, bounds)
	}
	total := oldest.entries
	m := newMerge(newer, bounds)
	for m.seek(bounds.Low); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return 0, err
		}
		_, below, err := tx.in.lookup([]layer{oldest.layer}, m.key())
		if err != nil {
			return 0, err
		}
		if below && e.kind == deleted {
			total--
		} else if !below && e.kind != deleted {
			total++
		}
		if err := tx.Work(256); err != nil {
			return 0, err
		}
	}
	return total, m.err()
}

// few is how many keys are walked over before anything else is tried: mostly, where there
// are not more, they stand in one page.
const few = 64

// walked counts the live keys within bounds one by one, but those together that stand in a
// page with nothing newer between. It goes on until there are more than most, and tells
// whether these are all.
func (tx *Tx) walked(bounds KeyRange, most int64) (n int64, all bool, err error) {
	m := newMerge(tx.sources(bounds), bounds)
	for m.seek(bounds.Low); m.valid(); m.next() {
		if n > most {
			return n, false, nil
		}
		e, err := m.entry()
		if err != nil {
			return 0, false, err
		}
		if e.kind != deleted {
			n++
		}
		if leaf, from, to := m.stretch(); leaf != nil && to > from && m.live() {
			n += int64(to - from)
			m.resume(to - 1)
		}
		if err := tx.Work(len(m.key())); err != nil {
			return 0, false, err
		}
	}
	return n, true, m.err()
}
