package store

import "bytes"

// fold merges layers into one tree. Leaves whose keys no other layer touches
// are adopted whole, unread: bulk data in ascending order is written once.
type fold struct {
	in      *reader
	out     *pageWriter
	target  int              // bytes of a plain page
	bottom  bool             // nothing lies below: tombstones and dropped databases fall away
	dropped func(space) bool // with bottom: whether a space's database is gone; nil: none is
	from    []byte           // the first key that is merged; nil: all are
	most    int              // pages after which it is enough, about, from the first key of an upper layer on; 0: it goes on to the end

	renewal *renewal // nil: none

	begun   bool         // a key of an upper layer was met
	rest    []byte       // where it was enough: from here on the tree is as the lowest layer was, nil if all is merged
	adopted map[Ref]bool // of all layers
	dead    []Overflow   // large values that nothing refers to once the fold is published
	cursors []*treeCursor
	sources []source
}

// run merges layers, newest first.
func (f *fold) run(layers []layer) (tree, error) {
	if f.adopted == nil {
		f.adopted = make(map[Ref]bool)
	}
	written := len(f.out.refs)
	for _, l := range layers {
		if l.memory != nil {
			f.sources = append(f.sources, newMemoryCursor(l.memory))
			f.cursors = append(f.cursors, nil)
			continue
		}
		c := newTreeCursor(f.in, l.tree, KeyRange{})
		f.sources = append(f.sources, c)
		f.cursors = append(f.cursors, c)
	}
	for _, s := range f.sources {
		s.seek(f.from)
	}
	b := newBuilder(f.out, f.target)
	for {
		at, err := f.least()
		if err != nil {
			return tree{}, err
		}
		if at < 0 {
			return b.finish()
		}
		if !f.begun && at < len(f.sources)-1 {
			f.begun, written = true, len(f.out.refs)
		}
		if f.most > 0 && f.begun && f.rest == nil && len(f.out.refs)-written >= f.most {
			f.stop(bytes.Clone(f.sources[at].key()))
			continue
		}
		if err := f.step(b, at); err != nil {
			return tree{}, err
		}
	}
}

// stop leaves what the layers above the lowest have from a key on where it is.
func (f *fold) stop(key []byte) {
	lowest := len(f.sources) - 1
	f.rest, f.sources, f.cursors = key, f.sources[lowest:], f.cursors[lowest:]
	f.bottom, f.dropped = false, nil
}

// least finds the source with the smallest key, the newest among equals.
func (f *fold) least() (int, error) {
	at := -1
	for i, s := range f.sources {
		if !s.valid() {
			if err := s.err(); err != nil {
				return -1, err
			}
			continue
		}
		if at < 0 || bytes.Compare(s.key(), f.sources[at].key()) < 0 {
			at = i
		}
	}
	return at, nil
}

// step passes on one leaf or one entry of the source at hand.
func (f *fold) step(b *builder, at int) error {
	if c := f.cursors[at]; c != nil {
		if leaf, ok := c.atLeaf(); ok && (f.before() || b.adopts(leaf)) && !f.renewal.wants(c.key(), c.leafEnd()) && f.alone(at, leaf) {
			f.adopted[leaf.ref] = true
			f.renewal.adopted(leaf)
			if err := b.adopt(c.key(), leaf); err != nil {
				return err
			}
			c.skipLeaf()
			return f.out.work(64)
		}
	}
	s := f.sources[at]
	e, err := s.entry()
	if err != nil {
		return err
	}
	key := s.key()
	if err := f.supersede(at, key); err != nil {
		return err
	}
	if f.keeps(key, e) {
		if e, err = f.renew(key, e); err == nil {
			err = b.add(key, e)
		}
	} else {
		f.bury(e)
	}
	if err != nil {
		return err
	}
	work := len(key) + len(e.value)
	s.next()
	return f.out.work(work)
}

// before reports whether what it merges now was merged when it was enough the last time: that is taken over as it
// is, for writing it anew might be enough again.
func (f *fold) before() bool { return f.most > 0 && !f.begun }

// alone reports whether the leaf at hand can be taken over: no other layer has
// a key within it, and nothing in it is to fall away.
func (f *fold) alone(at int, leaf child) bool {
	end := f.cursors[at].leafEnd()
	for i, s := range f.sources {
		if i != at && s.valid() && (end == nil || bytes.Compare(s.key(), end) < 0) {
			return false
		}
	}
	if !f.bottom || f.before() {
		return true
	}
	if leaf.tombstones > 0 {
		return false
	}
	return f.dropped == nil || end != nil && spaceOf(end) == spaceOf(f.sources[at].key()) && !f.dropped(spaceOf(end))
}

// supersede passes over the older entries of a key.
func (f *fold) supersede(at int, key []byte) error {
	for i := at + 1; i < len(f.sources); i++ {
		s := f.sources[i]
		if !s.valid() || !bytes.Equal(s.key(), key) {
			continue
		}
		e, err := s.entry()
		if err != nil {
			return err
		}
		f.bury(e)
		s.next()
	}
	return nil
}

// bury notes the chunks of an entry that the merged tree will not have.
func (f *fold) bury(e entry) {
	if e.kind != overflow {
		return
	}
	if o, ok := readOverflow(e.value); ok {
		f.dead = append(f.dead, o)
	}
}

func (f *fold) keeps(key []byte, e entry) bool {
	if !f.bottom {
		return true
	}
	return e.kind != deleted && (f.dropped == nil || !f.dropped(spaceOf(key)))
}

// leftover lists the pages of the merged trees that the new tree does not use.
func (f *fold) leftover(layers []layer) ([]Ref, error) {
	var refs []Ref
	for _, l := range layers {
		if l.memory != nil {
			continue
		}
		err := f.in.walkPages(l.tree, func(c child, level int) error {
			if !f.adopted[c.ref] {
				refs = append(refs, c.ref)
			}
			return f.out.work(32)
		})
		if err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// walkPages visits every page of a tree, reading its branches only.
func (r *reader) walkPages(t tree, visit func(c child, level int) error) error {
	if t.empty() {
		return nil
	}
	return r.walkBelow(t.root, t.level, visit)
}

func (r *reader) walkBelow(c child, level int, visit func(child, int) error) error {
	if err := visit(c, level); err != nil || level == 0 {
		return err
	}
	p, err := r.node(c.ref, level)
	if err != nil {
		return err
	}
	for i := range p.len() {
		if err := r.walkBelow(p.child(i), level-1, visit); err != nil {
			return err
		}
	}
	return nil
}
