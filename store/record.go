package store

import (
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// record is one group of commits as the log keeps it. Plain:
//
//	array of 2
//	  position  uint
//	  body      bin, or the ext of an overflow entry where it does not fit one blob
//
//	body: array of sections, oldest first; a section is an array of 2
//	  trees     array  newest first: what large transactions wrote ahead (see root)
//	  entries   array  key bin, entry, key bin, entry … ascending, on top of trees
type record struct {
	position uint64
	body     entry
}

// section is one step of a record: first its trees count, then its writes.
type section struct {
	trees  []tree
	writes *writeSet
}

func (r record) append(dst []byte) []byte {
	dst = msgp.AppendArrayHeader(slices.Grow(dst, r.body.size()+16), 2)
	dst = msgp.AppendUint64(dst, r.position)
	return r.body.append(dst)
}

func decodeRecord(plain []byte) (record, bool) {
	var r record
	n, b, err := msgp.ReadArrayHeaderBytes(plain)
	if err != nil || n != 2 {
		return r, false
	}
	if r.position, b, err = msgp.ReadUint64Bytes(b); err != nil {
		return r, false
	}
	body, rest, ok := readEntry(b)
	r.body = body
	return r, ok && body.kind != deleted && len(rest) == 0
}

func appendSections(dst []byte, sections []section) []byte {
	size := 16
	for _, s := range sections {
		size += s.writes.bytes + (childBytes+8)*len(s.trees) + 16
	}
	b := msgp.AppendArrayHeader(slices.Grow(dst, size), uint32(len(sections)))
	for _, s := range sections {
		b = msgp.AppendArrayHeader(b, 2)
		b = appendTrees(b, s.trees)
		b = msgp.AppendArrayHeader(b, uint32(2*s.writes.len()))
		_ = s.writes.all(func(whole []byte, e entry) error {
			b = e.append(appendBin(b, whole))
			return nil
		})
	}
	return b
}

// decodeSections reads a record's body.
func decodeSections(body []byte) ([]section, bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(body)
	if err != nil || int(n) > len(b) {
		return nil, false
	}
	var sections []section
	for range n {
		two, rest, err := msgp.ReadArrayHeaderBytes(b)
		if err != nil || two != 2 {
			return nil, false
		}
		trees, rest, ok := readTrees(rest)
		if !ok {
			return nil, false
		}
		writes, rest, ok := readWrites(rest)
		if !ok {
			return nil, false
		}
		sections, b = append(sections, section{trees, writes}), rest
	}
	return sections, len(b) == 0
}

func readWrites(b []byte) (*writeSet, []byte, bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n%2 != 0 || int(n) > len(b) {
		return nil, nil, false
	}
	writes := &writeSet{}
	for range n / 2 {
		key, rest, ok := readBin(b)
		if !ok || len(key) < spaceBytes || len(key) > spaceBytes+MaxKeyBytes {
			return nil, nil, false
		}
		e, rest, ok := readEntry(rest)
		if !ok {
			return nil, nil, false
		}
		writes.space(spaceOf(key)).put(key, e)
		b = rest
	}
	return writes, b, true
}
