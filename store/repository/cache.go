package repository

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Cache says what a service keeps of its answers in memory, those of what does not
// exist too. One of Entries and Bytes is needed; where both are given, both bound it.
type Cache struct {
	Entries int // how many answers at most
	// Bytes is how large they are together at most, by SizeOf, which is given entities
	// of the repository's type; what does not exist takes 64, and what is less than
	// nothing is not kept.
	Bytes  int
	SizeOf func(entity any) int
	// Evict is what goes when there is no room: what was used longest ago, or least often.
	Evict Eviction
	// TTL is how long an answer stays, 0 for as long as there is room; Jitter is what is
	// added to it at random, up to this, so that not all go at once.
	TTL, Jitter time.Duration
}

// absentBytes is what an answer takes that there is nothing, so that who asks for what does
// not exist cannot fill a cache that only Bytes bound.
const absentBytes = 64

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
	key  string // that of tiers, where somebody watches them
}

// began is where the clock of the process is 0.
var began = time.Now()

// kept is an answer. Nothing of it changes but its place in the order.
type kept[K comparable, V any] struct {
	rank          *rank[K, V]
	before, after *kept[K, V]   // of its rank
	expires       time.Duration // on the clock of the process; 0 for never
	found         bool
	value         V
	slot          slot[K]
	bytes         int
}

// about is what is kept about a key.
type about[K comparable, V any] struct {
	whole *kept[K, V]            // nil if it is not
	asked map[string]*kept[K, V] // what was asked for by options, by their text
}

// cache is the answers of a service.
type cache[K comparable, V any] struct {
	config Cache

	mu      sync.Mutex
	order   order[K, V]
	byID    map[K]about[K, V]
	byKey   map[string]K // of those that have a key of tiers
	entries int
	bytes   int
	hits    uint64
}

func newCache[K comparable, V any](config Cache) *cache[K, V] {
	config.TTL, config.Jitter = min(config.TTL, longest), min(config.Jitter, longest)
	return &cache[K, V]{config: config, order: order[K, V]{frequent: config.Evict == LeastFrequent}, byID: make(map[K]about[K, V]), byKey: make(map[string]K)}
}

// get returns an answer, nil where it is not kept; that is a use of it.
func (c *cache[K, V]) get(s slot[K]) *kept[K, V] {
	c.mu.Lock()
	k := c.use(c.at(s))
	c.mu.Unlock()
	return k
}

// whole is get where nothing but an id was asked for: a hit is to cost little more than
// the lookup.
func (c *cache[K, V]) whole(id K) *kept[K, V] {
	c.mu.Lock()
	k := c.use(c.byID[id].whole)
	c.mu.Unlock()
	return k
}

// use tells that an answer is used, and returns it unless it has expired. c.mu is held.
func (c *cache[K, V]) use(k *kept[K, V]) *kept[K, V] {
	if k == nil {
		return nil
	}
	if k.expires != 0 && time.Since(began) >= k.expires {
		c.remove(k)
		return nil
	}
	c.hits++ // where the lock is held anyway
	c.order.use(k)
	return k
}

// used returns how many answers were kept that were asked for.
func (c *cache[K, V]) used() uint64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits
}

// at is what is kept in a slot. c.mu is held.
func (c *cache[K, V]) at(s slot[K]) *kept[K, V] {
	a := c.byID[s.id]
	if s.text == "" {
		return a.whole
	}
	return a.asked[s.text]
}

func (c *cache[K, V]) put(s slot[K], value V, found bool) {
	k := &kept[K, V]{slot: s, value: value, found: found}
	if c.config.SizeOf != nil && found {
		k.bytes = c.config.SizeOf(value)
	} else if !found {
		k.bytes = min(absentBytes, c.config.Bytes)
	}
	if c.config.TTL > 0 {
		k.expires = time.Since(began) + c.config.TTL + rand.N(c.config.Jitter+1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.at(s); old != nil {
		c.remove(old)
	}
	if k.bytes < 0 || k.bytes > c.config.Bytes {
		return
	}
	for c.config.Entries > 0 && c.entries >= c.config.Entries || c.config.Bytes > 0 && c.bytes+k.bytes > c.config.Bytes {
		c.remove(c.order.first())
	}
	c.add(k)
}

// add keeps an answer in an empty slot. c.mu is held.
func (c *cache[K, V]) add(k *kept[K, V]) {
	a := c.byID[k.slot.id]
	if k.slot.text == "" {
		a.whole = k
	} else {
		if a.asked == nil {
			a.asked = make(map[string]*kept[K, V])
		}
		a.asked[k.slot.text] = k
	}
	c.byID[k.slot.id] = a
	if k.slot.key != "" {
		c.byKey[k.slot.key] = k.slot.id
	}
	c.order.add(k)
	c.entries++
	c.bytes += k.bytes
}

// remove ends the keeping of an answer. c.mu is held.
func (c *cache[K, V]) remove(k *kept[K, V]) {
	a := c.byID[k.slot.id]
	if k.slot.text == "" {
		a.whole = nil
	} else {
		delete(a.asked, k.slot.text)
	}
	if a.whole == nil && len(a.asked) == 0 {
		delete(c.byID, k.slot.id)
		delete(c.byKey, k.slot.key)
	} else {
		c.byID[k.slot.id] = a
	}
	c.order.remove(k)
	c.entries--
	c.bytes -= k.bytes
}

// forget removes every answer about a key.
func (c *cache[K, V]) forget(id K) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.byID[id]
	if a.whole != nil {
		c.remove(a.whole)
	}
	for _, k := range a.asked {
		c.remove(k)
	}
}

// known is the id of a key of tiers, if anything is kept about it.
func (c *cache[K, V]) known(key string) (id K, there bool) {
	if c == nil {
		return id, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id, there = c.byKey[key]
	return id, there
}

// ids are those about which anything is kept.
func (c *cache[K, V]) ids() []K {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.byID))
}
