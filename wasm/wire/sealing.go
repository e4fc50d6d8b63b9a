package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
)

// Direction tells what a stage of the host shall do with blobs.
type Direction uint8

const (
	SealBlobs Direction = iota
	OpenBlobs
)

// Set is the number of the host's stages that blobs pass: 0 for the environment's own,
// others for a stream that has passed different ones.
type Set uint32

// chain reads [[kind, id] …]: the stages that blobs pass.
func (r *reader) chain() []store.Stage {
	n := r.array()
	chain := make([]store.Stage, 0, n)
	for range n {
		r.tuple(2)
		stage := store.Stage{Kind: store.StageKind(r.byte()), ID: r.byte()}
		if r.failed {
			return nil
		}
		chain = append(chain, stage)
	}
	return chain
}

// Chain reads the argument of Salvage and Rechain: the stages that blobs have passed,
// or are to pass.
func (q *Request) Chain() ([]store.Stage, error) {
	r := q.read(1)
	chain := r.chain()
	return chain, r.end()
}

// AppendSealing appends the payload of Seal, whose reply is read by ReadBlobs, nil
// where the stage left a blob as it was:
//
//	[set, stage's kind, id, direction, [[kind, name, before, bytes] …]]
func AppendSealing(dst []byte, set Set, stage store.Stage, direction Direction, blobs []store.Sealing) []byte {
	dst = msgp.AppendArrayHeader(dst, 5)
	dst = msgp.AppendUint32(dst, uint32(set))
	dst = msgp.AppendUint8(dst, uint8(stage.Kind))
	dst = msgp.AppendUint8(dst, stage.ID)
	dst = msgp.AppendUint8(dst, uint8(direction))
	dst = msgp.AppendArrayHeader(dst, uint32(len(blobs)))
	for _, b := range blobs {
		dst = msgp.AppendArrayHeader(dst, 4)
		dst = msgp.AppendUint8(dst, uint8(b.Kind))
		dst = msgp.AppendString(dst, b.Name)
		dst = msgp.AppendBytes(dst, b.Before)
		dst = msgp.AppendBytes(dst, b.Bytes)
	}
	return dst
}

// SealingBytes is about what blobs take as a payload.
func SealingBytes(blobs []store.Sealing) int {
	n := 64
	for _, b := range blobs {
		n += len(b.Name) + len(b.Before) + len(b.Bytes) + 16
	}
	return n
}

// AppendLoad appends the payload of Load, whose reply is read by ReadPart:
//
//	[set, stage's kind, id, environment, header or nil]
func AppendLoad(dst []byte, set Set, stage store.Stage, env [16]byte, header []byte) []byte {
	dst = msgp.AppendArrayHeader(dst, 5)
	dst = msgp.AppendUint32(dst, uint32(set))
	dst = msgp.AppendUint8(dst, uint8(stage.Kind))
	dst = msgp.AppendUint8(dst, stage.ID)
	dst = msgp.AppendBytes(dst, env[:])
	if header == nil {
		return msgp.AppendNil(dst)
	}
	return msgp.AppendBytes(dst, header)
}

// Changes of keys that the engine asks for itself. The host numbers its own from 2.
const (
	RenewKeys uint32 = iota
	RetireKeys
)

// AppendAmend appends the payload of AmendHeader, whose reply is read by ReadPart:
// [number of the change, header].
func AppendAmend(dst []byte, change uint32, header []byte) []byte {
	dst = msgp.AppendArrayHeader(dst, 2)
	dst = msgp.AppendUint32(dst, change)
	return msgp.AppendBytes(dst, header)
}

// Change reads the argument of Amend: the number that the host gave to a change of keys.
func (q *Request) Change() (uint32, error) {
	r := q.read(1)
	return r.uint32(), r.end()
}
