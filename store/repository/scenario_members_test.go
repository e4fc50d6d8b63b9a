package repository_test

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/structure"
)

func TestScenario44_SortedSetsFromEitherTier(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		sets, err := repository.NewSortedSet[string](u.config("set"))
		u.done(err)
		one, two := structure.Z{Member: "1", Score: 0}, structure.Z{Member: "2", Score: 1}
		u.done(sets.Add(ctx, repository.SortedSet[string]{ID: "fake", Members: []structure.Z{two, one}}))
		asks := func(options ...repository.Option) [3]*repository.Query[repository.SortedSet[string], string] {
			u.done(u.fast.Tier.Write(ctx, repository.Write{Key: "set:fake"}))
			return [3]*repository.Query[repository.SortedSet[string], string]{
				sets.Query("fake", append(options, repository.NoMemory())...),
				sets.Query("fake", options...), // first from the fallback, then from the fast tier
				sets.Query("fake", options...),
			}
		}
		for _, test := range []struct {
			options []repository.Option
			want    []structure.Z
		}{
			{nil, []structure.Z{one, two}},
			{[]repository.Option{repository.Reverse()}, []structure.Z{two, one}},
			{[]repository.Option{repository.Page(2, 1)}, []structure.Z{two}},
			{[]repository.Option{repository.MinScore(1)}, []structure.Z{two}},
			{[]repository.Option{repository.MaxScore(0)}, []structure.Z{one}},
			{[]repository.Option{repository.MinScore(0), repository.MaxScore(1), repository.Page(1, 1), repository.Reverse()}, []structure.Z{two}},
			{[]repository.Option{repository.Page(3, 1)}, nil},
			{[]repository.Option{repository.MinScore(2), repository.MaxScore(3)}, nil},
		} {
			for i, query := range asks(test.options...) {
				got, err := query.Entity(ctx)
				if test.want == nil {
					u.fails(err, store.NotFound)
					continue
				}
				if u.done(err); !reflect.DeepEqual(got, repository.SortedSet[string]{ID: "fake", Members: test.want, Size: 2}) {
					t.Errorf("%d: read %v, not %v", i, got, test.want)
				}
			}
		}
		u.fallback.calls()
		_, err = sets.Query("fake", repository.MinScore(2)).Entity(ctx)
		u.fails(err, store.NotFound)
		u.untouched(u.fallback) // for the fast tier knows that nothing is within

		three := structure.Z{Member: "3", Score: 3}
		two.Score = 5
		u.done(sets.Add(ctx, repository.SortedSet[string]{ID: "fake", Members: []structure.Z{three, two}}))
		u.done(sets.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, repository.SortedSet[string]{ID: "fake", Members: []structure.Z{three}}))
		for _, tier := range []*probe{u.fast, u.fallback} {
			if got := held(t, tier, "set:fake", repository.KindSortedSet).Value.Members; !reflect.DeepEqual(got, []structure.Z{one, three, two}) {
				t.Errorf("a tier holds %v", got)
			}
		}
		for _, wrong := range [][]repository.Option{{repository.Page(0, 1)}, {repository.Page(1, 0)}, {repository.MinScore(math.NaN())}, {repository.Fields("id")}} {
			_, err := sets.Query("fake", wrong...).Entity(ctx)
			u.fails(err, store.InvalidQuery)
		}
		u.fails(sets.Add(ctx, repository.SortedSet[string]{ID: "fake"}), store.InvalidDocument)
	})
}

func TestScenario50_Booleans(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		paid, err := repository.NewBoolean[string](u.config("paid"))
		u.done(err)
		u.done(paid.Add(ctx, "fake"))
		for range 2 {
			got, err := paid.Query("fake").Entity(ctx)
			if u.done(err); got != "fake" {
				t.Errorf("read %q", got)
			}
		}
		exists := func(id string, want bool) {
			t.Helper()
			got, err := paid.Query(id).Exists(ctx)
			if u.done(err); got != want {
				t.Errorf("%s exists: %v", id, got)
			}
		}
		exists("fake", true)
		_, err = paid.Query("other").Entity(ctx)
		u.fails(err, store.NotFound)
		u.done(paid.Query("fake").Delete(ctx))
		u.fallback.calls()
		for _, id := range []string{"fake", "other"} {
			_, err = paid.Query(id).Entity(ctx)
			u.fails(err, store.NotFound)
			exists(id, false)
		}
		u.untouched(u.fallback) // for both are known to be absent

		u.done(u.fallback.Write(ctx, repository.Write{Key: "paid:never", Kind: repository.KindBoolean}))
		exists("never", false)
		_, err = paid.Query("never").Entity(ctx)
		u.fails(err, store.NotFound)
	})
}

func TestScenario51_PlacesFromEitherTier(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx := context.Background()
		places, err := repository.NewGeo[string](u.config("places"))
		u.done(err)
		u.done(places.Add(ctx, repository.Geo[string]{ID: "fake", Members: []repository.Place{
			{Member: "m1", Longitude: 6, Latitude: 5}, {Member: "m2", Longitude: 6, Latitude: 5}}}))
		near := repository.Near(6, 5, 1, structure.Kilometres)
		for i, options := range [][]repository.Option{{near, repository.NoMemory()}, {near}, {near}} {
			got, err := places.Query("fake", options...).Entity(ctx)
			if u.done(err); len(got.Members) != 2 || got.Members[0].Member != "m1" || got.Members[1].Member != "m2" {
				t.Fatalf("%d: found %v", i, got)
			}
			for _, p := range got.Members {
				if p.Distance > 0.001 || math.Abs(p.Longitude-6) > 1e-5 || math.Abs(p.Latitude-5) > 1e-5 {
					t.Errorf("%d: %v", i, p)
				}
			}
			_, err = places.Query("fake", append(options[1:], repository.Near(1, 1, 1, structure.Kilometres))...).Entity(ctx)
			u.fails(err, store.NotFound)
		}
		got, err := places.Query("fake", near, repository.Count(1)).Entity(ctx)
		if u.done(err); len(got.Members) != 1 {
			t.Errorf("found %v", got)
		}
		for _, wrong := range [][]repository.Option{nil, {repository.Near(6, math.NaN(), 1, 0)}, {repository.Near(6, 5, 0, 0)}, {near, repository.Count(-1)}, {near, repository.Reverse()}} {
			_, err := places.Query("fake", wrong...).Entity(ctx)
			u.fails(err, store.InvalidQuery)
		}
		u.fails(places.Add(ctx, repository.Geo[string]{ID: "fake", Members: []repository.Place{{Member: "m", Longitude: 6, Latitude: 86}}}), store.InvalidDocument)
	})
}
