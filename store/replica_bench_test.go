//go:build !page

package store_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
)

// forgetful is a Merging backend that keeps nothing.
type forgetful struct{}

func (forgetful) Read(_ context.Context, names []string) ([][]byte, error) {
	return make([][]byte, len(names)), nil
}
func (forgetful) Commit(context.Context, *store.Batch) error     { return nil }
func (forgetful) List(context.Context, string) ([]string, error) { return nil, nil }
func (forgetful) Close() error                                   { return nil }
func (forgetful) Info(context.Context, bool) (store.Info, error) {
	return store.Info{Properties: store.Properties{MaxBlob: 16 << 20, Merging: true}, Blobs: -1, Bytes: -1}, nil
}

// BenchmarkMergingPut puts documents of 4 KiB that cannot be compressed, one a commit.
func BenchmarkMergingPut(b *testing.B) {
	env, err := store.OpenMerging(ctx, forgetful{}, store.Options{Modifiers: []store.Modifier{compress.S2{}}, CacheBytes: 8 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer env.Close(ctx)
	table, err := env.Table(ctx, "notes", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{1})
	documents := make([][]byte, 20)
	for id := range documents {
		text := make([]byte, 4096)
		_, _ = random.Read(text)
		documents[id] = query.AppendValue(nil, fields{"id": id, "text": string(text)})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		err := env.Update(ctx, func(tx *store.Tx) error {
			_, err := table.Put(tx, documents[i%20:i%20+1])
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
