package store

// count counts the live keys within bounds.
func (tx *Tx) count(bounds KeyRange) (int64, error) {
	held, err := tx.holders(bounds)
	if err != nil {
		return 0, err
	}
	if len(held) == 0 {
		return 0, nil
	}
	oldest := held[len(held)-1]
	if !oldest.counted {
		return tx.countByWalking(bounds)
	}
	var changes int64
	for _, h := range held[:len(held)-1] {
		changes += h.entries
	}
	// A change costs a search in the layers below it, a step of a walk much less.
	if changes*8 > oldest.entries {
		return tx.countByWalking(bounds)
	}
	return tx.countChanges(bounds, held)
}

// holder is a layer that has entries within the bounds.
type holder struct {
	layer   layer
	entries int64
	counted bool // entries is exact and none of them is a tombstone
}

// holders lists the layers with entries within bounds, newest first.
func (tx *Tx) holders(bounds KeyRange) ([]holder, error) {
	var layers []layer
	if tx.writable {
		layers = append(layers, layer{memory: tx.writes})
		layers = append(layers, layersOf(tx.runs)...)
	}
	var held []holder
	for _, l := range append(layers, tx.layers...) {
		h := holder{layer: l}
		if l.memory != nil {
			c := newMemoryCursor(l.memory)
			for c.seek(bounds.Low); c.valid() && keyString(c.key()) < keyString(bounds.High); c.next() {
				h.entries++
			}
		} else {
			low, err := tx.in.rank(l.tree, bounds.Low)
			if err != nil {
				return nil, err
			}
			high, err := tx.in.rank(l.tree, bounds.High)
			if err != nil {
				return nil, err
			}
			h.entries, h.counted = high-low, l.tree.root.tombstones == 0
		}
		if h.entries > 0 {
			held = append(held, h)
		}
	}
	return held, nil
}

// countChanges counts what the oldest layer holds, corrected by what the newer
// ones add to it and take away.
func (tx *Tx) countChanges(bounds KeyRange, held []holder) (int64, error) {
	oldest := held[len(held)-1]
	newer := make([]layer, len(held)-1)
	for i := range newer {
		newer[i] = held[i].layer
	}
	total := oldest.entries
	m := newMerge(layerSources(nil, newer, &tx.in, bounds), bounds)
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

func (tx *Tx) countByWalking(bounds KeyRange) (int64, error) {
	var n int64
	m := newMerge(tx.sources(bounds), bounds)
	for m.seek(bounds.Low); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return 0, err
		}
		if e.kind != deleted {
			n++
		}
		if err := tx.Work(len(m.key())); err != nil {
			return 0, err
		}
	}
	return n, m.err()
}

// noteRead adds a range to what a writing transaction has read.
func (tx *Tx) noteRead(bounds KeyRange) {
	if tx.writable && !tx.exclusive {
		tx.reads.add(bounds)
	}
}
