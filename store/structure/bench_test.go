package structure_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/structure"
)

// BenchmarkSortedSet measures commands one by one, each in a transaction, on sets whose
// sizes are a hundred to one: by the logarithm that is 20 to 13.3. The cache holds them.
func BenchmarkSortedSet(b *testing.B) {
	for _, size := range [...]int{10_000, 1_000_000} {
		ctx := context.Background()
		env, err := store.Open(ctx, memory.New(), store.Options{CacheBytes: 1 << 30})
		if err != nil {
			b.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, uint64(size)))
		name := func() string { return fmt.Sprintf("member %08d", random.IntN(2*size)) }
		s := structure.New(env, "structures", structure.Options{})
		load := func(f func(*structure.Tx) error) {
			if err := s.Update(ctx, f); err != nil {
				b.Fatal(err)
			}
		}
		members := make([]structure.Z, size)
		for i := range members {
			members[i] = structure.Z{Member: fmt.Sprintf("member %08d", 2*i), Score: random.NormFloat64()}
		}
		load(func(t *structure.Tx) error { _, err := t.ZAdd("set", members...); return err })
		if err := env.Checkpoint(ctx); err != nil {
			b.Fatal(err)
		}
		for command, f := range map[string]func(*structure.Tx) error{
			"add": func(t *structure.Tx) error {
				_, err := t.ZAdd("set", structure.Z{Member: name(), Score: random.NormFloat64()})
				return err
			},
			"range": func(t *structure.Tx) error {
				from := random.Int64N(int64(size) - 10)
				_, err := t.ZRange("set", from, from+9)
				return err
			},
			"revrange": func(t *structure.Tx) error {
				from := random.Int64N(int64(size) - 10)
				_, err := t.ZRevRange("set", from, from+9)
				return err
			},
			"rank": func(t *structure.Tx) error { _, _, err := t.ZRank("set", name()); return err },
			"count": func(t *structure.Tx) error {
				from := random.NormFloat64()
				_, err := t.ZCount("set", structure.Bounds{Min: from, Max: from + 1})
				return err
			},
		} {
			b.Run(fmt.Sprintf("%s/%d", command, size), func(b *testing.B) {
				run := s.View
				if command == "add" {
					run = s.Update
				}
				for b.Loop() {
					if err := run(ctx, f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := env.Close(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
