package store

import "slices"

// builder writes one tree bottom-up, from entries in ascending order of keys.
// Leaves of other trees can be adopted whole between them.
type builder struct {
	out    *pageWriter
	target int // bytes a plain page should not exceed
	levels []*pending
}

// pending is what is being filled on one level, up to two pages of it: so what is
// left before an adopted leaf, or at the end, can be divided evenly instead of
// leaving a page with next to nothing. Branch entries are entries whose value is
// a child, so both kinds of page are filled alike.
type pending struct {
	keys    []byte // all keys, one after the other
	ends    []int  // where each ends
	entries []entry
	size    int // bytes of a page of all of it, at most
	pages   int // written on this level so far
}

// defaultPageBytes is the plain size of a page. Sealed it stays below 64 KiB
// even where nothing compresses: from there on Chromium keeps IndexedDB values
// out of line, at five times the cost.
const defaultPageBytes = 48 << 10

func newBuilder(out *pageWriter, target int) *builder {
	return &builder{out: out, target: target, levels: []*pending{{}}}
}

// add appends one entry. The key is copied; the entry's value is kept.
func (b *builder) add(key []byte, e entry) error { return b.append(0, key, e) }

// adopts reports whether a leaf of that size may be taken over as it is. Small
// leaves are better written anew, and so is one that follows next to nothing:
// else every merge would leave the tree a little more ragged.
func (b *builder) adopts(leaf child) bool {
	filled := b.levels[0].size
	return leaf.bytes >= int64(b.target/2) && (filled == 0 || filled >= b.target/2)
}

// adopt takes over a leaf whose first key is given.
func (b *builder) adopt(first []byte, leaf child) error {
	if err := b.close(0); err != nil {
		return err
	}
	return b.append(1, first, entry{value: leaf.append(nil)})
}

func (b *builder) append(level int, key []byte, e entry) error {
	if level == len(b.levels) {
		b.levels = append(b.levels, &pending{})
	}
	p := b.levels[level]
	p.keys = append(p.keys, key...)
	p.ends = append(p.ends, len(p.keys))
	p.entries = append(p.entries, e)
	p.size += p.entrySize(len(p.entries) - 1)
	if p.size <= 2*b.target || len(p.entries) < 2*least(level) {
		return nil
	}
	return b.flush(level, p.fitting(b.target, least(level)))
}

// least is how many entries a page of a level holds at least.
func least(level int) int { return 1 + min(level, 1) }

// close writes all that is pending on a level, in pages of about one size.
func (b *builder) close(level int) error {
	p := b.levels[level]
	for p.size > b.target && len(p.entries) >= 2*least(level) {
		n := min(p.fitting(p.size/2, least(level)), len(p.entries)-least(level))
		if err := b.flush(level, n); err != nil {
			return err
		}
	}
	if len(p.entries) == 0 {
		return nil
	}
	return b.flush(level, len(p.entries))
}

// flush writes the first n entries of a level as a page and enters it in the
// level above.
func (b *builder) flush(level, n int) error {
	p := b.levels[level]
	page, plain := p.encode(level, n)
	written, err := b.out.write(page, plain)
	if err != nil {
		return err
	}
	c := p.sum(level, n)
	c.ref = written
	c.bytes += int64(page.storedSize())
	// The first key is copied by append, before drop moves it.
	if err := b.append(level+1, p.key(0), entry{value: c.append(nil)}); err != nil {
		return err
	}
	p.drop(n)
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
		if err := b.close(level); err != nil {
			return tree{}, err
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

// entrySize is what entry i takes in a page, at most.
func (p *pending) entrySize(i int) int { return len(p.key(i)) + 5 + p.entries[i].size() + 2 }

// fitting is how many entries, from the first, fit a page of limit bytes; at
// least so many in any case.
func (p *pending) fitting(limit, atLeast int) int {
	size := 0
	for i := range p.entries {
		if size += p.entrySize(i); size > limit && i >= atLeast {
			return i
		}
	}
	return len(p.entries)
}

// sum adds up the counts of the first n entries.
func (p *pending) sum(level, n int) child {
	var sum child
	for _, e := range p.entries[:n] {
		if level > 0 {
			below, _ := readChild(e.value) // written by flush or adopt
			sum = sum.plus(below)
			continue
		}
		sum.entries++
		switch e.kind {
		case deleted:
			sum.tombstones++
		case overflow:
			sum.overflows++
		}
	}
	return sum
}

// drop takes the first n entries away and counts a page.
func (p *pending) drop(n int) {
	start := p.ends[n-1]
	for i := range n {
		p.size -= p.entrySize(i)
	}
	p.keys = p.keys[:copy(p.keys, p.keys[start:])]
	p.entries = slices.Delete(p.entries, 0, n)
	p.ends = slices.Delete(p.ends, 0, n)
	for i := range p.ends {
		p.ends[i] -= start
	}
	p.pages++
}

// encode makes a page of the first n entries, and its plain form: see page.
func (p *pending) encode(level, n int) (*page, []byte) {
	prefix := commonPrefix(p.key(0), p.key(n-1))
	size := 0
	for i, e := range p.entries[:n] {
		size += binBytes(len(p.key(i))-len(prefix)) + e.size()
	}
	page, plain := layOut(level, prefix, n, size)
	for i, e := range p.entries[:n] {
		page.setOffset(i, len(page.body))
		page.body = appendBin(page.body, p.key(i)[len(prefix):])
		page.body = e.append(page.body)
	}
	page.index()
	return page, plain
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
