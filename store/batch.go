package store

// GetMulti returns the values of several keys, each where its key stands: nil for
// a key that is missing. They are of one snapshot, as all that a transaction reads.
func (db *DB) GetMulti(keys [][]byte) (values [][]byte, err error) {
	if err := db.usable("get"); err != nil {
		return nil, err
	}
	values = make([][]byte, len(keys))
	ahead := newAhead(db)
	for i, key := range keys {
		if err := ahead.before(i, db.storedForms(keys)); err != nil {
			return nil, err
		}
		if values[i], _, err = db.Get(key); err != nil {
			return nil, err
		}
		if err := db.tx.Work(memoryEntryBytes + len(values[i])); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// storedForms returns a part of keys in their stored form, as far as there are any.
func (db *DB) storedForms(keys [][]byte) func(from, to int) [][]byte {
	return func(from, to int) [][]byte {
		stored := make([][]byte, min(to, len(keys))-from)
		for i := range stored {
			stored[i] = db.flags.appendKey(nil, keys[from+i])
		}
		return stored
	}
}

// PutMulti puts many pairs, all of them or none. It reports how many it took and
// how many of them it wrote: without overwrite, a key that has a value is passed
// over. Pairs that cannot be stored are found before any is; should storage fail
// half-way, nothing is left to the transaction but to be rolled back.
func (db *DB) PutMulti(pairs []Pair, overwrite bool) (consumed, added int, err error) {
	if err := db.writable("put"); err != nil {
		return 0, 0, err
	}
	for _, p := range pairs {
		if err := db.fits(p.Key, p.Value); err != nil {
			return 0, 0, err
		}
	}
	for _, p := range pairs {
		written := true
		if overwrite {
			err = db.put(p.Key, p.Value)
		} else {
			written, err = db.add(p.Key, p.Value)
		}
		if err == nil {
			err = db.tx.Work(len(p.Key) + len(p.Value))
		}
		if err != nil {
			return 0, 0, db.tx.Spoil(err)
		}
		if written {
			added++
		}
	}
	return len(pairs), added, nil
}

// DeleteMulti removes several keys, with DupSort all their values, and reports of
// each whether it was there: a key named twice was, the second time, not. It
// fails as PutMulti does.
func (db *DB) DeleteMulti(keys [][]byte) (found []bool, err error) {
	if err := db.writable("delete"); err != nil {
		return nil, err
	}
	found = make([]bool, len(keys))
	for i, key := range keys {
		if found[i], err = db.Delete(key); err == nil {
			err = db.tx.Work(memoryEntryBytes)
		}
		if err != nil {
			return nil, db.tx.Spoil(err)
		}
	}
	return found, nil
}
