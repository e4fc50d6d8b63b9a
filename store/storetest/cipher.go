package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/stowage-db/stowage/store"
)

// Cipher is a Keyed stage for tests: it hides what it seals, notices every change, and
// costs nothing. It protects nothing. Its header is a mark of the key and the numbers of its epochs.
type Cipher struct {
	mu     sync.Mutex
	key    string
	env    [16]byte
	epochs []byte
	old    []byte // epochs that an earlier header had
	loads  int
}

var _ store.Rotator = (*Cipher)(nil)

// NewCipher returns the stage with a key.
func NewCipher(key string) *Cipher { return &Cipher{key: key} }

// CipherStage is what the stage says in stored blobs.
var CipherStage = store.Stage{Kind: store.Encrypt, ID: 200}

// Stage implements store.Modifier.
func (c *Cipher) Stage() store.Stage { return CipherStage }

// NewEpoch is a change of the header after which blobs are sealed under another key.
func NewEpoch(header []byte) ([]byte, error) {
	return append(bytes.Clone(header), header[len(header)-1]+1), nil
}

// DropEpochs is a change of the header that leaves the newest epoch alone.
func DropEpochs(header []byte) ([]byte, error) {
	return append(bytes.Clone(header[:8]), header[len(header)-1]), nil
}

// Renew implements store.Rotator.
func (c *Cipher) Renew(_ context.Context, header []byte) ([]byte, error) { return NewEpoch(header) }

// Retire implements store.Rotator.
func (c *Cipher) Retire(_ context.Context, header []byte) ([]byte, error) { return DropEpochs(header) }

// Loads counts how often the stage was loaded.
func (c *Cipher) Loads() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loads
}

// SetKey gives the stage a key, which the next Load uses.
func (c *Cipher) SetKey(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key = key
}

// Forget forgets the key and everything that it opened.
func (c *Cipher) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key, c.epochs, c.old = "", nil, nil
}

// Load implements store.Keyed.
func (c *Cipher) Load(_ context.Context, env [16]byte, header []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loads++
	mark := binary.BigEndian.AppendUint64(nil, c.sum(env[:]))
	switch {
	case c.key == "":
		return nil, &store.Error{Code: store.KeyRequired, Op: "load"}
	case header == nil:
		header = append(mark, 1)
	case len(header) < 9:
		return nil, &store.Error{Code: store.CorruptHeader, Op: "load"}
	case !bytes.Equal(mark, header[:8]):
		return nil, &store.Error{Code: store.WrongKey, Op: "load"}
	}
	c.env, c.old, c.epochs = env, append(c.old, c.epochs...), bytes.Clone(header[8:])
	return header, nil
}

// Seal implements store.Modifier.
func (c *Cipher) Seal(_ context.Context, blobs []store.Sealing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range blobs {
		if len(c.epochs) == 0 {
			return &store.Error{Code: store.KeyRequired, Op: "seal", Name: blobs[i].Name}
		}
		b := &blobs[i]
		epoch := c.epochs[len(c.epochs)-1]
		tag := c.tag(b, epoch, b.Bytes)
		sealed := b.Room(9 + len(b.Bytes))
		sealed[0] = epoch
		binary.BigEndian.PutUint64(sealed[1:], tag)
		c.mask(sealed[9:], b.Bytes, tag)
		b.Bytes = sealed
	}
	return nil
}

// Open implements store.Modifier.
func (c *Cipher) Open(_ context.Context, blobs []store.Sealing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range blobs {
		b := &blobs[i]
		switch {
		case len(c.epochs) == 0:
			return &store.Error{Code: store.KeyRequired, Op: "open", Name: b.Name}
		case len(b.Bytes) < 9:
			return &store.Error{Code: store.Tampered, Op: "open", Name: b.Name}
		case !slices.Contains(c.epochs, b.Bytes[0]) && !slices.Contains(c.old, b.Bytes[0]):
			return store.ErrStaleHeader
		}
		tag := binary.BigEndian.Uint64(b.Bytes[1:])
		plain := make([]byte, len(b.Bytes)-9)
		c.mask(plain, b.Bytes[9:], tag)
		if c.tag(b, b.Bytes[0], plain) != tag {
			return &store.Error{Code: store.Tampered, Op: "open", Name: b.Name}
		}
		b.Bytes = plain
	}
	return nil
}

func (c *Cipher) tag(b *store.Sealing, epoch byte, plain []byte) uint64 {
	return c.sum(c.env[:], []byte{byte(b.Kind), byte(len(b.Before))}, b.Before, []byte{epoch}, []byte(b.Name), []byte{0}, plain)
}

func (c *Cipher) sum(parts ...[]byte) uint64 {
	h := fnv.New64a()
	h.Write([]byte(c.key))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum64()
}

func (c *Cipher) mask(dst, src []byte, seed uint64) {
	random := rand.New(rand.NewPCG(seed, c.sum()))
	var word [8]byte
	for i, b := range src {
		if i%8 == 0 {
			binary.LittleEndian.PutUint64(word[:], random.Uint64())
		}
		dst[i] = b ^ word[i%8]
	}
}
