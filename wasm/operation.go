package main

import (
	"cmp"
	"context"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// operation is one request on its way to its result.
type operation struct {
	bridge  *bridge
	ctx     context.Context
	request wire.Request
	result  []byte

	delivered bool // a part of the result
	copied    bool // all that is still needed of the request, so that its memory is free
}

// warm tells of an operation that usually finds all it needs in memory, so that
// it is worth trying without a task. It must not change anything.
func warm(r wire.Request) bool {
	switch r.Op {
	case wire.Get, wire.GetMany, wire.DBGet, wire.DBGetMulti:
		return true
	default:
		return false
	}
}

// perform carries out the request and leaves its result in o.result.
func (o *operation) perform() error {
	if o.request.Op == wire.Heard {
		return o.hear()
	}
	if o.bridge.env == nil && o.request.Op != wire.Open && o.request.Op != wire.Salvage {
		return &store.Error{Code: store.Closed, Op: "the environment is not open"}
	}
	switch o.request.Op {
	case wire.Open:
		return o.open()
	case wire.Close:
		return o.close()
	case wire.Table:
		return o.table()
	case wire.Get, wire.GetMany, wire.Find, wire.Count, wire.Explain:
		return o.read()
	case wire.Insert, wire.Put, wire.Update, wire.Delete, wire.DeleteWhere, wire.UpdateWhere, wire.Truncate:
		return o.write()
	case wire.DropTable:
		return o.dropTable()
	case wire.Tables:
		return o.listTables()
	case wire.DBGet, wire.DBGetMulti, wire.DBWalk, wire.DBPut, wire.DBDelete, wire.DBPop, wire.DBReplace,
		wire.DBEmpty, wire.DBDrop, wire.DBStat, wire.DBCount, wire.DBs:
		return o.database()
	case wire.CursorOpen, wire.CursorMove, wire.CursorEdit, wire.CursorCount, wire.CursorWalk, wire.CursorClose:
		return o.cursor()
	case wire.Begin:
		return o.begin()
	case wire.Commit:
		return o.commit()
	case wire.Rollback:
		return o.rollback()
	case wire.Checkpoint:
		return o.bridge.env.Checkpoint(o.ctx)
	case wire.Flush:
		return o.bridge.env.Flush(o.ctx)
	case wire.Check:
		return o.check()
	case wire.Stat:
		return o.stat()
	case wire.Identity:
		return o.identity()
	case wire.Export:
		return o.export()
	case wire.Salvage:
		return o.salvage()
	case wire.Import:
		return o.imports()
	case wire.Copy:
		return o.copy()
	case wire.Amend:
		return o.amend()
	case wire.Rechain:
		return o.rechain()
	case wire.Rotate:
		return o.rotate()
	case wire.Sync:
		return o.sync()
	case wire.Understand:
		return o.understand()
	case wire.Raise:
		return o.raise()
	case wire.SQL:
		return o.statement()
	case wire.Live:
		return o.askLive()
	case wire.Changed:
		return o.changed()
	case wire.ClearCache:
		return o.clearCache()
	case wire.Unlive:
		return o.unlive()
	case wire.Fault:
		return o.fault()
	}
	return o.atEdge()
}

// open opens the environment. Its result is the version of the frames.
func (o *operation) open() error {
	s, err := o.request.Settings()
	if err != nil {
		return err
	}
	if o.bridge.env != nil {
		return &store.Error{Code: store.Internal, Op: "open: open already"}
	}
	env, err := openEnv(o.ctx, backend{o.bridge}, store.Options{
		Modifiers:     o.bridge.chain(0, s.Chain),
		CacheBytes:    s.CacheBytes,
		MaxValueBytes: s.MaxValueBytes,
		Isolation:     store.Shared, // the host makes objects of documents, at once
		Durability:    s.Durability,
		BufferBytes:   s.BufferBytes,
		BufferTime:    s.BufferTime,
		OnLost:        o.bridge.lost,
		Scheduler:     scheduler{o.bridge},
		Random:        random(s.Seed),
	})
	if err != nil {
		return err
	}
	o.bridge.env = env
	o.result = msgp.AppendInt(o.result, wire.Version)
	return nil
}

// close closes the environment. Its result is that of identity, buffered commits included.
func (o *operation) close() error {
	flushed := o.bridge.env.Flush(o.ctx)
	told := o.identity()
	return cmp.Or(o.bridge.env.Close(o.ctx), flushed, told)
}

// identity tells which environment this is and how far it has come: {id, generation,
// position}. It reads nothing from the backend.
func (o *operation) identity() error {
	info, err := o.bridge.env.Info(o.ctx)
	if err != nil {
		return err
	}
	o.result = msgp.AppendMapHeader(o.result, 3)
	o.result = msgp.AppendString(o.result, "id")
	o.result = msgp.AppendString(o.result, info.ID)
	o.number("generation", int64(info.Generation))
	o.number("position", int64(info.LastID))
	return nil
}

// table opens a table under the number that the host chose for it; in a transaction,
// as a migration does, with the indexes it has.
func (o *operation) table() error {
	name, schema, cache, err := o.request.TableSchema()
	if err != nil {
		return err
	}
	var t *store.Table
	if o.request.Transaction == 0 {
		t, err = o.bridge.env.Table(o.ctx, name, schema, o.progress)
	} else {
		err = o.within(func(within *transaction) (err error) {
			t, err = within.tx.Table(name, schema)
			return err
		})
	}
	if err != nil {
		return err
	}
	t.CacheQueries(cache)
	o.bridge.tables[o.request.Table] = t
	o.result = msgp.AppendNil(o.result)
	return nil
}

// clearCache forgets the answers that a table keeps.
func (o *operation) clearCache() error {
	if t := o.bridge.tables[o.request.Table]; t != nil {
		t.ClearCache()
	}
	o.result = msgp.AppendNil(o.result)
	return nil
}

// progress tells the host how far the operation is.
func (o *operation) progress(done, total int64) {
	// A task that was dropped learns of it where it can fail.
	_, _ = o.bridge.await(wire.Progress, wire.AppendProgress(nil, done, total))
}

// check walks everything stored. Its result is {pages, entries, problems}.
func (o *operation) check() error {
	report, err := o.bridge.env.Check(o.ctx)
	if err != nil {
		return err
	}
	o.result = msgp.AppendMapHeader(o.result, 3)
	o.number("pages", report.Pages)
	o.number("entries", report.Entries)
	o.result = msgp.AppendString(o.result, "problems")
	o.result = msgp.AppendArrayHeader(o.result, uint32(len(report.Problems)))
	for _, problem := range report.Problems {
		o.result = msgp.AppendString(o.result, problem)
	}
	return nil
}

// stat tells sizes.
func (o *operation) stat() error {
	s, err := o.bridge.env.Stat(o.ctx)
	if err != nil {
		return err
	}
	o.result = msgp.AppendMapHeader(o.result, 9)
	o.number("entries", s.Entries)
	o.number("trees", int64(s.Trees))
	o.number("treeBytes", s.TreeBytes)
	o.number("overlayBytes", s.OverlayBytes)
	o.number("cacheBytes", s.CacheBytes)
	o.number("writtenBytes", s.WrittenBytes)
	o.number("sealedBytes", s.SealedBytes)
	o.number("blobs", s.Blobs)
	o.number("storedBytes", s.StoredBytes)
	return nil
}

func (o *operation) number(name string, n int64) {
	o.result = msgp.AppendString(o.result, name)
	o.result = msgp.AppendInt64(o.result, n)
}
