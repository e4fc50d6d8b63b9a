package store

import (
	"bytes"

	"github.com/tinylib/msgp/msgp"
)

// DB is a named, ordered map from keys to values, seen through one transaction.
//
// The catalogue, itself a database, holds for every name
//
//	array of 2
//	  space  uint  the database's id
//	  meta   bin   what its user keeps with it; a table keeps its schema there
//
// and under the empty name the greatest id ever given out.
type DB struct {
	tx    *Tx
	name  string
	space space
	meta  []byte

	// top is a whole key that no key of the database lies above, once puts were
	// many enough to look. Bulk loads in ascending order then need no search to
	// learn that a key is new.
	top  []byte
	puts int

	writes *spaceWrites // where the last put went
}

// MaxNameBytes is the longest name of a database.
const MaxNameBytes = 512

// DB opens a named database. A writing transaction creates it where it does not
// exist; a reading one fails with NotFound. The same transaction gives the same
// handle for the same name.
func (tx *Tx) DB(name string) (*DB, error) {
	if err := tx.usable("open database"); err != nil {
		return nil, err
	}
	if db := tx.dbs[name]; db != nil {
		return db, nil
	}
	if name == "" || len(name) > MaxNameBytes {
		return nil, fail(InvalidArgument, "open database: name", "", nil)
	}
	names := &DB{tx: tx, space: catalogue}
	stored, found, err := names.get([]byte(name))
	if err != nil {
		return nil, err
	}
	db := &DB{tx: tx, name: name}
	switch {
	case found:
		err = db.decode(stored)
	case !tx.writable:
		return nil, fail(NotFound, "open database", name, nil)
	default:
		err = db.create(names)
	}
	if err != nil {
		return nil, err
	}
	if tx.dbs == nil {
		tx.dbs = make(map[string]*DB)
	}
	tx.dbs[name] = db
	return db, nil
}

func (db *DB) decode(stored []byte) error {
	id, meta, ok := decodeDatabase(stored)
	if !ok {
		return fail(Corrupt, "open database", db.name, nil)
	}
	db.space, db.meta = id, meta
	return nil
}

func decodeDatabase(stored []byte) (id space, meta []byte, ok bool) {
	n, rest, err := msgp.ReadArrayHeaderBytes(stored)
	if err != nil || n != 2 {
		return 0, nil, false
	}
	number, rest, err := msgp.ReadUint32Bytes(rest)
	if err != nil || number == 0 {
		return 0, nil, false
	}
	meta, rest, ok = readBin(rest)
	return space(number), meta, ok && len(rest) == 0
}

func (db *DB) create(names *DB) error {
	last, _, err := names.get(nil)
	if err != nil {
		return err
	}
	var id uint32
	if last != nil {
		if id, _, err = msgp.ReadUint32Bytes(last); err != nil {
			return fail(Corrupt, "create database: last id", "", nil)
		}
	}
	db.space = space(id + 1)
	if err := names.set(nil, entry{value: msgp.AppendUint32(nil, id+1)}); err != nil {
		return err
	}
	return db.save(names)
}

func (db *DB) save(names *DB) error {
	return names.set([]byte(db.name), entry{value: db.encode()})
}

// encode is the database's entry in the catalogue.
func (db *DB) encode() []byte {
	stored := msgp.AppendArrayHeader(nil, 2)
	stored = msgp.AppendUint32(stored, uint32(db.space))
	return msgp.AppendBytes(stored, db.meta)
}

// DBs lists the names of all databases, ascending.
func (tx *Tx) DBs() ([]string, error) {
	if err := tx.usable("list databases"); err != nil {
		return nil, err
	}
	var names []string
	c := (&DB{tx: tx, space: catalogue}).Cursor(KeyRange{Low: []byte{0}})
	defer c.Close()
	for ok := c.First(); ok; ok = c.Next() {
		names = append(names, string(c.Key()))
	}
	return names, c.Err()
}

// Name is the database's name.
func (db *DB) Name() string { return db.name }

// Meta is the small record kept beside the database's name, nil if there is none.
func (db *DB) Meta() []byte {
	if len(db.meta) == 0 {
		return nil
	}
	return db.meta
}

// SetMeta replaces Meta.
func (db *DB) SetMeta(meta []byte) error {
	if err := db.writable("set meta"); err != nil {
		return err
	}
	db.meta = bytes.Clone(meta)
	return db.save(&DB{tx: db.tx, space: catalogue})
}

// Get returns the value of a key and whether there is one.
func (db *DB) Get(key []byte) (value []byte, found bool, err error) {
	if err := db.tx.usable("get"); err != nil {
		return nil, false, err
	}
	return db.get(key)
}

func (db *DB) get(key []byte) (value []byte, found bool, err error) {
	var room [96]byte
	whole := append(db.space.appendTo(room[:0]), key...)
	if db.tx.writable && !db.tx.exclusive {
		db.tx.reads.point(bytes.Clone(whole))
	}
	if db.above(whole) {
		return nil, false, nil
	}
	e, found, err := db.tx.lookup(whole)
	if err != nil || !found || e.kind == deleted {
		return nil, false, err
	}
	value, err = db.tx.in.value(e)
	return value, err == nil, err
}

// above reports whether a whole key is known to lie above all keys.
func (db *DB) above(whole []byte) bool {
	const many = 16
	if db.puts < many {
		return false
	}
	if db.top == nil {
		db.top = db.space.whole(nil)
		m := newMerge(db.tx.sources(db.space.bounds(KeyRange{})), db.space.bounds(KeyRange{}))
		m.seekBefore(nil)
		if m.err() != nil {
			db.puts, db.top = 0, nil
			return false
		}
		if m.valid() {
			db.top = bytes.Clone(m.key())
		}
	}
	return bytes.Compare(whole, db.top) > 0
}

// Put sets the value of a key. The value is kept, not copied: it must not be
// modified afterwards.
//
// Errors: ReadOnly, InvalidKey (empty), TooLarge, TxEnded, Closed.
func (db *DB) Put(key, value []byte) error {
	if err := db.writable("put"); err != nil {
		return err
	}
	if err := validKey(key); err != nil {
		return err
	}
	if len(value) > db.tx.env.options.MaxValueBytes {
		return fail(TooLarge, "put: value", db.name, nil)
	}
	return db.set(key, entry{value: value})
}

// Delete removes a key and reports whether it was there.
func (db *DB) Delete(key []byte) (found bool, err error) {
	if err := db.writable("delete"); err != nil {
		return false, err
	}
	if _, found, err = db.get(key); err != nil || !found {
		return false, err
	}
	return true, db.set(key, entry{kind: deleted})
}

// Clear removes a key without looking whether it is there.
func (db *DB) Clear(key []byte) error {
	if err := db.writable("clear"); err != nil {
		return err
	}
	return db.set(key, entry{kind: deleted})
}

func (db *DB) set(key []byte, e entry) error {
	var room [96]byte
	whole := append(db.space.appendTo(room[:0]), key...)
	db.puts++
	if db.top != nil && bytes.Compare(whole, db.top) > 0 {
		db.top = append(db.top[:0], whole...)
	}
	if db.writes == nil || db.writes.set != db.tx.writes {
		db.writes = db.tx.writes.space(db.space)
	}
	return db.tx.set(db.writes, whole, e)
}

// Drop removes the database with everything in it. Its handle must not be used
// afterwards; DB with the same name creates an empty one.
func (db *DB) Drop() error {
	if err := db.writable("drop"); err != nil {
		return err
	}
	delete(db.tx.dbs, db.name)
	names := &DB{tx: db.tx, space: catalogue}
	return names.set([]byte(db.name), entry{kind: deleted})
}

func (db *DB) writable(op string) error {
	if err := db.tx.usable(op); err != nil {
		return err
	}
	if !db.tx.writable {
		return fail(ReadOnly, op, db.name, nil)
	}
	return nil
}

func validKey(key []byte) error {
	if len(key) == 0 {
		return fail(InvalidKey, "put: empty key", "", nil)
	}
	if len(key) > MaxKeyBytes {
		return fail(TooLarge, "put: key", "", nil)
	}
	return nil
}

// Count counts the keys of a range. Where a single tree holds them it reads two
// paths; where newer layers have changed little on top of one, it looks at the
// changes alone; else it walks the range.
func (db *DB) Count(r KeyRange) (int64, error) {
	if err := db.tx.usable("count"); err != nil {
		return 0, err
	}
	bounds := db.space.bounds(r)
	if bytes.Compare(bounds.Low, bounds.High) >= 0 {
		return 0, nil
	}
	db.tx.noteRead(bounds)
	return db.tx.count(bounds)
}
