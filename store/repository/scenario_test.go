package repository_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// person is an entity of the scenarios.
type person struct {
	ID      string   `json:"id"`
	Integer *int     `json:"integer"`
	Adult   bool     `json:"adult"`
	Inner   []person `json:"inner_entities"`
}

func number(n int) *int { return &n }

func newPeople(u *tiers) *repository.Repository[person, string] {
	u.t.Helper()
	people, err := repository.NewHash[person, string](u.config("person"))
	u.done(err)
	return people
}

// untouched fails the test where a tier was called.
func (u *tiers) untouched(tier *probe) {
	u.t.Helper()
	if reads, writes := tier.calls(); reads+writes > 0 {
		u.t.Errorf("%d reads, %d writes", reads, writes)
	}
}

func TestScenario42_AddFillsTheFallbackAndReadingTheFastTier(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		ada := person{ID: "ada", Integer: number(36), Adult: true, Inner: []person{{ID: "byron"}}}
		u.done(people.Add(ctx, ada))
		if !held(t, u.fallback, "person:ada", repository.KindHash).Found || held(t, u.fast, "person:ada", repository.KindHash).Found {
			t.Fatal("an entity that was added is not in the fallback alone")
		}
		got, err := people.Query("ada").Entity(ctx)
		if u.done(err); !reflect.DeepEqual(got, ada) {
			t.Errorf("read %v", got)
		}
		text := map[string]string{"id": "ada", "integer": "36", "adult": "1",
			"inner_entities": `[{"id":"byron","integer":null,"adult":false,"inner_entities":null}]`}
		for _, tier := range []*probe{u.fast, u.fallback} {
			if fields := held(t, tier, "person:ada", repository.KindHash).Value.Fields; !maps.Equal(fields, text) {
				t.Errorf("a tier holds %q", fields)
			}
		}
		u.fallback.calls()
		_, err = people.Query("ada").Entity(ctx)
		u.done(err)
		u.untouched(u.fallback)

		ada.Integer, ada.Inner = nil, nil
		u.done(people.Add(ctx, ada))
		want := map[string]string{"id": "ada", "adult": "1"} // nothing of what it was before
		for _, tier := range []*probe{u.fast, u.fallback} {
			if fields := held(t, tier, "person:ada", repository.KindHash).Value.Fields; !maps.Equal(fields, want) {
				t.Errorf("a tier holds %q", fields)
			}
		}
		u.pass(time.Hour)
		if held(t, u.fast, "person:ada", repository.KindHash).Found || !held(t, u.fallback, "person:ada", repository.KindHash).Found {
			t.Error("an hour later it is not in the fallback alone")
		}
		if len(u.warnings) > 0 {
			t.Error(u.warnings)
		}
	})
}

func TestScenario43_WhatIsMissingIsMarked(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		_, err := people.Query("ada").Entity(ctx)
		u.fails(err, store.NotFound)
		marker := held(t, u.fast, "person:not-found:ada", repository.KindBoolean)
		if !marker.Value.Is || marker.Expiry <= 0 || marker.Expiry > time.Hour {
			t.Errorf("the marker is %v", marker)
		}
		u.fallback.calls()
		_, err = people.Query("ada").Entity(ctx)
		u.fails(err, store.NotFound)
		exists, err := people.Query("ada").Exists(ctx)
		if u.done(err); exists {
			t.Error("it exists")
		}
		u.untouched(u.fallback)

		u.done(people.Add(ctx, person{ID: "ada"}))
		if held(t, u.fast, "person:not-found:ada", repository.KindExists).Found {
			t.Error("the marker is left")
		}
		_, err = people.Query("ada").Entity(ctx)
		u.done(err)

		u.done(people.Query("ada").Delete(ctx))
		u.fallback.calls()
		_, err = people.Query("ada").Entity(ctx)
		u.fails(err, store.NotFound)
		u.untouched(u.fallback)
		u.pass(time.Hour)
		_, err = people.Query("ada").Entity(ctx)
		u.fails(err, store.NotFound)
		if reads, _ := u.fallback.calls(); reads != 1 {
			t.Errorf("the fallback was read %d times after the marker had expired", reads)
		}
	})
}

func TestScenario45_FieldsOfAHash(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		ada := person{ID: "ada", Integer: number(36), Adult: true, Inner: []person{{ID: "byron"}}}
		u.done(people.Add(ctx, ada))
		want := ada
		want.Adult = false
		for _, from := range []string{"the fallback", "the fast tier"} {
			got, err := people.Query("ada", repository.Fields("id", "integer", "inner_entities")).Entity(ctx)
			if u.done(err); !reflect.DeepEqual(got, want) {
				t.Errorf("from %s: %v", from, got)
			}
		}
		if fields := held(t, u.fast, "person:ada", repository.KindHash).Value.Fields; len(fields) != 4 {
			t.Errorf("the fast tier was given %q", fields)
		}
		u.done(people.Add(ctx, person{ID: "bo"}))
		for range 2 {
			got, err := people.Query("bo", repository.Fields("integer")).Entity(ctx)
			if u.done(err); !reflect.DeepEqual(got, person{}) {
				t.Errorf("of fields that are all nil: %v", got)
			}
		}
		_, err := people.Query("ada", repository.Fields("agee")).Entity(ctx)
		u.fails(err, store.InvalidQuery)
	})
}

func TestScenario46_ManyInTheirOrder(t *testing.T) {
	overPairs(t, func(u *tiers) {
		ctx, people := context.Background(), newPeople(u)
		u.done(people.Add(ctx, person{ID: "fake"}, person{ID: "other"})) // all of them
		_, err := people.Query("fake2").Entity(ctx)
		u.fails(err, store.NotFound)
		for range 2 {
			got := collect(u, people.Many([]string{"fake", "fake2", "fake3"}))
			if !reflect.DeepEqual(got, []person{{ID: "fake"}}) {
				t.Errorf("found %v", got)
			}
		}
		for _, id := range []string{"fake2", "fake3"} {
			if !held(t, u.fast, "person:not-found:"+id, repository.KindExists).Found {
				t.Errorf("%s has no marker", id)
			}
		}
		if got := collect(u, people.Many([]string{"other", "none", "fake", "other"})); !reflect.DeepEqual(got, []person{{ID: "other"}, {ID: "fake"}, {ID: "other"}}) {
			t.Errorf("found %v", got)
		}

		seats, err := repository.NewHash[seat, place](u.config("seat"))
		u.done(err)
		u.done(seats.Add(ctx, seat{OtherID: "other_fake", ID: "fake", Taken: true}))
		if !held(t, u.fallback, "seat:other_fake:fake", repository.KindHash).Found {
			t.Error("a composite key is another one")
		}
		for range 2 {
			found := []seat{}
			for s, err := range seats.Many([]place{{"other_fake", "fake"}, {"fake", "other_fake"}}).Entities(ctx) {
				u.done(err)
				found = append(found, s)
			}
			if !slices.Equal(found, []seat{{"fake", "other_fake", true}}) {
				t.Errorf("found %v", found)
			}
		}
		_, err = seats.Query(place{OtherID: "other_fake"}).Entity(ctx)
		u.fails(err, store.InvalidKey)
		u.fails(seats.Add(ctx, seat{ID: "fake"}), store.InvalidKey)
	})
}

// seat is an entity whose key has two parts, which are those of place.
type (
	seat struct {
		ID      string `json:"id"`
		OtherID string `json:"other_id"`
		Taken   bool
	}
	place struct {
		OtherID string `json:"other_id"`
		ID      string `json:"id"`
	}
)

func collect(u *tiers, m *repository.Many[person, string]) (found []person) {
	u.t.Helper()
	for p, err := range m.Entities(context.Background()) {
		u.done(err)
		found = append(found, p)
	}
	return found
}
