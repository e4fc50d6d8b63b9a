package structure_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

// TestRanks takes a sorted set below its first level and grows it over the second one, and
// holds ranks against a sorted list.
func TestRanks(t *testing.T) {
	random := rand.New(rand.NewPCG(storetest.Seed(t), 0))
	o := open(t)
	defer storetest.Close(t, o.env)
	var want []structure.Z
	made := 0
	add := func(n int) {
		added := make([]structure.Z, n)
		for i := range added {
			added[i] = structure.Z{Member: "member " + strconv.Itoa(made+i), Score: float64(random.IntN(1000))}
		}
		made += n
		want = append(want, added...)
		slices.SortFunc(want, func(a, b structure.Z) int {
			return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Member, b.Member))
		})
		o.in(func(tx *structure.Tx) error { _, err := tx.ZAdd("set", added...); return err })
	}
	check := func() {
		t.Helper()
		o.in(func(tx *structure.Tx) error {
			for range 100 {
				i := random.IntN(len(want))
				rank, found, err := tx.ZRank("set", want[i].Member)
				if err != nil || !found || rank != int64(i) {
					return fmt.Errorf("%v stands at %d, not %d: %w", want[i], i, rank, err)
				}
				some, err := tx.ZRange("set", int64(i), int64(i)+4)
				if err != nil || !slices.Equal(some, want[i:min(i+5, len(want))]) {
					return fmt.Errorf("from %d on: %v, %w", i, some, err)
				}
			}
			return nil
		})
	}
	remove := func(from, to int) {
		o.in(func(tx *structure.Tx) error {
			removed, err := tx.ZRemRangeByRank("set", int64(from), int64(to-1))
			if removed != int64(to-from) {
				t.Errorf("%d of %d were removed", removed, to-from)
			}
			return err
		})
		want = slices.Delete(want, from, to)
	}
	add(100)
	add(500)
	check()
	remove(10, 600)
	check()
	if n := entries(t, o.env, "structures"); n != 1+2*10 {
		t.Errorf("%d records for ten members", n)
	}
	for _, n := range []int{1000, 16000} {
		add(n)
		check()
	}
	for range 5 {
		from := random.IntN(len(want) - 200)
		remove(from, from+200)
	}
	check()
}
