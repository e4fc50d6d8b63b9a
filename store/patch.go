package store

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
)

// alteration makes of a stored document the one to take its place.
type alteration func(s *session, doc []byte) ([]byte, error)

// readChange reads what Update is told to do.
func readChange(raw []byte) (alteration, error) {
	if msgp.NextType(raw) == msgp.ArrayType {
		list, err := op.Parse(raw)
		return func(_ *session, doc []byte) ([]byte, error) { return list.Apply(doc) }, err
	}
	err := query.Validate(raw, query.MaxDepth)
	return func(s *session, doc []byte) ([]byte, error) { return s.merge(doc, raw) }, err
}

// roomBytes is how much is allocated at once, at most, for documents that are put
// together anew: as much as one needs at first, for most changes have one.
const roomBytes = 64 << 10

// take returns the room that is left for one document of at most n bytes, empty.
func (s *session) take(n int) []byte {
	if cap(s.room)-len(s.room) < n {
		s.room = make([]byte, 0, max(n, min(4*cap(s.room), roomBytes)))
	}
	return s.room[len(s.room):len(s.room):cap(s.room)]
}

// keep gives a document its room for good, unless it has outgrown that: a patch is put in
// several times where a document has members of the same name.
func (s *session) keep(doc []byte) []byte {
	if len(doc) <= cap(s.room)-len(s.room) {
		s.room = s.room[:len(s.room)+len(doc)]
	}
	return doc[:len(doc):len(doc)]
}

// maxMapHead is the longest head of a MessagePack map.
const maxMapHead = 5

// merge returns doc with the fields of patch, both valid maps.
func (s *session) merge(doc, patch []byte) ([]byte, error) {
	out, start, err := op.AppendMerged(s.take(op.MergedRoom+len(doc)+len(patch)), doc, patch)
	if err != nil {
		return nil, err
	}
	return s.keep(out)[start:], nil
}
