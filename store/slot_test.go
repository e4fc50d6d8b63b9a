package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSlotsSort: whatever bytes their heads differ in, and however many have one in common, slots
// come to be in the order that comparisons alone would put them in.
func TestSlotsSort(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	compare := func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.head, b.head), cmp.Compare(a.at%7, b.at%7), cmp.Compare(a.at, b.at))
	}
	for round := range 300 {
		mask := random.Uint64() & random.Uint64()
		if round%3 == 0 {
			mask = 0xff << (8 * random.IntN(8))
		}
		slots := make([]slot, random.IntN(4*leastCounted))
		for i := range slots {
			slots[i] = slot{head: random.Uint64() & mask, at: place(i)}
		}
		want := slices.Clone(slots)
		slices.SortFunc(want, compare)
		sortSlots(slots, compare)
		if !slices.Equal(slots, want) {
			t.Fatalf("seed %d, round %d: %d slots with heads of %#x are not in order", seed, round, len(slots), mask)
		}
	}
}
