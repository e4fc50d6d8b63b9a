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

// BenchmarkCacheHit is an entity out of a service's cache. Beside what one takes stands
// how many lookups in a map of as many take as long: the median of rounds in which both
// take turns, so that what else the machine does concerns both.
func BenchmarkCacheHit(b *testing.B) {
	const many, rounds, lookups = 10_000, 101, 20_000
	ids := make([]string, many)
	people := make(map[string]person)
	for i := range ids {
		ids[i] = "person " + strconv.Itoa(i*7919%many)
		people[ids[i]] = person{ID: ids[i]}
	}
	for _, evict := range []repository.Eviction{repository.LeastRecent, repository.LeastFrequent} {
		b.Run(map[repository.Eviction]string{repository.LeastRecent: "LRU", repository.LeastFrequent: "LFU"}[evict], func(b *testing.B) {
			ctx := context.Background()
			s := cachedPeople(b, people, evict)
			if _, err := s.GetMany(ctx, ids); err != nil {
				b.Fatal(err)
			}
			var ratios, hits []float64
			for b.Loop() {
				for range rounds {
					began := time.Now()
					for i := range lookups {
						if p, there := people[ids[i%many]]; !there || p.ID == "" {
							b.Fatal("not found")
						}
					}
					plain := time.Since(began)
					began = time.Now()
					for i := range lookups {
						if p, err := s.GetOne(ctx, ids[i%many]); err != nil || p.ID == "" {
							b.Fatal(err)
						}
					}
					hit := time.Since(began)
					ratios, hits = append(ratios, hit.Seconds()/plain.Seconds()), append(hits, float64(hit.Nanoseconds())/lookups)
				}
			}
			slices.Sort(ratios)
			slices.Sort(hits)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(hits[len(hits)/2], "ns/hit")
			b.ReportMetric(ratios[len(ratios)/2], "lookups/hit")
		})
	}
}

func cachedPeople(b *testing.B, people map[string]person, evict repository.Eviction) *repository.Service[person, string] {
	env, err := store.Open(b.Context(), memory.New(), store.Options{})
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
	s, err := repository.NewService(r, repository.ServiceOptions{Cache: &repository.Cache{Entries: len(people), Evict: evict}})
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Add(b.Context(), slices.Collect(maps.Values(people))...); err != nil {
		b.Fatal(err)
	}
	return s
}
