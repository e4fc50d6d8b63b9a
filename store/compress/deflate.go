//go:build !js

package compress

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"

	"github.com/stowage-db/stowage/store"
)

// Deflate is the strong method: blobs become smaller than with S2 by about a third,
// and writing takes several times as long. It is what environments of JavaScript
// have that were opened with compress('deflate'). There the host carries it out, so the
// module that is sent to browsers has none of it.
type Deflate struct{}

var _ store.Modifier = Deflate{}

const deflateID = 2

// Stage implements store.Modifier.
func (Deflate) Stage() store.Stage { return store.Stage{Kind: store.Compress, ID: deflateID} }

// Seal implements store.Modifier.
func (Deflate) Seal(ctx context.Context, blobs []store.Sealing) error {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return err
	}
	for i := range blobs {
		plain := blobs[i].Bytes
		if blobs[i].Skipped = !sealable(plain); blobs[i].Skipped {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		out.Reset()
		w.Reset(&out)
		_, err := w.Write(plain)
		if err = errors.Join(err, w.Close()); err != nil {
			return err
		}
		if blobs[i].Skipped = !worth(out.Len(), len(plain)); !blobs[i].Skipped {
			blobs[i].Bytes = bytes.Clone(out.Bytes())
		}
	}
	return nil
}

// Open implements store.Modifier. A stream that ends early, goes on after its end or
// grows over all bounds is Corrupt.
func (Deflate) Open(ctx context.Context, blobs []store.Sealing) error {
	for i := range blobs {
		in := bytes.NewReader(blobs[i].Bytes) // an io.ByteReader: nothing is read beyond the end
		most := bound(in.Len())
		plain, err := io.ReadAll(io.LimitReader(flate.NewReader(in), int64(most)+1))
		if err != nil || len(plain) > most || in.Len() > 0 {
			return corrupt(blobs[i].Name, err)
		}
		blobs[i].Bytes = plain
	}
	return nil
}
