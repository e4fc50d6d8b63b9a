package store

import (
	"github.com/stowage-db/stowage/query/sql"
)

// reading is an index, or documents, of which a statement reads a part: maybe another one for
// each row of what it is joined to, and what it has opened for the first serves all of them.
type reading struct {
	walk   sweep
	window *window
	paths  int                 // of the index: what stands in an entry before the identity
	seen   map[string]struct{} // identities that have come, where an index may have several entries of one
	record sql.Record
	busy   bool
	rising rising // where documents of which the identity is known were read
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

// scanOne reads the document of an identity.
func (s *statement) scanOne(on *session, a *sql.Access, emit func(*sql.Record) error) (err error) {
	r := s.reading(on.docs, a)
	key := a.Ranges[0].Low
	var found bool
	r.record.Doc, found, err = r.rising.get(on.docs, key)
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
	index := &on.schema.Indexes[a.Index]
	r := s.reading(db, a)
	if r.paths = len(index.Paths); a.Documents && r.window == nil {
		r.window = newWindow(&r.walk, on.docs, r.paths)
	}
	if r.seen = nil; index.Multi {
		r.seen = make(map[string]struct{})
	}
	if a.Documents && a.Many != nil {
		err = s.readMany(r, on, a)
	} else {
		err = s.readEach(r, on, a, emit)
	}
	r.end()
	return err
}

func (s *statement) readEach(r *reading, on *session, a *sql.Access, emit func(*sql.Record) error) error {
	for {
		ok, err := s.readEntry(r, on, a)
		if !ok || err != nil {
			return err
		}
		if a.Keys {
			r.record.Key = s.keep(r.record.Key)
		}
		if err := emit(&r.record); err != nil {
			return err
		}
	}
}

// readMany hands over the documents of a window's entries at once.
func (s *statement) readMany(r *reading, on *session, a *sql.Access) error {
	h := s.handful
	s.handful = handful{} // a scan inside of this one has one of its own
	defer func() { s.handful = h }()
	h.statement, h.identities = s, a.Keys
	h.empty()
	for {
		ok, err := s.readEntry(r, on, a)
		if err != nil {
			return err
		}
		if ok {
			h.add(r.record.Key, r.record.Doc)
		}
		if len(h.docs) > 0 && (!ok || r.window.at == len(r.window.ends) || !h.wants(mostDocuments)) {
			if err := a.Many(h.docs, h.keys); err != nil {
				return err
			}
			h.empty()
		}
		if !ok { // all that a window has left may be entries of documents that came already
			return nil
		}
	}
}

// readEntry makes the next entry of a document that has not come yet the record.
func (s *statement) readEntry(r *reading, on *session, a *sql.Access) (ok bool, err error) {
	walk, record := walk(&r.walk), &r.record
	if a.Documents {
		walk = r.window
	}
	for {
		if record.Entry, ok = walk.next(); !ok {
			return false, walk.err()
		}
		if err := s.tx.Work(entryWork); err != nil {
			return false, err
		}
		record.Key = record.Entry[componentsLen(record.Entry, r.paths):]
		if r.seen == nil {
			break
		}
		if _, came := r.seen[string(record.Key)]; !came {
			r.seen[string(record.Key)] = struct{}{}
			break
		}
	}
	if !a.Documents {
		return true, nil
	}
	if record.Doc = r.window.document(); record.Doc == nil {
		if record.Doc, err = s.document(on, record.Key); err != nil {
			return false, err
		}
	}
	return true, s.tx.Work(len(record.Doc))
}

// document gets the document that an index entry belongs to.
func (s *statement) document(on *session, key []byte) ([]byte, error) {
	doc, found, err := on.docs.get(key)
	if err == nil && !found {
		err = fail(Corrupt, "read index: an entry without a document", on.table.name, nil)
	}
	return doc, err
}
