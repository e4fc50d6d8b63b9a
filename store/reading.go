package store

import (
	"bytes"

	"github.com/stowage-db/stowage/query/sql"
)

// reading is an index, or documents, of which a statement reads a part: maybe another one for
// each row of what it is joined to, and what it has opened for the first serves all of them.
type reading struct {
	walk   sweep
	window *window
	record sql.Record
	busy   bool

	last   []byte // the newest identity of which a document was read alone
	rising int    // how many of these came in order
}

// reading begins to read what an access tells of.
//
//go:noinline
func (s *statement) reading(db *DB, a *sql.Access) *reading {
	var r *reading
	for _, known := range s.readings {
		if known.walk.db == db && !known.busy {
			r = known
		}
	}
	if r == nil {
		r = &reading{walk: sweep{db: db}}
		s.readings = append(s.readings, r)
	}
	r.busy, r.record = true, sql.Record{}
	w := &r.walk
	if w.ranges, w.reverse, w.failed = a.Ranges, a.Reverse, nil; len(w.ranges) == 0 {
		w.ranges = everything
	}
	return r
}

// end gives up what others may want to have, and tells what the transaction has read.
//
//go:noinline
func (r *reading) end() {
	if r.busy = false; r.window != nil {
		r.window.reset()
	}
	if r.walk.within {
		r.walk.leave()
	}
}

// close ends what was opened.
func (r *reading) close() {
	r.end()
	r.walk.close()
}

// risen is how many identities have to come in order before their documents are looked for
// from where the one before was.
const risen = 4

// scanOne reads the document of an identity.
func (s *statement) scanOne(on *session, a *sql.Access, emit func(*sql.Record) error) (err error) {
	r := s.reading(on.docs, a)
	key := a.Ranges[0].Low
	if r.rising++; bytes.Compare(key, r.last) < 0 {
		r.rising = 0
	}
	r.last = append(r.last[:0], key...)
	var found bool
	if r.rising < risen {
		r.record.Doc, found, err = on.docs.Get(key)
	} else if _, found = r.walk.next(); found {
		r.record.Doc, err = r.walk.value()
	} else {
		err = r.walk.failed
	}
	if a.Keys {
		r.record.Key = s.keep(key)
	}
	if err == nil {
		err = s.tx.Work(entryWork + len(r.record.Doc))
	}
	if found && err == nil {
		err = emit(&r.record)
	}
	r.end()
	return err
}

// scanIndex reads entries, and the documents that they belong to where those are wanted:
// several ahead, so that they are read together.
func (s *statement) scanIndex(on *session, a *sql.Access, emit func(*sql.Record) error) error {
	db, err := s.tx.inner(on.names[a.Index])
	if err != nil {
		return err
	}
	r := s.reading(db, a)
	if a.Documents && r.window == nil {
		r.window = newWindow(&r.walk, on.docs, len(on.schema.Indexes[a.Index].Paths))
	}
	err = s.readEntries(r, on, a, emit)
	r.end()
	return err
}

func (s *statement) readEntries(r *reading, on *session, a *sql.Access, emit func(*sql.Record) error) (err error) {
	index := &on.schema.Indexes[a.Index]
	var seen map[string]struct{}
	if index.Multi {
		seen = make(map[string]struct{})
	}
	walk, record := walk(&r.walk), &r.record
	if a.Documents {
		walk = r.window
	}
	for {
		entry, ok := walk.next()
		if !ok {
			return walk.err()
		}
		if err := s.tx.Work(entryWork); err != nil {
			return err
		}
		record.Entry, record.Key = entry, entry[componentsLen(entry, len(index.Paths)):]
		if seen != nil {
			if _, came := seen[string(record.Key)]; came {
				continue
			}
			seen[string(record.Key)] = struct{}{}
		}
		if a.Keys {
			record.Key = s.keep(record.Key)
		}
		if a.Documents {
			if record.Doc = r.window.document(); record.Doc == nil {
				record.Doc, err = s.document(on, record.Key)
			}
			if err == nil {
				err = s.tx.Work(len(record.Doc))
			}
			if err != nil {
				return err
			}
		}
		if err := emit(record); err != nil {
			return err
		}
	}
}

// document gets the document that an index entry belongs to.
func (s *statement) document(on *session, key []byte) ([]byte, error) {
	doc, found, err := on.docs.get(key)
	if err == nil && !found {
		err = fail(Corrupt, "read index: an entry without a document", on.table.name, nil)
	}
	return doc, err
}
