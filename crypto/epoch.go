package crypto

import (
	"encoding/binary"
	"io"
)

// Epoch is a span of an environment's life in which blobs are sealed under one data
// key, and that key, wrapped under the master key. Rotation begins another.
type Epoch struct {
	Number uint32 // from 1, growing

	wrapped wrapped
}

// newEpoch wraps a data key.
func newEpoch(random io.Reader, env ID, number uint32, master, data *key) Epoch {
	e := Epoch{Number: number}
	e.wrapped = wrap(random, epochsKey(env, master), data, e.label(env))
	return e
}

// open returns the data key, or false where the epoch was changed.
func (e *Epoch) open(env ID, master *key) (*key, bool) {
	return e.wrapped.unwrap(epochsKey(env, master), e.label(env))
}

func (e *Epoch) label(env ID) []byte {
	return binary.BigEndian.AppendUint32(append([]byte("stowage/1 epoch"), env[:]...), e.Number)
}

// epochsKey is what the data keys of an environment are wrapped under.
func epochsKey(env ID, master *key) *key { return derive(master, env[:], "stowage/1 epochs") }
