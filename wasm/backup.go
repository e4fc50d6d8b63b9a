package main

import (
	"context"
	"io"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// export hands everything to the host as parts of its result, bytes of the stream
// each. The engine waits with the next part until this one has been used up.
func (o *operation) export() error {
	err := o.bridge.env.Export(o.ctx, outlet{o}, o.progress)
	o.result = msgp.AppendNil(o.result[:0])
	return err
}

// imports reads a stream that the host feeds it.
func (o *operation) imports() error {
	i, err := o.request.Import()
	if err != nil {
		return err
	}
	options := store.ImportOptions{Replace: i.Replace, Progress: o.progress}
	if i.Set != 0 {
		options.Modifiers = o.bridge.chain(i.Set, i.Chain)
	}
	err = o.bridge.env.Import(o.ctx, &inlet{operation: o}, options)
	o.result = msgp.AppendNil(o.result[:0])
	return err
}

// copy hands the batches of a copy to the host as parts of its result. The host
// has another driver for them, which it found empty.
func (o *operation) copy() error {
	maxBlob, err := o.request.MaxBlob()
	if err != nil {
		return err
	}
	to := elsewhere{outlet{o}, maxBlob}
	err = o.bridge.env.Copy(o.ctx, to, store.CopyOptions{Progress: o.progress})
	o.result = msgp.AppendNil(o.result[:0])
	return err
}

// outlet makes parts of the operation's result of what is written to it.
type outlet struct{ operation *operation }

func (w outlet) Write(b []byte) (int, error) {
	if _, err := w.operation.bridge.await(wire.Rows, b); err != nil {
		return 0, err
	}
	return len(b), w.operation.ctx.Err()
}

// inlet reads what the host feeds the operation.
type inlet struct {
	operation *operation
	rest      []byte
}

func (r *inlet) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		reply, err := r.operation.bridge.await(wire.Feed, nil)
		if err == nil {
			err = r.operation.ctx.Err()
		}
		if err != nil {
			return 0, err
		}
		if r.rest, err = wire.ReadPart(reply); err != nil {
			return 0, err
		}
		if r.rest == nil {
			return 0, io.EOF
		}
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// elsewhere is the empty backend that a copy is written to. Blobs are copied as
// they are, so nothing is ever read back.
type elsewhere struct {
	outlet  outlet
	maxBlob int
}

var _ store.Backend = elsewhere{}

func (b elsewhere) Commit(ctx context.Context, batch *store.Batch) error {
	_, err := b.outlet.Write(wire.AppendBatch(make([]byte, 0, wire.BatchBytes(batch)), batch))
	return err
}

func (b elsewhere) Read(ctx context.Context, names []string) ([][]byte, error) {
	return make([][]byte, len(names)), ctx.Err()
}

func (b elsewhere) List(ctx context.Context, prefix string) ([]string, error) { return nil, ctx.Err() }

func (b elsewhere) Info(ctx context.Context, _ bool) (store.Info, error) {
	return store.Info{Properties: store.Properties{MaxBlob: b.maxBlob}, Blobs: -1, Bytes: -1}, ctx.Err()
}

func (b elsewhere) Close() error { return nil }
