package compress_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
)

// comesBack seals plain bytes with a stage, opens them if it took part, and reports whether it did.
func comesBack(t *testing.T, stage store.Modifier, plain []byte) (packed int, took bool) {
	t.Helper()
	blob := []store.Sealing{{Bytes: plain}}
	if err := stage.Seal(context.Background(), blob); err != nil {
		t.Fatal(err)
	}
	if blob[0].Skipped {
		return len(plain), false
	}
	packed = len(blob[0].Bytes)
	if err := stage.Open(context.Background(), blob); err != nil || !bytes.Equal(blob[0].Bytes, plain) {
		t.Errorf("%d bytes that were packed into %d do not come back: %v", len(plain), packed, err)
	}
	return packed, true
}

// testBounds seals blobs of all sizes, each of which has to come back: what shrinks to
// less than a thousandth, or is more than a blob may claim to hold, is left as it is.
func testBounds(t *testing.T, stage store.Modifier) {
	digits := make([]byte, 32<<20+1) // which shrink, but not by much
	random := rand.NewChaCha8([32]byte{2})
	random.Read(digits)
	for i := range digits {
		digits[i] = '0' + digits[i]&3
	}
	for _, size := range []int{4 << 10, 48 << 10, 64 << 10, 64<<10 + 1, 1 << 20, 8 << 20, 32 << 20, 32<<20 + 1} {
		packed, took := comesBack(t, stage, make([]byte, size))
		if small := size <= 64<<10; small != took && (small || packed*1000 < size) {
			t.Errorf("%d zeros: packed %v, into %d bytes", size, took, packed)
		}
		if size == 8<<20 || size == 32<<20 {
			continue // deflate would take a minute
		}
		if packed, took := comesBack(t, stage, digits[:size]); took != (size <= 32<<20) {
			t.Errorf("%d digits: packed %v, into %d bytes", size, took, packed)
		}
	}
}

// expectRefused opens what makes a false claim: that is corrupt, and takes no memory to speak of.
func expectRefused(t *testing.T, stage store.Modifier, packed []byte, most uint64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := stage.Open(context.Background(), []store.Sealing{{Name: "p/0/1", Bytes: packed}})
	runtime.ReadMemStats(&after)
	if store.CodeOf(err) != store.Corrupt {
		t.Errorf("%d bytes: %v, want corrupt", len(packed), err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > most {
		t.Errorf("%d bytes took %d of memory", len(packed), taken)
	}
}

func TestBoundsOfS2(t *testing.T) {
	testBounds(t, compress.S2{})
	for _, claim := range []uint64{64<<10 + 1, 1 << 20, 32 << 20, 1 << 31, 1<<32 - 1} {
		expectRefused(t, compress.S2{}, append(binary.AppendUvarint(nil, claim), "\x24helloworld"...), 64<<10)
	}
	long := append(binary.AppendUvarint(nil, 32<<20+1), make([]byte, 40<<10)...) // enough for the ratio
	expectRefused(t, compress.S2{}, long, 64<<10)
}
