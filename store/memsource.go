package store

import (
	"unsafe"

	"github.com/tidwall/btree"
)

// memory is a layer that is not in the tree yet: whole keys and their entries,
// ordered, cheap to copy. A copy and its original share nodes until one of them
// is written to.
type memory = btree.Map[string, entry]

// newMemory returns an empty layer. Its nodes are small: every commit copies
// those on the path to what it changes.
func newMemory() *memory { return btree.NewMap[string, entry](memoryDegree) }

const memoryDegree = 8

// memoryEntryBytes is what an entry of a memory layer costs beside its bytes.
const memoryEntryBytes = 64

// memoryCursor walks a memory layer, which must not be written to meanwhile.
type memoryCursor struct {
	iter  btree.MapIter[string, entry]
	stand bool
}

func newMemoryCursor(m *memory) *memoryCursor { return &memoryCursor{iter: m.Iter()} }

func (c *memoryCursor) seek(key []byte) { c.stand = c.iter.Seek(keyString(key)) }

func (c *memoryCursor) seekBefore(key []byte) {
	if key != nil && c.iter.Seek(keyString(key)) {
		c.stand = c.iter.Prev()
		return
	}
	c.stand = c.iter.Last()
}

func (c *memoryCursor) next()                 { c.stand = c.stand && c.iter.Next() }
func (c *memoryCursor) prev()                 { c.stand = c.stand && c.iter.Prev() }
func (c *memoryCursor) valid() bool           { return c.stand }
func (c *memoryCursor) key() []byte           { return keyBytes(c.iter.Key()) }
func (c *memoryCursor) entry() (entry, error) { return c.iter.Value(), nil }
func (c *memoryCursor) err() error            { return nil }

// keyString views a key as a string without copying it: for look-ups, where the
// string does not outlive the call.
func keyString(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

// keyBytes views a stored key as bytes, which must not be modified.
func keyBytes(key string) []byte { return unsafe.Slice(unsafe.StringData(key), len(key)) }
