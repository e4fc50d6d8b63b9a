package store

import (
	"encoding/binary"
	"testing"
)

// TestPointsAreRanges: of keys read one by one, by a transaction and by what ran within it, each is
// among the reads and what lies between them is not, until there are so many that they become one range.
func TestPointsAreRanges(t *testing.T) {
	key := func(n int) []byte { return binary.BigEndian.AppendUint32(catalogue.whole([]byte("k")), uint32(n)) }
	var within, reads readSet
	for n := range 1000 {
		within.point(key(4 * n))
		reads.point(key(4*n + 2))
	}
	long := append(key(1<<20), make([]byte, 1<<17)...) // no key that is stored
	within.point(long)
	within.point(key(1<<20 + 1))
	reads.take(&within)
	reads.sort()
	for _, point := range [][]byte{long, key(1<<20 + 1)} {
		if !reads.holds(point) || reads.holds(append(point, 1)) {
			t.Errorf("a key of %d bytes is not held alone", len(point))
		}
	}
	for n := range 4000 {
		if got, want := reads.holds(key(n)), n%2 == 0; got != want {
			t.Fatalf("key %d: held %v, want %v", n, got, want)
		}
	}
	var many readSet
	for n := range maxReadRanges + 1 {
		many.point(key(4 * n))
	}
	if many.points.count != 0 || len(many.ranges) != 1 {
		t.Errorf("%d points and %d ranges of %d points", many.points.count, len(many.ranges), maxReadRanges+1)
	}
	if many.sort(); !many.holds(key(2)) || many.holds(key(4*maxReadRanges+1)) {
		t.Errorf("what lies between many points is not held, or what lies behind them is")
	}
}
