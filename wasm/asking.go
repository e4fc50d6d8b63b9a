package main

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/wasm/wire"
)

// query is the request's query, whose filter may ask the host.
func (o *operation) query() (*query.Query, error) {
	q, err := o.request.Query()
	if err == nil {
		q.Host = o.ask
	}
	return q, err
}

// ask has the host answer what functions are asked.
func (o *operation) ask(asks []*query.Ask) error {
	b := o.bridge
	frame, err := b.await(wire.Ask, wire.AppendAsks(b.outgoing(wire.AsksBytes(asks)), asks))
	if err == nil {
		err = wire.ReadAnswers(frame, asks)
	}
	if err == nil {
		err = o.ctx.Err()
	}
	return err
}
