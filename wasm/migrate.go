package main

import (
	"github.com/tinylib/msgp/msgp"
)

// The steps of a migration are functions of the host, which runs them in a
// transaction that it begins and commits like any other: see js/src/environment/migrate.ts.

// understand notes which version of the data the host knows. Its result is the one
// that the data has.
func (o *operation) understand() error {
	version, err := o.request.DataVersion()
	if err != nil {
		return err
	}
	at, err := o.bridge.env.Understand(o.ctx, version)
	o.result = msgp.AppendUint64(o.result, at)
	return err
}

// raise raises the data's version by one. Its result is the version then, and
// whether the documents have still to be made what it asks for.
func (o *operation) raise() error {
	version, err := o.request.DataVersion()
	if err != nil {
		return err
	}
	return o.within(func(within *transaction) error {
		to, due, err := within.tx.Raise(version)
		o.result = msgp.AppendArrayHeader(o.result, 2)
		o.result = msgp.AppendUint64(o.result, to)
		o.result = msgp.AppendBool(o.result, due)
		return err
	})
}
