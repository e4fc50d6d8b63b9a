package store

import "bytes"

// builder writes one tree bottom-up, from entries in ascending order of keys.
// Leaves of other trees can be adopted whole between them.
type builder struct {
	out    *pageWriter
	target int // bytes a plain page should not exceed
	levels []*pending
}

// pending is the page being filled on one level. Branch entries are entries
// whose value is a child, so both kinds of page are filled alike.
type pending struct {
	keys    []byte // all keys, one after the other
	ends    []int  // where each ends
	entries []entry
	size    int   // bytes of the page if it were written now, at most
	sum     child // the counts of what is in it
	pages   int   // written on this level so far
}

// defaultPageBytes is the plain size of a page. Sealed it stays below 64 KiB
// even where nothing compresses: from there on Chromium keeps IndexedDB values
// out of line, at five times the cost.
const defaultPageBytes = 48 << 10

func newBuilder(out *pageWriter, target int) *builder {
	return &builder{out: out, target: target, levels: []*pending{{}}}
}

// add appends one entry. The key is copied; the entry's value is kept.
func (b *builder) add(key []byte, e entry) error {
	sum := child{entries: 1}
	switch e.kind {
	case deleted:
		sum.tombstones = 1
	case overflow:
		sum.overflows = 1
	}
	return b.append(0, key, e, sum)
}

// adopts reports whether a leaf of that size may be taken over as it is. Small
// leaves, and leaves that would cut the page at hand short, are better written
// anew: else every merge would leave the tree a little more ragged.
func (b *builder) adopts(leaf child) bool {
	filled := b.levels[0].size
	return leaf.bytes >= int64(b.target/2) && (filled == 0 || filled >= b.target/2)
}

// adopt takes over a leaf whose first key is given.
func (b *builder) adopt(first []byte, leaf child) error {
	if len(b.levels[0].entries) > 0 {
		if err := b.flush(0); err != nil {
			return err
		}
	}
	return b.append(1, first, entry{value: leaf.append(nil)}, leaf)
}

func (b *builder) append(level int, key []byte, e entry, sum child) error {
	if level == len(b.levels) {
		b.levels = append(b.levels, &pending{})
	}
	p := b.levels[level]
	size := len(key) + 5 + e.size() + 2
	atLeast := 1
	if level > 0 {
		atLeast = 2
	}
	if len(p.entries) >= atLeast && p.size+size > b.target {
		if err := b.flush(level); err != nil {
			return err
		}
	}
	p.keys = append(p.keys, key...)
	p.ends = append(p.ends, len(p.keys))
	p.entries = append(p.entries, e)
	p.size += size
	p.sum = p.sum.plus(sum)
	return nil
}

// flush writes the pending page of a level and enters it in the level above.
func (b *builder) flush(level int) error {
	p := b.levels[level]
	first := p.key(0)
	page := p.encode(level)
	written, err := b.out.write(page)
	if err != nil {
		return err
	}
	c := p.sum
	c.ref = written
	c.bytes += int64(page.storedSize())
	// first lies in p.keys, which append below does not touch.
	if err := b.append(level+1, first, entry{value: c.append(nil)}, c); err != nil {
		return err
	}
	*p = pending{keys: p.keys[:0], ends: p.ends[:0], entries: p.entries[:0], pages: p.pages + 1}
	return nil
}

// finish writes what is pending and returns the tree.
func (b *builder) finish() (tree, error) {
	for level := 0; level < len(b.levels); level++ {
		p := b.levels[level]
		if level > 0 && p.pages == 0 && len(p.entries) == 1 {
			root, ok := readChild(p.entries[0].value)
			if !ok {
				return tree{}, fail(Internal, "build tree", "", nil)
			}
			return tree{root: root, level: level - 1}, nil
		}
		if len(p.entries) > 0 {
			if err := b.flush(level); err != nil {
				return tree{}, err
			}
		}
	}
	return tree{}, nil
}

func (p *pending) key(i int) []byte {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	return p.keys[start:p.ends[i]]
}

// encode lays out the page: see page for its form.
func (p *pending) encode(level int) *page {
	prefix := commonPrefix(p.key(0), p.key(len(p.entries)-1))
	body := make([]byte, 0, p.size)
	offsets := make([]byte, 0, 2*len(p.entries))
	for i, e := range p.entries {
		offsets = append(offsets, byte(len(body)), byte(len(body)>>8))
		body = appendBin(body, p.key(i)[len(prefix):])
		body = e.append(body)
	}
	page := &page{level: level, prefix: bytes.Clone(prefix), offsets: offsets, body: body}
	page.index()
	return page
}

// commonPrefix is what a and b start with alike. For the first and the last of
// ascending keys it is what all of them start with.
func commonPrefix(a, b []byte) []byte {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return a[:i]
		}
	}
	return a[:n]
}
