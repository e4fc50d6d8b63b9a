package store

import (
	"bytes"
	"context"
	"fmt"
	"testing"
)

// mirror is a stage that turns bytes around, in the room it is given.
type mirror struct{ id byte }

func (m mirror) Stage() Stage { return Stage{User, m.id} }

func (mirror) Seal(_ context.Context, blobs []Sealing) error {
	for i := range blobs {
		blobs[i].Bytes = mirrored(blobs[i].Room(len(blobs[i].Bytes)), blobs[i].Bytes)
	}
	return nil
}

func (mirror) Open(_ context.Context, blobs []Sealing) error {
	for i := range blobs {
		blobs[i].Bytes = mirrored(make([]byte, len(blobs[i].Bytes)), blobs[i].Bytes)
	}
	return nil
}

func mirrored(dst, src []byte) []byte {
	for i, b := range src {
		dst[len(src)-1-i] = b
	}
	return dst
}

// TestRoomIsSharedByNoTwo seals calls of all sizes, one after the other, through two
// stages that use the sealer's room: what an earlier call sealed must stay whole.
func TestRoomIsSharedByNoTwo(t *testing.T) {
	ctx := context.Background()
	s, err := newSealer([]Modifier{mirror{1}, mirror{2}})
	if err != nil {
		t.Fatal(err)
	}
	var calls [][]Blob
	var plains [][]Blob
	for call, size := range []int{100, 50_000, 10, maxRoom, 0, 50_000, 100} {
		var plain []Blob
		for i := range 6 {
			plain = append(plain, Blob{fmt.Sprintf("p/%d/%d", call, i), bytes.Repeat([]byte{byte(call), byte(i), 3}, size)})
		}
		sealed, err := s.seal(ctx, PageBlob, plain)
		if err != nil {
			t.Fatal(err)
		}
		calls, plains = append(calls, sealed), append(plains, plain)
	}
	for call, sealed := range calls {
		opened, err := s.open(ctx, PageBlob, sealed)
		if err != nil {
			t.Fatalf("call %d: %v", call, err)
		}
		for i := range opened {
			if !bytes.Equal(opened[i].Bytes, plains[call][i].Bytes) {
				t.Errorf("call %d: blob %d is not what was sealed", call, i)
			}
		}
	}
}
