package store

import "github.com/tinylib/msgp/msgp"

// root names the current trees and the log position they cover. It is the only
// blob that is ever replaced. Plain:
//
//	array of 5
//	  id          bin    16 random bytes, drawn when the environment is created
//	  stages      bin    the modifiers that any of its blobs may have passed: kind, id, kind, id …
//	  generation  uint   counts the roots
//	  position    uint   log records up to here are contained in the trees
//	  trees       array  newest first: array of 2 (level uint, root bin: see child)
type root struct {
	id         [16]byte
	stages     []byte
	generation uint64
	position   uint64
	trees      []tree

	header *header // stands in the envelope, nil without a keyed stage
}

func (r *root) encode() []byte {
	b := msgp.AppendArrayHeader(nil, 5)
	b = msgp.AppendBytes(b, r.id[:])
	b = msgp.AppendBytes(b, r.stages)
	b = msgp.AppendUint64(b, r.generation)
	b = msgp.AppendUint64(b, r.position)
	return appendTrees(b, r.trees)
}

func decodeRoot(plain []byte) (*root, bool) {
	r := &root{}
	n, b, err := msgp.ReadArrayHeaderBytes(plain)
	if err != nil || n != 5 {
		return nil, false
	}
	id, b, ok := readBin(b)
	if !ok || len(id) != len(r.id) {
		return nil, false
	}
	copy(r.id[:], id)
	if r.stages, b, ok = readBin(b); !ok || len(r.stages)%2 != 0 {
		return nil, false
	}
	if r.generation, b, err = msgp.ReadUint64Bytes(b); err != nil {
		return nil, false
	}
	if r.position, b, err = msgp.ReadUint64Bytes(b); err != nil {
		return nil, false
	}
	r.trees, b, ok = readTrees(b)
	return r, ok && len(b) == 0
}

func appendTrees(dst []byte, trees []tree) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(len(trees)))
	for _, t := range trees {
		dst = msgp.AppendArrayHeader(dst, 2)
		dst = msgp.AppendInt(dst, t.level)
		dst = msgp.AppendBytes(dst, t.root.append(nil))
	}
	return dst
}

func readTrees(b []byte) (trees []tree, rest []byte, ok bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || int(n) > len(b)/childBytes {
		return nil, nil, false
	}
	for range n {
		var t tree
		two, more, err := msgp.ReadArrayHeaderBytes(b)
		if err != nil || two != 2 {
			return nil, nil, false
		}
		if t.level, more, err = msgp.ReadIntBytes(more); err != nil || t.level < 0 || t.level > maxLevel {
			return nil, nil, false
		}
		stored, more, ok := readBin(more)
		if !ok {
			return nil, nil, false
		}
		if t.root, ok = readChild(stored); !ok {
			return nil, nil, false
		}
		trees, b = append(trees, t), more
	}
	return trees, b, true
}
