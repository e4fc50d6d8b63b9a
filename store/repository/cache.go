package repository

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/stowage-db/stowage/store"
)

// Cache says what a service keeps of its answers in memory, those of what does not
// exist too. One of Entries and Bytes is needed; where both are given, both bound it.
type Cache struct {
	Entries int // how many answers at most
	// Bytes is how large they are together at most, by SizeOf, which is given entities
	// of the repository's type; what does not exist takes nothing.
	Bytes  int
	SizeOf func(entity any) int
	// Evict is what goes when there is no room: what was used longest ago, or least often.
	Evict Eviction
	// TTL is how long an answer stays, 0 for as long as there is room; Jitter is what is
	// added to it at random, up to this, so that not all go at once.
	TTL, Jitter time.Duration
}

// Eviction is which answer goes first.
type Eviction uint8

// The evictions.
const (
	LeastRecent   Eviction = iota // LRU
	LeastFrequent                 // LFU; of those used equally often the least recent
)

func (c *Cache) check() error {
	if c.Entries < 0 || c.Bytes < 0 || c.Entries+c.Bytes == 0 || (c.Bytes > 0) != (c.SizeOf != nil) || c.TTL < 0 || c.Jitter < 0 || c.Evict > LeastFrequent {
		return fail(store.InvalidOption, "repository: cache", nil)
	}
	return nil
}

// slot is what an answer is kept under: a key, and what was asked of it in the form
// that options.text gives it.
type slot[K comparable] struct {
	id   K
	text string
}

// kept is an answer, which does not change.
type kept[V any] struct {
	value   V
	found   bool
	expires time.Time // zero for never
	bytes   int
}

// order keeps entries in the order in which they are evicted. It is not safe for several
// goroutines.
type order[K comparable, V any] interface {
	Get(K) (V, bool)
	Add(K, V) bool
	Remove(K) bool
	RemoveOldest() (K, V, bool)
	Len() int
}

// cache is the answers of a service.
type cache[K comparable, V any] struct {
	config Cache

	mu    sync.Mutex
	order order[slot[K], *kept[V]]
	asked map[K]map[string]struct{} // the texts that are not empty of what is kept
	bytes int
}

func newCache[K comparable, V any](config Cache) *cache[K, V] {
	c := &cache[K, V]{config: config, asked: make(map[K]map[string]struct{})}
	if config.Evict == LeastFrequent {
		c.order = newFrequency(c.left)
	} else {
		c.order, _ = simplelru.NewLRU(math.MaxInt, c.left) // it fails for a size of 0
	}
	return c
}

// left takes note of an entry that is not in the order any more.
func (c *cache[K, V]) left(s slot[K], k *kept[V]) {
	c.bytes -= k.bytes
	if s.text != "" {
		delete(c.asked[s.id], s.text)
		if len(c.asked[s.id]) == 0 {
			delete(c.asked, s.id)
		}
	}
}

func (c *cache[K, V]) get(s slot[K]) (k *kept[V], ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok = c.order.Get(s); ok && !k.expires.IsZero() && !time.Now().Before(k.expires) {
		c.order.Remove(s)
		return nil, false
	}
	return k, ok
}

func (c *cache[K, V]) put(s slot[K], value V, found bool) {
	k := &kept[V]{value: value, found: found}
	if c.config.SizeOf != nil && found {
		if k.bytes = c.config.SizeOf(value); k.bytes > c.config.Bytes {
			return
		}
	}
	if c.config.TTL > 0 {
		k.expires = time.Now().Add(c.config.TTL + rand.N(c.config.Jitter+1))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Remove(s)
	for c.config.Entries > 0 && c.order.Len() >= c.config.Entries || c.config.Bytes > 0 && c.bytes+k.bytes > c.config.Bytes {
		c.order.RemoveOldest()
	}
	c.order.Add(s, k)
	c.bytes += k.bytes
	if s.text != "" {
		if c.asked[s.id] == nil {
			c.asked[s.id] = make(map[string]struct{})
		}
		c.asked[s.id][s.text] = struct{}{}
	}
}

// forget removes every answer about a key.
func (c *cache[K, V]) forget(id K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Remove(slot[K]{id: id})
	for text := range c.asked[id] {
		c.order.Remove(slot[K]{id, text})
	}
}
