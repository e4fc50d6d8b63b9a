package storetest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// merged is memory that contexts write to as they would to KV.
type merged struct{ *memory.Backend }

func (m merged) Commit(ctx context.Context, batch *store.Batch) error {
	if batch.Root != nil || batch.DeleteRange != nil {
		return &store.Error{Code: store.Internal, Op: "merged"}
	}
	return m.Backend.Commit(ctx, &store.Batch{Put: slices.Concat(batch.Put, batch.Add), Delete: batch.Delete})
}

func (m merged) Info(ctx context.Context, held bool) (store.Info, error) {
	info, err := m.Backend.Info(ctx, held)
	info.Properties = store.Properties{MaxBlob: 16 << 20, Merging: true, Founding: true}
	return info, err
}

func TestMerging(t *testing.T) {
	storetest.Merging{
		New: func(t *testing.T) store.Backend { return merged{memory.New()} },
		Beside: func(t *testing.T, b store.Backend) store.Backend {
			return merged{memory.Open(b.(merged).Blobs())}
		},
		Modifiers: func() []store.Modifier { return []store.Modifier{compress.S2{}} },
	}.Run(t)
}
