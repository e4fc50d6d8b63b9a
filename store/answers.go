package store

import (
	"sync"
)

// answers is a table's query cache: which documents were found, by query. It keeps
// identities, not documents. An answer holds for every snapshot between which
// and its own nobody has written to the table, so a write, of this context
// or another, makes all of them useless.
//
// Only what takes more than reading entries in order is kept: queries that look
// into documents or sort them, and find a thousand at most.
type answers struct {
	mu   sync.Mutex
	size int // answers kept at most, −1 for any number
	kept map[string]*answer
	used uint64 // counts uses
}

type answer struct {
	of       space    // where the documents are: another one once the table was dropped
	sequence uint64   // the last staged transaction that its snapshot contained
	keys     [][]byte // of the documents, in order
	used     uint64
}

const (
	// defaultAnswers is how many queries a table remembers the answers to.
	defaultAnswers = 10
	// mostFound is how many documents an answer may have to be kept.
	mostFound = 1000
)

// CacheQueries sets of how many queries the table keeps the answers: ten if it is
// not called, none with 0, any number with −1.
func (t *Table) CacheQueries(n int) {
	t.answers.mu.Lock()
	defer t.answers.mu.Unlock()
	t.answers.size = n
	t.answers.shrink()
}

// ClearCache forgets the answers that the table keeps.
func (t *Table) ClearCache() {
	t.answers.mu.Lock()
	defer t.answers.mu.Unlock()
	clear(t.answers.kept)
}

// Cached is the number of queries whose answers the table keeps. Some may be out of date.
func (t *Table) Cached() int {
	t.answers.mu.Lock()
	defer t.answers.mu.Unlock()
	return len(t.answers.kept)
}

// get returns the answer to a query, if there is one that holds for a snapshot and
// the latest changes of the table.
func (a *answers) get(name string, of space, snapshot, changed uint64) (keys [][]byte, found bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept := a.kept[name]
	if kept == nil || kept.of != of || changed > min(kept.sequence, snapshot) {
		return nil, false
	}
	a.used++
	kept.used = a.used
	return kept.keys, true
}

func (a *answers) put(name string, found answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		a.kept = make(map[string]*answer)
	}
	a.used++
	found.used = a.used
	a.kept[name] = &found
	a.shrink()
}

// shrink forgets the answers that were not used for longest.
func (a *answers) shrink() {
	for a.size >= 0 && len(a.kept) > a.size {
		var last string
		var least uint64
		for name, kept := range a.kept {
			if last == "" || kept.used < least {
				last, least = name, kept.used
			}
		}
		delete(a.kept, last)
	}
}

// answerName is the name of what a query finds; empty where it has none, or where
// it is not worth keeping. What a transaction has written itself, no other sees; and a
// watch has to know what is read.
func (s *search) answerName() string {
	a := &s.table.answers
	a.mu.Lock()
	off := a.size == 0
	a.mu.Unlock()
	if off || s.tx.writable || s.tx.watched || s.plan.Ordered && s.plan.Residual == nil {
		return ""
	}
	name, _ := s.query.Identity()
	return name
}

// remembered delivers the answer that the table keeps, or goes on with each and keeps
// what it delivers.
func (s *search) remembered(visit func(key, doc []byte) error) error {
	name := s.answerName()
	if name == "" {
		return s.each(visit)
	}
	changed := s.tx.env.changedAt(s.docs.space)
	snapshot := s.tx.base.sequence
	if keys, found := s.table.answers.get(name, s.docs.space, snapshot, changed); found {
		return s.recall(keys, visit)
	}
	keys, err := s.memorise(visit)
	if err == nil && len(keys) <= mostFound && changed <= snapshot {
		s.table.answers.put(name, answer{of: s.docs.space, sequence: snapshot, keys: keys})
	}
	return err
}

// memorise is each, and keeps the keys of what it delivers: up to one more than can be remembered.
func (s *search) memorise(visit func(key, doc []byte) error) (keys [][]byte, err error) {
	room := make([]byte, 0, 64)
	err = s.each(func(key, doc []byte) error {
		if len(keys) <= mostFound {
			room = append(room, key...)
			keys = append(keys, room[len(room)-len(key):len(room):len(room)])
		}
		return visit(key, doc)
	})
	return keys, err
}

// recall delivers documents by their keys.
func (s *search) recall(keys [][]byte, visit func(key, doc []byte) error) (err error) {
	s.cached = true
	ahead := newAhead(s.docs)
	for i, key := range keys {
		if err := ahead.before(i, s.docs.storedForms(keys)); err != nil {
			return err
		}
		if s.doc, err = s.document(key); err != nil {
			return err
		}
		s.identity = key
		s.documents++
		s.results++
		if err := s.tx.Work(len(s.doc)); err != nil {
			return err
		}
		if err := visit(key, s.doc); err != nil {
			return err
		}
	}
	return nil
}
