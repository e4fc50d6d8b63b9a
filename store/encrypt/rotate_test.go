package encrypt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stowage-db/stowage/crypto"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// witness is a ring that keeps what it has sealed, what of it was read, and its headers.
type witness struct {
	*encrypt.Ring
	mu      sync.Mutex
	sealed  []store.Sealing
	opened  []store.Sealing
	env     crypto.ID
	headers []loadedHeader
}

// loadedHeader is a header that was loaded after so many blobs were sealed.
type loadedHeader struct {
	bytes  []byte
	sealed int
}

func (w *witness) Load(ctx context.Context, env [16]byte, header []byte) ([]byte, error) {
	header, err := w.Ring.Load(ctx, env, header)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.env, w.headers = env, append(w.headers, loadedHeader{header, len(w.sealed)})
	return header, err
}

func (w *witness) Seal(ctx context.Context, blobs []store.Sealing) error {
	err := w.Ring.Seal(ctx, blobs)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sealed = keep(w.sealed, blobs)
	return err
}

func (w *witness) Open(ctx context.Context, blobs []store.Sealing) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = keep(w.opened, blobs)
	return w.Ring.Open(ctx, blobs)
}

func keep(kept, blobs []store.Sealing) []store.Sealing {
	for _, b := range blobs {
		kept = append(kept, store.Sealing{Kind: b.Kind, Name: b.Name, Before: bytes.Clone(b.Before), Bytes: bytes.Clone(b.Bytes)})
	}
	return kept
}

// watched opens a store by way of a witness.
func watched(t *testing.T, blobs *memory.Blobs, u encrypt.Unlocker) (*store.Env, *witness) {
	options, ring := sealed(u)
	w := &witness{Ring: ring}
	options.Modifiers[0] = w
	return storetest.Open(t, memory.Open(blobs), options), w
}

// fill stores what takes a walk several slices, with large values.
func fill(t *testing.T, env *store.Env, entries int) {
	t.Helper()
	err := env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("")
		for i := 0; i < entries && err == nil; i++ {
			err = db.Put(fmt.Appendf(nil, "%06d", i), []byte(filling(i)))
		}
		return err
	})
	if err == nil {
		err = env.Checkpoint(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func filling(i int) string {
	if i%50 == 1 {
		return strings.Repeat(fmt.Sprint(i, " "), 20_000)
	}
	return strings.Repeat(fmt.Sprint(i, " "), 50)
}

func filled(t *testing.T, env *store.Env, entries int) {
	t.Helper()
	for i := range entries {
		if value, err := get(env, fmt.Sprintf("%06d", i)); err != nil || value != filling(i) {
			t.Fatalf("entry %d is %.20q, %v", i, value, err)
		}
	}
}

// TestOldKeysOpenNothingNew keeps everything that there was before a rotation: the ring,
// its master key, the data key. None of it opens a blob sealed since, nor the new ring without the secret.
func TestOldKeysOpenNothingNew(t *testing.T) {
	const entries = 300
	ctx, blobs := context.Background(), memory.NewBlobs()
	env, w := watched(t, blobs, numbered(1))
	fill(t, env, entries)
	ring, err := crypto.ReadRing(w.headers[0].bytes)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 32)
	binary.BigEndian.PutUint64(raw, 1)
	secret, err := crypto.Key(raw)
	if err != nil {
		t.Fatal(err)
	}
	old, err := ring.Unlock(ctx, w.env, secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range w.sealed {
		if b.Kind != store.RootBlob {
			expectOpens(t, old, b, nil)
		}
	}
	// Who has the old ring has its secret too; after this, not that of the new one.
	if err := w.ChangePassphrase(ctx, env, numbered(1), numbered(2)); err != nil {
		t.Fatal(err)
	}
	changed := len(w.headers)
	if err := w.Rotate(ctx, env, nil); err != nil {
		t.Fatal(err)
	}
	put(t, env, "key", "value")
	since := w.sealed[w.headers[changed].sealed:] // the root that brings the new ring is not yet sealed by it
	storetest.Close(t, env)
	if len(since) < 20 {
		t.Fatalf("%d blobs were sealed", len(since))
	}
	for _, b := range since {
		expectOpens(t, old, b, crypto.ErrEpoch)
		binary.BigEndian.PutUint32(b.Bytes, 1) // by the data key that they have
		expectOpens(t, old, b, crypto.ErrTampered)
	}
	if ring, err = crypto.ReadRing(w.headers[len(w.headers)-1].bytes); err != nil || len(ring.Epochs) != 1 {
		t.Fatalf("epochs %v, %v", ring.Epochs, err)
	}
	if _, err := old.Resume(ring); err != crypto.ErrKey {
		t.Errorf("the new ring opens with %v", err)
	}
	if _, err := ring.Unlock(ctx, w.env, secret); err != crypto.ErrKey {
		t.Errorf("the old secret opens the new ring with %v", err)
	}
	opens(t, blobs, store.WrongKey, numbered(1))
	opens(t, blobs, "", numbered(2))

	// Nothing that is read now was sealed before.
	env, w = watched(t, blobs, numbered(2))
	filled(t, env, entries)
	for _, b := range w.opened {
		if epoch := binary.BigEndian.Uint32(b.Bytes); epoch != 2 {
			t.Errorf("%s is of epoch %d", b.Name, epoch)
		}
	}
	storetest.Close(t, env)
}

func expectOpens(t *testing.T, keys *crypto.Keys, b store.Sealing, want error) {
	t.Helper()
	label := crypto.Label{Kind: byte(b.Kind), Name: b.Name, Before: b.Before}
	if _, err := keys.Opener().Open(nil, label, b.Bytes); err != want {
		t.Errorf("%s opens with %v, want %v", b.Name, err, want)
	}
}

// TestRotateThenRemove leaves a removed secret with nothing, whatever was done first.
func TestRotateThenRemove(t *testing.T) {
	ctx := context.Background()
	for _, first := range []string{"rotate", "remove"} {
		blobs := memory.NewBlobs()
		env, ring := open(t, memory.Open(blobs), numbered(1))
		fill(t, env, 100)
		put(t, env, "key", "value")
		id, err := ring.AddSlot(ctx, env, numbered(2))
		if err != nil {
			t.Fatal(err)
		}
		if first == "remove" {
			err = ring.RemoveSlot(ctx, env, id)
		}
		if err == nil {
			err = ring.Rotate(ctx, env, nil)
		}
		if err == nil && first == "rotate" {
			err = ring.RemoveSlot(ctx, env, id)
		}
		if err != nil {
			t.Fatal(err)
		}
		filled(t, env, 100)
		storetest.Close(t, env)
		opens(t, blobs, "", numbered(1))
		opens(t, blobs, store.WrongKey, numbered(2))
	}
}

// TestRotateAtEveryCall ends a rotation at each of the backend's calls in turn. What is
// left opens with exactly the keys that have a slot, whether it is gone on with or not.
func TestRotateAtEveryCall(t *testing.T) {
	const entries = 60
	ctx := context.Background()
	for _, mode := range []storetest.Mode{storetest.Dead, storetest.Before, storetest.After, storetest.Torn} {
		for slots := 1; slots <= 2; slots++ {
			for at, done := 0, false; !done; at++ {
				blobs := memory.NewBlobs()
				faulty := storetest.NewFaulty(memory.Open(blobs))
				env, ring := open(t, faulty, numbered(1))
				fill(t, env, entries)
				put(t, env, "key", "value")
				if slots == 2 {
					if _, err := ring.AddSlot(ctx, env, numbered(2)); err != nil {
						t.Fatal(err)
					}
				}
				faulty.FailAt(at, mode)
				err := ring.Rotate(ctx, env, nil)
				done = err == nil && !faulty.Failed()
				if mode != storetest.Dead {
					faulty.Heal()
					filled(t, env, entries)
					put(t, env, "key", "value")
				}
				env.Close(ctx) // with whatever the fault makes of it
				allowed := []encrypt.Unlocker{numbered(1), numbered(2)}[:slots]
				opens(t, blobs, "", allowed...)
				opens(t, blobs, store.WrongKey, numbered(3))

				env, ring = open(t, memory.Open(blobs), allowed[slots-1])
				filled(t, env, entries)
				if err := ring.Rotate(ctx, env, nil); err != nil {
					t.Fatalf("call %d, %v: not gone on with: %v", at, mode, err)
				}
				storetest.Close(t, env)
				opens(t, blobs, "", allowed...)
				env, _ = open(t, memory.Open(blobs), numbered(1))
				filled(t, env, entries)
				storetest.Close(t, env)
			}
		}
	}
}

// TestRotateAmongContexts rotates in one context, which is alone in the ring, so that the master
// key changes too; another one that has the store open writes, reads, and rotates afterwards.
func TestRotateAmongContexts(t *testing.T) {
	const entries = 1000
	ctx, blobs := context.Background(), memory.NewBlobs()
	here, mine := open(t, memory.Share(blobs), numbered(1))
	there, theirs := open(t, memory.Share(blobs), numbered(1))
	fill(t, here, entries)
	n := 0
	work := func(int64, int64) {
		n++
		put(t, there, "key", fmt.Sprint(n))
		expect(t, here, "key", fmt.Sprint(n))
	}
	if err := mine.Rotate(ctx, here, work); err != nil || n < 3 {
		t.Fatalf("%d slices: %v", n, err)
	}
	if err := theirs.Rotate(ctx, there, nil); err != nil {
		t.Fatal(err)
	}
	work(0, 0)
	put(t, here, "key", "value")
	for _, env := range []*store.Env{here, there} {
		filled(t, env, entries)
		storetest.Close(t, env)
	}
	opens(t, blobs, "", numbered(1))
}
