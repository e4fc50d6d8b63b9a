package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// reader takes values from the front of a frame. After the first failure it
// returns zero values, so that it need be asked only once, at the end. What it
// returns refers to the frame.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() { r.b, r.failed = nil, true }

func (r *reader) uint() uint64 {
	v, rest, err := msgp.ReadUint64Bytes(r.b)
	if err != nil {
		r.fail()
		return 0
	}
	r.b = rest
	return v
}

func (r *reader) int() int64 {
	v, rest, err := msgp.ReadInt64Bytes(r.b)
	if err != nil {
		r.fail()
		return 0
	}
	r.b = rest
	return v
}

// uint32 reads a number that names something: a transaction, a table.
func (r *reader) uint32() uint32 {
	v := r.uint()
	if v > 1<<32-1 {
		r.fail()
		return 0
	}
	return uint32(v)
}

// size reads a number of bytes.
func (r *reader) size() int {
	v := r.uint()
	if v > 1<<31-1 {
		r.fail()
		return 0
	}
	return int(v)
}

// byte reads a number below 256.
func (r *reader) byte() byte {
	v := r.uint()
	if v > 255 {
		r.fail()
		return 0
	}
	return byte(v)
}

func (r *reader) bool() bool {
	v, rest, err := msgp.ReadBoolBytes(r.b)
	if err != nil {
		r.fail()
		return false
	}
	r.b = rest
	return v
}

// nil reports whether a nil stands next, and passes over it.
func (r *reader) nil() bool {
	if !msgp.IsNil(r.b) {
		return false
	}
	r.b = r.b[1:]
	return true
}

func (r *reader) text() string {
	v, rest, err := msgp.ReadStringZC(r.b)
	if err != nil {
		r.fail()
		return ""
	}
	r.b = rest
	return string(v)
}

func (r *reader) bin() []byte {
	v, rest, err := msgp.ReadBytesZC(r.b)
	if err != nil {
		r.fail()
		return nil
	}
	r.b = rest
	return v
}

// array reads the head of an array. A length that the rest of the frame cannot
// hold fails here, so that nothing is allocated by it.
func (r *reader) array() int {
	n, rest, err := msgp.ReadArrayHeaderBytes(r.b)
	if err != nil || int64(n) > int64(len(rest)) {
		r.fail()
		return 0
	}
	r.b = rest
	return int(n)
}

// tuple reads the head of an array of known length.
func (r *reader) tuple(n int) {
	if r.array() != n {
		r.fail()
	}
}

// raw passes over one value and returns its bytes.
func (r *reader) raw() []byte {
	n, ok := query.Skip(r.b)
	if !ok {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// end returns ErrMalformed if reading failed, or did not use up the frame.
func (r *reader) end() error {
	if r.failed || len(r.b) != 0 {
		return ErrMalformed
	}
	return nil
}
