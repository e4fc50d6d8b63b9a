package store

import (
	"bytes"
	"strings"
)

// DB is a named, ordered map from keys to values, seen through one transaction.
// Keys are not empty and sort as bytes; Flags change how.
type DB struct {
	tx    *Tx
	name  string // in the catalogue
	space space
	flags Flags
	meta  []byte
	gone  bool // dropped

	writes  *spaceWrites // where the last put went
	sought  []byte       // the whole key that was looked for last
	vacancy vacancy
}

// MaxNameBytes is the longest name of a database.
const MaxNameBytes = 512

// DB opens a database by its name; the empty name is the default database, which
// is always there and has no flags. A writing transaction creates it where it
// does not exist. Flags, when given, are those it is created with, and those it
// must have: Flags(0) asks for none, no argument takes it as it is. The same
// transaction gives the same handle for the same name.
//
// Errors: NotFound in a reading transaction; SchemaMismatch where it has other
// flags; InvalidArgument for a name too long, flags that do not exist, or flags
// of the default database.
func (tx *Tx) DB(name string, flags ...Flags) (*DB, error) {
	return tx.open(name, tx.writable, flags)
}

// OpenDB opens a database as DB does, but never creates one: that is NotFound.
func (tx *Tx) OpenDB(name string, flags ...Flags) (*DB, error) {
	return tx.open(name, tx.writable && name == "", flags)
}

func (tx *Tx) open(name string, create bool, flags []Flags) (*DB, error) {
	var asked Flags
	for _, f := range flags {
		asked |= f
	}
	switch {
	case len(name) > MaxNameBytes:
		return nil, fail(InvalidArgument, "open database: name", "", nil)
	case asked&^allFlags != 0:
		return nil, fail(InvalidArgument, "open database: flags", name, nil)
	case asked != 0 && name == "":
		return nil, fail(InvalidArgument, "open database: the default one has no flags", "", nil)
	}
	db, err := tx.database(ownName+name, create, asked)
	if err == nil && len(flags) > 0 && db.flags != asked {
		return nil, fail(SchemaMismatch, "open database: it has other flags", name, nil)
	}
	return db, err
}

// Name is the database's name.
func (db *DB) Name() string { return strings.TrimPrefix(db.name, ownName) }

// Flags are what the database was created with.
func (db *DB) Flags() Flags { return db.flags }

// DBStat tells how large a database is.
type DBStat struct {
	Entries int64 // keys, or with DupSort values of keys
	Flags   Flags
}

// Stat reports sizes.
func (db *DB) Stat() (DBStat, error) {
	entries, err := db.Count(KeyRange{})
	return DBStat{Entries: entries, Flags: db.flags}, err
}

// Get returns the value of a key and whether there is one; with DupSort it is the
// smallest. A value that is there is not nil.
func (db *DB) Get(key []byte) (value []byte, found bool, err error) {
	if err := db.usable("get"); err != nil {
		return nil, false, err
	}
	if db.flags == 0 {
		return db.get(key)
	}
	if db.flags&DupSort != 0 {
		return db.least(key)
	}
	return db.get(db.flags.appendKey(nil, key))
}

// Has reports whether a key has a value.
func (db *DB) Has(key []byte) (bool, error) {
	if err := db.usable("has"); err != nil {
		return false, err
	}
	if db.flags&DupSort != 0 {
		_, found, err := db.least(key)
		return found, err
	}
	_, found, err := db.find(db.flags.appendKey(nil, key))
	return found, err
}

// get returns the value under a stored key.
func (db *DB) get(stored []byte) (value []byte, found bool, err error) {
	e, found, err := db.find(stored)
	if err != nil || !found {
		return nil, false, err
	}
	value, err = db.tx.in.value(e)
	return value, err == nil, err
}

// find returns the entry under a stored key.
func (db *DB) find(stored []byte) (e entry, found bool, err error) {
	db.sought = append(db.space.appendTo(db.sought[:0]), stored...)
	whole := db.sought
	db.tx.noteKey(whole)
	if db.vacancy.holds(whole) {
		return entry{}, false, nil
	}
	e, found, err = db.tx.lookup(whole)
	if found = found && e.kind != deleted; !found && err == nil {
		db.missed(whole)
	}
	return e, found, err
}

// MaxCopied is the longest value that Put copies. What is longer is kept as it is.
const MaxCopied = maxInline

// Put sets the value of a key; with DupSort it adds the value to those of the
// key, where it is not among them yet. Key and value may be used again afterwards,
// but a value of more than 16 KiB is kept, not copied: it must not be modified.
//
// Errors: ReadOnly, InvalidKey (empty), TooLarge, TxEnded, TxBusy, Closed.
func (db *DB) Put(key, value []byte) error {
	if err := db.writable("put"); err != nil {
		return err
	}
	if err := db.fits(key, value); err != nil {
		return err
	}
	return db.put(key, value)
}

func (db *DB) put(key, value []byte) error {
	if db.flags == 0 {
		return db.set(key, entry{value: value})
	}
	stored := db.flags.appendKey(nil, key)
	if db.flags&DupSort != 0 {
		stored, value = append(stored, value...), nil
	}
	return db.set(stored, entry{value: value})
}

// Add sets the value of a key that has none, and reports whether it did.
func (db *DB) Add(key, value []byte) (added bool, err error) {
	if err := db.writable("add"); err != nil {
		return false, err
	}
	if err := db.fits(key, value); err != nil {
		return false, err
	}
	return db.add(key, value)
}

func (db *DB) add(key, value []byte) (added bool, err error) {
	if found, err := db.Has(key); err != nil || found {
		return false, err
	}
	return true, db.put(key, value)
}

// Replace sets the value of a key and returns the one it had. With DupSort that
// is the smallest, and all of them give way to the new one.
func (db *DB) Replace(key, value []byte) (old []byte, found bool, err error) {
	if err := db.writable("replace"); err != nil {
		return nil, false, err
	}
	if err := db.fits(key, value); err != nil {
		return nil, false, err
	}
	if old, found, err = db.Get(key); err != nil {
		return nil, false, err
	}
	if found && db.flags&DupSort != 0 {
		if _, err := db.clearValues(key); err != nil {
			return nil, false, err
		}
	}
	return old, found, db.put(key, value)
}

// Pop removes a key and returns the value it had. With DupSort only the smallest
// value goes.
func (db *DB) Pop(key []byte) (value []byte, found bool, err error) {
	if err := db.writable("pop"); err != nil {
		return nil, false, err
	}
	if value, found, err = db.Get(key); err != nil || !found {
		return nil, false, err
	}
	stored := db.flags.appendKey(nil, key)
	if db.flags&DupSort != 0 {
		stored = append(stored, value...)
	}
	return value, true, db.set(stored, entry{kind: deleted})
}

// Delete removes a key, with DupSort all its values, and reports whether it was
// there.
func (db *DB) Delete(key []byte) (found bool, err error) {
	if err := db.writable("delete"); err != nil {
		return false, err
	}
	if db.flags&DupSort != 0 {
		return db.clearValues(key)
	}
	stored := db.flags.appendKey(nil, key)
	if _, found, err = db.find(stored); err != nil || !found {
		return false, err
	}
	return true, db.set(stored, entry{kind: deleted})
}

// Clear removes a key without looking whether it is there.
func (db *DB) Clear(key []byte) error {
	if db.flags != 0 {
		_, err := db.Delete(key)
		return err
	}
	if err := db.writable("clear"); err != nil {
		return err
	}
	return db.set(key, entry{kind: deleted})
}

// set writes under a stored key.
func (db *DB) set(stored []byte, e entry) error {
	var room [96]byte
	whole := append(db.space.appendTo(room[:0]), stored...)
	db.vacancy.fill(whole)
	return db.tx.set(&db.writes, whole, e)
}

// usable reports why the database cannot be used, if so.
func (db *DB) usable(op string) error {
	if db.sound() {
		return nil
	}
	return db.unusable(op)
}

func (db *DB) sound() bool { return db.tx.sound() && !db.gone }

func (db *DB) unusable(op string) error {
	if err := db.tx.usable(op); err != nil {
		return err
	}
	return fail(NotFound, op, db.Name(), nil)
}

func (db *DB) writable(op string) error {
	if err := db.usable(op); err != nil {
		return err
	}
	if !db.tx.writable {
		return fail(ReadOnly, op, db.Name(), nil)
	}
	return nil
}

// MaxValueBytes is how long a value may be, as the environment was opened.
func (db *DB) MaxValueBytes() int { return db.tx.env.options.MaxValueBytes }

// fits reports why a key cannot be stored with a value.
func (db *DB) fits(key, value []byte) error {
	if err := validKey(key); err != nil {
		return err
	}
	if db.flags&DupSort != 0 && len(key)+bytes.Count(key, []byte{0})+len(pairEnd)+len(value) > MaxKeyBytes {
		return fail(TooLarge, "put: key and value", db.Name(), nil)
	}
	if len(value) > db.tx.env.options.MaxValueBytes {
		return fail(TooLarge, "put: value", db.Name(), nil)
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

// Count counts the entries of a range: its keys, with DupSort their values. Where
// a single tree holds them it reads two paths; where newer layers have changed
// little on top of one, it looks at the changes alone; else it walks the range.
func (db *DB) Count(r KeyRange) (int64, error) {
	if err := db.usable("count"); err != nil {
		return 0, err
	}
	return db.count(db.bounds(r))
}

func (db *DB) count(bounds KeyRange) (int64, error) {
	if bytes.Compare(bounds.Low, bounds.High) >= 0 {
		return 0, nil
	}
	db.tx.noteRead(bounds)
	return db.tx.count(bounds)
}

// bounds are the whole keys of a range.
func (db *DB) bounds(r KeyRange) KeyRange {
	if db.flags == 0 {
		return db.space.bounds(r)
	}
	if r.Low != nil {
		r.Low = db.flags.appendKey(nil, r.Low)
	}
	if r.High != nil {
		r.High = db.flags.appendKey(nil, r.High)
	}
	return db.space.bounds(r)
}

// Prefix is the range of the keys that begin with p; with ReverseKey, of those
// that end with it.
func (db *DB) Prefix(p []byte) KeyRange {
	edge := bytes.Clone(p)
	last := len(edge) - 1 // the byte that counts least
	step := -1
	if db.flags&ReverseKey != 0 {
		last, step = 0, 1
	}
	for i := last; i >= 0 && i < len(edge); i += step {
		if edge[i]++; edge[i] == 0 {
			continue
		}
		if step < 0 {
			return KeyRange{Low: p, High: edge[:i+1]}
		}
		return KeyRange{Low: p, High: edge[i:]}
	}
	return KeyRange{Low: p}
}
