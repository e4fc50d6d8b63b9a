package main

import (
	"context"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/wasm/wire"
)

// Stages of the chain that the host carries out: what it has in native code, or
// keys that the module shall never see, or functions of the program. The engine
// hands over all blobs of a call at once, before a batch of them is committed, so
// that no transaction of the host's storage is open meanwhile.
//
// The other end is js/src/sealing.ts.

// hosted is one of them.
type hosted struct {
	bridge *bridge
	stage  store.Stage
}

var _ store.Modifier = hosted{}

// chain makes modifiers of stages. The module has one itself.
func (b *bridge) chain(stages []store.Stage) []store.Modifier {
	own := compress.S2{}
	chain := make([]store.Modifier, len(stages))
	for i, stage := range stages {
		chain[i] = hosted{b, stage}
		if stage == own.Stage() {
			chain[i] = own
		}
	}
	return chain
}

func (h hosted) Stage() store.Stage { return h.stage }

// Seal does not ask about what is too short to be compressed.
func (h hosted) Seal(ctx context.Context, blobs []store.Sealing) error {
	if h.stage.Kind == store.Compress {
		return h.compress(ctx, blobs)
	}
	return h.seal(ctx, blobs)
}

func (h hosted) compress(ctx context.Context, blobs []store.Sealing) error {
	var long []store.Sealing
	var at []int
	for i := range blobs {
		if blobs[i].Skipped = len(blobs[i].Bytes) < compress.MinPlain; !blobs[i].Skipped {
			long, at = append(long, blobs[i]), append(at, i)
		}
	}
	if len(long) == 0 {
		return nil
	}
	if err := h.seal(ctx, long); err != nil {
		return err
	}
	for j, i := range at {
		blobs[i].Bytes, blobs[i].Skipped = long[j].Bytes, long[j].Skipped
	}
	return nil
}

func (h hosted) seal(ctx context.Context, blobs []store.Sealing) error {
	made, err := h.ask(ctx, wire.SealBlobs, blobs)
	if err != nil {
		return err
	}
	for i, b := range made {
		if b == nil {
			blobs[i].Skipped = true
		} else {
			blobs[i].Bytes = b
		}
	}
	return nil
}

func (h hosted) Open(ctx context.Context, blobs []store.Sealing) error {
	made, err := h.ask(ctx, wire.OpenBlobs, blobs)
	if err != nil {
		return err
	}
	for i, b := range made {
		blobs[i].Bytes = b
	}
	return nil
}

// ask has the host seal or open blobs.
func (h hosted) ask(ctx context.Context, direction wire.Direction, blobs []store.Sealing) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := h.bridge
	payload := wire.AppendSealing(b.outgoing(wire.SealingBytes(blobs)), h.stage, direction, blobs)
	reply, err := b.await(wire.Seal, payload)
	if err != nil {
		return nil, err
	}
	return wire.ReadBlobs(reply, len(blobs))
}
