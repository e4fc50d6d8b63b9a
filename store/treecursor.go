package store

import "bytes"

// treeCursor walks one tree. Entering a leaf by walking does not read it: its
// first key stands in the branch above, and a merge may take the leaf over
// whole. The leaf is read when its entries are asked for.
type treeCursor struct {
	in     *reader
	tree   tree
	bounds KeyRange // beyond it nothing is read ahead

	path    []step // from the root down to the leaf's parent
	leaf    *page  // nil: not read yet, standing on its first entry
	index   int    // within leaf
	stand   bool   // on an entry
	walk    int    // leaves read in sequence, for reading ahead
	gap     []byte // nothing lies between it and where the cursor stands; empty where that is not known
	buf     []byte // room for the current key
	current []byte
	failed  error
}

// step is one branch of the path and the child taken.
type step struct {
	page  *page
	index int
}

func newTreeCursor(in *reader, t tree, bounds KeyRange) *treeCursor {
	return &treeCursor{in: in, tree: t, bounds: bounds}
}

func (c *treeCursor) valid() bool { return c.stand && c.failed == nil }
func (c *treeCursor) err() error  { return c.failed }

// key is valid until the cursor moves.
func (c *treeCursor) key() []byte { return c.current }

func (c *treeCursor) entry() (entry, error) {
	if !c.open() {
		return entry{}, c.failed
	}
	return c.leaf.entry(c.index), nil
}

// below is the leaf as its parent has it.
func (c *treeCursor) below() child {
	if len(c.path) == 0 {
		return c.tree.root
	}
	bottom := c.path[len(c.path)-1]
	return bottom.page.child(bottom.index)
}

// seek stands on the first entry at or above key.
func (c *treeCursor) seek(key []byte) {
	if len(c.gap) > 0 && c.failed == nil && bytes.Compare(c.gap, key) <= 0 && (!c.stand || bytes.Compare(key, c.current) <= 0) {
		return
	}
	if c.leaf != nil && c.failed == nil {
		if i, exact := c.leaf.search(key); i < c.leaf.len() && (i > 0 || exact) { // it is in this leaf
			c.index, c.walk = i, 0
			c.settle()
			return
		}
	}
	if !c.descend(func(p *page) int { return p.descend(key) }) {
		return
	}
	c.index, _ = c.leaf.search(key)
	if c.settle(); c.leaf == nil {
		c.gap = append(c.gap, key...)
	}
}

// seekBefore stands on the last entry below key; a nil key is beyond the end.
func (c *treeCursor) seekBefore(key []byte) {
	if !c.descend(func(p *page) int {
		if key == nil {
			return p.len() - 1
		}
		return p.descend(key)
	}) {
		return
	}
	c.index = c.leaf.len()
	if key != nil {
		c.index, _ = c.leaf.search(key)
	}
	c.index--
	c.settle()
}

// seekRank stands on the entry that n others precede.
func (c *treeCursor) seekRank(n int64) {
	if !c.descend(func(p *page) int {
		i := p.holding(n)
		n -= p.before(i)
		return i
	}) {
		return
	}
	c.index = int(n)
	c.settle()
}

// descend reads the path to a leaf and the leaf, choosing a child in every branch.
func (c *treeCursor) descend(choose func(*page) int) bool {
	p := c.branches(choose)
	if p != nil && p.level > 0 {
		bottom := c.path[len(c.path)-1]
		p, c.failed = c.in.below(c.tree, bottom.page, bottom.index)
	}
	c.leaf = p
	return p != nil
}

// branches reads the path to a leaf, and returns the lowest page read: the leaf's
// parent, or the leaf itself where it is the root. It is nil where there is none.
func (c *treeCursor) branches(choose func(*page) int) (lowest *page) {
	if len(c.path) > 0 {
		lowest = c.path[0].page
	}
	c.path, c.gap, c.leaf, c.index, c.stand, c.walk = c.path[:0], c.gap[:0], nil, 0, false, 0
	if c.tree.empty() || c.failed != nil {
		return nil
	}
	if lowest == nil {
		lowest, c.failed = c.in.node(c.tree.root.ref, c.tree.level)
	}
	for c.failed == nil && lowest.level > 0 {
		at := choose(lowest)
		c.path = append(c.path, step{lowest, at})
		if lowest.level == 1 {
			break
		}
		lowest, c.failed = c.in.below(c.tree, lowest, at)
	}
	return lowest
}

// settle moves to the neighbouring leaf when index has run off this one.
func (c *treeCursor) settle() {
	c.gap = c.gap[:0]
	switch {
	case c.index < 0:
		c.retreat()
	case c.index >= c.leaf.len():
		c.advance()
	default:
		c.stand = true
		c.buf = c.leaf.appendKey(c.buf[:0], c.index)
		c.current = c.buf
	}
}

func (c *treeCursor) next() {
	if !c.open() {
		return
	}
	c.index++
	c.settle()
}

func (c *treeCursor) prev() {
	if !c.open() {
		return
	}
	c.index--
	c.settle()
}

// advance stands on the first entry of the next leaf, without reading it.
func (c *treeCursor) advance() {
	c.stand, c.leaf, c.index = false, nil, 0
	depth := len(c.path) - 1
	for depth >= 0 && c.path[depth].index+1 >= c.path[depth].page.len() {
		depth--
	}
	if depth < 0 {
		return
	}
	c.path[depth].index++
	if !c.refill(depth, func(*page) int { return 0 }) {
		return
	}
	c.enter()
}

// enter stands on the first entry of the leaf below the path, unread.
func (c *treeCursor) enter() {
	bottom := c.path[len(c.path)-1]
	c.buf = bottom.page.appendKey(c.buf[:0], bottom.index)
	c.current, c.stand = c.buf, true
}

// retreat stands on the last entry of the previous leaf.
func (c *treeCursor) retreat() {
	c.stand, c.leaf, c.index = false, nil, 0
	depth := len(c.path) - 1
	for depth >= 0 && c.path[depth].index == 0 {
		depth--
	}
	if depth < 0 {
		return
	}
	c.path[depth].index--
	if !c.refill(depth, func(p *page) int { return p.len() - 1 }) || !c.read(-1) {
		return
	}
	c.index = c.leaf.len() - 1
	c.settle()
}

// refill reads the branches below depth anew, on the edge that choose tells.
func (c *treeCursor) refill(depth int, choose func(*page) int) bool {
	for i := depth; i < len(c.path)-1; i++ {
		p, err := c.in.below(c.tree, c.path[i].page, c.path[i].index)
		if err != nil {
			c.failed = err
			return false
		}
		c.path[i+1] = step{p, choose(p)}
	}
	return true
}

// open reads the leaf the cursor stands on, if that has not happened.
func (c *treeCursor) open() bool {
	if !c.valid() {
		return false
	}
	return c.leaf != nil || c.read(1)
}

// read brings in the leaf below the path. The more leaves were walked in a row,
// the more of the following ones come with it, in one read of the backend.
func (c *treeCursor) read(direction int) bool {
	c.walk++
	bottom := c.path[len(c.path)-1]
	ref := bottom.page.ref(bottom.index)
	if c.in.pages.cache.get(ref) == nil {
		if err := c.in.pages.load(c.in.ctx, c.ahead(bottom, direction)); err != nil {
			c.failed = c.in.explain(err)
			return false
		}
	}
	leaf, err := c.in.node(ref, 0)
	if err != nil {
		c.failed = err
		return false
	}
	c.leaf = leaf
	return true
}

// maxReadAhead bounds how many leaves one read brings.
const maxReadAhead = 16

// ahead lists the leaf at hand and those worth reading with it.
func (c *treeCursor) ahead(bottom step, direction int) []Ref {
	n := min(1<<min(c.walk, 5), maxReadAhead)
	refs := make([]Ref, 0, n)
	for i := bottom.index; i >= 0 && i < bottom.page.len() && len(refs) < n; i += direction {
		if len(refs) > 0 && c.outside(bottom.page, i, direction) {
			break
		}
		if ref := bottom.page.ref(i); c.in.pages.cache.get(ref) == nil {
			refs = append(refs, ref)
		}
	}
	return refs
}

// outside reports whether a leaf lies wholly beyond the cursor's bounds.
func (c *treeCursor) outside(branch *page, i, direction int) bool {
	if direction > 0 {
		return c.bounds.High != nil && bytes.Compare(branch.appendKey(nil, i), c.bounds.High) >= 0
	}
	return i+1 < branch.len() && c.bounds.Low != nil &&
		bytes.Compare(branch.appendKey(nil, i+1), c.bounds.Low) <= 0
}

// The methods below are for merges, which take leaves over whole.

// seekLeaf stands on the first entry of the leaf that key belongs to. The tree
// has branches.
func (c *treeCursor) seekLeaf(key []byte) {
	if c.branches(func(p *page) int { return p.descend(key) }) != nil {
		c.enter()
	}
}

// atLeaf returns the leaf whose first entry the cursor stands on.
func (c *treeCursor) atLeaf() (child, bool) {
	if !c.valid() || c.leaf != nil && c.index != 0 {
		return child{}, false
	}
	if len(c.path) == 0 {
		return c.tree.root, true
	}
	bottom := c.path[len(c.path)-1]
	return bottom.page.child(bottom.index), true
}

// leafEnd returns the first key after the leaf at hand, nil where it is the last.
func (c *treeCursor) leafEnd() []byte {
	for depth := len(c.path) - 1; depth >= 0; depth-- {
		if s := c.path[depth]; s.index+1 < s.page.len() {
			return s.page.appendKey(nil, s.index+1)
		}
	}
	return nil
}

// skipLeaf stands on the first entry after the leaf at hand.
func (c *treeCursor) skipLeaf() { c.advance() }
