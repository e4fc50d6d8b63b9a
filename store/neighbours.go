package store

import (
	"context"
	"slices"
	"sync/atomic"
)

// neighbours has pages read with those next to them, while the cache has room: a
// read of several costs a backend little more than a read of one, and what fits the
// cache is there after a fraction of the reads. Nothing is ever pushed out for
// them, and of a tree that is much larger than the cache none are read: they would
// seldom be asked for.
type neighbours struct {
	misses atomic.Int32 // reads of leaves that were not in the cache
}

const (
	maxNeighbours  = 8 // leaves that a missing one may bring, itself included
	neighboursFrom = 4 // so many misses add one: who reads little is not made to wait for more
	maxPageBytes   = 1 << 16
)

// loadAround brings a child of a branch into the cache with its neighbours, if it has
// any. What is wrong with these is no business of the child's reader, who reads it
// alone then.
func (p *pager) loadAround(ctx context.Context, t tree, at step) {
	if refs := p.around(nil, at, p.reach(t, at.page.level-1, 1)); len(refs) > 1 {
		_ = p.load(ctx, refs)
	}
}

// reach is how many pages of a level are worth reading around each of n that are
// missing.
func (p *pager) reach(t tree, level, n int) int {
	if level > 0 {
		return maxReadAhead // few, and all reads go through them
	}
	misses := int(p.neighbours.misses.Add(1))
	if t.root.bytes > 2*int64(p.cache.ceiling) {
		return 1
	}
	return min(maxNeighbours, 1+misses/neighboursFrom, maxReadAhead/n)
}

// around appends a child of a branch and the next ones, in a circle, that are not in
// the cache and fit it: as many as reach tells together.
func (p *pager) around(refs []Ref, at step, reach int) []Ref {
	refs = append(refs, at.page.ref(at.index))
	room := p.cache.room() - maxPageBytes
	for i := 1; i < at.page.len() && reach > 1 && room > 0; i++ {
		c := at.page.child((at.index + i) % at.page.len())
		if slices.Contains(refs, c.ref) || p.cache.get(c.ref) != nil {
			continue
		}
		if room -= int(min(c.bytes, maxPageBytes)); room < 0 {
			break
		}
		refs = append(refs, c.ref)
		reach--
	}
	return refs
}
