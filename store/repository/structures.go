package repository

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/structure"
)

// structures is a tier over the structures of an environment.
type structures struct {
	*structure.Structures
	closed atomic.Bool
}

// Over returns the tier of structures, which closes them. Their environment stays open.
func Over(s *structure.Structures) Tier { return &structures{Structures: s} }

// usable fails where the tier is closed or ctx has ended.
func (s *structures) usable(ctx context.Context) error {
	if s.closed.Load() {
		return fail(store.Closed, "tier", nil)
	}
	if err := ctx.Err(); err != nil {
		return fail(store.Aborted, "tier", err)
	}
	return nil
}

// Read implements Tier.
func (s *structures) Read(ctx context.Context, reads ...Read) (replies []Reply, err error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	err = s.View(ctx, func(t *structure.Tx) error {
		replies = make([]Reply, len(reads))
		for i, read := range reads {
			if replies[i], err = answer(t, read); err != nil {
				return err
			}
		}
		return nil
	})
	return replies, err
}

// answer answers one read.
func answer(t *structure.Tx, read Read) (r Reply, err error) {
	ttl, err := t.TTL(read.Key)
	if err != nil || ttl == structure.Absent {
		return Reply{}, err
	}
	r.Found, r.Expiry = true, max(ttl, 0)
	switch read.Kind {
	case KindExists:
	case KindHash:
		if read.Fields == nil {
			r.Value.Fields, err = t.HGetAll(read.Key)
		} else {
			r.Value.Fields, err = t.HMGet(read.Key, read.Fields...)
		}
	case KindSortedSet:
		members := t.ZRangeByScore
		if read.Range.Reverse {
			members = t.ZRevRangeByScore
		}
		if r.Value.Members, err = members(read.Key, read.Range.Bounds, read.Range.Page); err == nil {
			r.Value.Size, err = t.ZCard(read.Key)
		}
	case KindBoolean:
		r.Value.Is, _, err = t.GetBool(read.Key)
	case KindGeo:
		r.Value.Places, err = t.GeoSearch(read.Key, read.Search)
	default:
		err = fail(store.InvalidArgument, "read: kind", nil)
	}
	return r, err
}

// Write implements Tier.
func (s *structures) Write(ctx context.Context, writes ...Write) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	return s.Update(ctx, func(t *structure.Tx) error {
		for _, w := range writes {
			if err := carryOut(t, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// carryOut makes one write.
func carryOut(t *structure.Tx, w Write) error {
	present, err := t.Exists(w.Key)
	if err != nil || !w.Only.met(present > 0) {
		return err
	}
	if !w.Merge {
		if _, err := t.Del(w.Key); err != nil {
			return err
		}
	}
	switch w.Kind {
	case KindNone:
		return nil
	case KindHash:
		pairs := make([]string, 0, 2*len(w.Value.Fields))
		for field, value := range w.Value.Fields {
			pairs = append(pairs, field, value)
		}
		_, err = t.HSet(w.Key, pairs...)
	case KindSortedSet:
		_, err = t.ZAdd(w.Key, w.Value.Members...)
	case KindBoolean:
		err = t.SetBool(w.Key, w.Value.Is, 0)
	case KindGeo:
		places := make([]structure.Place, len(w.Value.Places))
		for i, found := range w.Value.Places {
			places[i] = found.Place
		}
		_, err = t.GeoAdd(w.Key, places...)
	default:
		err = fail(store.InvalidArgument, "write: kind", nil)
	}
	if err != nil {
		return err
	}
	if w.Expiry > 0 {
		_, err = t.Expire(w.Key, max(w.Expiry, time.Millisecond))
	} else {
		_, err = t.Persist(w.Key)
	}
	return err
}

// Close implements Tier.
func (s *structures) Close() error {
	if !s.closed.Swap(true) {
		s.Structures.Close()
	}
	return nil
}
