package store

import (
	"strings"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// members are the names that the documents of a table have members by, in the order in
// which they first appear: the columns of a table that declares none. They are found by a
// pass over all documents, and kept until somebody writes to the table.
type members struct {
	mu       sync.Mutex
	of       space
	sequence uint64   // the last staged transaction that the snapshot of the pass contained
	names    []string // nil where not all are known
	met      map[string]bool
	ever     []string // those that were met, in the order in which they were
}

// peeked is how many documents are looked at where only some names are wanted.
const peeked = 64

// all returns every name. What the pass reads is not noted: a live query does not depend on
// a document because that was looked at for names.
func (m *members) all(tx *Tx, docs *DB) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holds(tx, docs) {
		return m.names, nil
	}
	m.forget(docs)
	changed := tx.env.changedAt(docs.space)
	names, err := m.pass(tx, docs, -1)
	if err != nil || tx.hasWritten(docs.space) || changed > tx.base.sequence {
		return names, err // nobody else sees these
	}
	m.names, m.sequence = names, tx.base.sequence
	return names, nil
}

// current reports whether what all returned is what it would return.
func (m *members) current(tx *Tx, docs *DB) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.holds(tx, docs)
}

func (m *members) holds(tx *Tx, docs *DB) bool {
	known := m.names != nil && m.of == docs.space && !tx.hasWritten(docs.space)
	return known && tx.env.changedAt(docs.space) <= min(m.sequence, tx.base.sequence)
}

// some returns names that there are, or were: those of the first documents, or all that were
// met before.
func (m *members) some(tx *Tx, docs *DB) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of != docs.space {
		m.forget(docs)
	}
	if len(m.met) > 0 {
		return m.ever, nil
	}
	return m.pass(tx, docs, peeked)
}

func (m *members) forget(docs *DB) {
	m.of, m.names, m.met, m.ever = docs.space, nil, make(map[string]bool), nil
}

// pass returns the names of the first most documents, of all if that is −1.
func (m *members) pass(tx *Tx, docs *DB, most int) (names []string, err error) {
	bounds := docs.space.bounds(KeyRange{})
	walk := newMerge(tx.sources(bounds), bounds)
	names = []string{}
	for walk.seek(nil); walk.valid() && most != 0; walk.next() {
		e, err := walk.entry()
		if err != nil {
			return nil, err
		}
		if e.kind == deleted {
			continue
		}
		most--
		doc, err := tx.in.value(e)
		if err == nil {
			names, err = m.take(names, doc)
		}
		if err == nil {
			err = tx.Work(len(doc))
		}
		if err != nil {
			return nil, err
		}
	}
	return names, walk.err()
}

// take appends those names of a document that were not met. A name that is no text is no
// column's either, and what follows it in the document is not looked at.
func (m *members) take(names []string, doc []byte) ([]string, error) {
	count, rest, err := msgp.ReadMapHeaderBytes(doc)
	for range count {
		var name []byte
		if err == nil {
			name, rest, err = msgp.ReadStringZC(rest)
		}
		if err != nil {
			return names, nil
		}
		if !m.met[string(name)] {
			m.met[string(name)] = true
			names = append(names, string(name))
			m.ever = append(m.ever, string(name))
		}
		size, ok := query.Skip(rest)
		if !ok {
			return nil, fail(Corrupt, "read document", "", nil)
		}
		rest = rest[size:]
	}
	return names, err
}

// hasWritten reports whether the transaction, or what it is nested in, has written to a
// database.
func (tx *Tx) hasWritten(id space) bool {
	for t := tx; t != nil && t.writable; t = t.parent {
		if t.writes.find(id) != nil || len(t.runs) > 0 || t.growing != nil {
			return true
		}
	}
	return false
}

// foldedFind returns the position of the only name that equals another one but for the case
// of ASCII letters, −1 where there is none or are several. One that is equal as it is goes first.
func foldedFind(names []string, name string) int {
	at := -1
	for i, other := range names {
		if other == name {
			return i
		}
		if foldedEqual(other, name) {
			if at >= 0 {
				at = len(names)
			} else {
				at = i
			}
		}
	}
	if at == len(names) {
		return -1
	}
	return at
}

// foldedEqual compares without regard to the case of ASCII letters.
func foldedEqual(a, b string) bool {
	return len(a) == len(b) && folded(a) == folded(b)
}

// folded is a name with its ASCII letters in lower case.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
}
