package op

import "github.com/stowage-db/stowage/query"

// maxHead is the longest head of a MessagePack map.
const maxHead = 5

// MergedRoom is how many bytes more than a map and a patch what AppendMerged appends may take.
const MergedRoom = maxHead

// AppendMerged appends the map doc with the fields of patch, and tells where in what
// it returns that begins: the bytes between are not used. Both are valid
// maps; what stays keeps its place, what is new comes last, undefined removes.
func AppendMerged(dst, doc, patch []byte) (out []byte, start int, err error) {
	given, ok := readHead(patch, 0)
	h, also := readHead(doc, 0)
	if !ok || !also {
		return nil, 0, fail("merge: not a map")
	}
	changes := make([]patched, 0, given.count)
	for at := given.body; at < len(patch); {
		value := skip(patch, at)
		past := skip(patch, value)
		changes = append(changes, patched{name: patch[at:value], value: patch[value:past]})
		at = past
	}
	// The head is written last: how many fields there will be is not known yet.
	out = append(dst, make([]byte, maxHead)...)
	first := len(out)
	h.count = 0
	for at := h.body; at < len(doc); {
		value := skip(doc, at)
		past := skip(doc, value)
		name, of := doc[at:value], doc[value:past]
		for i := range changes {
			// The same name may have been written in several ways.
			if query.Equal(changes[i].name, name) {
				of, changes[i].done = changes[i].value, true
				break
			}
		}
		out = h.put(out, name, of)
		at = past
	}
	for _, c := range changes {
		if !c.done {
			out = h.put(out, c.name, c.value)
		}
	}
	counted := h.bytes(0)
	start = first - len(counted)
	copy(out[start:], counted)
	return out, start, nil
}

// patched is a field to be set.
type patched struct {
	name, value []byte
	done        bool // it was there, and is set
}

// put appends a field and counts it, unless it is to be taken out.
func (h *head) put(dst, name, value []byte) []byte {
	if query.IsUndefined(value) {
		return dst
	}
	h.count++
	return append(append(dst, name...), value...)
}
