package repository_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

// TestSameAnswers adds and asks at random: whatever is asked, and however much of it the
// fast tier knows, the answer is that of the fallback.
func TestSameAnswers(t *testing.T) {
	overPairs(t, func(u *tiers) {
		draw := rand.New(rand.NewPCG(storetest.Seed(t), 0))
		sets, err := repository.NewSortedSet[int](u.config("set"))
		u.done(err)
		places, err := repository.NewGeo[int](u.config("places"))
		u.done(err)
		people, err := repository.NewHash[person, string](u.config("person"))
		u.done(err)
		for range 400 / storetest.Stride() {
			id := draw.IntN(4)
			same(u, draw, sets, id, repository.SortedSet[int]{ID: id, Members: someMembers(draw)}, setOptions(draw))
			same(u, draw, places, id, repository.Geo[int]{ID: id, Members: somePlaces(draw)}, geoOptions(draw))
			name := string(rune('a' + id))
			same(u, draw, people, name, person{ID: name, Integer: number(draw.IntN(3)), Adult: draw.IntN(2) == 0}, hashOptions(draw))
		}
		if len(u.warnings) > 0 {
			t.Error(u.warnings)
		}
	})
}

// same does something to an entity, and then holds the answers of both tiers together.
func same[E any, K comparable](u *tiers, draw *rand.Rand, r *repository.Repository[E, K], id K, entity E, options []repository.Option) {
	u.t.Helper()
	ctx := context.Background()
	switch draw.IntN(12) {
	case 0:
		u.done(r.Query(id).Delete(ctx))
	case 1:
		u.done(r.AddWith(ctx, repository.AddOptions{NoMemory: true}, entity))
	case 2:
		u.done(r.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, entity))
	case 3, 4, 5:
		u.done(r.Add(ctx, entity))
	}
	want, missing := r.Query(id, append(options, repository.NoMemory())...).Entity(ctx)
	got, err := r.Query(id, options...).Entity(ctx)
	if store.CodeOf(err) != store.CodeOf(missing) || !alike(got, want) {
		u.t.Fatalf("%v: %v, %v, but the fallback has %v, %v", id, got, err, want, missing)
	}
	whether, err := r.Query(id).Exists(ctx)
	u.done(err)
	if there, err := r.Query(id, repository.NoMemory()).Exists(ctx); err != nil || whether != there {
		u.t.Fatalf("%v exists: %v, but in the fallback %v, %v", id, whether, there, err)
	}
}

// alike tells whether two entities are the same, places and distances but for less than a
// millimetre: Redis rounds them.
func alike(a, b any) bool {
	x, places := a.(repository.Geo[int])
	if y, _ := b.(repository.Geo[int]); places && len(x.Members) == len(y.Members) {
		for i := range x.Members {
			p, q := &x.Members[i], y.Members[i]
			if math.Abs(p.Distance-q.Distance) > 1e-6 || math.Abs(p.Longitude-q.Longitude) > 1e-9 || math.Abs(p.Latitude-q.Latitude) > 1e-9 {
				return false
			}
			p.Distance, p.Longitude, p.Latitude = q.Distance, q.Longitude, q.Latitude
		}
	}
	return reflect.DeepEqual(a, b)
}

func someMembers(draw *rand.Rand) []structure.Z {
	members := make([]structure.Z, 1+draw.IntN(5))
	for i := range members {
		members[i] = structure.Z{Member: fmt.Sprint("m", draw.IntN(20)), Score: float64(draw.IntN(9)-4) / 2}
	}
	return members
}

func setOptions(draw *rand.Rand) (options []repository.Option) {
	if draw.IntN(2) == 0 {
		options = append(options, repository.Reverse())
	}
	if draw.IntN(2) == 0 {
		options = append(options, repository.Page(1+draw.Int64N(4), 1+draw.Int64N(5)))
	}
	if draw.IntN(2) == 0 {
		options = append(options, repository.MinScore(float64(draw.IntN(9)-4)/2))
	}
	if draw.IntN(2) == 0 {
		options = append(options, repository.MaxScore(float64(draw.IntN(9)-4)/2))
	}
	return options
}

func somePlaces(draw *rand.Rand) []repository.Place {
	places := make([]repository.Place, 1+draw.IntN(3))
	for i := range places {
		places[i] = repository.Place{Member: fmt.Sprint("m", draw.IntN(20)), Longitude: draw.Float64()*4 - 2, Latitude: draw.Float64()*4 - 2}
	}
	return places
}

func geoOptions(draw *rand.Rand) []repository.Option {
	options := []repository.Option{repository.Near(draw.Float64()*4-2, draw.Float64()*4-2, 1+draw.Float64()*300, structure.Kilometres)}
	if draw.IntN(2) == 0 {
		options = append(options, repository.Count(draw.IntN(4)))
	}
	return options
}

func hashOptions(draw *rand.Rand) []repository.Option {
	if draw.IntN(2) == 0 {
		return nil
	}
	names := []string{"id", "integer", "adult", "inner_entities"}
	return []repository.Option{repository.Fields(names[draw.IntN(3):][:1+draw.IntN(2)]...)}
}
