package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
)

// heap is a backend that only keeps count of what is written to it.
type heap struct {
	Backend
	blobs map[string][]byte
}

func (h *heap) Info(context.Context, bool) (Info, error) {
	return Info{Properties: Properties{Atomic: true, PrefixDurable: true, MaxBlob: 65535}}, nil
}
func (h *heap) Close() error { return nil }
func (h *heap) List(context.Context, string) ([]string, error) {
	return nil, nil
}
func (h *heap) Read(_ context.Context, names []string) ([][]byte, error) {
	found := make([][]byte, len(names))
	for i, name := range names {
		found[i] = h.blobs[name]
	}
	return found, nil
}
func (h *heap) Commit(_ context.Context, b *Batch) error {
	for _, blob := range append(b.Put, b.Add...) {
		h.blobs[blob.Name] = blob.Bytes
	}
	if b.Root != nil {
		h.blobs[RootName] = b.Root.New
	}
	return nil
}

// TestAscendingDataIsWrittenOnce loads documents in ascending order, and an index
// beside them that is not, in one transaction of many runs, and folds it all: the
// pages of the documents must have been adopted, not written again. How full the
// last page of a run is depends on the size of the documents.
func TestAscendingDataIsWrittenOnce(t *testing.T) {
	for _, size := range []int{300, 357, 500} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { writtenOnce(t, size) })
	}
}

func writtenOnce(t *testing.T, size int) {
	ctx := context.Background()
	env, err := Open(ctx, &heap{blobs: map[string][]byte{}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 60000
	err = env.Update(ctx, func(tx *Tx) error {
		docs, err := tx.DB("docs")
		if err != nil {
			return err
		}
		index, err := tx.DB("index")
		if err != nil {
			return err
		}
		for i := range uint32(n) {
			if err := docs.Put(binary.BigEndian.AppendUint32(nil, i), make([]byte, size)); err != nil {
				return err
			}
			if err := index.Put(binary.BigEndian.AppendUint32(nil, i*2654435761), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = env.Checkpoint(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Sequences count every page ever written: the documents' once, the index's
	// once in a run and at most twice in merges.
	documents := float64(n*(size+12)) / defaultPageBytes
	if written := float64(env.nextSeq); written > 1.3*documents {
		t.Errorf("%.0f pages were written for %.0f pages of documents", written, documents)
	}
	report, err := env.Check(ctx)
	if err != nil || !report.Clean() || report.Entries != 2*n+3 {
		t.Errorf("Check: %+v, %v", report, err)
	}
}
