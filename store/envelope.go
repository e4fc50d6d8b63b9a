package store

import (
	"context"
	"errors"
	"hash/crc32"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tinylib/msgp/msgp"
)

// formatVersion is the version of everything this package stores. A reader
// refuses later ones with NewerFormat; FORMAT.md tells what each one changed.
const formatVersion = 1

// BlobKind tells what a blob holds. It is part of the envelope, so that no blob
// can stand in for one of another kind.
type BlobKind uint8

// The kinds of blob. The numbers are stored.
const (
	RootBlob BlobKind = iota + 1
	RecordBlob
	PageBlob
	ChunkBlob
	PartBlob // of an export; no backend holds one
	KeyBlob  // the header of the keyed stage, kept beside the root
)

// sealer turns plain blobs into what a backend holds and back: the modifier
// chain, then an envelope.
//
//	array of 5
//	  version   uint
//	  kind      uint  BlobKind
//	  stages    bin   the modifiers that took part, in order: kind, id, kind, id …
//	  checksum  uint  CRC-32C of name, kind, stages and payload, always 5 bytes
//	  payload   bin
//
// Name, kind and stages are covered by the checksum, so that a blob under
// another name, or with a stage stripped, is Corrupt. The root of an environment
// whose chain has a keyed stage is an array of 6: the header, a bin, stands before the
// payload and is covered too.
type sealer struct {
	chain    atomic.Pointer[chain]
	changing sync.Mutex
	rooms    sync.Pool // of *room

	stored  func(context.Context) (*header, error) // reads the header again
	loading turn                                   // guards loaded, also across waits
	loaded  *header                                // what the keyed stage was loaded with
	version atomic.Int64                           // counts the changes of what blobs are sealed with

	// What was sealed so far, in bytes before and after.
	plain, sealed atomic.Int64
}

// envelopeBytes bounds what the envelope adds to a payload.
const envelopeBytes = 1 + 1 + 1 + 2 + 2*maxStages + 5 + 5

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal runs the chain over plain blobs of one kind and wraps each in its envelope.
func (s *sealer) seal(ctx context.Context, kind BlobKind, plain []Blob) ([]Blob, error) {
	return s.sealAs(ctx, kind, false, plain)
}

// sealAs is seal that passes over the compressing stages for raw blobs.
func (s *sealer) sealAs(ctx context.Context, kind BlobKind, raw bool, plain []Blob) ([]Blob, error) {
	stages := s.chain.Load().seal
	if raw {
		stages = slices.DeleteFunc(slices.Clone(stages), func(m Modifier) bool { return m.Stage().Kind == Compress })
	}
	return s.sealWith(ctx, stages, kind, plain, nil)
}

// sealRoot seals a root, with its header beside it.
func (s *sealer) sealRoot(ctx context.Context, r *root) ([]byte, error) {
	sealed, err := s.sealWith(ctx, s.chain.Load().ofRoot(r), RootBlob, []Blob{{RootName, r.encode()}}, r.header)
	if err != nil {
		return nil, err
	}
	return sealed[0].Bytes, nil
}

func (s *sealer) sealWith(ctx context.Context, stages []Modifier, kind BlobKind, plain []Blob, h *header) ([]Blob, error) {
	shared, _ := s.rooms.Get().(*room)
	if shared == nil {
		shared = new(room)
	}
	defer func() { shared.reset(); s.rooms.Put(shared) }()
	work := make([]Sealing, len(plain))
	for i, b := range plain {
		s.plain.Add(int64(len(b.Bytes)))
		work[i] = Sealing{Kind: kind, Name: b.Name, Bytes: b.Bytes, room: shared}
	}
	for _, m := range stages {
		if err := m.Seal(ctx, work); err != nil {
			return nil, err
		}
		stage := m.Stage()
		for i := range work {
			if !work[i].Skipped {
				work[i].Before = append(work[i].Before, byte(stage.Kind), stage.ID)
			}
			work[i].Skipped = false
		}
	}
	var beside []byte
	if h != nil {
		beside = h.encode()
	}
	sealed := make([]Blob, len(plain))
	for i, w := range work {
		b := make([]byte, 0, envelopeBytes+len(beside)+len(w.Bytes))
		sealed[i] = Blob{w.Name, appendEnvelope(b, kind, w.Name, w.Before, beside, w.Bytes)}
		s.sealed.Add(int64(len(sealed[i].Bytes)))
	}
	return sealed, nil
}

// appendEnvelope appends a whole blob. Without a header, nil, it has no place for one.
func appendEnvelope(dst []byte, kind BlobKind, name string, stages, header, payload []byte) []byte {
	n := uint32(5)
	if header != nil {
		n = 6
	}
	dst = msgp.AppendArrayHeader(dst, n)
	dst = msgp.AppendUint8(dst, formatVersion)
	dst = msgp.AppendUint8(dst, uint8(kind))
	dst = msgp.AppendBytes(dst, stages)
	dst = append(dst, 0xce, 0, 0, 0, 0)
	putUint32(dst[len(dst)-4:], checksum(name, kind, stages, header, payload))
	if header != nil {
		dst = msgp.AppendBytes(dst, header)
	}
	return msgp.AppendBytes(dst, payload)
}

// open verifies and undoes seal. The blobs' Bytes must not be nil.
func (s *sealer) open(ctx context.Context, kind BlobKind, sealed []Blob) ([]Blob, error) {
	c := s.chain.Load()
	work := make([]Sealing, len(sealed))
	for i, b := range sealed {
		env, err := openEnvelope(kind, b)
		if err != nil {
			return nil, err
		}
		if c.strict && kind != PartBlob && !encrypted(env.stages) {
			return nil, fail(Tampered, "open blob", b.Name, nil)
		}
		work[i] = Sealing{Kind: kind, Name: b.Name, Bytes: env.payload, Before: env.stages}
	}
	// Blobs may have left the chain at different lengths: undo it stage by stage,
	// for those that end in that stage.
	for i := len(c.all) - 1; i >= 0; i-- {
		if err := s.undo(ctx, c.all[i], work); err != nil {
			return nil, err
		}
	}
	plain := make([]Blob, len(sealed))
	for i, w := range work {
		if len(w.Before) != 0 {
			return nil, fail(c.missing(w.Before), "open blob", w.Name, nil)
		}
		plain[i] = Blob{w.Name, w.Bytes}
	}
	return plain, nil
}

// openRoot opens a root, with the keys that its header has. What tells why it cannot
// be opened is looked at first, so that no passphrase is hashed for nothing.
func (s *sealer) openRoot(ctx context.Context, stored []byte) (*root, error) {
	env, err := openEnvelope(RootBlob, Blob{RootName, stored})
	if err != nil {
		return nil, err
	}
	c := s.chain.Load()
	switch code := c.missing(env.stages); {
	case code != "":
		return nil, fail(code, "open", RootName, nil)
	case c.encrypts() && !c.plainRoot && !encrypted(env.stages):
		return nil, fail(NotEncrypted, "open", RootName, nil)
	case env.header == nil && c.keyed != nil && hasStage(env.stages, c.keyed.Stage()):
		return nil, fail(CorruptHeader, "open", RootName, nil)
	}
	if env.header != nil {
		if _, err := s.load(ctx, env.header.id, env.header); err != nil {
			return nil, err
		}
	}
	plain, err := s.open(ctx, RootBlob, []Blob{{RootName, stored}})
	if err != nil {
		return nil, err
	}
	r, ok := decodeRoot(plain[0].Bytes)
	if !ok || env.header != nil && env.header.id != r.id {
		return nil, fail(Corrupt, "open", RootName, nil)
	}
	r.header = env.header
	return r, s.adopt(r)
}

// undo opens those blobs whose last remaining stage is m's.
func (s *sealer) undo(ctx context.Context, m Modifier, work []Sealing) error {
	stage := m.Stage()
	var batch []Sealing
	var at []int
	for i, w := range work {
		if n := len(w.Before); n >= 2 && w.Before[n-2] == byte(stage.Kind) && w.Before[n-1] == stage.ID {
			w.Before = w.Before[: n-2 : n-2]
			batch, at = append(batch, w), append(at, i)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	var kept []Sealing
	_, keyed := m.(Keyed)
	if keyed {
		kept = slices.Clone(batch)
	}
	err := m.Open(ctx, batch)
	if keyed && errors.Is(err, ErrStaleHeader) {
		fresh, loadErr := s.refresh(ctx)
		if loadErr != nil {
			return loadErr
		}
		if batch = kept; fresh {
			err = m.Open(ctx, batch)
		}
	}
	if errors.Is(err, ErrStaleHeader) {
		return fail(Tampered, "open blob", batch[0].Name, err)
	}
	if err != nil {
		return err
	}
	for j, i := range at {
		work[i].Bytes, work[i].Before = batch[j].Bytes, batch[j].Before
	}
	return nil
}

// envelope is what one holds, uncopied.
type envelope struct {
	stages, payload []byte
	header          *header // of a root, nil if it has none
}

// openEnvelope checks one blob.
func openEnvelope(kind BlobKind, b Blob) (envelope, error) {
	var env envelope
	corrupt := fail(Corrupt, "open blob", b.Name, nil)
	n, rest, err := msgp.ReadArrayHeaderBytes(b.Bytes)
	if err != nil {
		return env, corrupt
	}
	version, rest, err := msgp.ReadUintBytes(rest)
	if err != nil || version == 0 {
		return env, corrupt
	}
	if version > formatVersion {
		return env, fail(NewerFormat, "open blob", b.Name, nil)
	}
	stored, rest, err := msgp.ReadUint8Bytes(rest)
	if err != nil || n != 5 && (n != 6 || kind != RootBlob) || BlobKind(stored) != kind {
		return env, corrupt
	}
	var ok bool
	env.stages, rest, ok = readBin(rest)
	if !ok || len(env.stages)%2 != 0 {
		return env, corrupt
	}
	sum, rest, err := msgp.ReadUint32Bytes(rest)
	if err != nil {
		return env, corrupt
	}
	var beside []byte
	if n == 6 {
		if beside, rest, ok = readBin(rest); !ok {
			return env, corrupt
		}
		if env.header, ok = decodeHeader(beside); !ok {
			return env, fail(CorruptHeader, "open blob", b.Name, nil)
		}
	}
	env.payload, rest, ok = readBin(rest)
	if !ok || len(rest) != 0 || checksum(b.Name, kind, env.stages, beside, env.payload) != sum {
		return env, corrupt
	}
	return env, nil
}

func checksum(name string, kind BlobKind, stages, header, payload []byte) uint32 {
	var room [64]byte
	head := append(append(append(room[:0], name...), byte(kind)), stages...)
	sum := crc32.Update(0, castagnoli, head)
	if header != nil {
		sum = crc32.Update(sum, castagnoli, header)
	}
	return crc32.Update(sum, castagnoli, payload)
}

func putUint32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
}
