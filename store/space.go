package store

import (
	"encoding/binary"

	"github.com/stowage-db/stowage/query"
)

// KeyRange is a half-open range of keys: Low ≤ key < High; nil is unbounded.
type KeyRange = query.KeyRange

// space is the id of a database. All databases of an environment share one
// tree: a whole key is the database's id, four bytes big-endian, and the key
// within the database. An id is never given out twice, so that dropping a
// database is one deletion in the catalogue and its entries fall away with the
// next merges.
type space uint32

// catalogue is the space that holds the names of the databases.
const catalogue space = 0

const spaceBytes = 4

// MaxKeyBytes is the longest key a database takes.
const MaxKeyBytes = 4096

// whole is the whole key of a key in this space.
func (s space) whole(key []byte) []byte {
	whole := make([]byte, 0, spaceBytes+len(key))
	whole = binary.BigEndian.AppendUint32(whole, uint32(s))
	return append(whole, key...)
}

// bounds are the whole keys of a range of keys in this space.
func (s space) bounds(r KeyRange) KeyRange {
	bounds := KeyRange{Low: s.whole(r.Low), High: (s + 1).whole(nil)}
	if r.High != nil {
		bounds.High = s.whole(r.High)
	}
	return bounds
}

// spaceOf is the space of a whole key.
func spaceOf(whole []byte) space {
	if len(whole) < spaceBytes {
		return catalogue
	}
	return space(binary.BigEndian.Uint32(whole))
}

// appendTo starts a whole key.
func (s space) appendTo(dst []byte) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(s))
}
