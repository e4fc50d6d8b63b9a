package store

import (
	"bytes"
	"math"
	"strings"
	"sync"

	"github.com/tinylib/msgp/msgp"
)

// The catalogue is the database of databases. Under every name it holds
//
//	array of 3
//	  space  uint  the database's id
//	  flags  uint
//	  meta   bin   what its user keeps with it; a table keeps its schema there
//
// and under the empty name the greatest id ever given out.
//
// The databases that a program opens by name stand under 0x00 and that name, so
// that they and the databases of tables, which cannot begin so, are never in each
// other's way. 0x00 alone is the default database.
const ownName = "\x00"

// absent is the space of a default database that was never written to. It is not
// given out.
const absent space = math.MaxUint32 - 1

// names is the catalogue, seen through the transaction.
func (tx *Tx) names() *DB { return &DB{tx: tx, space: catalogue} }

// entered is what was found in the catalogue by name. Every transaction asks for the same few, and
// seldom does one change: what one has found holds for all snapshots since the last commit to the
// catalogue.
type entered struct {
	mu      sync.Mutex
	changed uint64            // the last staged transaction that wrote to the catalogue, as far as was known
	stored  map[string][]byte // nil for what is not there
}

// mostEntered is how many names are remembered: a program that has more of them seldom asks for the same.
const mostEntered = 64

// entry finds what the catalogue has under a name.
func (tx *Tx) entry(name string) (stored []byte, found bool, err error) {
	names, changed := tx.names(), tx.env.changedAt(catalogue)
	lasting := changed <= tx.base.sequence && !tx.hasWritten(catalogue) // others see the same
	e := &tx.env.entered
	if lasting {
		e.mu.Lock()
		if e.changed != changed || len(e.stored) == mostEntered {
			e.changed, e.stored = changed, nil
		}
		stored, found = e.stored[name]
		e.mu.Unlock()
	}
	if found {
		tx.noteKey(catalogue.whole([]byte(name)))
		return stored, stored != nil, nil
	}
	stored, found, err = names.get([]byte(name))
	if lasting && err == nil {
		e.put(name, bytes.Clone(stored), changed)
	}
	return stored, found, err
}

// put remembers an entry, unless the catalogue has changed meanwhile.
func (e *entered) put(name string, stored []byte, changed uint64) {
	e.mu.Lock()
	if e.stored == nil {
		e.stored = make(map[string][]byte)
	}
	if e.changed == changed {
		e.stored[name] = stored
	}
	e.mu.Unlock()
}

func (e *entered) forget() {
	e.mu.Lock()
	e.stored = nil
	e.mu.Unlock()
}

// database opens a database by its name in the catalogue. A transaction that
// creates makes it, with flags, where it does not exist; otherwise that is
// NotFound. The same transaction gives the same handle for the same name.
func (tx *Tx) database(name string, create bool, flags Flags) (*DB, error) {
	if err := tx.usable("open database"); err != nil {
		return nil, err
	}
	if db := tx.dbs[name]; db != nil {
		return db, nil
	}
	if err := tx.understood(); err != nil {
		return nil, err
	}
	db := &DB{tx: tx, name: name}
	stored, found, err := tx.entry(name)
	switch {
	case err != nil:
	case found:
		err = db.decode(stored)
	case create:
		db.flags = flags
		err = db.renew()
	case name == ownName:
		db.space = absent
	default:
		err = fail(NotFound, "open database", db.Name(), nil)
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

// inner opens one of the databases that make up a table.
func (tx *Tx) inner(name string) (*DB, error) {
	if db := tx.dbs[name]; db != nil {
		return db, tx.usable("open database")
	}
	if len(name) > MaxNameBytes {
		return nil, fail(InvalidArgument, "open database: name", "", nil)
	}
	var flags Flags
	if i := strings.IndexByte(name, 0); i > 0 && name[:i] != reservedTable { // what belongs to a table is as the table is
		table, err := tx.inner(name[:i])
		if err != nil {
			return nil, err
		}
		flags = table.flags & Uncompressed
	}
	return tx.database(name, tx.writable, flags)
}

func (db *DB) decode(stored []byte) error {
	read, ok := decodeDatabase(stored)
	if !ok {
		return fail(Corrupt, "open database", db.Name(), nil)
	}
	if read.flags&^allFlags != 0 {
		return fail(NewerFormat, "open database", db.Name(), nil)
	}
	db.space, db.flags, db.meta = read.space, read.flags, read.meta
	return nil
}

// encode is the database's entry in the catalogue.
func (db *DB) encode() []byte {
	stored := msgp.AppendArrayHeader(nil, 3)
	stored = msgp.AppendUint32(stored, uint32(db.space))
	stored = msgp.AppendUint8(stored, uint8(db.flags))
	return msgp.AppendBytes(stored, db.meta)
}

// decodeDatabase reads an entry of the catalogue.
func decodeDatabase(stored []byte) (db DB, ok bool) {
	n, rest, err := msgp.ReadArrayHeaderBytes(stored)
	if err != nil || n != 3 {
		return DB{}, false
	}
	id, rest, err := msgp.ReadUint32Bytes(rest)
	if err != nil || id == 0 {
		return DB{}, false
	}
	flags, rest, err := msgp.ReadUint8Bytes(rest)
	if err != nil {
		return DB{}, false
	}
	meta, rest, ok := readBin(rest)
	return DB{space: space(id), flags: Flags(flags), meta: meta}, ok && len(rest) == 0
}

// renew gives the database an id that was never used, under which there is
// nothing, and enters it in the catalogue.
func (db *DB) renew() error {
	names := db.tx.names()
	id, err := names.lastID()
	if err != nil {
		return err
	}
	id++
	if id >= uncompressed {
		return fail(TooLarge, "create database: no id is left", db.Name(), nil)
	}
	if err := names.set(nil, entry{value: msgp.AppendUint32(nil, uint32(id))}); err != nil {
		return err
	}
	db.space, db.vacancy, db.writes = db.flags.within(id), vacancy{}, nil
	return db.save()
}

// lastID reads, from the catalogue, the greatest id ever given out.
func (db *DB) lastID() (space, error) {
	stored, found, err := db.get(nil)
	if err != nil || !found {
		return 0, err
	}
	id, _, err := msgp.ReadUint32Bytes(stored)
	if err != nil {
		return 0, fail(Corrupt, "read catalogue: last id", "", nil)
	}
	return space(id), nil
}

// save enters the database in the catalogue.
func (db *DB) save() error {
	return db.tx.names().set([]byte(db.name), entry{value: db.encode()})
}

// DBs lists the names of the databases that were opened by name, ascending; not
// the default one, and not what tables consist of.
func (tx *Tx) DBs() ([]string, error) {
	all, err := tx.catalogued(KeyRange{Low: []byte(ownName), High: []byte{1}})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range all {
		if name != ownName {
			names = append(names, name[len(ownName):])
		}
	}
	return names, nil
}

// catalogued lists names as the catalogue has them.
func (tx *Tx) catalogued(r KeyRange) ([]string, error) {
	if err := tx.usable("list databases"); err != nil {
		return nil, err
	}
	if r.Low == nil {
		r.Low = []byte{0} // the greatest id stands before it
	}
	var names []string
	c := tx.names().Cursor(r)
	defer c.Close()
	for ok := c.First(); ok; ok = c.Next() {
		names = append(names, string(c.Key()))
	}
	return names, c.Err()
}

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
	return db.save()
}

// Empty removes everything in the database and keeps the database. It costs the
// same however much that is; it may be called again and again.
func (db *DB) Empty() error {
	if err := db.writable("empty"); err != nil {
		return err
	}
	db.tx.noteEmptied(db.name)
	return db.renew()
}

// Drop removes the database with everything in it. Later calls of its handle fail
// with NotFound; DB with the same name creates an empty one. The default database
// cannot be dropped, that is an InvalidArgument.
func (db *DB) Drop() error {
	if err := db.writable("drop"); err != nil {
		return err
	}
	if db.name == ownName {
		return fail(InvalidArgument, "drop: the default database is always there", "", nil)
	}
	db.tx.noteEmptied(db.name)
	delete(db.tx.dbs, db.name)
	db.gone = true
	return db.tx.names().set([]byte(db.name), entry{kind: deleted})
}
