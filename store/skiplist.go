package store

import (
	"bytes"
	"sync/atomic"
)

// skipList holds the entries of one layer in memory, in order and in versions: a
// key that is set again keeps its earlier entries, for the snapshots that began
// before. So a snapshot is no more than a number, and a commit of one entry
// writes one node, where a tree that is copied on write would copy a path.
//
// One goroutine writes at a time; any number read meanwhile, without a lock: a
// node is complete before it is linked, and is never taken out.
type skipList struct {
	first  [maxHeight]atomic.Pointer[skipNode]
	last   atomic.Pointer[skipNode]
	height atomic.Int32
	latest uint64 // the greatest version given to a view that writes
	random uint32 // of the heights; the writer's, as latest is
	way    path   // to what was set last, that included; the writer's too
}

// skipNode is a key with its entries.
type skipNode struct {
	space  space
	head   uint64 // see head: most comparisons need no more
	key    []byte
	newest atomic.Pointer[skipVersion]
	oldest skipVersion
	below  atomic.Pointer[skipNode] // the node of the next lower key
	next   atomic.Pointer[skipNode]
	above  []atomic.Pointer[skipNode] // the next node on each higher level
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

// path is the last node before a key on every level, nil for the start.
type path [maxHeight]*skipNode

func (l *skipList) after(n *skipNode, level int) *skipNode {
	switch {
	case n == nil:
		return l.first[level].Load()
	case level == 0:
		return n.next.Load()
	default:
		return n.above[level-1].Load()
	}
}

func (l *skipList) link(n *skipNode, level int, next *skipNode) {
	switch {
	case n == nil:
		l.first[level].Store(next)
	case level == 0:
		n.next.Store(next)
	default:
		n.above[level-1].Store(next)
	}
}

// seek returns the first node at or above a whole key, nil if there is none, and
// enters the way there in p, which may be nil.
func (l *skipList) seek(whole []byte, p *path) *skipNode {
	if len(whole) < spaceBytes {
		return l.first[0].Load()
	}
	space, head := spaceOf(whole), head(whole)
	var at, next *skipNode
	for level := int(l.height.Load()) - 1; level >= 0; level-- {
		for next = l.after(at, level); next != nil && next.compare(space, head, whole) < 0; next = l.after(at, level) {
			at = next
		}
		if p != nil {
			p[level] = at
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
		n = l.insert(whole, e, version, &l.way)
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
	lower := func(n *skipNode) bool { return n != nil && n.compare(space, head, whole) < 0 }
	if !lower(p[0]) {
		return l.seek(whole, p)
	}
	level := 0
	for level+1 < int(l.height.Load()) && lower(l.after(p[level], level)) {
		level++
	}
	var at, next *skipNode
	for moved := false; level >= 0; level-- {
		if !moved {
			at = p[level]
		}
		for next = l.after(at, level); lower(next); next = l.after(at, level) {
			at, moved = next, true
		}
		p[level] = at
	}
	return next
}

func (l *skipList) insert(whole []byte, e entry, version uint64, p *path) *skipNode {
	n := &skipNode{space: spaceOf(whole), head: head(whole), key: whole}
	n.oldest = skipVersion{version: version, entry: e}
	n.newest.Store(&n.oldest)
	height := l.draw()
	if height > 1 {
		n.above = make([]atomic.Pointer[skipNode], height-1)
	}
	if int32(height) > l.height.Load() {
		l.height.Store(int32(height))
	}
	next := l.after(p[0], 0)
	n.below.Store(p[0])
	if next == nil {
		l.last.Store(n)
	} else {
		next.below.Store(n)
	}
	for level := range height {
		l.link(n, level, l.after(p[level], level))
		l.link(p[level], level, n)
	}
	return n
}

// draw is the height of the next node.
func (l *skipList) draw() int {
	if l.random == 0 {
		l.random = 0x9e3779b9
	}
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
