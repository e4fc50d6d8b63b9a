package store

import (
	"context"
	"errors"
)

// Modifier is one stage of the chain between plain pages or records and the
// sealed blobs a backend holds: compression, encryption, a user's own. Seal is
// called on the way out, Open on the way back, each on a whole batch, so that a
// stage may hand all of it to the host at once.
type Modifier interface {
	// Stage identifies the stage in stored blobs.
	Stage() Stage
	// Seal replaces each blob's Bytes, with memory of its own or of Room. It must
	// not modify the slices it was given, nor keep them. A stage that cannot improve a blob may leave it and set Skipped.
	Seal(ctx context.Context, blobs []Sealing) error
	// Open undoes Seal. Bytes that it did not write are Corrupt, never a panic.
	Open(ctx context.Context, blobs []Sealing) error
}

// Stage names a modifier in every blob it took part in. The chain is ordered by
// Kind, whatever order it was given in, so that compressing what is already
// encrypted cannot be expressed.
type Stage struct {
	Kind StageKind
	ID   byte // unique within the kind; stored
}

// StageKind orders the chain.
type StageKind uint8

const (
	Convert StageKind = iota + 1
	Compress
	Encrypt
	User
)

// Sealing is a blob on its way through the chain.
type Sealing struct {
	Kind    BlobKind
	Name    string // the name it is stored under
	Bytes   []byte
	Skipped bool // set by Seal: the stage left Bytes as they were

	// Before are the stages that took part before this one: kind, id, kind, id …
	// When opening, those that are still to be undone after it. A stage that vouches
	// for what it sealed vouches for them too, and must not modify them.
	Before []byte

	room *room
}

// Keyed is a stage with a header of its own, which stands in the root beside what is
// sealed: a key ring. A chain has one at most, and one that is opened with an
// environment belongs to that alone.
type Keyed interface {
	Modifier
	// Load gets the stage ready for the environment of that id, by its header, and
	// returns the header. Without one, nil, the environment is new: Load returns the
	// header it shall have, and one of no bytes is a header that was destroyed. It is called
	// again when another context has changed the header, which the keys that are held
	// should open without hashing a passphrase. What the stage held of an
	// earlier header of the same environment it may keep until it is told to forget:
	// who reads an older state still needs it.
	//
	// Errors: WrongKey, CorruptHeader, Tampered, KeyRequired. The stage is then as it was before.
	Load(ctx context.Context, env [16]byte, header []byte) ([]byte, error)
}

// ErrStaleHeader is what a Keyed stage's Open fails with for a blob whose key its
// header does not have. The header is then read again, once, and if it has changed
// Load is called and Open again; else the blob is Tampered.
var ErrStaleHeader = errors.New("stowage: sealed under a header that is not loaded")

// Room returns memory for n bytes that a stage may seal into. It holds whatever it
// held before, and belongs to the chain: it is used again for the next blobs.
func (s *Sealing) Room(n int) []byte {
	if s.room == nil {
		return make([]byte, n)
	}
	return s.room.take(n)
}

// room is memory that the stages of one call of seal divide among them. It grows to
// what the largest call took.
type room struct {
	bytes []byte
	taken int // may exceed bytes: the rest was made apart
}

func (r *room) take(n int) []byte {
	start := r.taken
	if r.taken += n; r.taken > len(r.bytes) {
		return make([]byte, n)
	}
	return r.bytes[start:r.taken:r.taken]
}

// reset takes back everything, in one piece that would have been enough, unless
// that is more than a call of pages takes.
func (r *room) reset() {
	if r.taken > len(r.bytes) && r.taken <= maxRoom {
		r.bytes = make([]byte, r.taken)
	}
	r.taken = 0
}

// maxRoom is how many bytes of room stay with a sealer.
const maxRoom = 2 * sealBytes
