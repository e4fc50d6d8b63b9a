package redis

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// kinds are what Redis calls the kinds.
var kinds = map[repository.Kind]string{
	repository.KindNone: nothing, repository.KindHash: "hash", repository.KindBoolean: "string",
	repository.KindSortedSet: "zset", repository.KindGeo: "zset",
}

const nothing = "none"

// Write implements repository.Tier. What Redis would refuse is refused before, for it
// goes on with the rest of a transaction when one of its commands fails.
func (t *tier) Write(ctx context.Context, writes ...repository.Write) error {
	var watched []string
	for _, w := range writes {
		if err := check(w); err != nil {
			return err
		}
		if w.Merge || w.Only != repository.Always {
			watched = append(watched, w.Key)
		}
	}
	if len(watched) == 0 {
		return t.send(ctx, t.client, writes)
	}
	for {
		err := t.client.Watch(ctx, func(tx *redis.Tx) error {
			types, err := typesOf(ctx, tx, watched)
			if err != nil {
				return err
			}
			made, err := due(writes, types)
			if err != nil {
				return err
			}
			return t.send(ctx, tx, made)
		}, watched...)
		if !errors.Is(err, redis.TxFailedErr) || ctx.Err() != nil {
			return failure("write", err)
		}
	}
}

// check fails where a write is none.
func check(w repository.Write) error {
	_, known := kinds[w.Kind]
	switch v := w.Value; {
	case w.Key == "":
		return fail(store.InvalidKey, "write: empty key", nil)
	case !known:
		return fail(store.InvalidArgument, "write: kind", nil)
	case w.Kind == repository.KindHash && len(v.Fields) == 0, w.Kind == repository.KindSortedSet && len(v.Members) == 0, w.Kind == repository.KindGeo && len(v.Places) == 0:
		return fail(store.InvalidArgument, "write: nothing", nil)
	}
	if _, there := w.Value.Fields[""]; there {
		return fail(store.InvalidArgument, "write: empty field", nil)
	}
	for _, z := range w.Value.Members {
		if z.Member == "" || math.IsNaN(z.Score) {
			return fail(store.InvalidArgument, "write: member or score", nil)
		}
	}
	for _, p := range w.Value.Places {
		if p.Member == "" || !(math.Abs(p.Longitude) <= 180) || !(math.Abs(p.Latitude) <= 85.05112878) {
			return fail(store.InvalidArgument, "write: member, longitude or latitude", nil)
		}
	}
	return nil
}

// typesOf tells what keys hold.
func typesOf(ctx context.Context, tx *redis.Tx, keys []string) (map[string]string, error) {
	answers := make(map[string]*redis.StatusCmd, len(keys))
	_, err := tx.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			answers[key] = p.Type(ctx, key)
		}
		return nil
	})
	types := make(map[string]string, len(keys))
	for key, answer := range answers {
		types[key] = answer.Val()
	}
	return types, err
}

// due are those of the writes that are made where keys hold what types says.
func due(writes []repository.Write, types map[string]string) (made []repository.Write, err error) {
	for _, w := range writes {
		present := types[w.Key] != nothing
		if w.Only == repository.IfPresent && !present || w.Only == repository.IfAbsent && present {
			continue
		}
		if w.Merge && present && types[w.Key] != kinds[w.Kind] {
			return nil, fail(store.WrongType, "write", nil)
		}
		types[w.Key] = kinds[w.Kind]
		made = append(made, w)
	}
	return made, nil
}

// sender is a client, or one that watches keys.
type sender interface {
	TxPipelined(ctx context.Context, f func(redis.Pipeliner) error) ([]redis.Cmder, error)
}

// send makes writes in one transaction.
func (t *tier) send(ctx context.Context, to sender, writes []repository.Write) error {
	if len(writes) == 0 {
		return ctx.Err()
	}
	_, err := to.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, w := range writes {
			put(ctx, p, w)
		}
		return nil
	})
	if errors.Is(err, redis.TxFailedErr) {
		return err
	}
	return failure("write", err)
}

// What is further east or north Redis gives a score beyond those of its map, where no
// search finds it. It is as good as this, which has the same score as what is a hair before.
const (
	lastLongitude = 180 - 1e-7
	lastLatitude  = 85.05112878 - 1e-7
)

// put sends the commands of a write.
func put(ctx context.Context, p redis.Pipeliner, w repository.Write) {
	if !w.Merge || w.Kind == repository.KindNone {
		p.Del(ctx, w.Key)
	}
	switch w.Kind {
	case repository.KindNone:
		return
	case repository.KindHash:
		p.HSet(ctx, w.Key, w.Value.Fields)
	case repository.KindSortedSet:
		members := make([]redis.Z, len(w.Value.Members))
		for i, z := range w.Value.Members {
			if z.Score == 0 {
				z.Score = 0 // not −0, which no other tier keeps
			}
			members[i] = redis.Z{Member: z.Member, Score: z.Score}
		}
		p.ZAdd(ctx, w.Key, members...)
	case repository.KindBoolean:
		p.Set(ctx, w.Key, map[bool]string{true: "1", false: "0"}[w.Value.Is], 0)
	case repository.KindGeo:
		places := make([]*redis.GeoLocation, len(w.Value.Places))
		for i, found := range w.Value.Places {
			places[i] = &redis.GeoLocation{Name: found.Member, Longitude: min(found.Longitude, lastLongitude), Latitude: min(found.Latitude, lastLatitude)}
		}
		p.GeoAdd(ctx, w.Key, places...)
	}
	if w.Expiry > 0 {
		p.PExpire(ctx, w.Key, max(w.Expiry, time.Millisecond))
	} else {
		p.Persist(ctx, w.Key)
	}
}
