package store

import (
	"encoding/binary"
	"strconv"
	"time"
)

// stamp tells when a commit was made, and in which context. Of two writes to one key
// the one with the greater stamp stays, in whatever order contexts come to know of
// them.
type stamp struct {
	time   hybrid
	writer uint64
}

// hybrid is a time that only grows: milliseconds since 1970 in the upper 48 bits, as
// the clock says or as another context was heard to be ahead of it, and below them a
// count of what happened within one.
type hybrid uint64

const hybridBits = 16

func hybridOf(t time.Time) hybrid { return hybrid(max(0, t.UnixMilli())) << hybridBits }

// add moves a time, not below zero.
func (h hybrid) add(d time.Duration) hybrid {
	by := hybrid(d.Abs().Milliseconds()) << hybridBits
	switch {
	case d >= 0:
		return h + by
	case by > h:
		return 0
	default:
		return h - by
	}
}

// until is how long it takes from one time to another.
func (h hybrid) until(later hybrid) time.Duration {
	return time.Duration(int64(later>>hybridBits)-int64(h>>hybridBits)) * time.Millisecond
}

func (s stamp) compare(other stamp) int {
	switch {
	case s == other:
		return 0
	case s.time < other.time, s.time == other.time && s.writer < other.writer:
		return -1
	default:
		return 1
	}
}

const stampBytes = 16

func (s stamp) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.time))
	return binary.BigEndian.AppendUint64(dst, s.writer)
}

// readStamp reads a stored stamp; b holds at least stampBytes.
func readStamp(b []byte) stamp {
	return stamp{hybrid(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:])}
}

// mark names one journal record: the commits that a writer has made under one stamp,
// and how many records it had written by then.
type mark struct {
	stamp
	seq uint32
}

const (
	markBytes  = stampBytes + 4
	markDigits = 2 * markBytes
)

// name is the record's name in the backend: time, writer and seq in hex, so that
// names sort by time.
func (m mark) name() string {
	b := appendHex([]byte(logPrefix), uint64(m.time))
	b = appendHex(b, m.writer)
	return string(appendHex(b, uint64(m.seq)<<32)[:len(logPrefix)+markDigits])
}

// markOf reads the name of a journal record back.
func markOf(name string) (mark, bool) {
	if len(name) != len(logPrefix)+markDigits || name[:len(logPrefix)] != logPrefix {
		return mark{}, false
	}
	return readMark(name[len(logPrefix):])
}

// readMark reads a mark's digits.
func readMark(digits string) (mark, bool) {
	time, err := strconv.ParseUint(digits[:16], 16, 64)
	if err != nil {
		return mark{}, false
	}
	writer, err := strconv.ParseUint(digits[16:32], 16, 64)
	if err != nil {
		return mark{}, false
	}
	seq, err := strconv.ParseUint(digits[32:], 16, 32)
	return mark{stamp{hybrid(time), writer}, uint32(seq)}, err == nil
}

// mostBuckets is how many lists are asked for to find the records of a span of time.
const mostBuckets = 4

// bucketDigits is of how many of a name's digits a bucket is at most: 17 minutes.
const bucketDigits = 7

// buckets are prefixes that the names of all records between two times have one of:
// few, and not much longer than the span.
func buckets(from, to hybrid) []string {
	for digits := bucketDigits; ; digits-- {
		shift := 64 - 4*digits
		first, last := uint64(from)>>shift, uint64(to)>>shift
		if last-first >= mostBuckets {
			continue
		}
		var prefixes []string
		for at := first; at <= last; at++ {
			prefixes = append(prefixes, string(appendHex([]byte(logPrefix), at<<shift)[:len(logPrefix)+digits]))
		}
		return prefixes
	}
}
