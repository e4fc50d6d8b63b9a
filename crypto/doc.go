// Package crypto seals bytes under keys that a passphrase or a key of the user's
// unlocks. It knows nothing of the project: store/encrypt makes a stage of it, and
// js/src/crypto does the same with WebCrypto, to the byte (testdata/*.json).
//
// Four kinds of key, each wrapping the next:
//
//	secret      what the user has: a passphrase, or 32 bytes
//	KEK         what a slot's KDF makes of a secret; wraps the master key
//	master key  one an environment; wraps the data keys and authenticates the ring
//	data key    one an epoch; of it each writer's session derives the key of its blobs
//
// The ring holds what is wrapped and may be read by anybody. So a passphrase is
// changed by wrapping 32 bytes anew, and whoever deletes the ring shreds the blobs.
//
// All integers are big-endian. Zeroing what was forgotten is done as far as Go lets:
// copies that the runtime or the cipher made are out of reach.
package crypto

import (
	"errors"
	"io"
)

// What a caller must tell apart. No message holds anything of a key or a plaintext.
var (
	ErrHeader   = errors.New("the key ring is damaged")
	ErrNewer    = errors.New("the key ring is of a later version")
	ErrKey      = errors.New("no slot of the key ring opens with this key")
	ErrTampered = errors.New("sealed bytes were changed, or stand where they do not belong")
	ErrEpoch    = errors.New("sealed under a data key that the ring does not have")
	ErrKDF      = errors.New("the cost of the key derivation is out of bounds")
	ErrSecret   = errors.New("a passphrase is text that is not empty, a key exactly 32 bytes")
	ErrFull     = errors.New("the key ring is full")
	ErrSlot     = errors.New("no such slot in the key ring, or the last one")
)

// ID names the environment that keys and blobs belong to.
type ID [16]byte

// keyBytes is the size of every key.
const keyBytes = 32

type key [keyBytes]byte

// randomKey draws a key.
func randomKey(random io.Reader) *key {
	k := new(key)
	draw(random, k[:])
	return k
}

// draw fills b. crypto/rand ends the program rather than fail, so a reader that does
// is a test's that has run dry.
func draw(random io.Reader, b []byte) {
	if _, err := io.ReadFull(random, b); err != nil {
		panic(err)
	}
}
