package store

// layer is one generation of changes: in memory, or a tree already written.
// Exactly one of the two is set.
type layer struct {
	memory *memory
	tree   tree
}

// state is everything the environment holds at one log position, as layers from
// the newest to the oldest. A state that was published is never modified; what
// the next transactions stage goes into a copy.
//
// Upper layers have been committed since the last checkpoint began, lower ones
// are those it folds or has folded: a checkpoint exchanges lower while commits
// go on stacking upper.
type state struct {
	position   uint64  // the last log position it contains
	sequence   uint64  // the last staged transaction it contains
	upper      []layer // upper[0] is in memory
	lower      []layer // the last one is the base tree, if there is one
	upperBytes int     // of the layers in memory: keys, values and overhead
	lowerBytes int
}

// layers is every layer, newest first.
func (s *state) layers() []layer {
	all := make([]layer, 0, len(s.upper)+len(s.lower))
	return append(append(all, s.upper...), s.lower...)
}

// bytes is what the layers in memory take.
func (s *state) bytes() int { return s.upperBytes + s.lowerBytes }

// freeze returns the state as it is now, to be read while s goes on changing.
func (s *state) freeze() *state {
	frozen := *s
	frozen.upper = append([]layer(nil), s.upper...)
	frozen.upper[0].memory = s.upper[0].memory.Copy()
	return &frozen
}

// apply puts a transaction's writes on top: its trees, then its last writes,
// whose buffers it goes on using. The result still has a memory layer on top. It
// returns the large values that were overwritten within that layer, which no
// merge will come across.
func (s *state) apply(writes *writeSet, trees []tree) (dead []Overflow) {
	if len(trees) > 0 {
		s.stack(trees)
	}
	top := s.upper[0].memory
	_ = writes.all(func(whole []byte, e entry) error {
		old, replaced := top.Set(string(whole), e)
		s.upperBytes += len(whole) + len(e.value) + memoryEntryBytes
		if o, ok := readOverflow(old.value); replaced && ok && old.kind == overflow {
			dead = append(dead, o)
		}
		return nil
	})
	return dead
}

// stack puts trees, newest first, and an empty memory layer on top.
func (s *state) stack(trees []tree) {
	upper := make([]layer, 0, 1+len(trees)+len(s.upper))
	upper = append(upper, layer{memory: newMemory()})
	upper = append(upper, layersOf(trees)...)
	if s.upper[0].memory.Len() == 0 {
		s.upper = s.upper[1:]
	}
	s.upper = append(upper, s.upper...)
}

// layerSources opens layers for a merge, newest first. Layers in memory are not
// written to while a frozen state is read.
func layerSources(dst []source, layers []layer, in *reader, bounds KeyRange) []source {
	for _, l := range layers {
		switch {
		case l.memory == nil:
			dst = append(dst, newTreeCursor(in, l.tree, bounds))
		case l.memory.Len() > 0:
			dst = append(dst, newMemoryCursor(l.memory))
		}
	}
	return dst
}

// get finds the newest entry of a whole key in layers.
func (r *reader) lookup(layers []layer, key []byte) (entry, bool, error) {
	for i := range layers {
		l := &layers[i]
		var e entry
		var found bool
		if l.memory != nil {
			e, found = l.memory.Get(keyString(key))
		} else {
			var err error
			if e, found, err = r.get(l.tree, key); err != nil {
				return entry{}, false, err
			}
		}
		if found {
			return e, true, nil
		}
	}
	return entry{}, false, nil
}
