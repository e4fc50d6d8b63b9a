package encrypt_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// opens fails unless each of the unlockers opens the store, or ends with the code.
func opens(t *testing.T, blobs *memory.Blobs, code store.Code, unlockers ...encrypt.Unlocker) {
	t.Helper()
	for i, u := range unlockers {
		options, _ := sealed(u)
		env, err := store.Open(context.Background(), memory.Open(blobs), options)
		if store.CodeOf(err) != code {
			t.Errorf("unlocker %d: %v, want %q", i, err, code)
		}
		if err == nil {
			expect(t, env, "key", "value")
			storetest.Close(t, env)
		}
	}
}

func TestSlots(t *testing.T) {
	ctx, blobs := context.Background(), memory.NewBlobs()
	passphrase := encrypt.Passphrase("correct horse", encrypt.Argon2id(19<<10, 2))
	env, ring := open(t, memory.Open(blobs), numbered(1))
	put(t, env, "key", "value")
	second, err := ring.AddSlot(ctx, env, numbered(2))
	if err != nil || second != 2 {
		t.Fatalf("slot %d: %v", second, err)
	}
	third, err := ring.AddSlot(ctx, env, passphrase)
	if err != nil || third != 3 {
		t.Fatalf("slot %d: %v", third, err)
	}
	if slots := ring.Slots(); len(slots) != 3 || !slots[0].Current || !slots[2].Passphrase || slots[2].Current {
		t.Errorf("slots %+v", slots)
	}
	storetest.Close(t, env)
	opens(t, blobs, "", numbered(1), numbered(2), passphrase)

	env, ring = open(t, memory.Open(blobs), numbered(2))
	for id, want := range map[uint32]store.Code{9: store.NotFound, 1: ""} {
		if err := ring.RemoveSlot(ctx, env, id); store.CodeOf(err) != want {
			t.Errorf("removing slot %d: %v, want %q", id, err, want)
		}
	}
	if err := ring.ChangePassphrase(ctx, env, passphrase, numbered(3)); err != nil {
		t.Error(err)
	}
	if err := ring.ChangePassphrase(ctx, env, passphrase, numbered(4)); store.CodeOf(err) != store.WrongKey {
		t.Errorf("changing what was changed: %v", err)
	}
	if err := ring.ChangePassphrase(ctx, env, numbered(2), encrypt.Passphrase("")); store.CodeOf(err) != store.InvalidOption {
		t.Errorf("changing to nothing: %v", err)
	}
	put(t, env, "key", "value")
	storetest.Close(t, env)
	opens(t, blobs, "", numbered(2), numbered(3))
	opens(t, blobs, store.WrongKey, numbered(1), numbered(4), passphrase)
}

// TestSlotsAmongContexts changes keys in one context while another has the store open.
func TestSlotsAmongContexts(t *testing.T) {
	ctx, blobs := context.Background(), memory.NewBlobs()
	here, mine := open(t, memory.Share(blobs), numbered(1))
	put(t, here, "key", "before")
	there, theirs := open(t, memory.Share(blobs), numbered(1))
	if err := mine.ChangePassphrase(ctx, here, numbered(1), numbered(2)); err != nil {
		t.Fatal(err)
	}
	put(t, there, "key", "between")
	expect(t, here, "key", "between")
	if id, err := theirs.AddSlot(ctx, there, numbered(3)); err != nil || id != 2 {
		t.Fatalf("slot %d: %v", id, err)
	}
	put(t, here, "key", "value")
	expect(t, there, "key", "value")
	storetest.Close(t, here)
	storetest.Close(t, there)
	opens(t, blobs, "", numbered(2), numbered(3))
	opens(t, blobs, store.WrongKey, numbered(1))
}

// TestFailedChange breaks off a change at every call: what opened goes on opening, or
// what was to open does, and the data is there.
func TestFailedChange(t *testing.T) {
	ctx := context.Background()
	for _, mode := range []storetest.Mode{storetest.Before, storetest.After, storetest.Dead} {
		for at, done := 0, false; !done; at++ {
			blobs := memory.NewBlobs()
			faulty := storetest.NewFaulty(memory.Open(blobs))
			env, ring := open(t, faulty, numbered(1))
			put(t, env, "key", "value")
			faulty.FailAt(at, mode)
			err := ring.ChangePassphrase(ctx, env, numbered(1), numbered(2))
			done = !faulty.Failed()
			faulty.Heal()
			storetest.Close(t, env)
			options, _ := sealed(numbered(1))
			_, wrong := store.Open(ctx, memory.Open(blobs), options)
			switch {
			case err == nil && store.CodeOf(wrong) != store.WrongKey:
				t.Errorf("%s at %d: changed, and the old key opens with %v", mode, at, wrong)
			case store.CodeOf(wrong) == store.WrongKey:
				opens(t, blobs, "", numbered(2))
			default:
				opens(t, blobs, "", numbered(1))
				opens(t, blobs, store.WrongKey, numbered(2))
			}
		}
	}
}

func TestShred(t *testing.T) {
	ctx, blobs := context.Background(), memory.NewBlobs()
	env, ring := open(t, memory.Open(blobs), numbered(1))
	put(t, env, "key", "value")
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if err := ring.Shred(ctx, env); err != nil {
		t.Fatal(err)
	}
	if err := env.Close(ctx); store.CodeOf(err) == store.Internal {
		t.Errorf("closing what was shredded: %v", err)
	}
	for _, name := range blobs.Names() {
		if strings.HasPrefix(name, "k/") {
			t.Errorf("%s still holds keys", name)
		}
	}
	opens(t, blobs, store.CorruptHeader, numbered(1))
}

// TestForget has a ring without keys do nothing, and go on where it gets them again.
func TestForget(t *testing.T) {
	ctx := context.Background()
	ring := encrypt.AESGCM(numbered(1))
	header, err := ring.Load(ctx, [16]byte{1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	blobs := batches(3, store.PageBlob)
	if err := ring.Seal(ctx, blobs); err != nil {
		t.Fatal(err)
	}
	ring.Forget()
	for what, err := range map[string]error{"seal": ring.Seal(ctx, batches(1, store.PageBlob)), "open": ring.Open(ctx, blobs[:1])} {
		if store.CodeOf(err) != store.KeyRequired {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := ring.Load(ctx, [16]byte{1}, header); store.CodeOf(err) != store.KeyRequired {
		t.Errorf("loaded without a key: %v", err)
	}
	if ring.Slots() != nil {
		t.Error("slots are told while there are no keys")
	}
	ring.Unlock(numbered(2))
	if _, err := ring.Load(ctx, [16]byte{1}, header); store.CodeOf(err) != store.WrongKey {
		t.Errorf("loaded with a wrong key: %v", err)
	}
	ring.Unlock(numbered(1))
	if _, err := ring.Load(ctx, [16]byte{1}, header); err != nil {
		t.Fatal(err)
	}
	if err := ring.Open(ctx, blobs); err != nil || string(blobs[2].Bytes) != "plain 2" {
		t.Errorf("after unlocking: %v", err)
	}
}
