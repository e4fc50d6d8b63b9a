package store

import (
	"container/list"
	"sync"
)

// cache keeps decoded pages, least recently used out first, under a ceiling of
// bytes. Pages are immutable and their names are never used again, so an entry
// can be dropped at any time but can never be stale.
type cache struct {
	mu      sync.Mutex
	ceiling int
	bytes   int
	pages   map[Ref]*list.Element
	recent  *list.List // of *cached, most recently used first
}

type cached struct {
	ref  Ref
	page *page
}

// cachedOverhead is what a page costs beside its bytes: list element, map slot, headers.
const cachedOverhead = 256

func newCache(ceiling int) *cache {
	return &cache{ceiling: ceiling, pages: make(map[Ref]*list.Element), recent: list.New()}
}

// get returns a page, or nil where it is not held.
func (c *cache) get(ref Ref) *page {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.pages[ref]
	if element == nil {
		return nil
	}
	c.recent.MoveToFront(element)
	return element.Value.(*cached).page
}

func (c *cache) put(ref Ref, p *page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages[ref] != nil {
		return
	}
	c.pages[ref] = c.recent.PushFront(&cached{ref, p})
	c.bytes += p.size() + cachedOverhead
	for c.bytes > c.ceiling && c.recent.Len() > 1 {
		c.remove(c.recent.Back())
	}
}

// drop forgets pages that no root names any more.
func (c *cache) drop(refs []Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ref := range refs {
		if element := c.pages[ref]; element != nil {
			c.remove(element)
		}
	}
}

func (c *cache) remove(element *list.Element) {
	held := c.recent.Remove(element).(*cached)
	delete(c.pages, held.ref)
	c.bytes -= held.page.size() + cachedOverhead
}

func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}
