package coder

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"

	"github.com/stowage-db/stowage/store"
)

// Compressed is a coder whose bytes are those of another in the zlib format
// (RFC 1950). Levels go from 0, which only stores, to 9, the smallest; any other
// fails with InvalidOption when a value is encoded. It is for values: the same
// value may get other bytes from another version or language.
func Compressed[T any](c Coder[T], level int) Coder[T] { return compressed[T]{c, level} }

type compressed[T any] struct {
	inner Coder[T]
	level int
}

// maxPlain bounds what compressed bytes may grow to: no value is larger.
const maxPlain = 64 << 20

func (c compressed[T]) Append(dst []byte, v T) ([]byte, error) {
	if c.level < zlib.NoCompression || c.level > zlib.BestCompression {
		return dst, fail(store.InvalidOption, "compressed: level", nil)
	}
	plain, err := encode(c.inner, v)
	if err != nil {
		return dst, err
	}
	packed := bytes.NewBuffer(dst)
	w, err := zlib.NewWriterLevel(packed, c.level)
	if err != nil {
		return dst, refuse("compressed", err)
	}
	_, err = w.Write(plain)
	if err = errors.Join(err, w.Close()); err != nil {
		return dst, refuse("compressed", err)
	}
	return packed.Bytes(), nil
}

func (c compressed[T]) Decode(b []byte) (T, error) {
	var none T
	plain, err := inflate(b)
	if err != nil {
		return none, err
	}
	return c.inner.Decode(plain)
}

func inflate(b []byte) ([]byte, error) {
	packed := bytes.NewReader(b)
	r, err := zlib.NewReader(packed)
	if err != nil {
		return nil, garbled("compressed", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	if err != nil {
		return nil, garbled("compressed", err)
	}
	if len(plain) > maxPlain {
		return nil, fail(store.TooLarge, "compressed: decode", nil)
	}
	if packed.Len() > 0 {
		return nil, garbled("compressed", nil)
	}
	return plain, nil
}
