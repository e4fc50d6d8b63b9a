package repository

import "sync/atomic"

// Event is what a service tells of.
type Event struct {
	Kind  EventKind
	Tier  TierName // of what concerns a tier
	State State    // of StateChanged: the new one
	Err   error    // of Warning: what has opened the breaker
}

// EventKind is what has happened.
type EventKind string

// The kinds of events.
const (
	StateChanged EventKind = "state"   // a breaker's
	Warning      EventKind = "warning" // a breaker has opened; there is one for each time
	Hit          EventKind = "hit"     // an answer was in the cache
	Miss         EventKind = "miss"    // it was not, and there is one
)

// TierName is which tier of a service.
type TierName string

// The tiers.
const (
	Fast     TierName = "fast"
	Fallback TierName = "fallback"
)

// Metrics counts what a service has done since it was made.
type Metrics struct {
	Hits, Misses  uint64 // answers that were in the cache, and that were not
	Shared        uint64 // of those, answers that somebody else was already waiting for
	FastHits      uint64 // entities that the fast tier had
	MarkerHits    uint64 // and such of which it had a marker
	FallbackReads uint64 // round trips to the fallback
	Warnings      uint64 // how often a breaker has opened
	FastFailures  uint64 // calls that the fast tier did not answer, or was not asked
}

// counts are the same while they count, but for the hits, which caches count.
type counts struct {
	misses, shared, fastHits, markerHits, fallbackReads, warnings, fastFailures atomic.Uint64
}

func (c *counts) metrics() Metrics {
	return Metrics{
		Misses: c.misses.Load(), Shared: c.shared.Load(),
		FastHits: c.fastHits.Load(), MarkerHits: c.markerHits.Load(), FallbackReads: c.fallbackReads.Load(),
		Warnings: c.warnings.Load(), FastFailures: c.fastFailures.Load(),
	}
}
