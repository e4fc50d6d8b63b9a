package crypto

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Kind tells what unlocks a slot. The numbers are stored.
type Kind uint8

const (
	RawKey   Kind = iota + 1 // 32 bytes that the user keeps; they are the KEK
	Argon2id                 // a passphrase, hashed by RFC 9106
	PBKDF2                   // a passphrase, by RFC 8018 with HMAC-SHA-256, where memory is scarce
)

// Bounds of what a KDF may cost. The lower ones hold when writing as when reading;
// the upper ones keep a forged ring from taking all memory or an hour.
const (
	minMemory, maxMemory         = 19 << 10, 1 << 20 // KiB
	minTime, maxTime             = 2, 16
	minParallel, maxParallel     = 1, 16
	minIterations, maxIterations = 600_000, 10_000_000
)

// KDF is how the KEK of a slot is made of a secret. Stored as the slot's parameters:
//
//	RawKey    nothing
//	Argon2id  memory u32 · time u32 · parallel u8 · salt 16
//	PBKDF2    iterations u32 · salt 16
type KDF struct {
	Kind       Kind
	Memory     uint32 // KiB; Argon2id
	Time       uint32 // passes; Argon2id
	Parallel   uint8  // lanes; Argon2id
	Iterations uint32 // PBKDF2
	Salt       [16]byte
}

// Default is what passphrases are hashed with unless the user says otherwise.
func Default() KDF { return KDF{Kind: Argon2id, Memory: 64 << 10, Time: 3, Parallel: 1} }

// Salted returns the KDF with a salt of its own, which every slot needs.
func (k KDF) Salted() KDF { return k.salted(rand.Reader) }

func (k KDF) salted(random io.Reader) KDF {
	if k.Kind != RawKey {
		draw(random, k.Salt[:])
	}
	return k
}

// check fails with ErrKDF where the cost is out of bounds.
func (k KDF) check() error {
	within := func(v, low, high uint32) bool { return low <= v && v <= high }
	switch {
	case k.Kind == RawKey:
		return nil
	case k.Kind == Argon2id && within(k.Memory, minMemory, maxMemory) && within(k.Time, minTime, maxTime) &&
		within(uint32(k.Parallel), minParallel, maxParallel):
		return nil
	case k.Kind == PBKDF2 && within(k.Iterations, minIterations, maxIterations):
		return nil
	}
	return ErrKDF
}

// parameters returns what is stored of the KDF beside its kind.
func (k KDF) parameters() []byte {
	var b []byte
	switch k.Kind {
	case Argon2id:
		b = binary.BigEndian.AppendUint32(b, k.Memory)
		b = binary.BigEndian.AppendUint32(b, k.Time)
		b = append(b, k.Parallel)
		b = append(b, k.Salt[:]...)
	case PBKDF2:
		b = binary.BigEndian.AppendUint32(b, k.Iterations)
		b = append(b, k.Salt[:]...)
	}
	return b
}

// readKDF reads what parameters has written, within bounds.
func readKDF(kind Kind, b []byte) (KDF, bool) {
	k := KDF{Kind: kind}
	switch {
	case kind == RawKey && len(b) == 0:
	case kind == Argon2id && len(b) == 25:
		k.Memory, k.Time, k.Parallel = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8]
		copy(k.Salt[:], b[9:])
	case kind == PBKDF2 && len(b) == 20:
		k.Iterations = binary.BigEndian.Uint32(b)
		copy(k.Salt[:], b[4:])
	default:
		return k, false
	}
	return k, k.check() == nil
}

// Secret is what a user unlocks with.
type Secret struct {
	kind  Kind // RawKey, or Argon2id for every passphrase
	bytes []byte
}

// Passphrase returns a passphrase as a secret. Text that looks the same is the same:
// it is normalised to NFC. Empty text and what is no UTF-8 are ErrSecret.
func Passphrase(text string) (*Secret, error) {
	if text == "" || !utf8.ValidString(text) {
		return nil, ErrSecret
	}
	return &Secret{Argon2id, norm.NFC.Bytes([]byte(text))}, nil
}

// Key returns a copy of 32 random bytes as a secret. Another number of them is ErrSecret.
func Key(raw []byte) (*Secret, error) {
	if len(raw) != keyBytes {
		return nil, ErrSecret
	}
	return &Secret{RawKey, bytes.Clone(raw)}, nil
}

// IsKey reports whether the secret is a key rather than a passphrase.
func (s *Secret) IsKey() bool { return s.kind == RawKey }

// Clone returns a copy, which is forgotten apart.
func (s *Secret) Clone() *Secret { return &Secret{s.kind, bytes.Clone(s.bytes)} }

// Forget overwrites the secret.
func (s *Secret) Forget() { clear(s.bytes) }

// opens reports whether a slot of this kind may open with the secret.
func (s *Secret) opens(kind Kind) bool { return s.IsKey() == (kind == RawKey) }

// KEK is the key that a KDF has made of a secret, and the KDF.
type KEK struct {
	kdf KDF
	key key
}

// KEK hashes the secret. It takes the time and memory that the KDF asks for, and
// fails with ErrKDF before it where that is out of bounds, and where the KDF is one for the other kind of secret.
func (k KDF) KEK(s *Secret) (*KEK, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	if !s.opens(k.Kind) {
		return nil, ErrKDF
	}
	kek := &KEK{kdf: k}
	switch k.Kind {
	case RawKey:
		copy(kek.key[:], s.bytes)
	case Argon2id:
		hash := argon2.IDKey(s.bytes, k.Salt[:], k.Time, k.Memory, k.Parallel, keyBytes)
		copy(kek.key[:], hash)
		clear(hash)
	case PBKDF2:
		hash, err := pbkdf2.Key(sha256.New, string(s.bytes), k.Salt[:], int(k.Iterations), keyBytes)
		if err != nil {
			return nil, err
		}
		copy(kek.key[:], hash)
		clear(hash)
	}
	return kek, nil
}
