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
//
// While blobs are sealed anew it is an array of 6; see resealing.
type root struct {
	id         [16]byte
	stages     []byte
	generation uint64
	position   uint64
	trees      []tree

	resealing *resealing // nil unless that is under way
	header    *header    // stands in the envelope, nil without a keyed stage
}

// resealing is how far the blobs of an environment are sealed as they are to be.
//
//	array of 3, of 4 in a rotation
//	  target    bin   the stages that new blobs pass: kind, id, kind, id …
//	  plain     bool  there may be blobs that are not encrypted
//	  next      bin   of entries with lesser whole keys, the leaves and the large values are done
//	  rotation  bool  true: it began with the newest key, and the header has not changed since
type resealing struct {
	target   []byte
	plain    bool
	next     []byte
	rotation bool
}

func (r *root) encode() []byte {
	n := uint32(5)
	if r.resealing != nil {
		n = 6
	}
	b := msgp.AppendArrayHeader(nil, n)
	b = msgp.AppendBytes(b, r.id[:])
	b = msgp.AppendBytes(b, r.stages)
	b = msgp.AppendUint64(b, r.generation)
	b = msgp.AppendUint64(b, r.position)
	b = appendTrees(b, r.trees)
	if r.resealing != nil {
		b = r.resealing.append(b)
	}
	return b
}

func (w *resealing) append(b []byte) []byte {
	n := uint32(3)
	if w.rotation {
		n = 4
	}
	b = msgp.AppendArrayHeader(b, n)
	b = msgp.AppendBytes(b, w.target)
	b = msgp.AppendBool(b, w.plain)
	b = msgp.AppendBytes(b, w.next)
	if w.rotation {
		b = msgp.AppendBool(b, true)
	}
	return b
}

func decodeRoot(plain []byte) (*root, bool) {
	r := &root{}
	n, b, err := msgp.ReadArrayHeaderBytes(plain)
	if err != nil || n != 5 && n != 6 {
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
	if r.trees, b, ok = readTrees(b); ok && n == 6 {
		r.resealing, b, ok = readResealing(b)
	}
	return r, ok && len(b) == 0
}

func readResealing(b []byte) (w *resealing, rest []byte, ok bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n != 3 && n != 4 {
		return nil, nil, false
	}
	w = &resealing{}
	if w.target, b, ok = readBin(b); !ok || len(w.target)%2 != 0 {
		return nil, nil, false
	}
	if w.plain, b, err = msgp.ReadBoolBytes(b); err != nil {
		return nil, nil, false
	}
	if w.next, b, ok = readBin(b); ok && n == 4 {
		w.rotation, b, err = msgp.ReadBoolBytes(b)
		ok = err == nil && w.rotation
	}
	return w, b, ok
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
