package repository

import "container/list"

// frequency is the order of what was used least often, and of those used equally often
// of what was used longest ago. Every call takes the same time, however much there is.
type frequency[K comparable, V any] struct {
	left    func(K, V)
	byKey   map[K]*list.Element
	entries list.List                // of *counted[K, V], in the order in which they are evicted
	last    map[uint64]*list.Element // of those that were used so often
}

type counted[K comparable, V any] struct {
	key   K
	value V
	uses  uint64
}

func newFrequency[K comparable, V any](left func(K, V)) *frequency[K, V] {
	return &frequency[K, V]{left: left, byKey: make(map[K]*list.Element), last: make(map[uint64]*list.Element)}
}

// Get implements order; it is a use.
func (f *frequency[K, V]) Get(key K) (value V, found bool) {
	at, found := f.byKey[key]
	if !found {
		return value, false
	}
	entry := at.Value.(*counted[K, V])
	behind := f.last[entry.uses+1]
	if behind == nil {
		behind = f.last[entry.uses]
	}
	f.unrank(at, entry.uses)
	if behind != at {
		f.entries.MoveAfter(at, behind)
	}
	entry.uses++
	f.last[entry.uses] = at
	return entry.value, true
}

// unrank has an entry not be the last of those that were used so often.
func (f *frequency[K, V]) unrank(at *list.Element, uses uint64) {
	if f.last[uses] != at {
		return
	}
	if before := at.Prev(); before != nil && before.Value.(*counted[K, V]).uses == uses {
		f.last[uses] = before
	} else {
		delete(f.last, uses)
	}
}

// Add implements order, for a key that there is not.
func (f *frequency[K, V]) Add(key K, value V) bool {
	entry := &counted[K, V]{key: key, value: value}
	if behind := f.last[0]; behind != nil {
		f.last[0] = f.entries.InsertAfter(entry, behind)
	} else {
		f.last[0] = f.entries.PushFront(entry)
	}
	f.byKey[key] = f.last[0]
	return false
}

// Remove implements order.
func (f *frequency[K, V]) Remove(key K) bool {
	at, found := f.byKey[key]
	if !found {
		return false
	}
	entry := at.Value.(*counted[K, V])
	f.unrank(at, entry.uses)
	f.entries.Remove(at)
	delete(f.byKey, key)
	f.left(key, entry.value)
	return true
}

// RemoveOldest implements order.
func (f *frequency[K, V]) RemoveOldest() (key K, value V, found bool) {
	first := f.entries.Front()
	if first == nil {
		return key, value, false
	}
	entry := first.Value.(*counted[K, V])
	f.Remove(entry.key)
	return entry.key, entry.value, true
}

// Len implements order.
func (f *frequency[K, V]) Len() int { return len(f.byKey) }
