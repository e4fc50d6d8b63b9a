package repository

import (
	"maps"
	"slices"
	"sync"
)

// flight is an answer that somebody waits for.
type flight[E any] struct {
	decoded[E]
	done  chan struct{}
	key   string // of tiers, where somebody watches them
	stale bool   // the entity has changed meanwhile: it must not be cached; guarded by flights.mu
}

// flights are the answers that are waited for, so that nobody asks for one twice.
type flights[K comparable, E any] struct {
	mu    sync.Mutex
	byID  map[K]map[string]*flight[E]
	byKey map[string]K // of those that have a key of tiers
}

// board returns the flight for a slot, and whether it is the caller who must land it.
func (f *flights[K, E]) board(s slot[K]) (_ *flight[E], leads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if there := f.byID[s.id][s.text]; there != nil {
		return there, false
	}
	if f.byID == nil {
		f.byID, f.byKey = make(map[K]map[string]*flight[E]), make(map[string]K)
	}
	if f.byID[s.id] == nil {
		f.byID[s.id] = make(map[string]*flight[E])
	}
	if s.key != "" {
		f.byKey[s.key] = s.id
	}
	made := &flight[E]{done: make(chan struct{}), key: s.key}
	f.byID[s.id][s.text] = made
	return made, true
}

// land ends a flight. An answer that holds is kept, before anybody can forget it.
func (f *flights[K, E]) land(s slot[K], landed *flight[E], keep func(entity E, found bool)) {
	f.mu.Lock()
	if !landed.stale {
		delete(f.byID[s.id], s.text)
		if len(f.byID[s.id]) == 0 {
			delete(f.byID, s.id)
			delete(f.byKey, s.key)
		}
		if landed.err == nil {
			keep(landed.entity, landed.found)
		}
	}
	f.mu.Unlock()
	close(landed.done)
}

// forget has no flight for a key be boarded or kept any more, and nothing else be known
// of it.
func (f *flights[K, E]) forget(id K, unkeep func(id K)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, flying := range f.byID[id] {
		flying.stale = true
		delete(f.byKey, flying.key)
	}
	delete(f.byID, id)
	unkeep(id)
}

// known is the id of a key of tiers, if anybody waits for anything about it.
func (f *flights[K, E]) known(key string) (id K, there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, there = f.byKey[key]
	return id, there
}

// ids are those about which somebody waits for something.
func (f *flights[K, E]) ids() []K {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.byID))
}
