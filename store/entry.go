package store

import (
	"encoding/binary"

	"github.com/tinylib/msgp/msgp"
)

// entry is what a layer holds under a key. In MessagePack, in pages as in log
// records, it is one of
//
//	bin            the value itself
//	nil            the key was deleted here (a tombstone: it hides older layers)
//	ext 1, 28 B    a large value, stored as chunks: Overflow
type entry struct {
	kind  entryKind
	value []byte // the value, or the 28 bytes of an Overflow
}

type entryKind uint8

const (
	inline entryKind = iota
	deleted
	overflow
)

// overflowExtension is the MessagePack extension type of an overflow entry.
const overflowExtension = 1

// Overflow locates a large value: Chunks blobs named First, First+1, …, that
// hold Size bytes together.
//
//	offset  0  writer  uint64 big-endian
//	        8  seq     uint64 big-endian
//	       16  chunks  uint32 big-endian
//	       20  size    uint64 big-endian
type Overflow struct {
	First  Ref
	Chunks int
	Size   int
}

const overflowBytes = refBytes + 4 + 8

func (o Overflow) append(dst []byte) []byte {
	dst = o.First.append(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(o.Chunks))
	return binary.BigEndian.AppendUint64(dst, uint64(o.Size))
}

// readOverflow reads the body of an overflow entry. Counts that cannot be true
// are refused here, so that no allocation is ever sized by damaged bytes.
func readOverflow(b []byte) (Overflow, bool) {
	if len(b) != overflowBytes {
		return Overflow{}, false
	}
	chunks := binary.BigEndian.Uint32(b[16:])
	size := binary.BigEndian.Uint64(b[20:])
	if chunks == 0 || size > 1<<40 || size/uint64(chunks) > 1<<30 {
		return Overflow{}, false
	}
	return Overflow{First: readRef(b), Chunks: int(chunks), Size: int(size)}, true
}

// names are the blobs that hold the value, in order.
func (o Overflow) names() []string {
	names := make([]string, o.Chunks)
	for i := range names {
		names[i] = o.First.plus(i).name()
	}
	return names
}

// size is the number of bytes that append appends.
func (e entry) size() int {
	switch e.kind {
	case deleted:
		return 1
	case overflow:
		return 3 + len(e.value)
	default:
		return binBytes(len(e.value))
	}
}

func (e entry) append(dst []byte) []byte {
	switch e.kind {
	case deleted:
		return msgp.AppendNil(dst)
	case overflow:
		dst = append(dst, 0xc7, byte(len(e.value)), overflowExtension)
		return append(dst, e.value...)
	default:
		return appendBin(dst, e.value)
	}
}

// readEntry reads one entry from the front of b, without copying, and returns
// what follows it.
func readEntry(b []byte) (e entry, rest []byte, ok bool) {
	if len(b) == 0 {
		return entry{}, nil, false
	}
	switch b[0] {
	case 0xc0:
		return entry{kind: deleted}, b[1:], true
	case 0xc7:
		if len(b) < 3+overflowBytes || b[1] != overflowBytes || b[2] != overflowExtension {
			return entry{}, nil, false
		}
		return entry{kind: overflow, value: b[3 : 3+overflowBytes]}, b[3+overflowBytes:], true
	default:
		value, rest, ok := readBin(b)
		return entry{value: value}, rest, ok
	}
}

// shortBin begins a MessagePack bin of less than 256 bytes.
const shortBin = 0xc4

// appendBin appends a MessagePack bin.
func appendBin(dst, value []byte) []byte { return append(appendBinHead(dst, len(value)), value...) }

// appendBinHead appends what stands before the n bytes of a MessagePack bin.
func appendBinHead(dst []byte, n int) []byte {
	switch {
	case n < 1<<8:
		return append(dst, shortBin, byte(n))
	case n < 1<<16:
		return append(dst, 0xc5, byte(n>>8), byte(n))
	default:
		return append(dst, 0xc6, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}

// binBytes is what a MessagePack bin of n bytes takes with its head.
func binBytes(n int) int {
	switch {
	case n < 1<<8:
		return 2 + n
	case n < 1<<16:
		return 3 + n
	default:
		return 5 + n
	}
}

// readBin reads a MessagePack bin without copying. It is msgp.ReadBytesZC
// without its error values, for it runs at every step of every search.
func readBin(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	var head, n int
	switch b[0] {
	case shortBin:
		head, n = 2, int(b[1])
	case 0xc5:
		if len(b) < 3 {
			return nil, nil, false
		}
		head, n = 3, int(binary.BigEndian.Uint16(b[1:]))
	case 0xc6:
		if len(b) < 5 {
			return nil, nil, false
		}
		head, n = 5, int(binary.BigEndian.Uint32(b[1:]))
	default:
		return nil, nil, false
	}
	if n < 0 || n > len(b)-head {
		return nil, nil, false
	}
	return b[head : head+n : head+n], b[head+n:], true
}
