package main

import (
	"context"

	"github.com/tinylib/msgp/msgp"

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
	set    wire.Set
	stage  store.Stage
}

var _ store.Modifier = hosted{}

// chain makes modifiers of the stages of a set. The module has one itself.
func (b *bridge) chain(set wire.Set, stages []store.Stage) []store.Modifier {
	own := compress.S2{}
	chain := make([]store.Modifier, len(stages))
	for i, stage := range stages {
		switch h := (hosted{b, set, stage}); {
		case stage == own.Stage():
			chain[i] = own
		case stage.Kind == store.Encrypt:
			chain[i] = keyed{h}
		default:
			chain[i] = h
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
	payload := wire.AppendSealing(b.outgoing(wire.SealingBytes(blobs)), h.set, h.stage, direction, blobs)
	reply, err := b.await(wire.Seal, payload)
	if err != nil {
		return nil, err
	}
	return wire.ReadBlobs(reply, len(blobs))
}

// keyed is a stage of the host that has keys: one that encrypts.
type keyed struct{ hosted }

var _ store.Rotator = keyed{}

// Open meets keys that the stage does not know where the host leaves a blob as it was.
func (k keyed) Open(ctx context.Context, blobs []store.Sealing) error {
	made, err := k.ask(ctx, wire.OpenBlobs, blobs)
	if err != nil {
		return err
	}
	for i, b := range made {
		if b == nil {
			return store.ErrStaleHeader
		}
		blobs[i].Bytes = b
	}
	return nil
}

func (k keyed) Load(ctx context.Context, env [16]byte, header []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return k.bridge.header(wire.Load, wire.AppendLoad(nil, k.set, k.stage, env, header))
}

func (k keyed) Renew(ctx context.Context, header []byte) ([]byte, error) {
	return k.change(ctx, wire.RenewKeys, header)
}

func (k keyed) Retire(ctx context.Context, header []byte) ([]byte, error) {
	return k.change(ctx, wire.RetireKeys, header)
}

func (k keyed) change(ctx context.Context, number uint32, header []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return k.bridge.header(wire.AmendHeader, wire.AppendAmend(nil, number, header))
}

// header is what the host answers with a header.
func (b *bridge) header(status wire.Status, payload []byte) ([]byte, error) {
	reply, err := b.await(status, payload)
	if err != nil {
		return nil, err
	}
	header, err := wire.ReadPart(reply)
	return append([]byte{}, header...), err
}

// amend changes the keys as the host says, which may be asked again where another
// context was faster.
func (o *operation) amend() error {
	change, err := o.request.Change()
	if err != nil {
		return err
	}
	o.result = msgp.AppendNil(o.result)
	return o.bridge.env.Amend(o.ctx, func(header []byte) ([]byte, error) {
		return o.bridge.header(wire.AmendHeader, wire.AppendAmend(nil, change, header))
	})
}

// rechain has blobs pass other stages, which the host has ready by now.
func (o *operation) rechain() error {
	stages, err := o.request.Chain()
	if err != nil {
		return err
	}
	err = o.bridge.env.Rechain(o.ctx, o.bridge.chain(0, stages), o.progress)
	o.result = msgp.AppendNil(o.result[:0])
	return err
}

// rotate draws another key and seals everything anew by it.
func (o *operation) rotate() error {
	err := o.bridge.env.Rotate(o.ctx, o.progress)
	o.result = msgp.AppendNil(o.result[:0])
	return err
}
