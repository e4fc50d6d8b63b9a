package store

import (
	"bytes"
	"context"
	"slices"
)

// mender makes trees whole whose pages are missing or damaged: of the leaves that
// can be read it builds new branches, in memory beside the backend, which is never
// written to. What it had to leave out is in its gaps.
type mender struct {
	ctx     context.Context
	in      *reader
	stored  Backend // the damaged one
	scratch *Env    // an environment over stored whose writes stay in memory
	gaps    []gap
	refused error // of the first blob that a later version could read

	seen   map[Ref]struct{} // leaves that trees have
	strays []leaf           // the other ones, newest first; see stray
}

// gap is a range of whole keys of which a layer cannot tell what it held.
type gap struct {
	keys    KeyRange
	blob    string
	entries int64 // that the layer had there, old versions and deletions included; −1 where unknown
}

// leaf is one that can be read, and the first and last of its keys.
type leaf struct {
	child
	first, last []byte
}

// mending is one tree of which all that can be read has been read.
type mending struct {
	whole  tree
	leaves []leaf
	holes  []KeyRange // below branches: their leaves may be found by themselves
	broken bool
}

// damaged reports whether an error says that stored bytes cannot be read.
func (m *mender) damaged(err error) bool {
	switch CodeOf(err) {
	case Corrupt, Tampered:
		return true
	case NewerFormat: // a flipped bit may look so
		if m.refused == nil {
			m.refused = err
		}
		return true
	}
	return false
}

// read reads all of a tree that can be read.
func (m *mender) read(t tree) (*mending, error) {
	found := &mending{whole: t}
	if t.empty() {
		return found, nil
	}
	return found, m.page(found, t.root, t.level, KeyRange{})
}

// page reads one page, whose keys stand within a range, and what is below it.
func (m *mender) page(found *mending, at child, level int, keys KeyRange) error {
	p, err := m.in.node(at.ref, level)
	if err != nil {
		if !m.damaged(err) {
			return err
		}
		found.broken = true
		m.gaps = append(m.gaps, gap{keys, at.ref.name(), at.entries})
		if level > 0 {
			found.holes = append(found.holes, keys)
		}
		return nil
	}
	if level == 0 {
		m.seen[at.ref] = struct{}{}
		found.leaves = append(found.leaves, leaf{at, p.appendKey(nil, 0), p.appendKey(nil, p.len()-1)})
		return m.scratch.breathe(m.ctx)
	}
	for i := range p.len() {
		within := KeyRange{Low: p.appendKey(nil, i), High: keys.High}
		if i+1 < p.len() {
			within.High = p.appendKey(nil, i+1)
		}
		if err := m.page(found, p.child(i), level-1, within); err != nil {
			return err
		}
	}
	return nil
}

// layers are the tree as it can be read. Below it is what was found by itself of
// what a lost branch led to: that may be older than what was lost.
func (m *mender) layers(found *mending) ([]tree, error) {
	if !found.broken {
		return []tree{found.whole}, nil
	}
	rows := [][]leaf{found.leaves}
	if len(found.holes) > 0 {
		if err := m.findStrays(); err != nil {
			return nil, err
		}
		rows = append(rows, m.stray(found.holes)...)
	}
	var trees []tree
	for _, row := range rows {
		t, err := m.build(row)
		if err != nil {
			return nil, err
		}
		if !t.empty() {
			trees = append(trees, t)
		}
	}
	return trees, nil
}

// build makes branches above leaves, whose keys ascend from one to the next.
func (m *mender) build(row []leaf) (tree, error) {
	w := m.scratch.newPageWriter(m.ctx, func(int) error { return m.scratch.breathe(m.ctx) })
	b := newBuilder(w, m.scratch.options.PageBytes)
	for _, l := range row {
		if err := b.adopt(l.first, l.child); err != nil {
			return tree{}, err
		}
	}
	t, err := b.finish()
	if err != nil {
		return tree{}, err
	}
	rest, err := w.take()
	if err != nil {
		return tree{}, err
	}
	return t, m.scratch.backend.Commit(m.ctx, &Batch{Put: rest})
}

// findStrays finds the leaves that no tree was seen to have. It comes after all
// trees were read.
func (m *mender) findStrays() error {
	if m.strays != nil {
		return nil
	}
	names, err := m.stored.List(m.ctx, pagePrefix)
	if err != nil {
		return backendError("salvage", err)
	}
	for _, ref := range newestFirst(names) {
		if _, seen := m.seen[ref]; seen {
			continue
		}
		plain, err := m.in.pages.read(m.ctx, PageBlob, []string{ref.name()})
		if err == nil {
			if p, ok := decodePage(plain[0]); ok && p.level == 0 {
				m.strays = append(m.strays, leafOf(ref, p))
			}
		} else if !m.damaged(err) { // most are chunks
			return err
		}
		if err := m.scratch.breathe(m.ctx); err != nil {
			return err
		}
	}
	return nil
}

// newestFirst are the pages that names tell, by the counters of their writers. They are sorted
// as bytes, complements with the counter ahead, for a sort of another type is 20 kB of the module.
func newestFirst(names []string) []Ref {
	var order [][]byte
	for _, name := range names {
		if ref, ok := pageRef(name); ok {
			order = append(order, Ref{Writer: ^ref.Seq, Seq: ^ref.Writer}.append(nil))
		}
	}
	slices.SortFunc(order, bytes.Compare)
	refs := make([]Ref, len(order))
	for i, b := range order {
		swapped := readRef(b)
		refs[i] = Ref{Writer: ^swapped.Seq, Seq: ^swapped.Writer}
	}
	return refs
}

// leafOf is a leaf by what it holds itself.
func leafOf(ref Ref, p *page) leaf {
	l := leaf{child: child{ref: ref, entries: int64(p.len()), bytes: int64(p.storedSize())}}
	for i := range p.len() {
		switch p.entry(i).kind {
		case deleted:
			l.tombstones++
		case overflow:
			l.overflows++
		}
	}
	l.first, l.last = p.appendKey(nil, 0), p.appendKey(nil, p.len()-1)
	return l
}

// stray takes the stray leaves that stand within one of some ranges, in rows of
// ascending keys. Where leaves overlap, the one written last is in the upper
// row; of two that were written by different openings that is not known, and
// the longer counter decides.
func (m *mender) stray(holes []KeyRange) (rows [][]leaf) {
	var rest []leaf
	for _, l := range m.strays {
		inside := slices.ContainsFunc(holes, func(hole KeyRange) bool {
			return bytes.Compare(l.first, hole.Low) >= 0 && (hole.High == nil || bytes.Compare(l.last, hole.High) < 0)
		})
		if !inside {
			rest = append(rest, l)
			continue
		}
		row := len(rows)
		for row > 0 && !overlaps(rows[row-1], l) {
			row--
		}
		if row == len(rows) {
			rows = append(rows, nil)
		}
		rows[row] = append(rows[row], l)
		for i := len(rows[row]) - 1; i > 0 && byFirst(rows[row][i-1], l) > 0; i-- {
			rows[row][i-1], rows[row][i] = l, rows[row][i-1]
		}
	}
	m.strays = rest
	if m.strays == nil {
		m.strays = []leaf{} // found, and all taken
	}
	return rows
}

func byFirst(a, b leaf) int { return bytes.Compare(a.first, b.first) }

// overlaps reports whether a leaf has keys between those of another in the row.
func overlaps(row []leaf, l leaf) bool {
	at, same := slices.BinarySearchFunc(row, l, byFirst)
	return same || at > 0 && bytes.Compare(row[at-1].last, l.first) >= 0 ||
		at < len(row) && bytes.Compare(row[at].first, l.last) <= 0
}

// beside is a backend that holds what another one does, without its root and log,
// and keeps what is written to it in memory.
type beside struct {
	Backend
	made map[string][]byte
}

// Read implements Backend.
func (b *beside) Read(ctx context.Context, names []string) ([][]byte, error) {
	found := make([][]byte, len(names))
	var there []string
	for i, name := range names {
		if found[i] = b.made[name]; found[i] == nil && name != RootName {
			there = append(there, name)
		}
	}
	if len(there) == 0 {
		return found, nil
	}
	stored, err := b.Backend.Read(ctx, there)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if found[i] == nil && name != RootName {
			found[i], stored = stored[0], stored[1:]
		}
	}
	return found, nil
}

// Commit implements Backend, for pages.
func (b *beside) Commit(_ context.Context, batch *Batch) error {
	for _, blob := range batch.Put {
		b.made[blob.Name] = blob.Bytes
	}
	return nil
}

// List implements Backend.
func (b *beside) List(context.Context, string) ([]string, error) { return nil, nil }

// Info implements Backend.
func (b *beside) Info(ctx context.Context, held bool) (Info, error) {
	info, err := b.Backend.Info(ctx, held)
	info.Contexts = nil
	return info, err
}

// Close implements Backend: the other one stays open.
func (b *beside) Close() error { return nil }
