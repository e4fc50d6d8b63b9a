package repository_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// TestRingVectors holds rings to what other languages make of the same keys.
func TestRingVectors(t *testing.T) {
	var vectors []struct {
		Key                          string
		Modulo, ModuloOf1024, Circle []int
	}
	b, err := os.ReadFile("testdata/ring.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &vectors); err != nil || len(vectors) == 0 {
		t.Fatal(err)
	}
	for n, tiers := range []int{1, 2, 3, 5} {
		ring := func(o repository.RingOptions) *repository.Ring {
			shards := make([]repository.Tier, tiers)
			for i := range shards {
				shards[i] = &probe{}
			}
			r, err := repository.NewRing(shards, o)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		modulo, wide, circle := ring(repository.RingOptions{By: repository.ByModulo}), ring(repository.RingOptions{By: repository.ByModulo, Nodes: 1024}), ring(repository.RingOptions{})
		for _, v := range vectors {
			got, want := []int{modulo.Index(v.Key), wide.Index(v.Key), circle.Index(v.Key)}, []int{v.Modulo[n], v.ModuloOf1024[n], v.Circle[n]}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q among %d is in %v, not %v", v.Key, tiers, got, want)
			}
		}
	}
}

// TestRingGrows holds that a tier more moves its share of the keys on a circle, to
// itself, and that every tier has a fair one.
func TestRingGrows(t *testing.T) {
	of := func(n int) *repository.Ring {
		shards := make([]repository.Tier, n)
		for i := range shards {
			shards[i] = &probe{}
		}
		r, err := repository.NewRing(shards, repository.RingOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const keys = 10_000
	four, five, moved, share := of(4), of(5), 0, [5]int{}
	for i := range keys {
		key := fmt.Sprint("key ", i)
		before, after := four.Index(key), five.Index(key)
		share[after]++
		if before == after {
			continue
		}
		if moved++; after != 4 {
			t.Fatalf("%s moved from %d to %d", key, before, after)
		}
	}
	for tier, n := range share {
		if n < keys/10 || n > keys*3/10 {
			t.Errorf("tier %d has %d of %d keys", tier, n, keys)
		}
	}
	if moved != share[4] {
		t.Errorf("%d keys moved", moved)
	}
}

// TestStoredInPart holds that what some tiers of a ring have stored, while others refused
// their share, is read by nobody as it was before.
func TestStoredInPart(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx := context.Background()
		other, _ := inMemory(t)
		refusing := &probe{Tier: other}
		ring, err := repository.NewRing([]repository.Tier{u.fallback, refusing}, repository.RingOptions{By: repository.ByModulo})
		u.done(err)
		c := u.config("person")
		c.Fallback = ring
		people, err := repository.NewHash[person, string](c)
		u.done(err)
		var ids [2]string
		for i := 0; ids[0] == "" || ids[1] == ""; i++ {
			ids[ring.Index("person:"+strconv.Itoa(i))] = strconv.Itoa(i)
		}
		version := func(n int) []person { return []person{{ID: ids[0], Integer: &n}, {ID: ids[1], Integer: &n}} }
		u.done(people.AddWith(ctx, repository.AddOptions{MemoryAlways: true}, version(1)...))
		refusing.set(func(_ context.Context, write bool) error {
			if write {
				return &store.Error{Code: store.ReadOnly, Op: "probe"}
			}
			return nil
		})
		u.fails(people.Add(ctx, version(2)...), store.ReadOnly)
		u.is(people, ids[0], 2)
		u.is(people, ids[1], 1)
	})
}

// TestRingFails holds that a ring tells of a shard that fails, whatever the others do.
func TestRingFails(t *testing.T) {
	a, _ := inMemory(t)
	b, _ := inMemory(t)
	broken := &probe{Tier: b, before: fails}
	ring, err := repository.NewRing([]repository.Tier{a, broken}, repository.RingOptions{By: repository.ByModulo})
	if err != nil {
		t.Fatal(err)
	}
	ctx, keys := context.Background(), [2]string{}
	for i := 0; keys[0] == "" || keys[1] == ""; i++ {
		key := fmt.Sprint(i)
		keys[ring.Index(key)] = key
	}
	write := func(key string) repository.Write {
		return repository.Write{Key: key, Kind: repository.KindBoolean, Value: repository.Value{Is: true}}
	}
	if err := ring.Write(ctx, write(keys[0])); err != nil {
		t.Error(err)
	}
	if err := ring.Write(ctx, write(keys[0]), write(keys[1])); store.CodeOf(err) != store.BackendFailed {
		t.Error(err)
	}
	if _, err := ring.Read(ctx, repository.Read{Key: keys[0], Kind: repository.KindExists}, repository.Read{Key: keys[1], Kind: repository.KindExists}); store.CodeOf(err) != store.BackendFailed {
		t.Error(err)
	}
	for _, wrong := range []repository.RingOptions{{By: 2}, {Nodes: 5}, {By: repository.ByModulo, Nodes: 1}} {
		if _, err := repository.NewRing([]repository.Tier{a, b}, wrong); store.CodeOf(err) != store.InvalidOption {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	if _, err := repository.NewRing(nil, repository.RingOptions{}); store.CodeOf(err) != store.InvalidOption {
		t.Error(err)
	}
}
