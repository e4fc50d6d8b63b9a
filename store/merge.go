package store

import "bytes"

// source is one ordered layer under a merge.
type source interface {
	seek(key []byte)       // stand on the first entry at or above key
	seekBefore(key []byte) // stand on the last entry below key; nil: the last of all
	next()
	prev()
	valid() bool
	key() []byte // until the source moves
	entry() (entry, error)
	err() error
}

// merge reads several layers as one: of equal keys the newest layer's counts.
// It walks both ways and shows tombstones; its readers pass over them.
type merge struct {
	sources []source // newest first
	bounds  KeyRange
	at      int  // the source that holds the current entry, −1 for none
	reverse bool // the sources stand at or before the current entry, not after
	failed  error
}

func newMerge(sources []source, bounds KeyRange) *merge {
	return &merge{sources: sources, bounds: bounds, at: -1}
}

// rebind has the merge go on within other bounds, of the same database.
//
//go:noinline
func (m *merge) rebind(bounds KeyRange) {
	m.bounds = bounds
	for _, s := range m.sources {
		if t, ok := s.(*treeCursor); ok {
			t.bounds = bounds
		}
	}
}

func (m *merge) valid() bool           { return m.at >= 0 }
func (m *merge) key() []byte           { return m.sources[m.at].key() }
func (m *merge) entry() (entry, error) { return m.sources[m.at].entry() }
func (m *merge) err() error            { return m.failed }

// seek stands on the first entry at or above key, within bounds.
func (m *merge) seek(key []byte) {
	if bytes.Compare(key, m.bounds.Low) < 0 {
		key = m.bounds.Low
	}
	for _, s := range m.sources {
		s.seek(key)
	}
	m.reverse = false
	m.choose()
}

// seekBefore stands on the last entry below key (nil: of all), within bounds.
func (m *merge) seekBefore(key []byte) {
	if key == nil || m.bounds.High != nil && bytes.Compare(key, m.bounds.High) > 0 {
		key = m.bounds.High
	}
	for _, s := range m.sources {
		s.seekBefore(key)
	}
	m.reverse = true
	m.choose()
}

func (m *merge) next() { m.step(false) }
func (m *merge) prev() { m.step(true) }

func (m *merge) step(reverse bool) {
	if m.at < 0 {
		return
	}
	if len(m.sources) == 1 {
		m.move(m.sources[0], reverse)
		m.choose()
		return
	}
	if m.reverse != reverse {
		m.turn(reverse)
		return
	}
	current := m.sources[m.at]
	for i, s := range m.sources {
		if i != m.at && s.valid() && bytes.Equal(s.key(), current.key()) {
			m.move(s, reverse)
		}
	}
	m.move(current, reverse)
	m.choose()
}

func (m *merge) move(s source, reverse bool) {
	m.reverse = reverse
	if reverse {
		s.prev()
	} else {
		s.next()
	}
}

// turn changes direction: every source is sought anew around the current key.
func (m *merge) turn(reverse bool) {
	key := bytes.Clone(m.key())
	m.reverse = reverse
	for _, s := range m.sources {
		if reverse {
			s.seekBefore(key)
			continue
		}
		s.seek(key)
		if s.valid() && bytes.Equal(s.key(), key) {
			s.next()
		}
	}
	m.choose()
}

// choose finds the source whose entry comes next, the newest among equals.
func (m *merge) choose() {
	m.at = -1
	for i, s := range m.sources {
		if !s.valid() {
			if err := s.err(); err != nil {
				m.failed, m.at = err, -1
				return
			}
			continue
		}
		if m.at < 0 {
			m.at = i
			continue
		}
		c := bytes.Compare(s.key(), m.sources[m.at].key())
		if c < 0 && !m.reverse || c > 0 && m.reverse {
			m.at = i
		}
	}
	if m.at >= 0 && !m.within(m.key()) {
		m.at = -1
	}
}

// stretch returns the entries of a leaf behind the current one, [from, to), that no
// other source comes between: a scan may take them as they are. It is empty where the
// current entry is no tree's, and in a walk downwards.
func (m *merge) stretch() (leaf *page, from, to int) {
	tree, ok := m.sources[m.at].(*treeCursor)
	if !ok || m.reverse || tree.leaf == nil {
		return nil, 0, 0
	}
	leaf, from = tree.leaf, tree.index+1
	to = leaf.end(m.bounds.High)
	for i, s := range m.sources {
		if i != m.at && s.valid() && to > from {
			to = min(to, leaf.end(s.key()))
		}
	}
	return leaf, from, to
}

// below is the leaf of a stretch as its parent has it.
func (m *merge) below() child { return m.sources[m.at].(*treeCursor).below() }

// live reports whether the tree that the current entry is in has no tombstones.
func (m *merge) live() bool { return m.sources[m.at].(*treeCursor).tree.root.tombstones == 0 }

// resume stands on entry i of the leaf that stretch told of.
func (m *merge) resume(i int) {
	tree := m.sources[m.at].(*treeCursor)
	tree.index = i
	tree.settle()
}

func (m *merge) within(key []byte) bool {
	if m.reverse {
		return bytes.Compare(key, m.bounds.Low) >= 0
	}
	return m.bounds.High == nil || bytes.Compare(key, m.bounds.High) < 0
}
