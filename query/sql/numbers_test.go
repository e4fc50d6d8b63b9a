package sql

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestNumbers holds chains of numbers that lie close together, far from one another, or both by
// turns, to a map.
func TestNumbers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var table numbers
		heads, last := map[int64]int32{}, int64(random.Uint64())>>random.IntN(64)
		for n := int32(1); n < 2000; n++ {
			switch random.IntN(1 + random.IntN(8)) {
			case 0:
				last += int64(random.IntN(4))
			case 1:
				last -= int64(random.IntN(100))
			case 2:
				last = int64(random.Uint64()) >> random.IntN(64)
			case 3:
				last = [...]int64{math.MinInt64, math.MaxInt64, 0, -1, math.MaxInt64 - 1}[random.IntN(5)]
			default:
				last++
			}
			if got := table.find(last); got != heads[last] {
				t.Fatalf("%d: row %d, not %d", last, got, heads[last])
			}
			if at := table.add(last); at.head == 0 {
				at.head, heads[last] = n, n
			}
		}
		for number, head := range heads {
			if got := table.find(number); got != head {
				t.Fatalf("%d: row %d, not %d", number, got, head)
			}
			if _, is := heads[number+1]; !is && table.find(number+1) != 0 {
				t.Fatalf("%d was never there", number+1)
			}
		}
		if len(table.near) > nearNumbers*(len(heads)+leastNumbers)+1 {
			t.Fatalf("room for %d of %d", len(table.near), len(heads))
		}
	}
}
