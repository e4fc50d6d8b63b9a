package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
)

// KV is Workers KV as it is documented, in simulated time: a store of many locations
// that hears of changes late. A read is answered from the location's cache for a minute,
// also when there was nothing; a list lacks new keys, and has deleted ones, for as long
// as a minute; the last write wins; a key is written once a second, or refused; calls
// fail by the seed, having done what they should or not. What its driver does about that
// is done here as well. What is written with an expiration is gone once that has come, but for what caches remember.
type KV struct {
	schedule *Schedule
	random   *rand.Rand
	lags     map[string]time.Duration // by location and key
	keys     map[string][]kvVersion
	caches   map[string]map[string]kvVersion // by location: when a key was read
	// Faults is the part of all calls that fail, half of them after they were carried out.
	Faults float64
	// Refused counts writes that came too soon after another one to their key.
	Refused int
}

type kvVersion struct {
	at      time.Time
	bytes   []byte    // nil where it was deleted
	expires time.Time // zero for never
}

// seen is what there is of it at a time.
func (v kvVersion) seen(now time.Time) []byte {
	if !v.expires.IsZero() && !now.Before(v.expires) {
		return nil
	}
	return v.bytes
}

// NewKV returns an empty store whose faults and delays follow from seed.
func NewKV(schedule *Schedule, seed uint64) *KV {
	return &KV{schedule: schedule, random: rand.New(rand.NewPCG(seed, 3)), lags: make(map[string]time.Duration), keys: make(map[string][]kvVersion), caches: make(map[string]map[string]kvVersion)}
}

// stalest is how long a location may go by what it has seen.
const stalest = time.Minute

// now returns what is stored under a key.
func (k *KV) now(key string) []byte {
	versions := k.keys[key]
	if len(versions) == 0 {
		return nil
	}
	return versions[len(versions)-1].seen(k.schedule.Now())
}

// lag is how long a location does not list a change of a key.
func (k *KV) lag(location, key string) time.Duration {
	id := location + "\x00" + key
	if _, drawn := k.lags[id]; !drawn {
		k.lags[id] = time.Duration(k.random.Int64N(int64(stalest)))
	}
	return k.lags[id]
}

// put writes a key, nil for nothing, which expires where a time is given.
func (k *KV) put(key string, bytes []byte, expires time.Time) error {
	if !expires.IsZero() && expires.Sub(k.schedule.Now()) < shortestLife {
		return errTooSoon
	}
	versions := k.keys[key]
	if n := len(versions); n > 0 && k.schedule.Now().Sub(versions[n-1].at) < time.Second {
		k.Refused++
		return errTooMany
	}
	k.keys[key] = append(versions, kvVersion{k.schedule.Now(), bytes, expires})
	return nil
}

var (
	errTooMany = errors.New("429: too many requests")
	errTooSoon = errors.New("400: it expires too soon")
	errKV      = errors.New("the call failed")
)

// shortestLife is what a key has at least.
const shortestLife = time.Minute

// Unread are the keys with a prefix that are there now and were not asked for through a view.
func (k *KV) Unread(l *KVLocation, prefix string) (unread []string) {
	for key := range k.keys {
		if _, read := l.cache[key]; !read && strings.HasPrefix(key, prefix) && k.now(key) != nil {
			unread = append(unread, key)
		}
	}
	slices.Sort(unread)
	return unread
}

// KVLocation is the view from one place: a store.Backend for one context.
type KVLocation struct {
	kv     *KV
	name   string
	cache  map[string]kvVersion // the location's
	inline map[string][]byte    // small records that came with a list
	closed bool

	// Publishing makes it one: see store.Properties.
	Publishing bool
	// Expires is when all that is written through it is gone; zero for never.
	Expires time.Time
	// Operations counts what is paid for, and is limited.
	Operations KVOperations
	// DiesAt is the call that this context does not survive, counted from 1, and
	// DiesAfter whether it was carried out; 0 for none.
	DiesAt    int
	DiesAfter bool
	calls     int
}

// KVOperations counts calls.
type KVOperations struct{ Gets, Lists, Puts, Deletes int }

// All is the sum.
func (o KVOperations) All() int { return o.Gets + o.Lists + o.Puts + o.Deletes }

var _ store.Backend = (*KVLocation)(nil)

// At connects a context at a place. Those at one place share what the place has cached.
func (k *KV) At(location string) *KVLocation {
	if k.caches[location] == nil {
		k.caches[location] = make(map[string]kvVersion)
	}
	return &KVLocation{kv: k, name: location, cache: k.caches[location], inline: make(map[string][]byte)}
}

// ErrDied is what a context gets that is dead.
var ErrDied = &store.Error{Code: store.BackendFailed, Op: "this context is dead"}

// call takes some time and carries something out, unless the seed or the test has it fail.
func (l *KVLocation) call(ctx context.Context, work func() error) error {
	if err := l.usableFor(0); err != nil {
		return err
	}
	l.calls++
	died := l.DiesAt > 0 && l.calls >= l.DiesAt
	if died && (!l.DiesAfter || l.calls > l.DiesAt) {
		return ErrDied
	}
	if err := l.kv.sleep(ctx, time.Duration(5+l.kv.random.IntN(100))*time.Millisecond); err != nil {
		return err
	}
	fails := l.kv.random.Float64() < l.kv.Faults
	if fails && l.kv.random.IntN(2) == 0 {
		return errKV
	}
	err := work()
	switch {
	case died:
		return ErrDied
	case fails:
		return errKV
	default:
		return err
	}
}

// usableFor fails where it is closed, or what was written has expired so much later.
func (l *KVLocation) usableFor(d time.Duration) error {
	if l.closed || !l.Expires.IsZero() && !l.kv.schedule.Now().Add(d).Before(l.Expires) {
		return &store.Error{Code: store.Closed, Op: "kv"}
	}
	return nil
}

// again repeats a call until it goes well, with the same key and the same bytes.
func (l *KVLocation) again(ctx context.Context, work func() error) error {
	for attempt := 1; ; attempt++ {
		err := l.call(ctx, work)
		if !errors.Is(err, errKV) && !errors.Is(err, errTooMany) || attempt == 8 {
			return err
		}
		if err := l.kv.sleep(ctx, time.Second+time.Duration(l.kv.random.IntN(1000))*time.Millisecond); err != nil {
			return err
		}
	}
}

func (k *KV) sleep(ctx context.Context, d time.Duration) error {
	gate := k.schedule.NewGate()
	k.schedule.OpenAt(k.schedule.Now().Add(d), gate)
	return gate.Wait(ctx)
}

// Calls is how many calls there were.
func (l *KVLocation) Calls() int { return l.calls }

// Read implements store.Backend. Records are read a hundred at once, pages one by one.
func (l *KVLocation) Read(ctx context.Context, names []string) ([][]byte, error) {
	found := make([][]byte, len(names))
	bulk := 0
	for i, name := range names {
		if found[i] = l.inline[name]; found[i] != nil {
			continue
		}
		if strings.HasPrefix(name, "l/") {
			bulk++
		} else {
			l.Operations.Gets++
		}
		if err := l.again(ctx, func() error { found[i] = l.get(name); return nil }); err != nil {
			return nil, err
		}
	}
	l.Operations.Gets += (bulk + 99) / 100
	return found, nil
}

func (l *KVLocation) get(name string) []byte {
	now := l.kv.schedule.Now()
	cached, found := l.cache[name]
	if !found || now.Sub(cached.at) >= stalest {
		cached = kvVersion{at: now, bytes: l.kv.now(name)}
		l.cache[name] = cached
	}
	return cached.bytes
}

// Commit implements store.Backend.
func (l *KVLocation) Commit(ctx context.Context, batch *store.Batch) error {
	if err := l.usableFor(shortestLife); err != nil {
		return err
	}
	for _, blob := range slices.Concat(batch.Put, batch.Add) {
		bytes := slices.Clone(blob.Bytes)
		l.Operations.Puts++
		if err := l.again(ctx, func() error { return l.kv.put(blob.Name, bytes, l.Expires) }); err != nil {
			return err
		}
	}
	for _, name := range batch.Delete {
		l.Operations.Deletes++
		if err := l.again(ctx, func() error { return l.kv.put(name, nil, time.Time{}) }); err != nil {
			return err
		}
	}
	if batch.Root != nil || batch.DeleteRange != nil {
		return &store.Error{Code: store.Internal, Op: "kv: a batch that KV cannot do"}
	}
	return nil
}

// inlineBytes is how large a record may be that comes with a list.
const inlineBytes = 700

// List implements store.Backend.
func (l *KVLocation) List(ctx context.Context, prefix string) (names []string, err error) {
	err = l.again(ctx, func() error {
		names = nil
		now := l.kv.schedule.Now()
		for key, versions := range l.kv.keys {
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			seen := now.Add(-l.kv.lag(l.name, key))
			var shown []byte
			for _, v := range versions {
				if !v.at.After(seen) {
					shown = v.seen(seen)
				}
			}
			if shown == nil {
				continue
			}
			names = append(names, key)
			if strings.HasPrefix(key, "l/") && len(shown) <= inlineBytes {
				l.inline[key] = shown
			}
		}
		slices.Sort(names)
		return nil
	})
	l.Operations.Lists += 1 + len(names)/1000
	return names, err
}

// Info implements store.Backend.
func (l *KVLocation) Info(context.Context, bool) (store.Info, error) {
	return store.Info{Properties: store.Properties{MaxBlob: 24 << 20, Merging: true, Founding: true, Publishing: l.Publishing}, Blobs: -1, Bytes: -1}, nil
}

// Close implements store.Backend.
func (l *KVLocation) Close() error {
	l.closed = true
	return nil
}
