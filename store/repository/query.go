package repository

import (
	"context"
	"iter"

	"github.com/stowage-db/stowage/store"
)

// Query is what is asked of one entity. Nothing is read before one of its methods is
// called, which may be done again.
type Query[E any, K comparable] struct {
	repository *Repository[E, K]
	key        K
	options    options
}

// Query asks for the entity of a key.
func (r *Repository[E, K]) Query(key K, with ...Option) *Query[E, K] {
	return &Query[E, K]{r, key, gather(with)}
}

func gather(with []Option) (o options) {
	for _, option := range with {
		option(&o)
	}
	return o
}

// Entity returns the entity. NotFound where there is none, or nothing of it was asked for.
func (q *Query[E, K]) Entity(ctx context.Context) (entity E, err error) {
	answers, err := q.repository.read(ctx, []K{q.key}, &q.options)
	if err != nil {
		return entity, err
	}
	if answers[0].err == nil && !answers[0].found {
		return entity, &store.Error{Code: store.NotFound, Op: "entity", Name: q.repository.config.Name}
	}
	return answers[0].entity, answers[0].err
}

// Exists tells whether there is such an entity, whatever is asked of it.
func (q *Query[E, K]) Exists(ctx context.Context) (bool, error) {
	r := q.repository
	key, err := r.keys.text(q.key)
	if err != nil {
		return false, err
	}
	read := Read{Key: key, Kind: KindExists}
	if kind, _ := r.form.kind(); kind == KindBoolean {
		read.Kind = kind // others may have stored that it is not so
	}
	replies, err := r.replies(ctx, []wanted{{key: key, read: read}}, &q.options)
	if err != nil {
		return false, err
	}
	return replies[0].Found && (read.Kind == KindExists || replies[0].Value.Is), nil
}

// Delete deletes the entity from both tiers, and has the fast one know that there is
// none. With NoMemory it knows nothing of it.
func (q *Query[E, K]) Delete(ctx context.Context) error {
	r := q.repository
	key, err := r.keys.text(q.key)
	if err != nil {
		return err
	}
	c := change{key: key, fallback: Write{Key: key}, fast: []Write{{Key: key}, r.pair.mark(key)}}
	if q.options.noMemory {
		c.fast[1] = r.pair.unmark(key)
	}
	return r.pair.write(ctx, []change{c})
}

// Many is what is asked of many entities.
type Many[E any, K comparable] struct {
	repository *Repository[E, K]
	keys       []K
	options    options
}

// Many asks for the entities of keys.
func (r *Repository[E, K]) Many(keys []K, with ...Option) *Many[E, K] {
	return &Many[E, K]{r, keys, gather(with)}
}

// readAtOnce is how many entities are asked for in one round trip.
const readAtOnce = 128

// Entities are those that there are, in the order of the keys. What fails ends them; but
// of those that are Undecodable the first is told when all others have come.
func (m *Many[E, K]) Entities(ctx context.Context) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		var none E
		var undecodable error
		for rest := m.keys; len(rest) > 0; {
			slice := rest[:min(readAtOnce, len(rest))]
			rest = rest[len(slice):]
			answers, err := m.repository.read(ctx, slice, &m.options)
			if err != nil {
				yield(none, err)
				return
			}
			for _, a := range answers {
				if undecodable == nil {
					undecodable = a.err
				}
				if a.found && !yield(a.entity, nil) {
					return
				}
			}
		}
		if undecodable != nil {
			yield(none, undecodable)
		}
	}
}

// decoded is an entity, where it was found, or why what stands in its place is Undecodable.
type decoded[E any] struct {
	entity E
	found  bool
	err    error
}

// read returns the entities of keys.
func (r *Repository[E, K]) read(ctx context.Context, keys []K, o *options) ([]decoded[E], error) {
	read, partial, err := r.form.ask(o)
	if err != nil {
		return nil, err
	}
	wants := make([]wanted, len(keys))
	for i, id := range keys {
		w := wanted{read: read, partial: partial}
		if w.key, err = r.keys.text(id); err != nil {
			return nil, err
		}
		w.read.Key, w.whole = w.key, r.whole(w.key)
		wants[i] = w
	}
	replies, err := r.replies(ctx, wants, o)
	if err != nil {
		return nil, err
	}
	answers := make([]decoded[E], len(keys))
	for i, reply := range replies {
		if a := &answers[i]; reply.Found {
			a.entity, a.found, a.err = r.form.decode(keys[i], reply.Value)
		}
	}
	return answers, nil
}

// replies reads from both tiers, or from the fallback alone.
func (r *Repository[E, K]) replies(ctx context.Context, wants []wanted, o *options) ([]Reply, error) {
	if !o.noMemory {
		return r.pair.read(ctx, wants)
	}
	reads := make([]Read, len(wants))
	for i, w := range wants {
		reads[i] = w.read
	}
	replies, err := r.pair.readFallback(ctx, reads)
	if err != nil {
		return nil, r.pair.failed(ctx, nil, err)
	}
	return replies, nil
}
