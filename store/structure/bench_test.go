package structure_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/structure"
)

// BenchmarkSortedSet measures commands, each in a transaction of its own, on sets of ten
// thousand, a hundred thousand and a million members, which take turns: what else the
// machine does concerns all of them. Beside what one takes in the first stands how many
// times as long it takes in the others; by the logarithm that is 1.25 and 1.5.
//
// Plain is what computers make of these sizes: a rank found in a map and a sorted slice,
// which have no pages, transactions or files. Again is the same command time after time, with all it
// reads in the caches of the processor: what grows then is what there is to do. Cold is
// a rank in an environment that was just opened.
func BenchmarkSortedSet(b *testing.B) {
	var sets []*benchSet
	for _, size := range [...]int{10_000, 100_000, 1_000_000} {
		sets = append(sets, newBenchSet(b, size))
	}
	for _, c := range []struct {
		name  string
		calls int // in a row
		run   func(*benchSet, context.Context) error
	}{
		{"plain", 2000, (*benchSet).plainRank},
		{"rank", 100, view((*benchSet).rank)},
		{"rank again", 100, view((*benchSet).rank)},
		{"count", 50, view((*benchSet).count)},
		{"count again", 50, view((*benchSet).count)},
		{"range", 50, view((*benchSet).byRank)},
		{"revrange", 50, view((*benchSet).byRevRank)},
		{"cold", 1, view((*benchSet).rank)},
		{"add", 30, (*benchSet).add},
		{"rank after adds", 100, view((*benchSet).rank)},
	} {
		b.Run(c.name, func(b *testing.B) {
			const rounds = 61
			took := make([][]float64, len(sets)) // microseconds a call
			for b.Loop() {
				for round := range rounds {
					for i, s := range sets {
						if c.name == "cold" {
							s.reopen(b)
						}
						began := time.Now()
						for range c.calls {
							if strings.HasSuffix(c.name, "again") {
								s.random = rand.New(rand.NewPCG(2, uint64(round)))
							}
							if err := c.run(s, b.Context()); err != nil {
								b.Fatal(err)
							}
						}
						took[i] = append(took[i], time.Since(began).Seconds()*1e6/float64(c.calls))
					}
				}
			}
			median := func(i int) float64 {
				slices.Sort(took[i])
				return took[i][len(took[i])/2]
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(0), "µs")
			b.ReportMetric(median(1)/median(0), "×100k")
			b.ReportMetric(median(2)/median(0), "×1M")
		})
	}
}

// benchSet is a sorted set in an environment of its own, whose cache holds all of it.
type benchSet struct {
	size   int
	blobs  *memory.Blobs
	env    *store.Env
	s      *structure.Structures
	random *rand.Rand
	scores map[string]float64
	order  []structure.Z
}

func newBenchSet(b *testing.B, size int) *benchSet {
	s := &benchSet{size: size, blobs: memory.NewBlobs(), random: rand.New(rand.NewPCG(1, uint64(size))), scores: make(map[string]float64, size)}
	s.open(b)
	for i := range size {
		z := structure.Z{Member: fmt.Sprintf("member %08d", 2*i), Score: s.random.NormFloat64()}
		s.scores[z.Member] = z.Score
		s.order = append(s.order, z)
	}
	err := s.s.Update(b.Context(), func(t *structure.Tx) error { _, err := t.ZAdd("set", s.order...); return err })
	if err != nil {
		b.Fatal(err)
	}
	if err := s.env.Checkpoint(b.Context()); err != nil {
		b.Fatal(err)
	}
	slices.SortFunc(s.order, ordered)
	return s
}

func ordered(a, b structure.Z) int {
	return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Member, b.Member))
}

func (s *benchSet) open(b *testing.B) {
	env, err := store.Open(b.Context(), memory.Open(s.blobs), store.Options{CacheBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	s.env, s.s = env, structure.New(env, "structures", structure.Options{})
}

// reopen has nothing be in the cache.
func (s *benchSet) reopen(b *testing.B) {
	if err := s.env.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	s.open(b)
}

// member is the name of one that there is at first.
func (s *benchSet) member() string { return fmt.Sprintf("member %08d", 2*s.random.IntN(s.size)) }

func (s *benchSet) plainRank(context.Context) error {
	member := s.member()
	if _, there := slices.BinarySearchFunc(s.order, structure.Z{Member: member, Score: s.scores[member]}, ordered); !there {
		return fmt.Errorf("%s is missing", member)
	}
	return nil
}

func view(f func(*benchSet, *structure.Tx) error) func(*benchSet, context.Context) error {
	return func(s *benchSet, ctx context.Context) error {
		return s.s.View(ctx, func(t *structure.Tx) error { return f(s, t) })
	}
}

func (s *benchSet) rank(t *structure.Tx) error { _, _, err := t.ZRank("set", s.member()); return err }

func (s *benchSet) count(t *structure.Tx) error {
	from := s.random.NormFloat64()
	_, err := t.ZCount("set", structure.Bounds{Min: from, Max: from + 1})
	return err
}

func (s *benchSet) byRank(t *structure.Tx) error {
	from := s.random.Int64N(int64(s.size) - 10)
	_, err := t.ZRange("set", from, from+9)
	return err
}

func (s *benchSet) byRevRank(t *structure.Tx) error {
	from := s.random.Int64N(int64(s.size) - 10)
	_, err := t.ZRevRange("set", from, from+9)
	return err
}

func (s *benchSet) add(ctx context.Context) error {
	return s.s.Update(ctx, func(t *structure.Tx) error {
		_, err := t.ZAdd("set", structure.Z{Member: fmt.Sprintf("member %08d", s.random.IntN(2*s.size)), Score: s.random.NormFloat64()})
		return err
	})
}
