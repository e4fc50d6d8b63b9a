package store

import (
	"context"
	"sync/atomic"

	"github.com/tinylib/msgp/msgp"
)

// versionName is where the catalogue has the version of the data, a uint, as the
// meta of a database without an entry. No table can have the name in front of the
// zero, see isTableName.
const versionName = reservedTable + "\x00"

// Migrate brings the data to a version: a number, from 1, that the program raises
// whenever its documents come to mean something else. For each version between, step
// turns the documents of the one before into those of version to; it and the new
// number are one transaction. When step fails, nothing of it stays, the versions
// before it do, and Migrate returns its error. As with Update, step may be run again.
//
// An environment that holds nothing has the version at once; one that was written
// without versions begins at 0. What is still missing is done by the next Migrate.
//
// From then on, this Env knows data up to that version. When another program has
// raised it beyond, whatever opens a table or database here fails with NewerSchema,
// and so do the commits of transactions that had begun: programs that are older than
// the data neither misread nor damage it. An Env that was never asked to Migrate
// knows the version that it found first.
//
// Errors: InvalidArgument for version 0; NewerSchema where the data has a later one;
// those of step; and what the engine reports.
func (e *Env) Migrate(ctx context.Context, version uint64, step func(tx *Tx, to uint64) error) error {
	at, err := e.Understand(ctx, version)
	for err == nil && at < version {
		err = e.Update(ctx, func(tx *Tx) (err error) {
			due := false
			if at, due, err = tx.Raise(version); err != nil || !due {
				return err
			}
			return step(tx, at)
		})
	}
	return err
}

// Understand is Migrate without a step: it only says which version this program
// knows, and returns that of the data. Who calls it raises the one to the other.
func (e *Env) Understand(ctx context.Context, version uint64) (at uint64, err error) {
	if version == 0 {
		return 0, fail(InvalidArgument, "migrate: version", "", nil)
	}
	err = e.View(ctx, func(tx *Tx) (err error) {
		at, err = tx.Version()
		return err
	})
	if err == nil && at > version {
		err = fail(NewerSchema, "migrate", "", nil)
	}
	if err == nil {
		e.knows.raise(version)
	}
	return at, err
}

// Version is that of the data: 0 until Migrate has given it one.
func (tx *Tx) Version() (uint64, error) {
	if err := tx.usable("read version"); err != nil {
		return 0, err
	}
	stored, found, err := tx.entry(versionName)
	if err != nil || !found {
		return 0, err
	}
	db, ok := decodeDatabase(stored)
	version, rest, err := msgp.ReadUint64Bytes(db.meta)
	if !ok || err != nil || len(rest) > 0 {
		return 0, fail(Corrupt, "read version", "", err)
	}
	return version, nil
}

// Raise makes the data's version the next one on the way to the version given, and
// returns it; due says that the transaction has to turn the documents into what that
// asks for. It has not where they have the version already, or where there are none:
// then they have it from now on.
func (tx *Tx) Raise(version uint64) (to uint64, due bool, err error) {
	at, err := tx.Version()
	switch {
	case err != nil || at == version:
		return at, false, err
	case at > version:
		return at, false, fail(NewerSchema, "migrate", "", nil)
	}
	names, err := tx.catalogued(KeyRange{})
	if err != nil {
		return at, false, err
	}
	if due = len(names) > 0; due {
		version = at + 1
	}
	tx.SetDurability(Strict)
	db, err := tx.inner(versionName)
	if err == nil {
		err = db.SetMeta(msgp.AppendUint64(nil, version))
	}
	return version, due, err
}

// understood fails with NewerSchema where the transaction sees a later version than
// its program knows. A writing one has thereby read the version: it conflicts with
// whoever raises it meanwhile.
func (tx *Tx) understood() error {
	if tx.understands {
		return nil
	}
	version, err := tx.Version()
	if err != nil {
		return err
	}
	if !tx.env.knows.covers(version) {
		return fail(NewerSchema, "open database", "", nil)
	}
	tx.understands = true
	return nil
}

// known is the latest version of the data that a program was written for, plus one;
// 0 until something is known of that.
type known struct{ next atomic.Uint64 }

func (k *known) raise(version uint64) {
	for {
		next := k.next.Load()
		if next > version || k.next.CompareAndSwap(next, version+1) {
			return
		}
	}
}

// covers reports whether a version is known. The first one found is.
func (k *known) covers(version uint64) bool {
	return k.next.CompareAndSwap(0, version+1) || version < k.next.Load()
}
