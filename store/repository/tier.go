package repository

import (
	"context"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/structure"
)

// Tier keeps structures under keys. It is used by many goroutines. Package tiertest
// holds what every tier must do.
//
// Its methods return soon after their context has ended, with a failure that says so:
// repositories wait no longer than that.
type Tier interface {
	// Read answers several reads in one round trip, each where its read stands, and
	// from one snapshot where the tier has snapshots. A key that holds another kind of
	// structure fails with WrongType.
	Read(ctx context.Context, reads ...Read) ([]Reply, error)
	// Write makes several writes, in their order, all of them or none. A tier that
	// cannot be written to fails with ReadOnly. After another failure it may be
	// unknown whether they were made.
	Write(ctx context.Context, writes ...Write) error
	// Close gives back what the tier holds; a second time it does nothing. Other calls
	// then fail with Closed.
	Close() error
}

// Watcher is a tier that tells of what is written to it, by whatever process.
type Watcher interface {
	// Watch has changed called with keys that begin with a prefix and were written,
	// deleted, or have expired, soon after; with no keys where there may have been some
	// that it does not know of, which is so when it begins. That ends with stop.
	Watch(prefix string, changed func(keys ...string)) (stop func())
}

// Kind is what is read or written.
type Kind uint8

// The kinds. What is written as KindNone is nothing: the key is deleted.
const (
	KindNone      Kind = iota
	KindExists         // only read: whether there is anything
	KindHash           // fields
	KindSortedSet      // members with scores
	KindBoolean        // whether something is so
	KindGeo            // members with their places; it can be read as a sorted set too
)

// Read is what is asked of one key.
type Read struct {
	Key    string
	Kind   Kind
	Fields []string           // of a hash; nil is all of them
	Range  Range              // of a sorted set
	Search structure.GeoQuery // of a geo
}

// Range is what is asked of a sorted set.
type Range struct {
	Bounds  structure.Bounds
	Page    structure.Page
	Reverse bool // from the greatest score
}

// All is every member of a sorted set.
var All = Range{Bounds: structure.AllScores}

// Reply is the answer to a read.
type Reply struct {
	Found  bool          // there is such a key, even if nothing of it was asked for
	Expiry time.Duration // how long the key stays; 0 is for ever
	Value  Value
}

// Value is what a key holds, or what a read found of it: that of its kind.
type Value struct {
	Fields  map[string]string
	Members []structure.Z
	Size    int64 // of a sorted set that was read, all its members counted
	Is      bool
	Places  []structure.Found // those that are written have no distance
}

// Write is what is done to one key.
type Write struct {
	Key    string
	Kind   Kind
	Value  Value
	Merge  bool          // members join those that there are; otherwise the value replaces whatever there is
	Only   Condition     // whether it is done at all
	Expiry time.Duration // how long the key then stays; 0 is for ever
}

// Condition is when a write is made.
type Condition uint8

// The conditions, of which each looks at what the writes before it have left.
const (
	Always    Condition = iota
	IfPresent           // there is such a key
	IfAbsent            // there is none
)

// met tells whether a write is made where there is such a key, or not.
func (c Condition) met(present bool) bool {
	return c == Always || (c == IfPresent) == present
}

// fail makes an error of a call.
func fail(code store.Code, op string, cause error) error {
	return &store.Error{Code: code, Op: op, Err: cause}
}
