package crypto

import (
	"encoding/binary"
	"io"
)

// Slot is one way to open a ring: the master key, wrapped under the KEK that its KDF
// makes of a secret.
type Slot struct {
	ID  uint32
	KDF KDF

	wrapped wrapped
}

// newSlot wraps the master key for the secret that the KEK was made of.
func newSlot(random io.Reader, env ID, id uint32, kek *KEK, master *key) Slot {
	s := Slot{ID: id, KDF: kek.kdf}
	s.wrapped = wrap(random, &kek.key, master, s.label(env))
	return s
}

// open returns the master key, if the KEK is the slot's.
func (s *Slot) open(env ID, kek *KEK) (*key, bool) {
	return s.wrapped.unwrap(&kek.key, s.label(env))
}

// label binds a slot to its environment, place and cost.
func (s *Slot) label(env ID) []byte {
	b := append([]byte("stowage/1 slot"), env[:]...)
	b = binary.BigEndian.AppendUint32(b, s.ID)
	b = append(b, byte(s.KDF.Kind))
	return append(b, s.KDF.parameters()...)
}
