package repository

import (
	"context"
	"reflect"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Config is what every repository is made with.
type Config struct {
	Name           string // the keys of its entities begin with it
	Fast, Fallback Tier   // which have no keys in common; they stay the caller's to close
	// Expire is how long the fast tier keeps what was added or read, and markers; 0 is
	// for ever. Reading does not prolong it.
	Expire time.Duration
	// FallbackExpiry is how long the fallback keeps what was added; 0 is for ever.
	FallbackExpiry time.Duration
	// FastTimeout and FallbackTimeout bound each call of a tier; 1 s if zero. A fast tier
	// that does not answer in time is taken not to know; a fallback fails with Timeout.
	FastTimeout, FallbackTimeout time.Duration
	// ID is the attribute of a hash's entities that is their key, "id" if empty.
	ID string
	// OnWarning, if not nil, is told of what failed without failing a call: what the fast
	// tier did not answer, or what it did not take. It may be called by many goroutines.
	OnWarning func(error)
}

// Repository is entities of type E by keys of type K. It may be used by many goroutines.
type Repository[E any, K comparable] struct {
	config Config
	form   form[E, K]
	keys   keys[K]
	pair   *pair
}

func newRepository[E any, K comparable](config Config, f form[E, K]) (*Repository[E, K], error) {
	if config.Name == "" || config.Fast == nil || config.Fallback == nil {
		return nil, fail(store.InvalidOption, "repository: a name, a fast and a fallback tier are needed", nil)
	}
	if fast := reflect.ValueOf(config.Fast); fast.Comparable() && config.Fast == config.Fallback {
		return nil, fail(store.InvalidOption, "repository: one tier cannot be both", nil)
	}
	if config.Expire < 0 || config.FallbackExpiry < 0 || config.FastTimeout < 0 || config.FallbackTimeout < 0 {
		return nil, fail(store.InvalidOption, "repository: a negative time", nil)
	}
	k, err := newKeys[K](config.Name)
	if err != nil {
		return nil, err
	}
	return &Repository[E, K]{config, f, k, newPair(config, k.prefix)}, nil
}

// AddOptions say how entities are added.
type AddOptions struct {
	// MemoryAlways has the fast tier keep the entities even where it did not have them.
	MemoryAlways bool
	// NoMemory adds to the fallback alone, and removes from the fast tier what would be
	// old there.
	NoMemory bool
	// FallbackExpiry is how long the fallback keeps the entities; that of the Config if zero.
	FallbackExpiry time.Duration
}

// Add stores entities, all of them or none: in the fallback, and where the fast tier has
// one already, there too. InvalidDocument for an entity that is not valid, InvalidKey for
// one without a key.
func (r *Repository[E, K]) Add(ctx context.Context, entities ...E) error {
	return r.AddWith(ctx, AddOptions{}, entities...)
}

// AddWith stores entities as Add does.
func (r *Repository[E, K]) AddWith(ctx context.Context, o AddOptions, entities ...E) error {
	if o.MemoryAlways && o.NoMemory || o.FallbackExpiry < 0 {
		return fail(store.InvalidOption, "repository: add", nil)
	}
	changes := make([]change, len(entities))
	for i, entity := range entities {
		var err error
		if changes[i], err = r.addition(entity, o); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return r.pair.write(ctx, changes)
}

// addition is the change that adds an entity.
func (r *Repository[E, K]) addition(entity E, o AddOptions) (c change, err error) {
	if err := valid(entity); err != nil {
		return c, err
	}
	if c.key, err = r.keys.text(r.form.key(entity)); err != nil {
		return c, err
	}
	value, err := r.form.encode(entity)
	if err != nil {
		return c, err
	}
	if o.FallbackExpiry == 0 {
		o.FallbackExpiry = r.config.FallbackExpiry
	}
	kind, merges := r.form.kind()
	c.fallback = Write{Key: c.key, Kind: kind, Value: value, Merge: merges, Expiry: o.FallbackExpiry}
	unmark := r.pair.unmark(c.key)
	if o.NoMemory {
		c.fast = []Write{{Key: c.key}, unmark}
		return c, nil
	}
	fast := c.fallback
	fast.Expiry = sooner(r.config.Expire, o.FallbackExpiry)
	switch {
	case !o.MemoryAlways:
		fast.Only = IfPresent
	case merges:
		c.whole, c.fast = r.whole(c.key), []Write{unmark}
		return c, nil
	}
	c.fast = []Write{fast, unmark}
	return c, nil
}

// whole reads all of what stands under a key. Places are read with their scores, which
// say more exactly where they are.
func (r *Repository[E, K]) whole(key string) Read {
	kind, _ := r.form.kind()
	if kind == KindGeo {
		kind = KindSortedSet
	}
	return Read{Key: key, Kind: kind, Range: All}
}

// sooner is the shorter of two times to live, of which 0 is for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
