package store

import "sync"

// cache keeps decoded pages under a ceiling of bytes. Pages are immutable and
// their names are never used again, so an entry can be dropped at any time but
// can never be stale.
//
// What goes first is decided by a clock: a hand passes over the pages in a
// circle, drops those not used since it last came by, and spares the others once.
// Using a page is then one look-up and one flag, where a list in order of use
// would relink three elements.
type cache struct {
	mu      sync.Mutex
	ceiling int
	bytes   int
	lent    int // of the ceiling, to who holds bytes of pages instead of these
	pages   map[Ref]*cached
	circle  []*cached
	hand    int
}

type cached struct {
	ref  Ref
	page *page
	used bool
	at   int // in circle

	beside any // what is kept with the page, nil where nothing is
	kept   int // bytes of that
}

// cachedOverhead is what a page costs beside its bytes: slots and headers.
const cachedOverhead = 256

func newCache(ceiling int) *cache {
	return &cache{ceiling: ceiling, pages: make(map[Ref]*cached)}
}

// get returns a page, or nil where it is not held.
func (c *cache) get(ref Ref) *page {
	c.mu.Lock()
	held := c.pages[ref]
	if held == nil {
		c.mu.Unlock()
		return nil
	}
	held.used = true
	c.mu.Unlock()
	return held.page
}

// put holds a page, which may push out others but never itself.
func (c *cache) put(ref Ref, p *page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages[ref] != nil {
		return
	}
	added := &cached{ref: ref, page: p, used: true, at: len(c.circle)}
	c.pages[ref] = added
	c.circle = append(c.circle, added)
	c.bytes += p.size() + cachedOverhead
	c.shrink(added)
}

// beside returns what is kept with a page, and makes it where there is nothing yet; nil where the page
// is not held.
func (c *cache) beside(ref Ref, p *page, make func() any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.pages[ref]
	if held == nil || held.page != p {
		return nil
	}
	if held.beside == nil {
		held.beside = make()
	}
	return held.beside
}

// keep makes room for n bytes that are kept with a page, as far as there is some without dropping
// others, and reports whether it did. Below 0 it gives back.
func (c *cache) keep(ref Ref, p *page, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.pages[ref]
	if held == nil || held.page != p || n > c.ceiling-c.lent-c.bytes {
		return false
	}
	held.kept += n
	c.bytes += n
	return true
}

// shrink drops pages until the others are below the ceiling, but never the one just added.
func (c *cache) shrink(added *cached) {
	for c.bytes > c.ceiling-c.lent && len(c.circle) > 1 {
		c.hand %= len(c.circle)
		held := c.circle[c.hand]
		if held == added || held.used {
			held.used = held == added
			c.hand++
			continue
		}
		c.remove(held)
	}
}

// lend makes room for n bytes that somebody holds instead of pages, beside those lent to
// them before, and reports whether it did. They are to be given back.
func (c *cache) lend(n, before int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before+n > c.share(before) {
		return false
	}
	c.lent += n
	c.shrink(nil)
	return true
}

// share is how much can be lent to one who has some before: two thirds of what others have
// left, so that there is something for the next one, and always some for pages. c.mu is held.
func (c *cache) share(before int) int { return (c.ceiling/8*7 - (c.lent - before)) / 3 * 2 }

// lendable is how much can be lent to somebody else.
func (c *cache) lendable() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.share(0)
}

func (c *cache) giveBack(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lent -= n
}

// drop forgets pages that no root names any more.
func (c *cache) drop(refs []Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ref := range refs {
		if held := c.pages[ref]; held != nil {
			c.remove(held)
		}
	}
}

// clear forgets all pages.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages, c.circle, c.bytes = make(map[Ref]*cached), nil, 0
}

func (c *cache) remove(held *cached) {
	last := len(c.circle) - 1
	c.circle[held.at] = c.circle[last]
	c.circle[held.at].at = held.at
	c.circle[last] = nil
	c.circle = c.circle[:last]
	delete(c.pages, held.ref)
	c.bytes -= held.page.size() + held.kept + cachedOverhead
}

func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// room is how many bytes can come without any other page being pushed out.
func (c *cache) room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ceiling - c.lent - c.bytes
}
