package store

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// roomBytes is how much is allocated at once for documents that are put together
// anew.
const roomBytes = 64 << 10

// take returns the room that is left for one document of at most n bytes, empty.
func (s *session) take(n int) []byte {
	if cap(s.room)-len(s.room) < n {
		s.room = make([]byte, 0, max(n, roomBytes))
	}
	return s.room[len(s.room):len(s.room):cap(s.room)]
}

// keep gives a document its room for good.
func (s *session) keep(doc []byte) []byte {
	s.room = s.room[:len(s.room)+len(doc)]
	return doc[:len(doc):len(doc)]
}

// maxMapHead is the longest head of a MessagePack map.
const maxMapHead = 5

// merge returns doc with the fields of patch. Both are valid maps; what stays
// keeps its place, what is new comes last.
func (s *session) merge(doc, patch []byte) ([]byte, error) {
	size, rest, err := msgp.ReadMapHeaderBytes(doc)
	if err != nil {
		return nil, err
	}
	changes, err := readFields(patch)
	if err != nil {
		return nil, err
	}
	// The head is written last: how many fields there will be is not known yet.
	out := s.take(maxMapHead + len(doc) + len(patch))[:maxMapHead]
	count := uint32(0)
	for range size {
		var f field
		if f, rest, err = readField(rest); err != nil {
			return nil, err
		}
		if i := find(changes, f.name); i >= 0 {
			f.value = changes[i].value
			changes[i].done = true
		}
		if !query.IsUndefined(f.value) {
			out = append(append(out, f.name...), f.value...)
			count++
		}
	}
	for _, f := range changes {
		if !f.done && !query.IsUndefined(f.value) {
			out = append(append(out, f.name...), f.value...)
			count++
		}
	}
	var room [maxMapHead]byte
	head := msgp.AppendMapHeader(room[:0], count)
	copy(out[maxMapHead-len(head):], head)
	return s.keep(out)[maxMapHead-len(head):], nil
}

// field is a name and its value, raw.
type field struct {
	name, value []byte
	done        bool
}

func readFields(doc []byte) ([]field, error) {
	size, rest, err := msgp.ReadMapHeaderBytes(doc)
	if err != nil {
		return nil, err
	}
	var fields []field
	for range size {
		var f field
		if f, rest, err = readField(rest); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func readField(b []byte) (f field, rest []byte, err error) {
	name, ok := query.Skip(b)
	if !ok {
		return field{}, nil, msgp.ErrShortBytes
	}
	value, ok := query.Skip(b[name:])
	if !ok {
		return field{}, nil, msgp.ErrShortBytes
	}
	return field{name: b[:name], value: b[name : name+value]}, b[name+value:], nil
}

// find returns the position of the field of a name, −1 if there is none. The
// same name may have been written in several ways.
func find(fields []field, name []byte) int {
	for i := range fields {
		if query.Equal(fields[i].name, name) {
			return i
		}
	}
	return -1
}
