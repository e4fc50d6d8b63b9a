package store

import (
	"bytes"
	"context"
)

// The methods below are single calls, each in a transaction of its own: on the
// database of a name, "" for the default one. What writes creates the database
// where it does not exist; what reads fails with NotFound there. Values are
// copies, the caller's own.

// Get returns the value of a key, as DB.Get does.
func (e *Env) Get(ctx context.Context, name string, key []byte) (value []byte, found bool, err error) {
	err = e.reading(ctx, name, func(db *DB) error {
		value, found, err = db.Get(key)
		value = bytes.Clone(value)
		return err
	})
	return value, found, err
}

// GetMulti returns the values of several keys at one snapshot, as DB.GetMulti does.
func (e *Env) GetMulti(ctx context.Context, name string, keys [][]byte) (values [][]byte, err error) {
	err = e.reading(ctx, name, func(db *DB) error {
		values, err = db.GetMulti(keys)
		for i, value := range values {
			values[i] = bytes.Clone(value)
		}
		return err
	})
	return values, err
}

// Put sets the value of a key, as DB.Put does.
func (e *Env) Put(ctx context.Context, name string, key, value []byte) error {
	return e.writing(ctx, name, func(db *DB) error { return db.Put(key, value) })
}

// Add sets the value of a key that has none, as DB.Add does.
func (e *Env) Add(ctx context.Context, name string, key, value []byte) (added bool, err error) {
	err = e.writing(ctx, name, func(db *DB) error {
		added, err = db.Add(key, value)
		return err
	})
	return added, err
}

// PutMulti puts many pairs, as DB.PutMulti does.
func (e *Env) PutMulti(ctx context.Context, name string, pairs []Pair, overwrite bool) (consumed, added int, err error) {
	err = e.writing(ctx, name, func(db *DB) error {
		consumed, added, err = db.PutMulti(pairs, overwrite)
		return err
	})
	return consumed, added, err
}

// Replace sets the value of a key and returns the one it had, as DB.Replace does.
func (e *Env) Replace(ctx context.Context, name string, key, value []byte) (old []byte, found bool, err error) {
	err = e.writing(ctx, name, func(db *DB) error {
		old, found, err = db.Replace(key, value)
		old = bytes.Clone(old)
		return err
	})
	return old, found, err
}

// Pop removes a key and returns the value it had, as DB.Pop does.
func (e *Env) Pop(ctx context.Context, name string, key []byte) (value []byte, found bool, err error) {
	err = e.writing(ctx, name, func(db *DB) error {
		value, found, err = db.Pop(key)
		value = bytes.Clone(value)
		return err
	})
	return value, found, err
}

// Delete removes a key, as DB.Delete does.
func (e *Env) Delete(ctx context.Context, name string, key []byte) (found bool, err error) {
	err = e.writing(ctx, name, func(db *DB) error {
		found, err = db.Delete(key)
		return err
	})
	return found, err
}

// DeleteMulti removes several keys, as DB.DeleteMulti does.
func (e *Env) DeleteMulti(ctx context.Context, name string, keys [][]byte) (found []bool, err error) {
	err = e.writing(ctx, name, func(db *DB) error {
		found, err = db.DeleteMulti(keys)
		return err
	})
	return found, err
}

// DBs lists the databases, as Tx.DBs does.
func (e *Env) DBs(ctx context.Context) (names []string, err error) {
	err = e.View(ctx, func(tx *Tx) error {
		names, err = tx.DBs()
		return err
	})
	return names, err
}

func (e *Env) reading(ctx context.Context, name string, f func(*DB) error) error {
	return e.View(ctx, inDB(name, f))
}

func (e *Env) writing(ctx context.Context, name string, f func(*DB) error) error {
	return e.Update(ctx, inDB(name, f))
}

func inDB(name string, f func(*DB) error) func(*Tx) error {
	return func(tx *Tx) error {
		db, err := tx.DB(name)
		if err != nil {
			return err
		}
		return f(db)
	}
}
