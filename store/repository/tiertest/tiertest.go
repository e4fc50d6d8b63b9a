// Package tiertest is what every tier of repositories must pass.
package tiertest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/structure"
)

// Suite runs the conformance tests of one kind of tier.
type Suite struct {
	// New returns an empty tier, and a function that has time pass for it.
	New func(t *testing.T) (tier repository.Tier, pass func(time.Duration))
	// Sharded is a tier whose writes to several keys are not all or none.
	Sharded bool
}

// Run runs every test of the suite.
func (s Suite) Run(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, u *using)
	}{
		{"ReadsWhatWasWritten", readsWhatWasWritten},
		{"ReplacesAndMerges", replacesAndMerges},
		{"HeedsConditions", heedsConditions},
		{"Expires", expires},
		{"WritesAllOrNothing", writesAllOrNothing},
		{"RangesOfSortedSets", rangesOfSortedSets},
		{"SearchesPlaces", searchesPlaces},
		{"RefusesOtherKinds", refusesOtherKinds},
		{"HeedsItsContext", heedsItsContext},
		{"Closes", closes},
	} {
		if test.name == "WritesAllOrNothing" && s.Sharded {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			tier, pass := s.New(t)
			test.run(t, &using{t, tier, pass})
		})
	}
}

// using is a tier in the hands of a test.
type using struct {
	t    *testing.T
	tier repository.Tier
	pass func(time.Duration)
}

func (u *using) write(writes ...repository.Write) {
	u.t.Helper()
	if err := u.tier.Write(context.Background(), writes...); err != nil {
		u.t.Fatal(err)
	}
}

func (u *using) refuses(code store.Code, writes ...repository.Write) {
	u.t.Helper()
	if err := u.tier.Write(context.Background(), writes...); store.CodeOf(err) != code {
		u.t.Fatalf("wrote %v: %v, not %s", writes, err, code)
	}
}

func (u *using) read(reads ...repository.Read) []repository.Reply {
	u.t.Helper()
	replies, err := u.tier.Read(context.Background(), reads...)
	if err != nil {
		u.t.Fatal(err)
	}
	if len(replies) != len(reads) {
		u.t.Fatalf("%d replies to %d reads", len(replies), len(reads))
	}
	return replies
}

// holds checks what is found under keys.
func (u *using) holds(found bool, keys ...string) {
	u.t.Helper()
	for _, key := range keys {
		if got := u.read(repository.Read{Key: key, Kind: repository.KindExists})[0].Found; got != found {
			u.t.Errorf("%s: found is %v", key, got)
		}
	}
}

// fields checks the fields of a hash.
func (u *using) fields(key string, want map[string]string) {
	u.t.Helper()
	got := u.read(repository.Read{Key: key, Kind: repository.KindHash})[0]
	if !got.Found || !reflect.DeepEqual(got.Value.Fields, want) {
		u.t.Errorf("%s holds %v, not %v", key, got, want)
	}
}

// members checks the members of a sorted set.
func (u *using) members(key string, r repository.Range, want ...structure.Z) {
	u.t.Helper()
	got := u.read(repository.Read{Key: key, Kind: repository.KindSortedSet, Range: r})[0]
	if !got.Found || len(got.Value.Members)+len(want) > 0 && !reflect.DeepEqual(got.Value.Members, want) {
		u.t.Errorf("%s holds %v, not %v, in %v", key, got, want, r)
	}
}

func aHash(key string, pairs ...string) repository.Write {
	fields := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	return repository.Write{Key: key, Kind: repository.KindHash, Value: repository.Value{Fields: fields}}
}

func aSet(key string, members ...structure.Z) repository.Write {
	return repository.Write{Key: key, Kind: repository.KindSortedSet, Value: repository.Value{Members: members}}
}

func aBoolean(key string, is bool) repository.Write {
	return repository.Write{Key: key, Kind: repository.KindBoolean, Value: repository.Value{Is: is}}
}

func aGeo(key string, places ...structure.Place) repository.Write {
	w := repository.Write{Key: key, Kind: repository.KindGeo}
	for _, p := range places {
		w.Value.Places = append(w.Value.Places, structure.Found{Place: p})
	}
	return w
}

func readsWhatWasWritten(_ *testing.T, u *using) {
	u.holds(false, "hash", "set", "yes")
	u.write(aHash("hash", "a", "1", "b", "", "c:\x00", "ünï"), aSet("set", structure.Z{Member: "m", Score: 1.5}),
		aBoolean("yes", true), aBoolean("no", false), aGeo("geo", structure.Place{Member: "here", Longitude: 6, Latitude: 5}))
	u.holds(true, "hash", "set", "yes", "no", "geo")
	u.fields("hash", map[string]string{"a": "1", "b": "", "c:\x00": "ünï"})
	u.members("set", repository.All, structure.Z{Member: "m", Score: 1.5})
	got := u.read(
		repository.Read{Key: "hash", Kind: repository.KindHash, Fields: []string{"b", "missing"}},
		repository.Read{Key: "yes", Kind: repository.KindBoolean},
		repository.Read{Key: "none", Kind: repository.KindHash},
		repository.Read{Key: "no", Kind: repository.KindBoolean},
		repository.Read{Key: "hash", Kind: repository.KindHash, Fields: []string{"missing"}},
	)
	if !reflect.DeepEqual(got[0].Value.Fields, map[string]string{"b": ""}) || !got[1].Value.Is || got[2].Found ||
		!got[3].Found || got[3].Value.Is || !got[4].Found || len(got[4].Value.Fields) != 0 {
		u.t.Errorf("read %v", got)
	}
	u.write(repository.Write{Key: "hash"}, repository.Write{Key: "set"}, repository.Write{Key: "never there"})
	u.holds(false, "hash", "set")
	if replies := u.read(); len(replies) != 0 {
		u.t.Errorf("nothing read gave %v", replies)
	}
	u.write()
}

func replacesAndMerges(_ *testing.T, u *using) {
	u.write(aHash("h", "a", "1", "b", "2"), aHash("h", "b", "3"))
	u.fields("h", map[string]string{"b": "3"})
	more := aHash("h", "c", "4")
	more.Merge = true
	u.write(more)
	u.fields("h", map[string]string{"b": "3", "c": "4"})

	one, two := structure.Z{Member: "one", Score: 1}, structure.Z{Member: "two", Score: 2}
	joins := aSet("s", two)
	joins.Merge = true
	u.write(aSet("s", one), joins)
	u.members("s", repository.All, one, two)
	one.Score = 3
	joins = aSet("s", one)
	joins.Merge = true
	u.write(joins)
	u.members("s", repository.All, two, one)
	u.write(aSet("s", two))
	u.members("s", repository.All, two)
	u.write(aHash("s", "was", "a set"))
	u.fields("s", map[string]string{"was": "a set"})
}

func heedsConditions(_ *testing.T, u *using) {
	present, absent := aHash("k", "is", "present"), aHash("k", "was", "absent")
	present.Only, absent.Only = repository.IfPresent, repository.IfAbsent
	u.write(present)
	u.holds(false, "k")
	u.write(absent)
	u.fields("k", map[string]string{"was": "absent"})
	u.write(present)
	u.fields("k", map[string]string{"is": "present"})
	u.write(absent)
	u.fields("k", map[string]string{"is": "present"})
	u.write(repository.Write{Key: "k"}, present, absent) // each sees what was before it in the batch
	u.fields("k", map[string]string{"was": "absent"})
	u.write(repository.Write{Key: "k"}, absent, present)
	u.fields("k", map[string]string{"is": "present"})
}

func expires(t *testing.T, u *using) {
	w := aHash("k", "a", "1")
	w.Expiry = time.Hour
	marked := aBoolean("b", true)
	marked.Expiry = 2 * time.Hour
	u.write(w, marked)
	if got := u.read(repository.Read{Key: "k", Kind: repository.KindExists})[0].Expiry; got <= 0 || got > time.Hour {
		t.Errorf("stays %v", got)
	}
	u.pass(time.Hour)
	u.holds(false, "k")
	u.holds(true, "b")

	u.write(w)
	u.pass(30 * time.Minute)
	w.Only = repository.IfPresent
	u.write(w) // which has it stay an hour from now
	u.pass(45 * time.Minute)
	u.holds(true, "k")
	w.Expiry, w.Merge = 0, true
	u.write(w)
	u.pass(1000 * time.Hour)
	u.holds(true, "k")
	if got := u.read(repository.Read{Key: "k", Kind: repository.KindExists})[0].Expiry; got != 0 {
		t.Errorf("stays %v, not for ever", got)
	}
	u.holds(false, "b")
}

func writesAllOrNothing(t *testing.T, u *using) {
	u.write(aHash("h", "a", "1"))
	joins := aSet("h", structure.Z{Member: "m", Score: 1})
	joins.Merge = true
	u.refuses(store.WrongType, aHash("first", "a", "1"), repository.Write{Key: "h", Kind: repository.KindBoolean, Only: repository.IfAbsent}, joins, aHash("last", "a", "1"))
	u.refuses(store.InvalidArgument, aHash("first", "a", "1"), repository.Write{Key: "k", Kind: repository.KindExists})
	u.refuses(store.InvalidArgument, aHash("first", "a", "1"), aSet("s", structure.Z{Member: "", Score: 1}))
	u.refuses(store.InvalidArgument, aHash("first", "a", "1"), aSet("s"))
	u.refuses(store.InvalidArgument, aHash("first", "a", "1"), aGeo("g", structure.Place{Member: "off", Longitude: 6, Latitude: 95}))
	u.refuses(store.InvalidKey, aHash("first", "a", "1"), aHash("", "a", "1"))
	u.holds(false, "first", "last", "s", "g", "k")
	u.fields("h", map[string]string{"a": "1"})
	if _, err := u.tier.Read(context.Background(), repository.Read{Key: "h"}); store.CodeOf(err) != store.InvalidArgument {
		t.Errorf("read nothing of a key: %v", err)
	}
}

func rangesOfSortedSets(_ *testing.T, u *using) {
	a, b, c, d := structure.Z{Member: "a", Score: 1}, structure.Z{Member: "b", Score: 2}, structure.Z{Member: "c", Score: 2}, structure.Z{Member: "d", Score: 3}
	u.write(aSet("s", d, c, b, a))
	within := func(low, high float64, offset, count int64) repository.Range {
		return repository.Range{Bounds: structure.Bounds{Min: low, Max: high}, Page: structure.Page{Offset: offset, Count: count}}
	}
	back := func(r repository.Range) repository.Range { r.Reverse = true; return r }
	u.members("s", repository.All, a, b, c, d)
	u.members("s", back(repository.All), d, c, b, a)
	u.members("s", within(2, 3, 0, 0), b, c, d)
	u.members("s", within(1, 2, 1, 1), b)
	u.members("s", back(within(1, 2, 1, 2)), b, a)
	u.members("s", within(1, 3, 4, 2))
	u.members("s", within(3, 1, 0, 0))
	u.members("s", repository.Range{Bounds: structure.Bounds{Min: 1, Max: 3, MinOpen: true, MaxOpen: true}}, b, c)
	if size := u.read(repository.Read{Key: "s", Kind: repository.KindSortedSet, Range: within(7, 8, 0, 0)})[0].Value.Size; size != 4 {
		u.t.Errorf("%d members", size)
	}
}

func searchesPlaces(t *testing.T, u *using) {
	u.write(aGeo("g", structure.Place{Member: "m1", Longitude: 6, Latitude: 5}, structure.Place{Member: "far", Longitude: 6, Latitude: 6}))
	search := func(q structure.GeoQuery) []structure.Found {
		t.Helper()
		return u.read(repository.Read{Key: "g", Kind: repository.KindGeo, Search: q})[0].Value.Places
	}
	near := search(structure.GeoQuery{Longitude: 6, Latitude: 5, Radius: 1, Unit: structure.Kilometres})
	if len(near) != 1 || near[0].Member != "m1" || near[0].Distance > 0.001 {
		t.Errorf("found %v", near)
	}
	first := search(structure.GeoQuery{Longitude: 6, Latitude: 5, Radius: 1000, Unit: structure.Kilometres, Count: 1, Desc: true})
	if len(first) != 1 || first[0].Member != "far" || first[0].Distance < 111 || first[0].Distance > 112 {
		t.Errorf("found %v", first)
	}

	// The map has edges, and east of the last longitude is the first.
	u.write(aGeo("edge", structure.Place{Member: "east", Longitude: 180}, structure.Place{Member: "west", Longitude: -180}, structure.Place{Member: "north", Latitude: 85.05112878}, structure.Place{Member: "south", Latitude: -85.05112878}))
	for _, edge := range []struct {
		longitude, latitude float64
		found               int
	}{{180, 0, 2}, {-180, 0, 2}, {0, 85.05112878, 1}, {0, -85.05112878, 1}} {
		around := repository.Read{Key: "edge", Kind: repository.KindGeo, Search: structure.GeoQuery{Longitude: edge.longitude, Latitude: edge.latitude, Radius: 10}}
		if found := u.read(around)[0].Value.Places; len(found) != edge.found {
			t.Errorf("around %g %g there is %v", edge.longitude, edge.latitude, found)
		}
	}

	// As a sorted set it can be taken elsewhere, and nothing moves by it.
	whole := u.read(repository.Read{Key: "g", Kind: repository.KindSortedSet, Range: repository.All})[0].Value.Members
	u.write(aSet("copy", whole...))
	again := u.read(repository.Read{Key: "copy", Kind: repository.KindGeo, Search: structure.GeoQuery{Longitude: 6, Latitude: 5, Radius: 1, Unit: structure.Kilometres}})
	if !reflect.DeepEqual(again[0].Value.Places, near) {
		t.Errorf("the copy has %v, not %v", again[0].Value.Places, near)
	}
}

func refusesOtherKinds(t *testing.T, u *using) {
	u.write(aHash("h", "a", "1"), aSet("s", structure.Z{Member: "m", Score: 1}))
	for _, read := range []repository.Read{
		{Key: "h", Kind: repository.KindSortedSet, Range: repository.All},
		{Key: "h", Kind: repository.KindBoolean},
		{Key: "s", Kind: repository.KindHash},
		{Key: "s", Kind: repository.KindHash, Fields: []string{"a"}},
		{Key: "h", Kind: repository.KindGeo, Search: structure.GeoQuery{Longitude: 1, Latitude: 1, Radius: 1}},
	} {
		if _, err := u.tier.Read(context.Background(), read); store.CodeOf(err) != store.WrongType {
			t.Errorf("%v: %v", read, err)
		}
	}
}

func heedsItsContext(t *testing.T, u *using) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := u.tier.Write(ctx, aHash("k", "a", "1")); err == nil {
		t.Error("wrote after its context had ended")
	}
	if _, err := u.tier.Read(ctx, repository.Read{Key: "k", Kind: repository.KindExists}); err == nil {
		t.Error("read after its context had ended")
	}
	u.holds(false, "k")
}

func closes(t *testing.T, u *using) {
	for range 2 {
		if err := u.tier.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := u.tier.Read(context.Background(), repository.Read{Key: "k", Kind: repository.KindExists}); store.CodeOf(err) != store.Closed {
		t.Errorf("read a closed tier: %v", err)
	}
	u.refuses(store.Closed, aHash("k", "a", "1"))
}
