package store

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// Ref names one immutable blob of the tree: a page or a chunk of a large value.
// Writer is drawn at random whenever an environment is opened and Seq counts up
// from one, so no name is used twice, whoever else writes to the same backend
// and whatever a crash left behind.
type Ref struct {
	Writer uint64
	Seq    uint64
}

// refBytes is the size of a stored Ref: writer and sequence, big-endian.
const refBytes = 16

// zero reports whether r names nothing.
func (r Ref) zero() bool { return r == Ref{} }

// name is the blob's name in the backend: "p/<writer>/<sequence>", both in hex.
func (r Ref) name() string {
	b := make([]byte, 0, 2+16+1+8)
	b = append(b, pagePrefix...)
	b = appendHex(b, r.Writer)
	b = append(b, '/')
	b = strconv.AppendUint(b, r.Seq, 16)
	return string(b)
}

// pageRef reads the name of a page or chunk back.
func pageRef(name string) (Ref, bool) {
	const at = len(pagePrefix) + 16
	if len(name) < at+2 || name[:len(pagePrefix)] != pagePrefix || name[at] != '/' {
		return Ref{}, false
	}
	writer, err := strconv.ParseUint(name[len(pagePrefix):at], 16, 64)
	if err != nil {
		return Ref{}, false
	}
	seq, err := strconv.ParseUint(name[at+1:], 16, 64)
	return Ref{writer, seq}, err == nil
}

// writerOf is the part of a page's name that tells who wrote it.
func writerOf(name string) string { return name[:strings.LastIndexByte(name, '/')+1] }

// plus returns the ref n places on from the same writer.
func (r Ref) plus(n int) Ref { return Ref{r.Writer, r.Seq + uint64(n)} }

func (r Ref) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, r.Writer)
	return binary.BigEndian.AppendUint64(dst, r.Seq)
}

// readRef reads a stored Ref; b holds at least refBytes.
func readRef(b []byte) Ref {
	return Ref{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// The prefixes of blob names. Positions are written with all their digits, so
// that names sort as positions do.
const (
	pagePrefix = "p/"
	logPrefix  = "l/"
)

// logName is the name of the log record at a position.
func logName(position uint64) string {
	name := make([]byte, 0, len(logPrefix)+16)
	return string(appendHex(append(name, logPrefix...), position))
}

// logPosition reads a log record's name back.
func logPosition(name string) (uint64, bool) {
	if len(name) != len(logPrefix)+16 || name[:len(logPrefix)] != logPrefix {
		return 0, false
	}
	n, err := strconv.ParseUint(name[len(logPrefix):], 16, 64)
	return n, err == nil
}

// appendHex appends v as 16 lower-case hex digits.
func appendHex(dst []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}
