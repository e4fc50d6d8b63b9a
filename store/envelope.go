package store

import (
	"context"
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
// another name, or with a stage stripped, is Corrupt.
type sealer struct {
	chain []Modifier
	rooms sync.Pool // of *room

	// What was sealed so far, in bytes before and after.
	plain, sealed atomic.Int64
}

// envelopeBytes bounds what the envelope adds to a payload.
const envelopeBytes = 1 + 1 + 1 + 2 + 2*maxStages + 5 + 5

// maxStages bounds the chain.
const maxStages = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newSealer orders the chain by kind and refuses one that names a stage twice.
func newSealer(chain []Modifier) (*sealer, error) {
	chain = slices.Clone(chain)
	for i := range chain { // few: slices.SortStableFunc would be 2 kB more to download
		for j := i; j > 0 && chain[j].Stage().Kind < chain[j-1].Stage().Kind; j-- {
			chain[j], chain[j-1] = chain[j-1], chain[j]
		}
	}
	for i, m := range chain {
		stage := m.Stage()
		if stage.Kind < Convert || stage.Kind > User || len(chain) > maxStages {
			return nil, fail(InvalidOption, "open", "modifiers", nil)
		}
		if i > 0 && chain[i-1].Stage() == stage {
			return nil, fail(InvalidOption, "open", "modifiers", nil)
		}
	}
	return &sealer{chain: chain}, nil
}

// require fails with MissingModifier unless the chain has all of the stages, and
// returns them with those of the chain that are new.
func (s *sealer) require(stages []byte) ([]byte, error) {
	all := slices.Clone(stages)
	for _, m := range s.chain {
		stage := m.Stage()
		if !hasStage(stages, stage) {
			all = append(all, byte(stage.Kind), stage.ID)
		}
	}
	if len(all) > 2*len(s.chain) {
		return nil, fail(MissingModifier, "open", "", nil)
	}
	return all, nil
}

func hasStage(stages []byte, stage Stage) bool {
	for i := 0; i+1 < len(stages); i += 2 {
		if stages[i] == byte(stage.Kind) && stages[i+1] == stage.ID {
			return true
		}
	}
	return false
}

// seal runs the chain over plain blobs of one kind and wraps each in its envelope.
func (s *sealer) seal(ctx context.Context, kind BlobKind, plain []Blob) ([]Blob, error) {
	shared, _ := s.rooms.Get().(*room)
	if shared == nil {
		shared = new(room)
	}
	defer func() { shared.reset(); s.rooms.Put(shared) }()
	work := make([]Sealing, len(plain))
	stages := make([][]byte, len(plain))
	for i, b := range plain {
		s.plain.Add(int64(len(b.Bytes)))
		work[i] = Sealing{Kind: kind, Name: b.Name, Bytes: b.Bytes, room: shared}
	}
	for _, m := range s.chain {
		if err := m.Seal(ctx, work); err != nil {
			return nil, err
		}
		stage := m.Stage()
		for i := range work {
			if !work[i].Skipped {
				stages[i] = append(stages[i], byte(stage.Kind), stage.ID)
			}
			work[i].Skipped = false
		}
	}
	sealed := make([]Blob, len(plain))
	for i, w := range work {
		b := make([]byte, 0, envelopeBytes+len(w.Bytes))
		b = msgp.AppendArrayHeader(b, 5)
		b = msgp.AppendUint8(b, formatVersion)
		b = msgp.AppendUint8(b, uint8(kind))
		b = msgp.AppendBytes(b, stages[i])
		b = append(b, 0xce, 0, 0, 0, 0)
		putUint32(b[len(b)-4:], checksum(w.Name, kind, stages[i], w.Bytes))
		sealed[i] = Blob{w.Name, msgp.AppendBytes(b, w.Bytes)}
		s.sealed.Add(int64(len(sealed[i].Bytes)))
	}
	return sealed, nil
}

// open verifies and undoes seal. The blobs' Bytes must not be nil.
func (s *sealer) open(ctx context.Context, kind BlobKind, sealed []Blob) ([]Blob, error) {
	work := make([]Sealing, len(sealed))
	stages := make([][]byte, len(sealed))
	for i, b := range sealed {
		payload, st, err := openEnvelope(kind, b)
		if err != nil {
			return nil, err
		}
		work[i], stages[i] = Sealing{Kind: kind, Name: b.Name, Bytes: payload}, st
	}
	// Blobs may have left the chain at different lengths: undo it stage by stage,
	// for those that end in that stage.
	for i := len(s.chain) - 1; i >= 0; i-- {
		if err := undo(ctx, s.chain[i], work, stages); err != nil {
			return nil, err
		}
	}
	plain := make([]Blob, len(sealed))
	for i, w := range work {
		if len(stages[i]) != 0 {
			return nil, fail(MissingModifier, "open blob", w.Name, nil)
		}
		plain[i] = Blob{w.Name, w.Bytes}
	}
	return plain, nil
}

// undo opens those blobs whose last remaining stage is m's.
func undo(ctx context.Context, m Modifier, work []Sealing, stages [][]byte) error {
	stage := m.Stage()
	var batch []Sealing
	var at []int
	for i, st := range stages {
		if n := len(st); n >= 2 && st[n-2] == byte(stage.Kind) && st[n-1] == stage.ID {
			batch, at = append(batch, work[i]), append(at, i)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	if err := m.Open(ctx, batch); err != nil {
		return err
	}
	for j, i := range at {
		work[i].Bytes = batch[j].Bytes
		stages[i] = stages[i][:len(stages[i])-2]
	}
	return nil
}

// openEnvelope checks one blob and returns its payload and stages, uncopied.
func openEnvelope(kind BlobKind, b Blob) (payload, stages []byte, err error) {
	corrupt := fail(Corrupt, "open blob", b.Name, nil)
	n, rest, err := msgp.ReadArrayHeaderBytes(b.Bytes)
	if err != nil {
		return nil, nil, corrupt
	}
	version, rest, err := msgp.ReadUintBytes(rest)
	if err != nil || version == 0 {
		return nil, nil, corrupt
	}
	if version > formatVersion {
		return nil, nil, fail(NewerFormat, "open blob", b.Name, nil)
	}
	stored, rest, err := msgp.ReadUint8Bytes(rest)
	if err != nil || n != 5 || BlobKind(stored) != kind {
		return nil, nil, corrupt
	}
	stages, rest, ok := readBin(rest)
	if !ok || len(stages)%2 != 0 {
		return nil, nil, corrupt
	}
	sum, rest, err := msgp.ReadUint32Bytes(rest)
	if err != nil {
		return nil, nil, corrupt
	}
	payload, rest, ok = readBin(rest)
	if !ok || len(rest) != 0 || checksum(b.Name, kind, stages, payload) != sum {
		return nil, nil, corrupt
	}
	return payload, stages, nil
}

func checksum(name string, kind BlobKind, stages, payload []byte) uint32 {
	var room [64]byte
	head := append(append(append(room[:0], name...), byte(kind)), stages...)
	return crc32.Update(crc32.Update(0, castagnoli, head), castagnoli, payload)
}

func putUint32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
}
