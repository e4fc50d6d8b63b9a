package repository

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/stowage-db/stowage/store"
)

// ServiceOptions say what stands between a repository and those who use it.
type ServiceOptions struct {
	Cache       *Cache // of entities; nil keeps none
	ExistsCache *Cache // of whether there are entities; nil keeps none; it has no SizeOf
	// Breaker is that of each tier.
	Breaker struct{ Fast, Fallback Breaker }
	// Concurrency bounds the round trips of one GetMany at the same time; 4 if zero.
	Concurrency int
	// Share has the caches forget what other processes add and delete, as soon as a tier
	// tells of it. One of the tiers must be a Watcher.
	Share bool
	// OnEvent, if not nil, is told of everything. It may be called by many goroutines, and
	// should return soon.
	OnEvent func(Event)
}

// Service is a repository behind caches and breakers. It may be used by many goroutines.
//
// A fast tier that fails is passed by at once, whether its breaker is open or not yet.
// Where the fallback fails too a call fails with Unavailable, or with Timeout where only
// that one was too slow. Whoever asks for what another waits for waits with them.
//
// Keys that are written alike must be equal (==), as times of one zone without a
// monotonic clock are: what is added under one of them is not forgotten under another.
//
// Entities that come out of a cache are shared by all who get them: do not modify them.
// What another process adds is seen once the cache has forgotten what was there before:
// give it a TTL, or Share. What is cached is told of then while it is in a tier that is
// watched: always in a fallback, in a fast tier as long as that takes what is read.
type Service[E any, K comparable] struct {
	repository  *Repository[E, K]
	cache       *cache[K, E]    // nil without
	exists      *cache[K, bool] // nil without
	flights     flights[K, E]
	asking      flights[K, bool]
	concurrency int
	counts      *counts
	onEvent     func(Event) // nil where nobody listens
	shared      bool        // tiers are watched
	watching    []func()    // what ends that

	closed  atomic.Bool
	closing sync.RWMutex // held while a call begins, so that none does after closed is set
	running sync.WaitGroup
}

// NewService returns the service of a repository, which may still be used by itself: its
// caches do not see what is added so. InvalidOption for a cache without bounds.
func NewService[E any, K comparable](r *Repository[E, K], o ServiceOptions) (*Service[E, K], error) {
	s := &Service[E, K]{counts: new(counts), onEvent: o.OnEvent, concurrency: o.Concurrency}
	if o.Concurrency < 0 || o.ExistsCache != nil && o.ExistsCache.SizeOf != nil {
		return nil, fail(store.InvalidOption, "service", nil)
	}
	if s.concurrency == 0 {
		s.concurrency = 4
	}
	for _, c := range []*Cache{o.Cache, o.ExistsCache} {
		if c != nil {
			if err := c.check(); err != nil {
				return nil, err
			}
		}
	}
	if o.Cache != nil {
		s.cache = newCache[K, E](*o.Cache)
	}
	if o.ExistsCache != nil {
		s.exists = newCache[K, bool](*o.ExistsCache)
	}
	fast, err := newGuard(r.pair.fast, Fast, o.Breaker.Fast, s.tell)
	if err != nil {
		return nil, err
	}
	fallback, err := newGuard(r.pair.fallback, Fallback, o.Breaker.Fallback, s.tell)
	if err != nil {
		return nil, err
	}
	guarded, behind := *r, *r.pair
	behind.fast, behind.fallback, behind.counts = fast, fallback, s.counts
	behind.warn = func(error) { s.counts.fastFailures.Add(1) } // a breaker that opens warns
	guarded.pair = &behind
	s.repository = &guarded
	if o.Share {
		if err := s.watch(r.config.Fast, r.config.Fallback); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// watch forgets what tiers tell of.
func (s *Service[E, K]) watch(tiers ...Tier) error {
	s.shared = true
	for _, tier := range tiers {
		if watcher, ok := tier.(Watcher); ok {
			s.watching = append(s.watching, watcher.Watch(s.repository.keys.prefix, s.changed))
		}
	}
	if s.watching == nil {
		return fail(store.Unsupported, "service: no tier tells of what others write", nil)
	}
	return nil
}

// changed forgets what is known about keys of tiers, or everything where there are none.
func (s *Service[E, K]) changed(keys ...string) {
	if len(keys) == 0 {
		for _, ids := range [][]K{s.cache.ids(), s.exists.ids(), s.flights.ids(), s.asking.ids()} {
			s.forget(ids)
		}
	}
	for _, key := range keys {
		for _, key := range []string{key, s.repository.pair.unmarked(key)} {
			for _, known := range []func(string) (K, bool){s.cache.known, s.exists.known, s.flights.known, s.asking.known} {
				if id, there := known(key); there {
					s.forget([]K{id})
				}
			}
		}
	}
}

// slotOf is where an answer is kept. It has the key of tiers where they are watched.
func (s *Service[E, K]) slotOf(id K, text string) slot[K] {
	at := slot[K]{id: id, text: text}
	if s.shared {
		at.key, _ = s.repository.keys.text(id) // one that is none is not found, and refused
	}
	return at
}

func (s *Service[E, K]) tell(e Event) {
	if e.Kind == Warning {
		s.counts.warnings.Add(1)
	}
	if s.onEvent != nil {
		s.onEvent(e)
	}
}

// Metrics returns what the service has counted.
func (s *Service[E, K]) Metrics() Metrics {
	m := s.counts.metrics()
	m.Hits = s.cache.used() + s.exists.used()
	return m
}

// GetOne returns the entity of a key. NotFound where there is none, or nothing of it was
// asked for. With NoMemory the caches are passed by too.
func (s *Service[E, K]) GetOne(ctx context.Context, id K, with ...Option) (entity E, err error) {
	if len(with) == 0 && s.cache != nil && !s.closed.Load() {
		if k := s.cache.whole(id); k != nil {
			s.hit()
			if !k.found {
				return entity, s.missing()
			}
			return k.value, nil
		}
	}
	o := gather(with)
	answers, err := s.get(ctx, []K{id}, &o)
	if err != nil {
		return entity, err
	}
	if answers[0].err == nil && !answers[0].found {
		return entity, s.missing()
	}
	return answers[0].entity, answers[0].err
}

func (s *Service[E, K]) missing() error {
	return &store.Error{Code: store.NotFound, Op: "service", Name: s.repository.config.Name}
}

// lookUp returns what the cache has, or nil, as when the service is closed.
func (s *Service[E, K]) lookUp(at slot[K]) *kept[K, E] {
	if s.cache == nil || s.closed.Load() {
		return nil
	}
	k := s.cache.get(at)
	if k != nil {
		s.hit()
	}
	return k
}

// hit tells of an answer that was in the cache.
func (s *Service[E, K]) hit() {
	if s.onEvent != nil {
		s.onEvent(Event{Kind: Hit})
	}
}

// GetMany returns the entities of keys, those that there are, in the order of the keys.
// A key that is given twice counts once. Where what stands under one is Undecodable that
// is the error, beside the others.
func (s *Service[E, K]) GetMany(ctx context.Context, ids []K, with ...Option) ([]E, error) {
	o := gather(with)
	once := make([]K, 0, len(ids))
	given := make(map[K]struct{}, len(ids))
	for _, id := range ids {
		if _, twice := given[id]; !twice {
			given[id] = struct{}{}
			once = append(once, id)
		}
	}
	answers, err := s.get(ctx, once, &o)
	if err != nil {
		return nil, err
	}
	there := make([]E, 0, len(answers))
	for _, a := range answers {
		if err == nil {
			err = a.err
		}
		if a.found {
			there = append(there, a.entity)
		}
	}
	return there, err
}

// get returns the entities of keys that differ, from the cache or the repository.
func (s *Service[E, K]) get(ctx context.Context, ids []K, o *options) ([]decoded[E], error) {
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	if o.noMemory {
		return s.repository.read(ctx, ids, o)
	}
	answers := make([]decoded[E], len(ids))
	text := o.text()
	var missed []int
	for i, id := range ids {
		if k := s.lookUp(s.slotOf(id, text)); k != nil {
			answers[i] = decoded[E]{entity: k.value, found: k.found}
		} else if _, err := s.repository.keys.text(id); err != nil {
			return nil, err // before anything is boarded, for it would fail others too
		} else {
			missed = append(missed, i)
		}
	}
	flying := make(map[int]*flight[E], len(missed))
	var led []K
	var landing []*flight[E]
	for _, i := range missed {
		s.counts.misses.Add(1)
		if s.cache != nil && s.onEvent != nil {
			s.onEvent(Event{Kind: Miss})
		}
		boarded, leads := s.flights.board(s.slotOf(ids[i], text))
		if flying[i] = boarded; leads {
			led, landing = append(led, ids[i]), append(landing, boarded)
		} else {
			s.counts.shared.Add(1)
		}
	}
	s.fly(ctx, led, landing, text, o)
	for i, f := range flying {
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, fail(store.Aborted, "service", ctx.Err())
		}
		if answers[i] = f.decoded; f.err != nil && store.CodeOf(f.err) != store.Undecodable {
			return nil, f.err
		}
	}
	return answers, nil
}

// fly begins to read the entities of keys, and lands their flights as they come. It goes
// on when the caller gives up, for others may have boarded; tiers bound how long.
func (s *Service[E, K]) fly(ctx context.Context, ids []K, landing []*flight[E], text string, o *options) {
	ctx, asked := context.WithoutCancel(ctx), *o
	turns := make(chan struct{}, s.concurrency)
	for len(ids) > 0 {
		n := min(readAtOnce, len(ids))
		slice, flown := ids[:n], landing[:n]
		ids, landing = ids[n:], landing[n:]
		s.running.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			answers, err := s.repository.read(ctx, slice, &asked)
			for i, f := range flown {
				if f.err = err; err == nil {
					f.decoded = answers[i]
				}
				at := s.slotOf(slice[i], text)
				s.flights.land(at, f, func(entity E, found bool) {
					if s.cache != nil {
						s.cache.put(at, entity, found)
					}
				})
			}
		})
	}
}

// Exists tells whether there is an entity.
func (s *Service[E, K]) Exists(ctx context.Context, id K) (bool, error) {
	end, err := s.begin()
	if err != nil {
		return false, err
	}
	defer end()
	at := s.slotOf(id, "")
	if s.exists != nil {
		if k := s.exists.get(at); k != nil {
			return k.found, nil
		}
	}
	s.counts.misses.Add(1)
	f, leads := s.asking.board(at)
	if leads {
		s.running.Go(func() {
			f.found, f.err = s.repository.Query(id).Exists(context.WithoutCancel(ctx))
			s.asking.land(at, f, func(_, found bool) {
				if s.exists != nil {
					s.exists.put(at, found, found)
				}
			})
		})
	} else {
		s.counts.shared.Add(1)
	}
	select {
	case <-f.done:
		return f.found, f.err
	case <-ctx.Done():
		return false, fail(store.Aborted, "service", ctx.Err())
	}
}

// Add stores entities as Repository.Add does.
func (s *Service[E, K]) Add(ctx context.Context, entities ...E) error {
	return s.AddWith(ctx, AddOptions{}, entities...)
}

// AddWith stores entities as Repository.AddWith does.
func (s *Service[E, K]) AddWith(ctx context.Context, o AddOptions, entities ...E) error {
	ids := make([]K, len(entities))
	for i, entity := range entities {
		ids[i] = s.repository.form.key(entity)
	}
	return s.write(ids, func() error { return s.repository.AddWith(ctx, o, entities...) })
}

// Delete deletes an entity as Query.Delete does.
func (s *Service[E, K]) Delete(ctx context.Context, id K) error {
	return s.write([]K{id}, func() error { return s.repository.Query(id).Delete(ctx) })
}

// write changes entities, and then forgets what was known of them: also where it fails,
// for it may have happened.
func (s *Service[E, K]) write(ids []K, change func() error) error {
	end, err := s.begin()
	if err != nil {
		return err
	}
	defer end()
	defer s.forget(ids)
	return change()
}

// forget has nothing be known of entities.
func (s *Service[E, K]) forget(ids []K) {
	for _, id := range ids {
		s.flights.forget(id, s.cache.forget)
		s.asking.forget(id, s.exists.forget)
	}
}

// begin begins a call, which ends with the function that it returns.
func (s *Service[E, K]) begin() (end func(), err error) {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed.Load() {
		return nil, fail(store.Closed, "service", nil)
	}
	s.running.Add(1)
	return s.running.Done, nil
}

// Shutdown has every call fail with Closed that begins from now on, and waits for those
// that run, or until ctx ends. The tiers stay open.
func (s *Service[E, K]) Shutdown(ctx context.Context) error {
	s.closing.Lock()
	s.closed.Store(true)
	watching := s.watching
	s.watching = nil
	s.closing.Unlock()
	for _, stop := range watching {
		stop()
	}
	settled := make(chan struct{})
	go func() {
		s.running.Wait()
		close(settled)
	}()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return fail(store.Aborted, "service: shutdown", ctx.Err())
	}
}
