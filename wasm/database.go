package main

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// database carries out an operation on one of the databases that hold bytes for
// the host, in the request's transaction or one of its own. They have no
// numbers: every request tells name and flags, and nothing need be opened again
// when an engine was lost.
func (o *operation) database() error {
	switch o.request.Op {
	case wire.DBGet, wire.DBGetMulti, wire.DBWalk, wire.DBStat, wire.DBCount, wire.DBs:
		return o.reading(o.readDatabase)
	default:
		return o.writing((*operation).writeDatabase)
	}
}

func (o *operation) readDatabase(tx *store.Tx) error {
	switch o.request.Op {
	case wire.DBGet:
		return o.databaseGet(tx)
	case wire.DBGetMulti:
		return o.databaseGetMulti(tx)
	case wire.DBWalk:
		return o.databaseWalk(tx)
	case wire.DBStat:
		return o.databaseStat(tx)
	case wire.DBCount:
		return o.databaseCount(tx)
	default:
		return o.databases(tx)
	}
}

// openToRead opens a database; it is nil where it does not exist, but may be created.
func openToRead(tx *store.Tx, d wire.Database) (*store.DB, error) {
	db, err := tx.OpenDB(d.Name, d.Flagged()...)
	if d.Create && store.CodeOf(err) == store.NotFound {
		return nil, nil
	}
	return db, err
}

func openToWrite(tx *store.Tx, d wire.Database) (*store.DB, error) {
	if d.Create {
		return tx.DB(d.Name, d.Flagged()...)
	}
	return tx.OpenDB(d.Name, d.Flagged()...)
}

// databaseGet results in the value or nil.
func (o *operation) databaseGet(tx *store.Tx) error {
	d, key, err := o.request.DatabaseKey()
	if err != nil {
		return err
	}
	db, err := openToRead(tx, d)
	if err != nil || db == nil {
		o.result = msgp.AppendNil(o.result)
		return err
	}
	value, found, err := db.Get(key)
	o.value(value, found)
	return err
}

// value results in a value, or nil.
func (o *operation) value(value []byte, found bool) {
	if found {
		o.result = msgp.AppendBytes(o.result, value)
	} else {
		o.result = msgp.AppendNil(o.result)
	}
}

// databaseGetMulti results in the values, nil where there is none.
func (o *operation) databaseGetMulti(tx *store.Tx) error {
	d, keys, err := o.request.DatabaseKeys()
	if err != nil {
		return err
	}
	db, err := openToRead(tx, d)
	if err != nil {
		return err
	}
	values := make([][]byte, len(keys))
	if db != nil {
		if values, err = db.GetMulti(keys); err != nil {
			return err
		}
	}
	rows := o.rows()
	for _, value := range values {
		if err := rows.bytes(value); err != nil {
			return err
		}
	}
	rows.end()
	return nil
}

// keyRange is the range of keys within bounds.
func keyRange(db *store.DB, b wire.Bounds) store.KeyRange {
	if b.Prefix != nil {
		return db.Prefix(b.Prefix)
	}
	r := store.KeyRange{Low: b.Low, High: b.High}
	if b.Above {
		r.Low = following(db, b.Low)
	}
	if b.Included {
		r.High = following(db, b.High)
	}
	return r
}

// following is the least key above another.
func following(db *store.DB, key []byte) []byte {
	if db.Flags()&store.ReverseKey != 0 {
		return append([]byte{0}, key...)
	}
	return append(key[:len(key):len(key)], 0)
}

// databaseWalk results in the entries of a range, part by part.
func (o *operation) databaseWalk(tx *store.Tx) error {
	d, bounds, w, err := o.request.DatabaseWalk()
	if err != nil {
		return err
	}
	rows := o.rows()
	db, err := openToRead(tx, d)
	if err != nil || db == nil {
		rows.end()
		return err
	}
	c := db.Cursor(keyRange(db, bounds))
	defer c.Close()
	if !pass(c, w) {
		w.Limit = 0
	}
	for n := w.Limit; n != 0 && advance(c, w.Reverse); n-- {
		if err := rows.entry(c, w.Fields); err != nil {
			return err
		}
		if err := tx.Work(len(c.Key())); err != nil {
			return err
		}
	}
	rows.end()
	return c.Err()
}

// pass moves a cursor to the last of the entries that a walk leaves out. It is false
// where there is nothing behind them.
func pass(c *store.Cursor, w wire.Walk) bool {
	switch {
	case w.Skip == 0:
		return true
	case w.Reverse:
		return c.SkipBack(w.Skip)
	default:
		return c.Skip(w.Skip)
	}
}

// advance moves a cursor on; from nowhere to the beginning, which is the end in reverse.
func advance(c *store.Cursor, reverse bool) bool {
	if reverse {
		return c.Prev()
	}
	return c.Next()
}

// databaseStat results in {entries, flags}.
func (o *operation) databaseStat(tx *store.Tx) error {
	d, err := o.request.Database()
	if err != nil {
		return err
	}
	stat := store.DBStat{Flags: d.Flags}
	db, err := openToRead(tx, d)
	if db != nil {
		stat, err = db.Stat()
	}
	o.result = msgp.AppendMapHeader(o.result, 2)
	o.number("entries", stat.Entries)
	o.number("flags", int64(stat.Flags))
	return err
}

func (o *operation) databaseCount(tx *store.Tx) error {
	d, bounds, err := o.request.DatabaseRange()
	if err != nil {
		return err
	}
	db, err := openToRead(tx, d)
	if err != nil || db == nil {
		return o.count(0, err)
	}
	return o.count(db.Count(keyRange(db, bounds)))
}

// databases results in the names of all databases but the default one.
func (o *operation) databases(tx *store.Tx) error {
	names, err := tx.DBs()
	o.result = msgp.AppendArrayHeader(o.result, uint32(len(names)))
	for _, name := range names {
		o.result = msgp.AppendString(o.result, name)
	}
	return err
}

// writeDatabase may run more than once, each time in another transaction.
func (o *operation) writeDatabase(tx *store.Tx) error {
	o.result = o.result[:0]
	switch o.request.Op {
	case wire.DBPut:
		return o.databasePut(tx)
	case wire.DBDelete:
		return o.databaseDelete(tx)
	case wire.DBPop:
		return o.databasePop(tx)
	case wire.DBReplace:
		return o.databaseReplace(tx)
	default:
		return o.databaseRemove(tx)
	}
}

// databasePut results in [how many pairs were looked at, how many were added].
func (o *operation) databasePut(tx *store.Tx) error {
	d, how, pairs, err := o.request.DatabasePairs()
	if err != nil {
		return err
	}
	db, err := openToWrite(tx, d)
	if err != nil {
		return err
	}
	consumed, added := 0, 0
	if how == wire.KeepPair {
		var new bool
		new, err = db.AddPair(pairs[0].Key, pairs[0].Value)
		consumed, added = 1, int(one(new))
	} else {
		consumed, added, err = db.PutMulti(pairs, how == wire.Overwrite)
	}
	o.result = msgp.AppendArrayHeader(o.result, 2)
	o.result = msgp.AppendInt(o.result, consumed)
	o.result = msgp.AppendInt(o.result, added)
	return err
}

// databaseDelete results in whether each was there.
func (o *operation) databaseDelete(tx *store.Tx) error {
	d, pairs, err := o.request.DatabaseDeletes()
	if err != nil {
		return err
	}
	db, err := openToWrite(tx, d)
	if err != nil {
		return err
	}
	o.result = msgp.AppendArrayHeader(o.result, uint32(len(pairs)))
	for _, pair := range pairs {
		var found bool
		if pair.Value == nil {
			found, err = db.Delete(pair.Key)
		} else {
			found, err = db.DeletePair(pair.Key, pair.Value)
		}
		if err != nil {
			return err
		}
		o.result = msgp.AppendBool(o.result, found)
	}
	return nil
}

func (o *operation) databasePop(tx *store.Tx) error {
	d, key, err := o.request.DatabaseKey()
	if err != nil {
		return err
	}
	db, err := openToWrite(tx, d)
	if err != nil {
		return err
	}
	value, found, err := db.Pop(key)
	o.value(value, found)
	return err
}

func (o *operation) databaseReplace(tx *store.Tx) error {
	d, key, value, err := o.request.DatabaseKeyValue()
	if err != nil {
		return err
	}
	db, err := openToWrite(tx, d)
	if err != nil {
		return err
	}
	old, found, err := db.Replace(key, value)
	o.value(old, found)
	return err
}

// databaseRemove empties a database or drops it. What does not exist is empty.
func (o *operation) databaseRemove(tx *store.Tx) error {
	d, err := o.request.Database()
	if err != nil {
		return err
	}
	o.result = msgp.AppendNil(o.result)
	db, err := openToRead(tx, d)
	if err != nil || db == nil {
		return err
	}
	if o.request.Op == wire.DBEmpty {
		return db.Empty()
	}
	return db.Drop()
}
