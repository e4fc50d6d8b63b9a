//go:build !js

package compress_test

import (
	"bytes"
	"compress/flate"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
)

func TestDeflate(t *testing.T) {
	page := bytes.Repeat([]byte("page "), 10000)
	if packed, took := comesBack(t, compress.Deflate{}, page); !took || packed > len(page)/100 {
		t.Errorf("packed %v, into %d bytes", took, packed)
	}
	noise := make([]byte, 50000)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(noise)
	for _, plain := range [][]byte{nil, []byte("short"), noise} {
		if _, took := comesBack(t, compress.Deflate{}, plain); took {
			t.Errorf("%d bytes that cannot be compressed were", len(plain))
		}
	}
}

func deflated(plain []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression) // the level is one
	w.Write(plain)
	w.Close()
	return out.Bytes()
}

func TestBoundsOfDeflate(t *testing.T) {
	testBounds(t, compress.Deflate{})
	page := deflated(bytes.Repeat([]byte("page "), 1000))
	expectRefused(t, compress.Deflate{}, page[:len(page)-1], 256<<10)
	expectRefused(t, compress.Deflate{}, append(bytes.Clone(page), 0), 256<<10)
	expectRefused(t, compress.Deflate{}, nil, 256<<10)
	expectRefused(t, compress.Deflate{}, deflated(make([]byte, 32<<20+1)), 5*32<<20) // what io.ReadAll takes to grow to the bound
}

func FuzzDeflate(f *testing.F) {
	f.Add(deflated([]byte("hello, world")))
	f.Add([]byte{3, 0})
	f.Fuzz(func(t *testing.T, packed []byte) {
		blob := []store.Sealing{{Bytes: packed}}
		if err := (compress.Deflate{}).Open(context.Background(), blob); err != nil {
			if store.CodeOf(err) != store.Corrupt {
				t.Errorf("damaged bytes gave %v", err)
			}
			return
		}
		comesBack(t, compress.Deflate{}, blob[0].Bytes)
	})
}
