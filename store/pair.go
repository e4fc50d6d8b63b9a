package store

import "bytes"

// Pair is a key and a value.
type Pair struct{ Key, Value []byte }

// whole is the least whole key of a key's entries.
func (db *DB) whole(key []byte) []byte {
	return db.flags.appendKey(db.space.whole(nil), key)
}

// values are the bounds of all entries of a key.
func (db *DB) values(key []byte) KeyRange {
	return KeyRange{
		Low:  db.whole(key),
		High: db.flags.appendBeyond(db.space.whole(nil), key),
	}
}

// least returns the smallest value of a key in a DupSort database.
func (db *DB) least(key []byte) (value []byte, found bool, err error) {
	bounds := db.values(key)
	db.tx.noteRead(bounds)
	m := newMerge(db.tx.sources(bounds), bounds)
	for m.seek(bounds.Low); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return nil, false, err
		}
		if e.kind != deleted {
			return append([]byte{}, m.key()[len(bounds.Low):]...), true, nil
		}
		if err := db.tx.Work(memoryEntryBytes); err != nil {
			return nil, false, err
		}
	}
	return nil, false, m.err()
}

// AddPair adds a value to those of a key in a DupSort database, and reports
// whether it was not among them yet. In any other database it is Unsupported.
func (db *DB) AddPair(key, value []byte) (added bool, err error) {
	if err := db.writable("add pair"); err != nil {
		return false, err
	}
	if db.flags&DupSort == 0 {
		return false, fail(Unsupported, "add pair: a key has one value here", db.Name(), nil)
	}
	if err := db.fits(key, value); err != nil {
		return false, err
	}
	stored := append(db.flags.appendKey(nil, key), value...)
	if _, found, err := db.find(stored); err != nil || found {
		return false, err
	}
	return true, db.set(stored, entry{})
}

// DeletePair removes one value of a key and reports whether it was there. Where a
// key has one value, that has to be this one.
func (db *DB) DeletePair(key, value []byte) (found bool, err error) {
	if err := db.writable("delete pair"); err != nil {
		return false, err
	}
	stored := db.flags.appendKey(nil, key)
	if db.flags&DupSort != 0 {
		stored = append(stored, value...)
		_, found, err = db.find(stored)
	} else {
		var held []byte
		held, found, err = db.get(stored)
		found = found && bytes.Equal(held, value)
	}
	if err != nil || !found {
		return false, err
	}
	return true, db.set(stored, entry{kind: deleted})
}

// CountValues counts the values of a key.
func (db *DB) CountValues(key []byte) (int64, error) {
	if err := db.usable("count"); err != nil {
		return 0, err
	}
	return db.count(db.values(key))
}

// clearValues removes all values of a key and reports whether it had any. It
// looks first at as many as it then removes: writing ends a merge.
func (db *DB) clearValues(key []byte) (found bool, err error) {
	const atOnce = 1024
	bounds := db.values(key)
	db.tx.noteRead(bounds)
	next := bounds.Low
	for next != nil {
		m := newMerge(db.tx.sources(bounds), bounds)
		var held [][]byte
		for m.seek(next); m.valid() && len(held) < atOnce; m.next() {
			e, err := m.entry()
			if err != nil {
				return found, db.tx.Spoil(err)
			}
			if e.kind != deleted {
				held = append(held, bytes.Clone(m.key()))
			}
			if err := db.tx.Work(memoryEntryBytes); err != nil {
				return found, db.tx.Spoil(err)
			}
		}
		if err := m.err(); err != nil {
			return found, db.tx.Spoil(err)
		}
		next = nil
		if m.valid() {
			next = bytes.Clone(m.key())
		}
		for _, whole := range held {
			if err := db.set(whole[spaceBytes:], entry{kind: deleted}); err != nil {
				return found, err
			}
			found = true
		}
	}
	return found, nil
}
