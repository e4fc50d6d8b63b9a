package sync

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
)

// The checksum of a shape is the sum, modulo 2⁶⁴, of FNV-1a (64 bit) over each row. Of a
// row go in, for each column in the byte order of their names, the length of its text as
// four bytes, big-endian, and the text; ff ff ff ff for NULL. A sum is kept up to date
// when rows come, go and change, so that nothing has to be read to verify it.

// hashed returns the names of columns in the order in which they are hashed.
func (c Columns) hashed() []string { return slices.Sorted(maps.Keys(c)) }

// hashTexts returns the hash of a row as it was sent.
func hashTexts(t texts, names []string) uint64 {
	h := fnv.New64a()
	var length [4]byte
	for _, name := range names {
		text := t[name]
		if text == nil {
			h.Write([]byte{0xff, 0xff, 0xff, 0xff})
			continue
		}
		binary.BigEndian.PutUint32(length[:], uint32(len(*text)))
		h.Write(length[:])
		h.Write([]byte(*text))
	}
	return h.Sum64()
}

// hashRow returns the hash of a row that is stored.
func (c Columns) hashRow(row map[string]any, names []string) uint64 {
	t := make(texts, len(names))
	for _, name := range names {
		t[name] = c[name].write(row[name])
	}
	return hashTexts(t, names)
}

func writeSum(sum uint64) string { return fmt.Sprintf("%016x", sum) }
