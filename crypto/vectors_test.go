package crypto

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The vectors in testdata are read by the TypeScript tests too. They hold for ever:
// what is stored looks like this.
var update = flag.Bool("update", false, "write the shared vectors anew")

// octets are bytes, in hexadecimal.
type octets []byte

func (o octets) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(o)), nil }

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// asSecret is a secret as vectors have it: one of the two.
type asSecret struct {
	Passphrase string `json:"passphrase,omitempty"`
	Key        octets `json:"key,omitempty"`
}

func (s asSecret) secret(t testing.TB) *Secret {
	secret, err := Key(s.Key)
	if s.Key == nil {
		secret, err = Passphrase(s.Passphrase)
	}
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// kdfVector: a secret, a slot's kind and parameters, and the KEK they make.
type kdfVector struct {
	Name string `json:"name"`
	asSecret
	Kind       Kind   `json:"kind"`
	Parameters octets `json:"parameters"`
	KEK        octets `json:"kek"`
}

// wrapVector: a slot or an epoch. Under is the KEK or the master key, holds the
// master key or the data key; random is what was drawn, the nonce.
type wrapVector struct {
	Env        octets `json:"env"`
	ID         uint32 `json:"id"`
	Kind       Kind   `json:"kind,omitempty"` // of a slot; epochs have none
	Parameters octets `json:"parameters,omitempty"`
	Under      octets `json:"under"`
	Holds      octets `json:"holds"`
	Random     octets `json:"random"`
	Wrapped    octets `json:"wrapped"`
}

// ringVector: a header, and what it opens to or the error that it meets: header,
// newer, key, tampered.
type ringVector struct {
	Name   string `json:"name"`
	Env    octets `json:"env"`
	Header octets `json:"header"`
	asSecret
	Error  string        `json:"error,omitempty"`
	Slot   uint32        `json:"slot,omitempty"` // the one that opens
	Master octets        `json:"master,omitempty"`
	Epochs []epochVector `json:"epochs,omitempty"`
}

type epochVector struct {
	Number uint32 `json:"number"`
	Data   octets `json:"data"`
}

// blobVector: random is what was drawn, the session and the nonce.
type blobVector struct {
	Env    octets `json:"env"`
	Epoch  uint32 `json:"epoch"`
	Data   octets `json:"data"`
	Random octets `json:"random"`
	Kind   byte   `json:"kind"`
	Name   string `json:"name"`
	Before octets `json:"before"`
	Plain  octets `json:"plain"`
	Blob   octets `json:"blob"`
}

// fixed returns random bytes that are always the same.
func fixed(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func fixedBytes(seed byte, n int) []byte {
	b := make([]byte, n)
	draw(fixed(seed), b)
	return b
}

func fixedKey(seed byte) *key { return (*key)(fixedBytes(seed, keyBytes)) }

func fixedID(seed byte) ID { return ID(fixedBytes(seed, len(ID{}))) }

// golden reads vectors, or with -update writes those that make returns.
func golden[T any](t *testing.T, file string, produce func() []T) []T {
	name := filepath.Join("testdata", file)
	if *update {
		var lines []string
		for _, v := range produce() {
			line, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, "  "+string(line))
		}
		if err := os.WriteFile(name, []byte("[\n"+strings.Join(lines, ",\n")+"\n]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []T
	if err := json.Unmarshal(stored, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%s: %d vectors, %v", name, len(vectors), err)
	}
	return vectors
}

func TestKDFVectors(t *testing.T) {
	vectors := golden(t, "kdf.json", func() (vectors []kdfVector) {
		cheap := KDF{Kind: Argon2id, Memory: minMemory, Time: minTime, Parallel: 1}
		lanes := KDF{Kind: Argon2id, Memory: 32 << 10, Time: 3, Parallel: 4}
		slow := KDF{Kind: PBKDF2, Iterations: minIterations}
		for i, v := range []struct {
			name string
			asSecret
			kdf KDF
		}{
			{"a key is its own KEK", asSecret{Key: fixedBytes(9, keyBytes)}, KDF{Kind: RawKey}},
			{"the least of Argon2id", asSecret{Passphrase: "correct horse battery staple"}, cheap},
			{"the default", asSecret{Passphrase: "correct horse battery staple"}, Default()},
			{"four lanes", asSecret{Passphrase: "p"}, lanes},
			{"composed", asSecret{Passphrase: "Ångström 東京 🐟"}, cheap},
			{"composed, PBKDF2", asSecret{Passphrase: "Ångström 東京 🐟"}, slow},
			{"compatibility characters stay", asSecret{Passphrase: "ﬁ ² Ω"}, slow},
			{"longer than a block of SHA-256", asSecret{Passphrase: strings.Repeat("0123456789", 20)}, slow},
			{"spaces and NUL count", asSecret{Passphrase: " a\x00b "}, slow},
		} {
			kdf := v.kdf.salted(fixed(byte(i)))
			kek, err := kdf.KEK(v.secret(t))
			if err != nil {
				t.Fatal(err)
			}
			made := kdfVector{v.name, v.asSecret, kdf.Kind, kdf.parameters(), kek.key[:]}
			vectors = append(vectors, made)
			if v.name == "composed" || v.name == "composed, PBKDF2" {
				made.Name, made.Passphrase = "de"+v.name, "A\u030angstro\u0308m 東京 🐟"
				vectors = append(vectors, made)
			}
		}
		return vectors
	})
	for _, v := range vectors {
		kdf, ok := readKDF(v.Kind, v.Parameters)
		if !ok || !bytes.Equal(kdf.parameters(), v.Parameters) {
			t.Errorf("%s: the parameters do not read", v.Name)
			continue
		}
		kek, err := kdf.KEK(v.secret(t))
		if err != nil || !bytes.Equal(kek.key[:], v.KEK) {
			t.Errorf("%s: not the KEK (%v)", v.Name, err)
		}
	}
}

func TestSlotVectors(t *testing.T) {
	vectors := golden(t, "slots.json", func() (vectors []wrapVector) {
		for i, kdf := range []KDF{
			{Kind: RawKey},
			Default().salted(fixed(30)),
			KDF{Kind: PBKDF2, Iterations: minIterations}.salted(fixed(31)),
		} {
			env, kek, master, random := fixedID(1), &KEK{kdf, *fixedKey(byte(40 + i))}, fixedKey(2), fixedBytes(byte(50+i), nonceBytes)
			s := newSlot(bytes.NewReader(random), env, uint32(i*300+1), kek, master)
			vectors = append(vectors, wrapVector{env[:], s.ID, kdf.Kind, kdf.parameters(), kek.key[:], master[:], random, s.wrapped[:]})
		}
		return vectors
	})
	for _, v := range vectors {
		kdf, ok := readKDF(v.Kind, v.Parameters)
		if !ok {
			t.Fatalf("slot %d: the parameters do not read", v.ID)
		}
		kek := &KEK{kdf, key(v.Under)}
		s := newSlot(bytes.NewReader(v.Random), ID(v.Env), v.ID, kek, (*key)(v.Holds))
		if !bytes.Equal(s.wrapped[:], v.Wrapped) {
			t.Errorf("slot %d is wrapped otherwise", v.ID)
		}
		if master, ok := s.open(ID(v.Env), kek); !ok || !bytes.Equal(master[:], v.Holds) {
			t.Errorf("slot %d does not open", v.ID)
		}
	}
}

func TestEpochVectors(t *testing.T) {
	vectors := golden(t, "epochs.json", func() (vectors []wrapVector) {
		for i, number := range []uint32{1, 2, 128, 70000} {
			env, master, data, random := fixedID(1), fixedKey(2), fixedKey(byte(60+i)), fixedBytes(byte(70+i), nonceBytes)
			e := newEpoch(bytes.NewReader(random), env, number, master, data)
			vectors = append(vectors, wrapVector{Env: env[:], ID: number, Under: master[:], Holds: data[:], Random: random, Wrapped: e.wrapped[:]})
		}
		return vectors
	})
	for _, v := range vectors {
		e := newEpoch(bytes.NewReader(v.Random), ID(v.Env), v.ID, (*key)(v.Under), (*key)(v.Holds))
		if !bytes.Equal(e.wrapped[:], v.Wrapped) {
			t.Errorf("epoch %d is wrapped otherwise", v.ID)
		}
		if data, ok := e.open(ID(v.Env), (*key)(v.Under)); !ok || !bytes.Equal(data[:], v.Holds) {
			t.Errorf("epoch %d does not open", v.ID)
		}
	}
}

// errorNames are the errors of opening a ring as vectors name them.
var errorNames = map[string]error{"header": ErrHeader, "newer": ErrNewer, "key": ErrKey, "tampered": ErrTampered}

// sampleKeys are keys with a slot of each kind and two epochs, and a secret for each slot.
func sampleKeys(t testing.TB) (*Keys, []asSecret) {
	random := fixed(80)
	secrets := []asSecret{{Passphrase: "correct horse"}, {Key: fixedBytes(81, keyBytes)}, {Passphrase: "battery staple"}}
	costs := []KDF{{Kind: Argon2id, Memory: minMemory, Time: minTime, Parallel: 1}, {Kind: RawKey}, {Kind: PBKDF2, Iterations: minIterations}}
	var keys *Keys
	for i, secret := range secrets {
		kek, err := costs[i].salted(random).KEK(secret.secret(t))
		if err != nil {
			t.Fatal(err)
		}
		if keys == nil {
			keys = newKeys(random, fixedID(1), kek)
		} else if keys, _, err = keys.AddSlot(kek); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := keys.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	return keys, secrets
}

// summed returns a ring with a right checksum.
func summed(ring []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(ring), crc32.Checksum(ring, castagnoli))
}

func TestRingVectors(t *testing.T) {
	vectors := golden(t, "rings.json", func() (vectors []ringVector) {
		keys, secrets := sampleKeys(t)
		env, header := keys.env, keys.Header()
		ring := header[:len(header)-4]
		for i, secret := range secrets {
			v := ringVector{Name: "golden", Env: env[:], Header: header, asSecret: secret, Slot: uint32(i + 1), Master: keys.master[:]}
			for _, e := range keys.ring.Epochs {
				v.Epochs = append(v.Epochs, epochVector{e.Number, keys.data[e.Number][:]})
			}
			vectors = append(vectors, v)
		}
		add := func(name, failure string, header []byte, change func(*ringVector)) {
			v := ringVector{Name: name, Env: env[:], Header: header, asSecret: secrets[1], Error: failure}
			if change != nil {
				change(&v)
			}
			vectors = append(vectors, v)
		}
		flipped := func(at int) []byte {
			b := bytes.Clone(ring)
			b[at] ^= 1
			return b
		}
		otherID := fixedID(3)
		add("another key", "key", header, func(v *ringVector) { v.Key = fixedBytes(82, keyBytes) })
		add("another passphrase", "key", header, func(v *ringVector) { v.asSecret = asSecret{Passphrase: "Correct horse"} })
		add("another environment", "key", header, func(v *ringVector) { v.Env = otherID[:] })
		add("a flipped bit", "header", append(flipped(20), header[len(ring):]...), nil)
		add("cut", "header", header[:len(header)-1], nil)
		add("empty", "header", nil, nil)
		add("longer", "header", summed(append(bytes.Clone(ring), 0)), nil)
		add("a later version", "newer", summed(flippedTo(ring, 1, 2)), nil)
		add("version 0", "header", summed(flippedTo(ring, 1, 0)), nil)
		add("a number in more bytes than needed", "header", summed(append([]byte{0x94, 0xcc, 0x01}, ring[2:]...)), nil)
		add("a forged mac", "tampered", summed(flipped(len(ring)-1)), nil)
		add("a slot removed without the master key", "tampered", forged(keys, func(r *Ring) { r.Slots = r.Slots[1:] }), nil)
		add("an epoch removed without the master key", "tampered", forged(keys, func(r *Ring) { r.Epochs = r.Epochs[1:] }), nil)
		add("the only slot that opens was changed", "key", forged(keys, func(r *Ring) { r.Slots[1].wrapped[30] ^= 1 }), nil)
		add("slots out of order", "header", forged(keys, func(r *Ring) { r.Slots[0], r.Slots[1] = r.Slots[1], r.Slots[0] }), nil)
		add("a slot twice", "header", forged(keys, func(r *Ring) { r.Slots[0].ID = 2 }), nil)
		add("slot 0", "header", forged(keys, func(r *Ring) { r.Slots[0].ID = 0 }), nil)
		add("epoch 0", "header", forged(keys, func(r *Ring) { r.Epochs[0].Number = 0 }), nil)
		add("epochs out of order", "header", forged(keys, func(r *Ring) { r.Epochs[0], r.Epochs[1] = r.Epochs[1], r.Epochs[0] }), nil)
		add("no slot", "header", forged(keys, func(r *Ring) { r.Slots = nil }), nil)
		add("no epoch", "header", forged(keys, func(r *Ring) { r.Epochs = nil }), nil)
		add("too many slots", "header", forged(keys, func(r *Ring) {
			for id := uint32(4); len(r.Slots) <= maxSlots; id++ {
				s := r.Slots[1]
				s.ID = id
				r.Slots = append(r.Slots, s)
			}
		}), nil)
		add("too many epochs", "header", forged(keys, func(r *Ring) {
			for number := uint32(3); len(r.Epochs) <= maxEpochs; number++ {
				e := r.Epochs[1]
				e.Number = number
				r.Epochs = append(r.Epochs, e)
			}
		}), nil)
		add("an unknown kind", "header", forged(keys, func(r *Ring) { r.Slots[1].KDF.Kind = 4 }), nil)
		for _, bad := range []struct {
			name string
			kdf  KDF
		}{
			{"too little memory", KDF{Kind: Argon2id, Memory: minMemory - 1, Time: 2, Parallel: 1}},
			{"too much memory", KDF{Kind: Argon2id, Memory: maxMemory + 1, Time: 2, Parallel: 1}},
			{"all the memory there may be", KDF{Kind: Argon2id, Memory: 1<<32 - 1, Time: 2, Parallel: 1}},
			{"too little time", KDF{Kind: Argon2id, Memory: 64 << 10, Time: 1, Parallel: 1}},
			{"too much time", KDF{Kind: Argon2id, Memory: 64 << 10, Time: 17, Parallel: 1}},
			{"no lane", KDF{Kind: Argon2id, Memory: 64 << 10, Time: 2}},
			{"too many lanes", KDF{Kind: Argon2id, Memory: 64 << 10, Time: 2, Parallel: 17}},
			{"too few iterations", KDF{Kind: PBKDF2, Iterations: minIterations - 1}},
			{"too many iterations", KDF{Kind: PBKDF2, Iterations: maxIterations + 1}},
		} {
			add(bad.name, "header", forged(keys, func(r *Ring) { r.Slots[0].KDF = bad.kdf }), nil)
		}
		return vectors
	})
	for _, v := range vectors {
		checkRing(t, v)
	}
}

func flippedTo(b []byte, at int, to byte) []byte {
	b = bytes.Clone(b)
	b[at] = to
	return b
}

// forged returns the header after a change by somebody who does not have the master key.
func forged(k *Keys, change func(*Ring)) []byte {
	forged := k.clone().ring
	forged.mac = k.ring.mac
	change(forged)
	return forged.Header()
}

func checkRing(t *testing.T, v ringVector) {
	ring, err := ReadRing(v.Header)
	var keys *Keys
	if err == nil {
		keys, err = ring.Unlock(context.Background(), ID(v.Env), v.secret(t))
	}
	if want := errorNames[v.Error]; want != nil || err != nil {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", v.Name, err, want)
		}
		return
	}
	if !bytes.Equal(keys.Header(), v.Header) || keys.Slot() != v.Slot || !bytes.Equal(keys.master[:], v.Master) {
		t.Errorf("%s: opened to something else", v.Name)
	}
	for _, e := range v.Epochs {
		if data := keys.data[e.Number]; data == nil || !bytes.Equal(data[:], e.Data) {
			t.Errorf("%s: epoch %d is another", v.Name, e.Number)
		}
	}
}

func TestBlobVectors(t *testing.T) {
	vectors := golden(t, "blobs.json", func() (vectors []blobVector) {
		for i, v := range []blobVector{
			{Kind: 1, Name: "r", Epoch: 1, Plain: octets("root")},
			{Kind: 2, Name: "l/0000000000000001", Epoch: 1, Before: octets{2, 1}, Plain: fixedBytes(90, 100)},
			{Kind: 3, Name: "p/00000000deadbeef/1f", Epoch: 2, Before: octets{1, 7, 2, 1}, Plain: fixedBytes(91, 5000)},
			{Kind: 5, Name: "e/0000000000000001", Epoch: 70000, Plain: octets{}},
			{Kind: 255, Name: "näme", Epoch: 1<<32 - 1, Before: fixedBytes(92, 255), Plain: octets{0}},
		} {
			env := fixedID(1)
			v.Env, v.Data, v.Random = env[:], fixedBytes(byte(100+i), keyBytes), fixedBytes(byte(110+i), sessionBytes+nonceBytes)
			v.Blob = v.sealer().Seal(nil, v.label(), v.Plain)
			vectors = append(vectors, v)
		}
		return vectors
	})
	for _, v := range vectors {
		if blob := v.sealer().Seal([]byte("before"), v.label(), v.Plain); !bytes.Equal(blob, append([]byte("before"), v.Blob...)) {
			t.Errorf("%s is sealed otherwise", v.Name)
		}
		keys := &Keys{env: ID(v.Env), data: map[uint32]*key{v.Epoch: (*key)(v.Data)}}
		if plain, err := keys.Opener().Open(nil, v.label(), v.Blob); err != nil || !bytes.Equal(plain, v.Plain) {
			t.Errorf("%s does not open: %v", v.Name, err)
		}
	}
}

func (v blobVector) label() Label { return Label{v.Kind, v.Name, v.Before} }

func (v blobVector) sealer() *Sealer {
	return &Sealer{env: ID(v.Env), epoch: v.Epoch, data: (*key)(v.Data), random: bytes.NewReader(v.Random), sealed: maxBlobs}
}
