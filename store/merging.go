//go:build !page

package store

import "bytes"

// stampsName is where a context keeps the stamps of what was written lately: under
// the whole key of an entry its stamp, whether it is still there or was deleted. Under
// the whole key of a name in the catalogue the database's, and behind it the stamp
// below which nothing in it stays since it was emptied.
//
// A stamp older than the grace is not kept: no record is older than what the context
// has, by then.
const stampsName = reservedTable + "\x00stamps"

// stamp stamps what a transaction has written. That holds the turn, so that stamps
// grow as commits follow one another.
func (r *replica) stamp(tx *Tx) {
	j := tx.journal
	s := stamp{r.clock.next(r.env.now()), r.writer()}
	j.commit.time = s.time
	into := tx.writes.space(tx.stamps.space)
	for _, c := range j.commit.changes {
		if c.made != nil || c.fate != kept {
			if c.fate != kept {
				c.gone = s
			}
			into.put(tx.stamps.space.whole(catalogue.whole([]byte(c.name))), entry{value: c.gone.append(s.append(nil))})
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
		if _, err := m.tx.database(c.name, false, 0); CodeOf(err) == NotFound {
			_, gone, err := m.tx.stampsOf(catalogue.whole([]byte(c.name)))
			return gone == stamp{}, err
		} else if err != nil {
			return false, err
		}
	}
	return false, nil
}

func (m *merging) change(c *change) error {
	whole := catalogue.whole([]byte(c.name))
	made, gone, err := m.tx.stampsOf(whole)
	if err != nil {
		return err
	}
	if c.fate == dropped && made.compare(m.stamp) < 0 {
		if err := m.drop(c.name); err != nil {
			return err
		}
		return m.keep(whole, m.stamp.append(m.stamp.append(nil)))
	}
	if c.made != nil && made.compare(m.stamp) < 0 {
		if err := m.make(c); err != nil {
			return err
		}
	}
	db, err := m.tx.database(c.name, false, 0)
	if CodeOf(err) == NotFound {
		return nil // it was dropped after this commit
	}
	if err != nil {
		return err
	}
	into, err := m.into(db)
	if err != nil {
		return err
	}
	defer into.end()
	if c.fate != kept && gone.compare(m.stamp) < 0 {
		gone = m.stamp
		if err := m.clear(db, into); err != nil {
			return err
		}
	}
	if made.compare(m.stamp) < 0 && (c.made != nil || c.fate != kept) {
		made = m.stamp
	}
	if err := m.keep(whole, gone.append(made.append(nil))); err != nil {
		return err
	}
	for _, e := range c.entries {
		if err := m.entry(db, into, gone, e); err != nil {
			return err
		}
	}
	return into.settled()
}

// stampsOf reads the stamps under a whole key, zero where there are none.
func (tx *Tx) stampsOf(whole []byte) (written, cleared stamp, err error) {
	value, found, err := tx.stamps.get(whole)
	if err != nil || !found {
		return stamp{}, stamp{}, err
	}
	if len(value) != stampBytes && len(value) != 2*stampBytes {
		return stamp{}, stamp{}, fail(Corrupt, "read stamp", "", nil)
	}
	if written = readStamp(value); len(value) > stampBytes {
		cleared = readStamp(value[stampBytes:])
	}
	return written, cleared, nil
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

// drop drops a database with all that it has, a table with what stands beside it. Only making it anew
// later than that brings it back: who wrote to it meanwhile has written to what was gone.
func (m *merging) drop(name string) error {
	if isTableName(name) {
		_, err := m.tx.DropTable(name)
		return err
	}
	db, err := m.tx.database(name, false, 0)
	if CodeOf(err) == NotFound {
		return nil
	}
	if err == nil {
		err = db.Drop()
	}
	return err
}

// clear removes what no later commit has written.
func (m *merging) clear(db *DB, into into) error {
	bounds := db.space.bounds(KeyRange{})
	var lost [][]byte
	walk := newMerge(m.tx.sources(bounds), bounds)
	for walk.seek(nil); walk.valid(); walk.next() {
		written, _, err := m.tx.stampsOf(walk.key())
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
	written, _, err := m.tx.stampsOf(whole)
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
