package store

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// IdentityKind makes identities for the documents of a table that come without one: see
// Schema.Identity. Package identity has those of JavaScript; a program's own does what it
// likes. It may be used by several goroutines at once.
//
// Two kinds are the same if they are equal: one that is not comparable should be a pointer.
type IdentityKind interface {
	// Next returns an identity that no document of the table has, raw MessagePack. It may look
	// into the transaction, and write there what it has to remember: where that is given up, or begun
	// anew, nothing of it stays. Its error is returned as it is.
	Next(tx *Tx) (id []byte, err error)
	// Accepts reports whether an identity that a new document brings, raw MessagePack, is one of
	// this kind. Where it is not, the document is refused.
	Accepts(id []byte) bool
}

// identify fails with SchemaMismatch where a table is open here with identities of another kind.
// With open it is now.
func (e *Env) identify(table string, kind IdentityKind, open bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if before, is := e.identities[table]; is && !sameKind(before, kind) {
		return fail(SchemaMismatch, "open table: it is open with other identities", table, nil)
	}
	if open {
		e.identities[table] = kind
	}
	return nil
}

// sameKind reports whether two kinds are equal; those that cannot be compared never are.
func sameKind(a, b IdentityKind) (same bool) {
	defer func() { _ = recover() }()
	return a == b
}

// unidentified forgets what identities a table had that is dropped.
func (e *Env) unidentified(table string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.identities, table)
}

// draw returns doc with an identity of the table's kind, and s.offsets as they are there.
func (s *session) draw(doc []byte) ([]byte, error) {
	id, err := s.table.kind.Next(s.tx)
	if err != nil {
		return nil, err
	}
	if n, ok := query.Skip(id); !ok || n < len(id) {
		return nil, fail(InvalidKey, "identity: what was made is not one value", s.table.name, nil)
	}
	return s.give(doc, id)
}

// give returns doc with an identity that it does not have, raw MessagePack, and s.offsets as
// they are there.
func (s *session) give(doc, id []byte) ([]byte, error) {
	name := s.schema.Key[0].Name
	if s.offsets[s.identity] >= 0 {
		return s.giveAgain(doc, name, id)
	}
	size, fields, err := msgp.ReadMapHeaderBytes(doc)
	if err != nil {
		return nil, err
	}
	out := s.take(maxMapHead + len(doc) + len(name) + 9 + len(id))
	out = msgp.AppendMapHeader(out, size+1)
	shift := len(out) - (len(doc) - len(fields))
	out = append(out, fields...)
	out = msgp.AppendString(out, name)
	for i := range s.offsets {
		if s.offsets[i] >= 0 {
			s.offsets[i] += shift
		}
	}
	s.offsets[s.identity] = len(out)
	return s.keep(append(out, id...)), nil
}

// giveAgain puts an identity in the place of undefined.
func (s *session) giveAgain(doc []byte, name string, id []byte) ([]byte, error) {
	patch := msgp.AppendString(msgp.AppendMapHeader(nil, 1), name)
	doc, err := s.merge(doc, append(patch, id...))
	if err != nil {
		return nil, err
	}
	return doc, s.extract.Extract(doc, query.MaxDepth, s.offsets)
}
