package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/structure"
)

// asked is the commands of one read.
type asked struct {
	ttl   *redis.DurationCmd
	value func(*repository.Value) error // reads the answer into it
}

// Read implements repository.Tier.
func (t *tier) Read(ctx context.Context, reads ...repository.Read) ([]repository.Reply, error) {
	if len(reads) == 0 {
		return nil, nil
	}
	sent := make([]asked, len(reads))
	_, err := t.client.TxPipelined(ctx, func(p redis.Pipeliner) (err error) {
		for i, read := range reads {
			if read.Key == "" {
				return fail(store.InvalidKey, "read", nil)
			}
			sent[i].ttl = p.PTTL(ctx, read.Key)
			if sent[i].value, err = ask(ctx, p, read); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, failure("read", err)
	}
	replies := make([]repository.Reply, len(reads))
	for i, a := range sent {
		ttl := a.ttl.Val()
		if ttl == -2 { // no such key
			continue
		}
		replies[i] = repository.Reply{Found: true, Expiry: max(ttl, 0)}
		if ttl == 0 {
			replies[i].Expiry = time.Millisecond // it is about to expire, not there for ever
		}
		if err := a.value(&replies[i].Value); err != nil {
			return nil, failure("read", err)
		}
	}
	return replies, nil
}

// ask sends what a read asks for besides how long its key stays.
func ask(ctx context.Context, p redis.Pipeliner, read repository.Read) (func(*repository.Value) error, error) {
	switch read.Kind {
	case repository.KindExists:
		return func(*repository.Value) error { return nil }, nil
	case repository.KindHash:
		return askHash(ctx, p, read), nil
	case repository.KindSortedSet:
		return askSortedSet(ctx, p, read), nil
	case repository.KindBoolean:
		answer := p.Get(ctx, read.Key)
		return func(v *repository.Value) error {
			text, err := answer.Result()
			if err == nil && text != "0" && text != "1" {
				err = fail(store.WrongType, "read", nil)
			}
			v.Is = text == "1"
			return err
		}, nil
	case repository.KindGeo:
		return askGeo(ctx, p, read), nil
	}
	return nil, fail(store.InvalidArgument, "read: kind", nil)
}

func askHash(ctx context.Context, p redis.Pipeliner, read repository.Read) func(*repository.Value) error {
	if read.Fields == nil {
		answer := p.HGetAll(ctx, read.Key)
		return func(v *repository.Value) (err error) {
			v.Fields, err = answer.Result()
			return err
		}
	}
	fields := read.Fields
	if len(fields) == 0 {
		fields = []string{""} // Redis wants one; an empty one is never there
	}
	answer := p.HMGet(ctx, read.Key, fields...)
	return func(v *repository.Value) error {
		values, err := answer.Result()
		v.Fields = make(map[string]string, len(values))
		for i, value := range values {
			if text, there := value.(string); there {
				v.Fields[fields[i]] = text
			}
		}
		return err
	}
}

func askSortedSet(ctx context.Context, p redis.Pipeliner, read repository.Read) func(*repository.Value) error {
	r := read.Range
	by := &redis.ZRangeBy{Min: bound(r.Bounds.Min, r.Bounds.MinOpen), Max: bound(r.Bounds.Max, r.Bounds.MaxOpen), Offset: r.Page.Offset, Count: r.Page.Count}
	if by.Count == 0 {
		by.Count = -1 // all
	}
	members := p.ZRangeByScoreWithScores
	if r.Reverse {
		members = p.ZRevRangeByScoreWithScores
	}
	answer, size := members(ctx, read.Key, by), p.ZCard(ctx, read.Key)
	return func(v *repository.Value) error {
		found, err := answer.Result()
		for _, z := range found {
			member, _ := z.Member.(string)
			v.Members = append(v.Members, structure.Z{Member: member, Score: z.Score})
		}
		v.Size = size.Val()
		return err
	}
}

// bound is a score as Redis reads it, itself left out where it is open.
func bound(score float64, open bool) string {
	text := strconv.FormatFloat(score, 'g', -1, 64)
	if open {
		return "(" + text
	}
	return text
}

// askGeo asks in metres, for Redis rounds distances to four decimals.
func askGeo(ctx context.Context, p redis.Pipeliner, read repository.Read) func(*repository.Value) error {
	q := read.Search
	unit := float64(cmp.Or(q.Unit, structure.Metres))
	sort := "ASC"
	if q.Desc {
		sort = "DESC"
	}
	answer := p.GeoSearchLocation(ctx, read.Key, &redis.GeoSearchLocationQuery{
		GeoSearchQuery: redis.GeoSearchQuery{
			Member: q.Member, Longitude: min(q.Longitude, lastLongitude), Latitude: min(q.Latitude, lastLatitude),
			Radius: q.Radius * unit, RadiusUnit: "m", BoxWidth: q.Width * unit, BoxHeight: q.Height * unit, BoxUnit: "m",
			Count: q.Count, Sort: sort,
		},
		WithCoord: true, WithDist: true,
	})
	return func(v *repository.Value) error {
		found, err := answer.Result()
		for _, l := range found {
			v.Places = append(v.Places, structure.Found{
				Place:    structure.Place{Member: l.Name, Longitude: l.Longitude, Latitude: l.Latitude},
				Distance: l.Dist / unit,
			})
		}
		slices.SortStableFunc(v.Places, func(a, b structure.Found) int {
			order := cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Member, b.Member))
			if q.Desc {
				return -order
			}
			return order
		})
		return err
	}
}
