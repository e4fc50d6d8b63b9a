package main

import (
	"context"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// contexts are the other engines on the same blobs, which the host's driver deals
// with. The other end is js/src/drivers/contexts.ts.
type contexts struct{ bridge *bridge }

var _ store.Contexts = contexts{}

// ask hands one request to the host.
func (c contexts) ask(ctx context.Context, payload []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.bridge.await(wire.Among, payload)
}

// tell is ask for what has no answer.
func (c contexts) tell(ctx context.Context, payload []byte) error {
	reply, err := c.ask(ctx, payload)
	if err != nil {
		return err
	}
	return wire.ReadNothing(reply)
}

// Join notes whom to tell of what is heard: see operation.hear.
func (c contexts) Join(ctx context.Context, writer uint64, heard func(store.Sign)) error {
	c.bridge.heard = heard
	return c.tell(ctx, wire.JoinFrame(writer))
}

func (c contexts) Lock(ctx context.Context, name string, patience time.Duration) (release func(), err error) {
	return c.lock(ctx, name, patience, true)
}

func (c contexts) TryLock(ctx context.Context, name string, patience time.Duration) (release func(), err error) {
	return c.lock(ctx, name, patience, false)
}

func (c contexts) lock(ctx context.Context, name string, patience time.Duration, wait bool) (release func(), err error) {
	reply, err := c.ask(ctx, wire.LockFrame(name, patience, wait))
	if err != nil {
		return nil, err
	}
	number, err := wire.ReadLock(reply)
	if err != nil || number == 0 {
		return nil, err
	}
	return func() {
		// Whoever releases it does not wait for that.
		scheduler(c).Go(func(ctx context.Context) { _ = c.tell(ctx, wire.UnlockFrame(number)) })
	}, nil
}

func (c contexts) Linger(ctx context.Context) error { return c.tell(ctx, wire.LingerFrame()) }

func (c contexts) Alive(ctx context.Context, name string) error {
	return c.tell(ctx, wire.AliveFrame(name))
}

func (c contexts) Contest(ctx context.Context) error { return c.tell(ctx, wire.ContestFrame()) }

func (c contexts) Pin(ctx context.Context, pin store.Pin) error {
	return c.tell(ctx, wire.PinFrame(pin))
}

func (c contexts) Others(ctx context.Context) (store.Others, error) {
	reply, err := c.ask(ctx, wire.OthersFrame())
	if err != nil {
		return store.Others{}, err
	}
	return wire.ReadOthers(reply)
}

// sync catches up with what other contexts have committed.
func (o *operation) sync() error {
	o.result = msgp.AppendNil(o.result)
	return o.bridge.env.Sync(o.ctx)
}

// hear passes on what another context has let this one know. An engine that is
// only being opened will read everything anyway.
func (o *operation) hear() error {
	sign, err := o.request.Sign()
	if err == nil && o.bridge.heard != nil {
		o.bridge.heard(sign)
	}
	o.result = msgp.AppendNil(o.result)
	return err
}
