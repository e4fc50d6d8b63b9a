// Package compress holds the compressing stages of the modifier chain.
package compress

import (
	"context"

	"github.com/klauspost/compress/s2"

	"github.com/stowage-db/stowage/store"
)

// S2 is the fast method: pages of documents shrink to a half or a third at a
// speed that makes writing them quicker, not slower. What it cannot shrink by an
// eighth is stored as it is.
type S2 struct{}

var _ store.Modifier = S2{}

// s2ID is stored in every blob the stage took part in.
const s2ID = 1

// MinPlain is the size below which compressing is not worth its start: the
// encoder clears a table of 32 KiB for every blob, and most small blobs are log
// records that a checkpoint soon replaces.
const MinPlain = 2 << 10

// Stage implements store.Modifier.
func (S2) Stage() store.Stage { return store.Stage{Kind: store.Compress, ID: s2ID} }

// Seal implements store.Modifier.
func (S2) Seal(ctx context.Context, blobs []store.Sealing) error {
	for i := range blobs {
		plain := blobs[i].Bytes
		if !sealable(plain) {
			blobs[i].Skipped = true
			continue
		}
		packed := s2.Encode(blobs[i].Room(s2.MaxEncodedLen(len(plain))), plain)
		if !worth(len(packed), len(plain)) {
			blobs[i].Skipped = true
			continue
		}
		blobs[i].Bytes = packed
	}
	return nil
}

// Open implements store.Modifier.
func (S2) Open(ctx context.Context, blobs []store.Sealing) error {
	for i := range blobs {
		n, err := s2.DecodedLen(blobs[i].Bytes)
		if err != nil || n > bound(len(blobs[i].Bytes)) {
			return corrupt(blobs[i].Name, err)
		}
		plain, err := s2.Decode(make([]byte, n), blobs[i].Bytes)
		if err != nil {
			return corrupt(blobs[i].Name, err)
		}
		blobs[i].Bytes = plain
	}
	return nil
}

func corrupt(name string, err error) error {
	return &store.Error{Code: store.Corrupt, Op: "decompress", Name: name, Err: err}
}
