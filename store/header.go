package store

import (
	"bytes"
	"context"
	"hash/crc32"
)

// header is what stands in the root beside what is sealed, where the chain has a
// Keyed stage: without it nothing else can be opened.
//
//	id        16 bytes  the environment's
//	keys                what the stage returned from Load
//	checksum  u32       CRC-32C of id and keys
//
// The same bytes are the payload of the blob k/<generation of the root that brought
// them, 16 hex digits>, for who has lost the root.
type header struct {
	id   [16]byte
	keys []byte
}

// headerBytes is what a header adds to the keys.
const headerBytes = 16 + 4

const keyPrefix = "k/"

func keyName(generation uint64) string { return string(appendHex([]byte(keyPrefix), generation)) }

func (h *header) encode() []byte {
	b := append(append(make([]byte, 0, headerBytes+len(h.keys)), h.id[:]...), h.keys...)
	b = append(b, 0, 0, 0, 0)
	putUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], castagnoli))
	return b
}

// decodeHeader copies nothing.
func decodeHeader(b []byte) (*header, bool) {
	if len(b) < headerBytes {
		return nil, false
	}
	content := b[:len(b)-4]
	var sum [4]byte
	putUint32(sum[:], crc32.Checksum(content, castagnoli))
	return &header{[16]byte(content), content[16:]}, bytes.Equal(sum[:], b[len(b)-4:])
}

// keys is the header of a new root as it is kept beside it, nothing without one.
func (r *root) keys() []Blob {
	if r.header == nil || len(r.header.keys) == 0 {
		return nil
	}
	return []Blob{sealHeader(r.header, keyName(r.generation))}
}

// sealHeader makes a blob of a header alone.
func sealHeader(h *header, name string) Blob {
	return Blob{name, appendEnvelope(nil, KeyBlob, name, nil, nil, h.encode())}
}

// isHeader reports whether bytes say that sealHeader made them.
func isHeader(b []byte) bool { return len(b) > 2 && b[2] == byte(KeyBlob) }

// openHeader undoes sealHeader.
func openHeader(b Blob) (*header, error) {
	env, err := openEnvelope(KeyBlob, b)
	if CodeOf(err) == NewerFormat {
		return nil, err
	}
	h, ok := decodeHeader(env.payload)
	if err != nil || !ok {
		return nil, fail(CorruptHeader, "open", b.Name, err)
	}
	return h, nil
}

// inUse is the header whose keys new blobs are sealed with, nil if they are not.
func (s *sealer) inUse(ctx context.Context) (*header, error) {
	if err := s.loading.take(ctx); err != nil {
		return nil, err
	}
	defer s.loading.pass()
	c := s.chain.Load()
	if c.keyed == nil || !hasStage(stagesOf(c.seal), c.keyed.Stage()) {
		return nil, nil
	}
	return s.loaded, nil
}

// load gets the keyed stage ready by a header, unless it is that already. It returns
// the header of an environment that has none yet, which is new; without a keyed
// stage there is none.
func (s *sealer) load(ctx context.Context, id [16]byte, h *header) (*header, error) {
	keyed := s.chain.Load().keyed
	if keyed == nil {
		return nil, nil
	}
	if err := s.loading.take(ctx); err != nil {
		return nil, err
	}
	defer s.loading.pass()
	if h != nil && s.loaded != nil && h.id == s.loaded.id && bytes.Equal(h.keys, s.loaded.keys) {
		return h, nil
	}
	var keys []byte
	if h != nil {
		id, keys = h.id, bytes.Clone(h.keys)
		if keys == nil {
			keys = []byte{}
		}
	}
	keys, err := keyed.Load(ctx, id, keys)
	if err != nil {
		return nil, err
	}
	if h == nil {
		h = &header{id, keys}
	}
	s.loaded = &header{h.id, bytes.Clone(h.keys)}
	s.version.Add(1)
	return h, nil
}

// refresh loads the header that is stored now, and reports whether it is another
// one than was loaded.
func (s *sealer) refresh(ctx context.Context) (bool, error) {
	if s.chain.Load().keyed == nil || s.stored == nil {
		return false, nil
	}
	h, err := s.stored(ctx)
	if err != nil || h == nil {
		return false, err
	}
	before := s.version.Load()
	if _, err := s.load(ctx, h.id, h); err != nil {
		return false, err
	}
	return s.version.Load() != before, nil
}

// storedHeader reads the header of the root that is stored now, nil if it has none.
func (e *Env) storedHeader(ctx context.Context) (*header, error) {
	stored, err := e.backend.Read(ctx, []string{RootName})
	if err != nil || stored[0] == nil {
		return nil, backendError("open", err)
	}
	env, err := openEnvelope(RootBlob, Blob{RootName, stored[0]})
	return env.header, err
}
