package main

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// backend is the host's driver as the engine sees it.
type backend struct{ bridge *bridge }

var _ store.Backend = backend{}

func (b backend) Read(ctx context.Context, names []string) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply, err := b.bridge.await(wire.Read, wire.AppendNames(nil, names))
	if err != nil {
		return nil, err
	}
	return wire.ReadBlobs(reply, len(names))
}

// Commit does not look at ctx once the host has the batch: what it says is what happened.
func (b backend) Commit(ctx context.Context, batch *store.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	reply, err := b.bridge.await(wire.Write, wire.AppendBatch(b.bridge.outgoing(wire.BatchBytes(batch)), batch))
	if err != nil {
		return err
	}
	return wire.ReadNothing(reply)
}

func (b backend) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply, err := b.bridge.await(wire.List, wire.AppendText(nil, prefix))
	if err != nil {
		return nil, err
	}
	return wire.ReadNames(reply)
}

func (b backend) Info(ctx context.Context, held bool) (store.Info, error) {
	if err := ctx.Err(); err != nil {
		return store.Info{}, err
	}
	reply, err := b.bridge.await(wire.Info, msgp.AppendBool(nil, held))
	if err != nil {
		return store.Info{}, err
	}
	info, shared, err := wire.ReadInfo(reply)
	if shared {
		info.Contexts = contexts(b)
	}
	return info, err
}

func (b backend) Close() error {
	reply, err := b.bridge.await(wire.Shut, nil)
	if err != nil {
		return err
	}
	return wire.ReadNothing(reply)
}
