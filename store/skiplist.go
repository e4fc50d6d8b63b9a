package store

import "bytes"

// skipList holds the entries of one layer in memory, in order and in versions: a
// key that is set again keeps its earlier entries, for the snapshots that began
// before. So a snapshot is no more than a number, and a commit of one entry
// writes one node, where a tree that is copied on write would copy a path.
//
// One goroutine writes at a time; any number read meanwhile, without a lock: a
// node is complete before it is linked, and is never taken out.
type skipList struct {
	start  skipNode // before all keys, on every level
	last   link[skipNode]
	latest uint64     // the greatest version given to a view that writes
	random uint32     // of the heights; the writer's, as latest is
	way    path       // to what was set last, that included; the writer's too
	room   []skipNode // for the next nodes; the writer's too
	grown  int        // how many nodes there was room for at a time
}

// skipNode is a key with its entries.
type skipNode struct {
	space  space
	head   uint64 // see head: most comparisons need no more
	key    []byte
	newest link[skipVersion]
	oldest skipVersion
	below  link[skipNode]   // the node of the next lower key, nil for the first
	next   link[skipNode]   // nil for the last
	above  []link[skipNode] // the next node on each higher level
}

// skipVersion is what a key was set to.
type skipVersion struct {
	version uint64
	entry   entry
	older   *skipVersion
}

// Of the nodes of each level one in four stands on the next: twelve levels are
// enough for millions.
const maxHeight = 12

// mostRoom is how many nodes there is room for at once: as many as the garbage collector does not mind.
const mostRoom = 32

// path is the last node before a key on every level.
type path [maxHeight]*skipNode

func newSkipList() *skipList {
	l := &skipList{random: 0x9e3779b9}
	l.start.above = make([]link[skipNode], maxHeight-1)
	for level := range l.way {
		l.way[level] = &l.start
	}
	return l
}

// onward is the link to the next node on a level.
func (n *skipNode) onward(level int) *link[skipNode] {
	if level == 0 {
		return &n.next
	}
	return &n.above[level-1]
}

// seek returns the first node at or above a whole key, nil if there is none, and
// enters the way there in p, which may be nil.
func (l *skipList) seek(whole []byte, p *path) *skipNode {
	if len(whole) < spaceBytes {
		return l.start.next.Load()
	}
	return l.start.seek(maxHeight-1, spaceOf(whole), head(whole), whole, p)
}

// seek goes from a node before a whole key to the last one before it, from a level
// down, and returns the one that follows.
func (n *skipNode) seek(level int, space space, head uint64, whole []byte, p *path) (next *skipNode) {
	for ; level >= 0; level-- {
		for bound := next; ; n = next {
			next = n.onward(level).Load()
			if next == bound || next.reached(space, head, whole) {
				break
			}
		}
		if p != nil {
			p[level] = n
		}
	}
	return next
}

// before returns the last node below a whole key, nil if there is none.
func (l *skipList) before(whole []byte) *skipNode {
	if n := l.seek(whole, nil); n != nil {
		return n.below.Load()
	}
	return l.last.Load()
}

// reached reports whether a node is at or above a whole key.
func (n *skipNode) reached(space space, head uint64, whole []byte) bool {
	if n.head != head && n.space == space {
		return n.head > head
	}
	return n.compare(space, head, whole) >= 0
}

func (n *skipNode) compare(space space, head uint64, whole []byte) int {
	switch {
	case n.space != space:
		return order(n.space < space)
	case n.head != head:
		return order(n.head < head)
	default:
		return bytes.Compare(n.key, whole)
	}
}

func order(less bool) int {
	if less {
		return -1
	}
	return 1
}

// set gives a key an entry in a version, which no view shows yet but the
// writer's, and returns the entry before. Key and entry are kept.
func (l *skipList) set(whole []byte, e entry, version uint64) (old entry, replaced bool) {
	n := l.approach(whole)
	if n == nil || n.compare(spaceOf(whole), head(whole), whole) != 0 {
		n = l.insert(whole, e, version)
	} else {
		older := n.newest.Load()
		n.newest.Store(&skipVersion{version: version, entry: e, older: older})
		old, replaced = older.entry, true
	}
	for level := range len(n.above) + 1 {
		l.way[level] = n
	}
	return old, replaced
}

// approach is seek along the writer's way, which begins at what was set last where that lies
// below: transactions set their keys in order.
func (l *skipList) approach(whole []byte) *skipNode {
	space, head, p := spaceOf(whole), head(whole), &l.way
	if at := p[0]; at != &l.start && at.reached(space, head, whole) {
		return l.seek(whole, p)
	}
	level := 0
	for level+1 < maxHeight {
		if next := p[level].onward(level).Load(); next == nil || next.reached(space, head, whole) {
			break
		}
		level++
	}
	return p[level].seek(level, space, head, whole, p)
}

// insert puts a node behind the writer's way.
func (l *skipList) insert(whole []byte, e entry, version uint64) *skipNode {
	n := l.take()
	n.space, n.head, n.key = spaceOf(whole), head(whole), whole
	n.oldest = skipVersion{version: version, entry: e}
	n.newest.Store(&n.oldest)
	height := l.draw()
	if height > 1 {
		n.above = make([]link[skipNode], height-1)
	}
	if l.way[0] != &l.start {
		n.below.Store(l.way[0])
	}
	if next := l.way[0].next.Load(); next == nil {
		l.last.Store(n)
	} else {
		next.below.Store(n)
	}
	for level := range height {
		before := l.way[level].onward(level)
		n.onward(level).Store(before.Load())
		before.Store(n)
	}
	return n
}

// take is an empty node. Room grows with the list: many have few keys.
func (l *skipList) take() *skipNode {
	if len(l.room) == 0 {
		l.grown = min(max(1, 2*l.grown), mostRoom)
		l.room = make([]skipNode, l.grown)
	}
	n := &l.room[0]
	l.room = l.room[1:]
	return n
}

// draw is the height of the next node.
func (l *skipList) draw() int {
	l.random ^= l.random << 13
	l.random ^= l.random >> 17
	l.random ^= l.random << 5
	height := 1
	for r := l.random; r&3 == 0 && height < maxHeight; r >>= 2 {
		height++
	}
	return height
}

// at returns what a node holds in a version.
func (n *skipNode) at(version uint64) (entry, bool) {
	for v := n.newest.Load(); v != nil; v = v.older {
		if v.version <= version {
			return v.entry, true
		}
	}
	return entry{}, false
}
