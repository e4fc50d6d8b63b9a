package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestPlatformLosesWhatItHeld takes from two open contexts what the platform holds:
// all of it, or all since a moment. Whoever looks is told, by an error with a name, and so is
// whoever opens it after more was written; nobody ever gets an empty store without a word.
func TestPlatformLosesWhatItHeld(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name  string
		keeps int // of three commits; 0 is none, and no root either
		fold  bool
	}{
		{"wiped", 0, false}, {"wiped after a checkpoint", 0, true},
		{"an earlier log", 1, false}, {"an earlier root", 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			blobs := memory.NewBlobs()
			var envs []*store.Env
			for range 2 {
				env, err := store.Open(ctx, memory.Share(blobs), storetest.Small())
				if err != nil {
					t.Fatal(err)
				}
				envs = append(envs, env)
			}
			kept := map[string][]byte{}
			for n := range 3 {
				if n == test.keeps && n > 0 {
					for _, name := range blobs.Names() {
						kept[name] = blobs.Get(name)
					}
				}
				update(t, envs[0], putKey(fmt.Sprint(n), strings.Repeat("x", 100)))
				if test.fold {
					checkpoint(t, envs[0])
				}
				expectLatest(t, envs[1], fmt.Sprint(n), strings.Repeat("x", 100))
			}
			for _, name := range blobs.Names() {
				blobs.Set(name, nil)
			}
			for name, bytes := range kept {
				blobs.Set(name, bytes)
			}
			for i, env := range envs {
				if err := env.Sync(ctx); store.CodeOf(err) != store.Corrupt {
					t.Errorf("context %d looks: %v, want corrupt", i, err)
				}
				if err := env.Checkpoint(ctx); store.CodeOf(err) != store.Corrupt {
					t.Errorf("context %d folds: %v, want corrupt", i, err)
				}
			}
			_ = envs[0].Update(ctx, putKey("4", "later"))
			if test.keeps == 0 || len(blobs.Names()) > len(kept) {
				if env, err := store.Open(ctx, memory.Open(blobs), storetest.Small()); store.CodeOf(err) != store.Corrupt {
					t.Errorf("opened after a write on top of the loss: %v, %v, want corrupt", env, err)
				}
			}
		})
	}
}
