// Package coder turns keys and values of Go types into bytes and back, for the
// databases of package store, which know bytes only. Bytes are those of the
// coders of the same names in JavaScript, so that both read what either wrote.
//
// Coders of numbers, and Tuple, keep order: comparing bytes compares values. Use
// them, String or Identity for keys; any coder does for values.
package coder

import (
	"bytes"

	"github.com/stowage-db/stowage/store"
)

// Coder turns values of type T into bytes and back. It may be used concurrently.
//
// A value that has no bytes fails with InvalidArgument, bytes that stand for no
// value fail with Undecodable.
type Coder[T any] interface {
	// Append appends the bytes that stand for v.
	Append(dst []byte, v T) ([]byte, error)
	// Decode returns the value that b stands for. The bytes belong to the engine:
	// what is returned must not refer to them.
	Decode(b []byte) (T, error)
}

// New makes a coder of two functions. What they fail with is given a code, unless
// it has one.
func New[T any](encode func(T) ([]byte, error), decode func([]byte) (T, error)) Coder[T] {
	return custom[T]{encode, decode}
}

type custom[T any] struct {
	encode func(T) ([]byte, error)
	decode func([]byte) (T, error)
}

func (c custom[T]) Append(dst []byte, v T) ([]byte, error) {
	b, err := c.encode(v)
	if err != nil {
		return dst, refuse("custom", err)
	}
	return append(dst, b...), nil
}

func (c custom[T]) Decode(b []byte) (T, error) {
	v, err := c.decode(b)
	if err != nil {
		var none T
		return none, garbled("custom", err)
	}
	return v, nil
}

// Identity is the coder of bytes as they are. What it returns is a copy.
var Identity Coder[[]byte] = identity{}

type identity struct{}

func (identity) Append(dst, v []byte) ([]byte, error) { return append(dst, v...), nil }

func (identity) Decode(b []byte) ([]byte, error) { return append([]byte{}, b...), nil }

// encode returns the bytes of v, in memory of their own.
func encode[T any](c Coder[T], v T) ([]byte, error) { return c.Append(nil, v) }

// refuse is the failure to encode a value; cause may be nil.
func refuse(coder string, cause error) error {
	return fail(store.InvalidArgument, coder+": encode", cause)
}

// garbled is the failure to decode bytes; cause may be nil.
func garbled(coder string, cause error) error {
	return fail(store.Undecodable, coder+": decode", cause)
}

var tooDeep = &store.Error{Code: store.TooDeep, Op: "coder messagepack"}

// fail gives a cause a code, unless it has one.
func fail(code store.Code, op string, cause error) error {
	if cause != nil && store.CodeOf(cause) != store.Internal {
		return cause
	}
	return &store.Error{Code: code, Op: "coder " + op, Err: cause}
}

// same reports whether bytes are what a value is encoded as.
func same[T any](c Coder[T], v T, b []byte) bool {
	again, err := encode(c, v)
	return err == nil && bytes.Equal(again, b)
}
