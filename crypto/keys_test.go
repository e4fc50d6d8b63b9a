package crypto

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

func rawKEK(seed byte) (*KEK, *Secret) {
	secret := &Secret{RawKey, fixedBytes(seed, keyBytes)}
	return &KEK{KDF{Kind: RawKey}, key(secret.bytes)}, secret
}

// stored is a ring as another context reads it.
func stored(t *testing.T, k *Keys) *Ring {
	r, err := ReadRing(k.Header())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unlock opens the ring of keys with a secret, as at the next opening.
func unlock(t *testing.T, k *Keys, secret *Secret) (*Keys, error) {
	return stored(t, k).Unlock(context.Background(), k.env, secret)
}

func TestSlotsComeAndGo(t *testing.T) {
	kek, mine := rawKEK(1)
	other, theirs := rawKEK(2)
	keys := NewKeys(fixedID(1), kek)
	if _, err := unlock(t, keys, theirs); !errors.Is(err, ErrKey) {
		t.Errorf("a key without a slot: %v", err)
	}
	if _, err := keys.RemoveSlot(1); !errors.Is(err, ErrSlot) {
		t.Errorf("removing the last slot: %v", err)
	}
	two, id, err := keys.AddSlot(other)
	if err != nil || id != 2 {
		t.Fatalf("the second slot is %d: %v", id, err)
	}
	for _, secret := range []*Secret{mine, theirs} {
		if opened, err := unlock(t, two, secret); err != nil || *opened.master != *keys.master {
			t.Errorf("with two slots: %v", err)
		}
	}
	if _, err := two.RemoveSlot(3); !errors.Is(err, ErrSlot) {
		t.Errorf("removing what is not there: %v", err)
	}
	left, err := two.RemoveSlot(1)
	if err != nil || left.Slot() != 0 {
		t.Fatalf("removing one's own slot leaves slot %d: %v", left.Slot(), err)
	}
	if _, err := unlock(t, left, mine); !errors.Is(err, ErrKey) {
		t.Errorf("a removed slot: %v", err)
	}
	if opened, err := unlock(t, left, theirs); err != nil || opened.Slot() != 2 {
		t.Errorf("what is left: %v", err)
	}
	if len(keys.Slots()) != 1 || len(two.Slots()) != 2 {
		t.Error("keys were changed that should stay as they were")
	}
}

func TestChangedSlot(t *testing.T) {
	kek, mine := rawKEK(1)
	next, new := rawKEK(2)
	keys := NewKeys(fixedID(1), kek)
	changed, err := keys.ChangeSlot(1, next)
	if err != nil || changed.Slot() != 1 {
		t.Fatalf("slot %d opens after the change: %v", changed.Slot(), err)
	}
	if _, err := unlock(t, changed, mine); !errors.Is(err, ErrKey) {
		t.Errorf("the old key: %v", err)
	}
	if opened, err := unlock(t, changed, new); err != nil || *opened.master != *keys.master {
		t.Errorf("the new key: %v", err)
	}
	if _, err := keys.ChangeSlot(2, next); !errors.Is(err, ErrSlot) {
		t.Errorf("changing what is not there: %v", err)
	}
	if resumed, err := keys.Resume(stored(t, changed)); err != nil || resumed.Slot() != 0 {
		t.Errorf("a context that was open before: %v", err)
	}
}

func TestFullRing(t *testing.T) {
	kek, _ := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	var err error
	for range maxSlots - 1 {
		if keys, _, err = keys.AddSlot(kek); err != nil {
			t.Fatal(err)
		}
	}
	for range maxEpochs - 1 {
		if keys, err = keys.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err = keys.AddSlot(kek); !errors.Is(err, ErrFull) {
		t.Errorf("a slot too many: %v", err)
	}
	if _, err = keys.Rotate(); !errors.Is(err, ErrFull) {
		t.Errorf("an epoch too many: %v", err)
	}
	if opened, err := keys.Resume(stored(t, keys)); err != nil || opened.Epoch() != maxEpochs {
		t.Errorf("a full ring: %v", err)
	}
}

// TestRotationLocksOut has somebody keep an old ring and the secret of a slot that
// was removed: what is sealed after the next rotation is not for them.
func TestRotationLocksOut(t *testing.T) {
	kek, mine := rawKEK(1)
	other, _ := rawKEK(2)
	keys, id, err := NewKeys(fixedID(1), kek).AddSlot(other)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := stored(t, keys).open(keys.env, keys.master, other)
	if err != nil {
		t.Fatal(err)
	}
	both, err := keys.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Resume(stored(t, both)); err != nil || *both.master != *keys.master {
		t.Errorf("a rotation with two slots must leave both: %v", err)
	}
	alone, err := both.RemoveSlot(id)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := alone.Rotate()
	if err != nil || rotated.Epoch() != 3 {
		t.Fatalf("epoch %d: %v", rotated.Epoch(), err)
	}
	if _, err := kept.Resume(stored(t, rotated)); !errors.Is(err, ErrKey) {
		t.Errorf("who was removed still opens: %v", err)
	}
	for name, open := range map[string]func() (*Keys, error){
		"the passphrase": func() (*Keys, error) { return unlock(t, rotated, mine) },
		"what is open":   func() (*Keys, error) { return keys.Resume(stored(t, rotated)) },
	} {
		opened, err := open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for number := uint32(1); number <= 3; number++ {
			if *opened.data[number] != *rotated.data[number] {
				t.Errorf("%s: epoch %d is another", name, number)
			}
		}
	}
}

func TestRetire(t *testing.T) {
	kek, _ := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	old := keys.Sealer().Seal(nil, Label{Name: "old"}, []byte("plain"))
	for range 3 {
		var err error
		if keys, err = keys.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	young := keys.Sealer().Seal(nil, Label{Name: "young"}, []byte("plain"))
	for _, before := range []uint32{4, 100} {
		left, err := keys.Resume(stored(t, keys.Retire(before)))
		if err != nil || left.Epoch() != 4 || len(left.data) != 1 {
			t.Fatalf("before %d: epoch %d of %d, %v", before, left.Epoch(), len(left.data), err)
		}
		if _, err := left.Opener().Open(nil, Label{Name: "old"}, old); !errors.Is(err, ErrEpoch) {
			t.Errorf("a blob of a retired epoch: %v", err)
		}
		if plain, err := left.Opener().Open(nil, Label{Name: "young"}, young); err != nil || string(plain) != "plain" {
			t.Errorf("a blob of the newest epoch: %v", err)
		}
	}
}

func TestForget(t *testing.T) {
	kek, secret := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	keys.Forget()
	secret.Forget()
	for name, b := range map[string][]byte{"master": keys.master[:], "KEK": keys.kek.key[:], "data key": keys.data[1][:], "secret": secret.bytes} {
		if !bytes.Equal(b, make([]byte, keyBytes)) {
			t.Errorf("the %s is still there", name)
		}
	}
}

func TestBadSecrets(t *testing.T) {
	for _, text := range []string{"", "\xff", "a\xc3"} {
		if _, err := Passphrase(text); !errors.Is(err, ErrSecret) {
			t.Errorf("passphrase %q: %v", text, err)
		}
	}
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := Key(make([]byte, n)); !errors.Is(err, ErrSecret) {
			t.Errorf("a key of %d bytes: %v", n, err)
		}
	}
}

// TestCostIsBoundedBeforeHashing asks for what would take all memory, or hours: a
// test that hashed first would not end.
func TestCostIsBoundedBeforeHashing(t *testing.T) {
	passphrase, err := Passphrase("p")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Key(make([]byte, keyBytes))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kdf    KDF
		secret *Secret
	}{
		{KDF{}, passphrase},
		{KDF{Kind: Argon2id, Memory: 1<<32 - 1, Time: 1<<32 - 1, Parallel: 255}, passphrase},
		{KDF{Kind: Argon2id, Memory: 8, Time: 1, Parallel: 1}, passphrase},
		{KDF{Kind: PBKDF2, Iterations: 1<<32 - 1}, passphrase},
		{KDF{Kind: PBKDF2, Iterations: 1000}, passphrase},
		{KDF{Kind: RawKey}, passphrase},
		{Default(), raw},
	} {
		if _, err := test.kdf.KEK(test.secret); !errors.Is(err, ErrKDF) {
			t.Errorf("%+v: %v", test.kdf, err)
		}
	}
}

func TestUnlockCanBeCancelled(t *testing.T) {
	kek, secret := rawKEK(1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := stored(t, NewKeys(fixedID(1), kek)).Unlock(ctx, fixedID(1), secret); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
}

// FuzzRing: whatever the bytes behind a right checksum, a ring that reads is written
// the same way again, and opens for nobody.
func FuzzRing(f *testing.F) {
	keys, _ := sampleKeys(f)
	header := keys.Header()
	f.Add(header[:len(header)-4])
	f.Add([]byte{0x94, 1, 0xdc, 0xff, 0xff})
	f.Add([]byte{0x94, 1, 0x91, 0x94, 1, 1, 0xc6, 0xff, 0xff, 0xff, 0xff})
	kek, secret := rawKEK(99)
	f.Fuzz(func(t *testing.T, ring []byte) {
		header := summed(ring)
		r, err := ReadRing(header)
		if err != nil {
			if !errors.Is(err, ErrHeader) && !errors.Is(err, ErrNewer) {
				t.Errorf("a damaged ring gave %v", err)
			}
			return
		}
		if !bytes.Equal(r.Header(), header) {
			t.Error("a ring is written otherwise than it was read")
		}
		if _, err := r.Unlock(context.Background(), fixedID(1), secret); !errors.Is(err, ErrKey) {
			t.Errorf("opened with a foreign key: %v", err)
		}
		if _, err := NewKeys(fixedID(1), kek).Resume(r); !errors.Is(err, ErrKey) {
			t.Errorf("resumed with foreign keys: %v", err)
		}
	})
}

// FuzzHeader: whatever the bytes, and their checksum, nothing but a whole header reads.
func FuzzHeader(f *testing.F) {
	keys, _ := sampleKeys(f)
	f.Add(keys.Header())
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, header []byte) {
		if r, err := ReadRing(header); err == nil && !bytes.Equal(r.Header(), header) {
			t.Error("a header is written otherwise than it was read")
		}
	})
}
