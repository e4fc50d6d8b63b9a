package compress_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

func TestRoundTrip(t *testing.T) {
	noise := make([]byte, 50000)
	random := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	plain := [][]byte{nil, []byte("short"), bytes.Repeat([]byte("page "), 10000), noise}
	blobs := make([]store.Sealing, len(plain))
	for i, b := range plain {
		blobs[i].Bytes = b
	}
	ctx := context.Background()
	if err := (compress.S2{}).Seal(ctx, blobs); err != nil {
		t.Fatal(err)
	}
	if !blobs[1].Skipped || blobs[2].Skipped || !blobs[3].Skipped {
		t.Errorf("what was skipped: %v %v %v", blobs[1].Skipped, blobs[2].Skipped, blobs[3].Skipped)
	}
	for i := range blobs {
		if blobs[i].Skipped {
			continue
		}
		one := blobs[i : i+1]
		if err := (compress.S2{}).Open(ctx, one); err != nil || !bytes.Equal(one[0].Bytes, plain[i]) {
			t.Errorf("blob %d does not come back: %v", i, err)
		}
	}
}

func FuzzS2(f *testing.F) {
	f.Add([]byte("\x0a\x24helloworld"))
	f.Add([]byte("\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		err := (compress.S2{}).Open(context.Background(), []store.Sealing{{Bytes: packed}})
		if err != nil && store.CodeOf(err) != store.Corrupt {
			t.Errorf("damaged bytes gave %v", err)
		}
	})
}

func TestEnvironment(t *testing.T) {
	options := storetest.Small()
	options.PageBytes = 4 << 10
	options.Modifiers = []store.Modifier{compress.S2{}}
	blobs := memory.NewBlobs()
	m := storetest.NewModel(t, storetest.Seed(t))
	for range 3 {
		env := storetest.Open(t, memory.Open(blobs), options)
		for range 20 {
			m.Step(env)
		}
		m.Compare(env)
		storetest.Close(t, env)
	}
	options.Modifiers = nil
	if _, err := store.Open(context.Background(), memory.Open(blobs), options); store.CodeOf(err) != store.MissingModifier {
		t.Errorf("opened without the stage: %v, want missing_modifier", err)
	}
}
