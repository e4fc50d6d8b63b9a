package repository_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/structure"
)

// BenchmarkCacheHit is an entity out of a service's cache, beside a lookup in a map of
// as many.
func BenchmarkCacheHit(b *testing.B) {
	const many = 10_000
	ids := make([]string, many)
	people := make(map[string]person)
	for i := range ids {
		ids[i] = "person " + strconv.Itoa(i*7919%many)
		people[ids[i]] = person{ID: ids[i]}
	}
	b.Run("Map", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if p, there := people[ids[i%many]]; !there || p.ID == "" {
				b.Fatal("not found")
			}
		}
	})
	for name, evict := range map[string]repository.Eviction{"LRU": repository.LeastRecent, "LFU": repository.LeastFrequent} {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			env, err := store.Open(ctx, memory.New(), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			tier := func(name string) repository.Tier {
				return repository.Over(structure.New(env, name, structure.Options{}))
			}
			r, err := repository.NewHash[person, string](repository.Config{Name: "person", Fast: tier("fast"), Fallback: tier("fallback"), FallbackTimeout: time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			s, err := repository.NewService(r, repository.ServiceOptions{Cache: &repository.Cache{Entries: many, Evict: evict}})
			if err != nil {
				b.Fatal(err)
			}
			if err := r.Add(ctx, slices.Collect(maps.Values(people))...); err != nil {
				b.Fatal(err)
			}
			if _, err := s.GetMany(ctx, ids); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				if p, err := s.GetOne(ctx, ids[i%many]); err != nil || p.ID == "" {
					b.Fatal(err)
				}
			}
		})
	}
}
