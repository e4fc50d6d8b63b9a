//go:build !page

package store

import "bytes"

// stampsName is where a context keeps the stamps of what was written lately: under
// the whole key of an entry its stamp, whether it is still there or was deleted. Under
// the whole key of a name in the catalogue the database's history.
//
// A stamp older than the grace is not kept: no record is older than what the context
// has, by then. A history in which the database was dropped is: whoever had not seen that may still write.
const stampsName = reservedTable + "\x00stamps"

// history is what is known of the databases that have had a name.
type history struct {
	made    stamp // when it was made, emptied or dropped last, or given a meta
	emptied stamp // below that nothing in it stays
	dropped stamp // nothing of who had not seen that stays, however late
}

// historyBytes are those of a history without a drop.
const historyBytes = 2 * stampBytes

func (h history) append(dst []byte) []byte {
	dst = h.emptied.append(h.made.append(dst))
	if h.dropped != (stamp{}) {
		dst = h.dropped.append(dst)
	}
	return dst
}

// historyOf reads the history of a name, zero where there is none.
func (tx *Tx) historyOf(name string) (h history, err error) {
	value, found, err := tx.stamps.get(catalogue.whole([]byte(name)))
	if err != nil || !found {
		return h, err
	}
	switch len(value) {
	case historyBytes + stampBytes:
		h.dropped = readStamp(value[historyBytes:])
		fallthrough
	case historyBytes:
		h.made, h.emptied = readStamp(value), readStamp(value[stampBytes:])
		return h, nil
	default:
		return h, fail(Corrupt, "read history", name, nil)
	}
}

// stamp stamps what a transaction has written. That holds the turn, so that stamps
// grow as commits follow one another.
func (r *replica) stamp(tx *Tx) {
	j := tx.journal
	s := stamp{r.clock.next(), r.writer()}
	j.commit.time = s.time
	into := tx.writes.space(tx.stamps.space)
	for _, c := range j.commit.changes {
		if c.made != nil || c.fate != kept {
			h := history{made: s, emptied: c.emptied, dropped: c.since}
			if c.fate != kept {
				h.emptied = s
			}
			if c.fate == dropped {
				h.dropped = s
			}
			into.put(tx.stamps.space.whole(catalogue.whole([]byte(c.name))), entry{value: h.append(nil)})
		}
	}
	stored := s.append(nil)
	for _, whole := range j.stamped {
		into.put(tx.stamps.space.whole(whole), entry{value: stored})
	}
}

// merging does after another context, within a transaction, what one of its commits
// tells, as far as nothing newer is known.
type merging struct {
	tx    *Tx
	stamp stamp
}

// unknown reports whether a commit writes to a database that no commit has made yet
// which is known here.
func (m *merging) unknown(changes []*change) (bool, error) {
	for _, c := range changes {
		if c.made != nil || c.fate == dropped {
			continue
		}
		known, err := m.tx.historyOf(c.name)
		if err != nil {
			return false, err
		}
		_, err = m.tx.database(c.name, false, 0)
		if order := c.since.compare(known.dropped); order > 0 || order == 0 && CodeOf(err) == NotFound {
			return true, nil
		}
		if err != nil && CodeOf(err) != NotFound {
			return false, err
		}
	}
	return false, nil
}

func (m *merging) change(c *change) error {
	known, err := m.tx.historyOf(c.name)
	if err != nil {
		return err
	}
	if c.fate == dropped {
		return m.drop(c.name, known, m.stamp)
	}
	if c.since.compare(known.dropped) > 0 { // the drop itself is still to come
		if err := m.drop(c.name, known, c.since); err != nil {
			return err
		}
		known = history{c.since, c.since, c.since}
	}
	if c.since.compare(known.dropped) < 0 {
		return nil // it was written to what is gone
	}
	if c.made != nil && known.made.compare(m.stamp) < 0 {
		if err := m.make(c); err != nil {
			return err
		}
	}
	db, err := m.tx.database(c.name, false, 0)
	if err != nil {
		return err
	}
	into, err := m.into(db)
	if err != nil {
		return err
	}
	defer into.end()
	if c.fate == emptied && known.emptied.compare(m.stamp) < 0 {
		known.emptied = m.stamp
		if err := m.clear(db, into); err != nil {
			return err
		}
	}
	if known.made.compare(m.stamp) < 0 && (c.made != nil || c.fate == emptied) {
		known.made = m.stamp
		if err := m.keepHistory(c.name, known); err != nil {
			return err
		}
	}
	for _, e := range c.entries {
		if err := m.entry(db, into, known.emptied, e); err != nil {
			return err
		}
	}
	return into.settled()
}

// stampOf reads the stamp of an entry, zero where there is none.
func (tx *Tx) stampOf(whole []byte) (stamp, error) {
	value, found, err := tx.stamps.get(whole)
	if err != nil || !found {
		return stamp{}, err
	}
	if len(value) != stampBytes {
		return stamp{}, fail(Corrupt, "read stamp", "", nil)
	}
	return readStamp(value), nil
}

func (m *merging) keepHistory(name string, h history) error {
	return m.keep(catalogue.whole([]byte(name)), h.append(nil))
}

func (m *merging) keep(whole, stamps []byte) error {
	return m.tx.stamps.set(whole, entry{value: stamps})
}

// make makes a database, or gives it another meta. Of a table the schemas are joined;
// where they contradict each other, each context goes on with the one it has.
func (m *merging) make(c *change) error {
	if !isTableName(c.name) {
		db, err := m.tx.database(c.name, true, c.made.flags)
		if err != nil || bytes.Equal(db.meta, c.made.meta) {
			return err
		}
		return db.SetMeta(c.made.meta)
	}
	asked, err := readSchema(c.name, c.made.meta)
	if err != nil {
		return err
	}
	asked.Unfinished = 0
	asked.Uncompressed = c.made.flags&Uncompressed != 0
	err = newTable(c.name).build(m.tx, &asked, nil)
	if CodeOf(err) == SchemaMismatch {
		return nil
	}
	return err
}

// into is what writes to a database go through: a table's to its indexes as well.
func (m *merging) into(db *DB) (into, error) {
	if !isTableName(db.name) {
		return into{db: db}, nil
	}
	t, err := m.tx.OpenTable(db.name)
	if err != nil {
		return into{}, err
	}
	s, err := t.open(m.tx)
	return into{db: db, session: s}, err
}

// drop drops a database with all that it has, a table with what stands beside it, as was done at a time. Who had not seen that
// has written to what was gone, however late: it comes back only by being made by somebody who had.
func (m *merging) drop(name string, known history, at stamp) error {
	if at.compare(known.dropped) <= 0 {
		return nil
	}
	var err error
	if isTableName(name) {
		_, err = m.tx.DropTable(name)
	} else {
		var db *DB
		if db, err = m.tx.database(name, false, 0); err == nil {
			err = db.Drop()
		} else if CodeOf(err) == NotFound {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	return m.keepHistory(name, history{at, at, at})
}

// clear removes what no later commit has written.
func (m *merging) clear(db *DB, into into) error {
	bounds := db.space.bounds(KeyRange{})
	var lost [][]byte
	walk := newMerge(m.tx.sources(bounds), bounds)
	for walk.seek(nil); walk.valid(); walk.next() {
		written, err := m.tx.stampOf(walk.key())
		if err != nil {
			return err
		}
		if written.compare(m.stamp) < 0 {
			lost = append(lost, bytes.Clone(walk.key()[spaceBytes:]))
		}
	}
	if err := walk.err(); err != nil {
		return err
	}
	for _, key := range lost {
		if err := into.write(journalEntry{key: key}); err != nil {
			return err
		}
	}
	return nil
}

func (m *merging) entry(db *DB, into into, gone stamp, e journalEntry) error {
	whole := db.space.whole(e.key)
	written, err := m.tx.stampOf(whole)
	if err != nil || written.compare(m.stamp) >= 0 || gone.compare(m.stamp) > 0 {
		return err
	}
	if err := into.write(e); err != nil {
		return err
	}
	return m.keep(whole, m.stamp.append(nil))
}

type into struct {
	db      *DB
	session *session // of the table, nil where it is none
}

// write sets or deletes what is stored under a key.
func (i into) write(e journalEntry) error {
	switch {
	case i.session == nil && e.value == nil:
		return i.db.set(e.key, entry{kind: deleted})
	case i.session == nil:
		return i.db.set(e.key, entry{value: e.value})
	case e.value == nil:
		_, err := i.session.delete(e.key)
		return err
	}
	doc, _, _, err := i.session.identify(e.value)
	if err != nil {
		return err
	}
	if !bytes.Equal(i.session.key, e.key) {
		return fail(Corrupt, "merge: identity", i.db.name, nil)
	}
	return i.session.put(doc, true)
}

func (i into) settled() error {
	if i.session == nil {
		return nil
	}
	if _, err := i.session.settle(); err != nil {
		return err
	}
	return i.session.saveCounter()
}

func (i into) end() {
	if i.session != nil {
		i.session.end()
	}
}
