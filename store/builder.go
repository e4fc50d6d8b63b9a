package store

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
	keys    []byte  // all keys, one after the other
	entries []byte  // all entries, as they stand in a page
	starts  []start // where each begins, and at last where the next would
	pages   int     // written on this level so far
}

// start is where a key and its entry begin among all that is pending.
type start struct{ key, entry int }

func newPending() *pending { return &pending{starts: make([]start, 1)} }

// defaultPageBytes is the plain size of a page. Sealed it stays below 64 KiB
// even where nothing compresses: from there on Chromium keeps IndexedDB values
// out of line, at five times the cost.
const defaultPageBytes = 48 << 10

func newBuilder(out *pageWriter, target int) *builder {
	leaves := newPending()
	leaves.entries = make([]byte, 0, 2*target+maxInline)
	return &builder{out: out, target: target, levels: []*pending{leaves}}
}

// add appends one entry. Key and value are copied.
func (b *builder) add(key []byte, e entry) error { return b.append(0, key, e) }

// adopts reports whether a leaf of that size may be taken over as it is. Small
// leaves are better written anew, and so is one that follows next to nothing:
// else every merge would leave the tree a little more ragged.
func (b *builder) adopts(leaf child) bool {
	filled := b.levels[0].size()
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
		b.levels = append(b.levels, newPending())
	}
	p := b.levels[level]
	p.add(key, e)
	if p.size() <= 2*b.target || p.len() < 2*least(level) {
		return nil
	}
	return b.flush(level, p.fitting(b.target, least(level)))
}

// least is how many entries a page of a level holds at least.
func least(level int) int { return 1 + min(level, 1) }

// close writes all that is pending on a level, in pages of about one size.
func (b *builder) close(level int) error {
	p := b.levels[level]
	for p.size() > b.target && p.len() >= 2*least(level) {
		n := min(p.fitting(p.size()/2, least(level)), p.len()-least(level))
		if err := b.flush(level, n); err != nil {
			return err
		}
	}
	if p.len() == 0 {
		return nil
	}
	return b.flush(level, p.len())
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
		if level > 0 && p.pages == 0 && p.len() == 1 {
			root, ok := p.child(0)
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

func (p *pending) add(key []byte, e entry) {
	p.keys = append(p.keys, key...)
	p.entries = e.append(p.entries)
	p.starts = append(p.starts, start{len(p.keys), len(p.entries)})
}

func (p *pending) len() int { return len(p.starts) - 1 }

func (p *pending) key(i int) []byte { return p.keys[p.starts[i].key:p.starts[i+1].key] }

func (p *pending) entry(i int) []byte { return p.entries[p.starts[i].entry:p.starts[i+1].entry] }

// child is what stands below entry i of a branch.
func (p *pending) child(i int) (child, bool) {
	stored, _, _ := readBin(p.entry(i))
	return readChild(stored)
}

// size is what all entries take in a page, at most.
func (p *pending) size() int { return p.sizeOf(p.len()) }

// sizeOf is what the first n entries take, at most: each has a place among the offsets, and a head before its key.
func (p *pending) sizeOf(n int) int {
	return p.starts[n].key + p.starts[n].entry + n*(2+5)
}

// fitting is how many entries, from the first, fit a page of limit bytes; at
// least so many in any case.
func (p *pending) fitting(limit, atLeast int) int {
	n := p.len()
	for i := atLeast; i < n; i++ {
		if p.sizeOf(i+1) > limit {
			return i
		}
	}
	return n
}

// sum adds up the counts of the first n entries.
func (p *pending) sum(level, n int) child {
	var sum child
	for i := range n {
		if level > 0 {
			below, _ := p.child(i) // written by flush or adopt
			sum = sum.plus(below)
			continue
		}
		sum.entries++
		e, _, _ := readEntry(p.entry(i))
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
	first := p.starts[n]
	p.keys = p.keys[:copy(p.keys, p.keys[first.key:])]
	p.entries = p.entries[:copy(p.entries, p.entries[first.entry:])]
	p.starts = p.starts[:copy(p.starts, p.starts[n:])]
	for i := range p.starts {
		p.starts[i].key -= first.key
		p.starts[i].entry -= first.entry
	}
	p.pages++
}

// encode makes a page of the first n entries, and its plain form: see page.
func (p *pending) encode(level, n int) (*page, []byte) {
	prefix := commonPrefix(p.key(0), p.key(n-1))
	size := p.starts[n].entry
	for i := range n {
		size += binBytes(len(p.key(i)) - len(prefix))
	}
	page, plain := layOut(level, prefix, n, size)
	body := page.body
	for i := range n {
		page.setOffset(i, len(body))
		body = appendBin(body, p.key(i)[len(prefix):])
		body = append(body, p.entry(i)...)
	}
	page.body = body
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
