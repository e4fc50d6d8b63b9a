package store

// layer is one generation of changes: in memory, or a tree already written.
// Exactly one of the two is set.
type layer struct {
	memory *memory
	tree   tree
}

// state is everything the environment holds at one log position, as layers from
// the newest to the oldest. A state that was published is never modified; what
// the next transactions stage goes into the tip, the only one that is written to.
//
// Top and upper layers have been committed since the last checkpoint began, lower
// ones are those it folds or has folded: a checkpoint exchanges lower while
// commits go on stacking upper.
type state struct {
	position   uint64 // the last log position it contains
	sequence   uint64 // the last staged transaction it contains
	top        *memory
	upper      []layer // below top
	lower      []layer // the last one is the base tree, if there is one
	upperBytes int     // of top and the upper layers in memory: keys, values and overhead
	lowerBytes int

	layers []layer // of a frozen state, all that hold anything, newest first
}

// list enters the layers of a state that is not written to any more.
func (s *state) list() {
	s.layers = make([]layer, 0, 1+len(s.upper)+len(s.lower))
	if !s.top.empty() {
		s.layers = append(s.layers, layer{memory: s.top})
	}
	s.layers = append(append(s.layers, s.upper...), s.lower...)
}

// bytes is what the layers in memory take.
func (s *state) bytes() int { return s.upperBytes + s.lowerBytes }

// folded reports whether all it holds is in lower trees. What a large transaction has written ahead is in upper ones.
func (s *state) folded() bool { return s.bytes() == 0 && len(s.upper) == 0 }

// freeze returns the state as it is now, to be read while s goes on changing.
func (s *state) freeze() *state {
	frozen := *s
	frozen.top = s.top.freeze()
	frozen.list()
	return &frozen
}

// reopen returns a tip that begins as the frozen s. Its list is left to those who
// still read what was staged in it since. So that a state which is often reopened
// stays quick to read, its layers are joined with those below that are no larger;
// the large values that no layer shows then are returned.
func (s *state) reopen() (tip *state, dead []Overflow) {
	tip = new(state)
	*tip = *s
	tip.top, tip.layers = newMemory(), nil
	if s.top.empty() {
		return tip, nil
	}
	top, upper := s.top, s.upper
	for len(upper) > 0 && upper[0].memory != nil && upper[0].memory.size <= top.size {
		var more []Overflow
		top, more = top.over(upper[0].memory)
		dead, upper = append(dead, more...), upper[1:]
	}
	tip.upper = append([]layer{{memory: top}}, upper...)
	return tip, dead
}

// apply puts a transaction's writes on top: its trees, then its last writes,
// whose buffers it goes on using. It returns the large values that were
// overwritten within the top layer, which no merge will come across.
func (s *state) apply(writes *writeSet, trees []tree) (dead []Overflow) {
	if len(trees) > 0 {
		s.stack(trees)
	}
	_ = writes.all(func(whole []byte, e entry) error {
		old, replaced := s.top.set(whole, e)
		s.upperBytes += len(whole) + len(e.value) + memoryEntryBytes
		if o, ok := readOverflow(old.value); replaced && ok && old.kind == overflow {
			dead = append(dead, o)
		}
		return nil
	})
	return dead
}

// stack puts trees, newest first, and an empty top above them.
func (s *state) stack(trees []tree) {
	upper := make([]layer, 0, len(trees)+1+len(s.upper))
	upper = append(upper, layersOf(trees)...)
	if !s.top.empty() {
		upper = append(upper, layer{memory: s.top.freeze()})
	}
	s.upper = append(upper, s.upper...)
	s.top = newMemory()
}

// onto puts a frozen state on other lower layers, in memory of that many bytes.
func (s *state) onto(lower []layer, bytes int) {
	s.lower, s.lowerBytes = lower, bytes
	s.list()
}

func layersOf(trees []tree) []layer {
	layers := make([]layer, len(trees))
	for i, t := range trees {
		layers[i].tree = t
	}
	return layers
}

// layerSources opens layers for a merge, newest first. Layers in memory are not
// written to while a frozen state is read.
func layerSources(dst []source, layers []layer, in *reader, bounds KeyRange) []source {
	for _, l := range layers {
		switch {
		case l.memory == nil:
			dst = append(dst, newTreeCursor(in, l.tree, bounds))
		case !l.memory.empty():
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
			e, found = l.memory.get(key)
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
