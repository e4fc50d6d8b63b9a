//go:build page && !sql

package main

import (
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// A page that asks for no SQL does not download it.

var errNoSQL = &store.Error{Code: store.Unsupported, Op: "the engine was loaded without SQL: open with sql: true"}

func (o *operation) statement() error { return errNoSQL }

func (o *operation) statementRows(*store.Tx, *wire.Statement, func(row []byte) error) error {
	return errNoSQL
}
