package main

import (
	"hash/maphash"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// A live query is asked again and again, whenever a commit has touched what it
// read. The engine remembers which rows its host has, and says of each that has
// not changed only where it stood: the host keeps the very objects that it made
// of them, and is handed what is new.
//
// The other end is js/src/live.ts.
type live struct {
	watch *store.Watch
	seed  maphash.Seed
	rows  map[uint64]uint32 // what the host has: the hash of each row, and its place
}

// askLive runs the query. Its result is [row …], each a document or the place of the
// same one in the result before; with Counted a number of documents is ahead of them.
func (o *operation) askLive() error {
	t := o.bridge.tables[o.request.Table]
	if t == nil {
		return &store.Error{Code: store.Internal, Op: "live: no such table"}
	}
	asked, err := o.request.LiveQuery()
	if err != nil {
		return err
	}
	l := o.bridge.lives[asked.Number]
	if l == nil {
		l = &live{watch: o.bridge.env.Watch(), seed: maphash.MakeSeed()}
		o.bridge.lives[asked.Number] = l
	}
	asked.Query.Host = o.ask
	next := make(map[uint64]uint32, len(l.rows))
	err = o.retried(func() error {
		clear(next)
		return l.watch.View(o.ctx, func(tx *store.Tx) error { return o.answer(l, t, tx, &asked, next) })
	})
	if err == nil {
		l.rows = next
	}
	return err
}

func (o *operation) answer(l *live, t *store.Table, tx *store.Tx, asked *wire.LiveQuery, next map[uint64]uint32) error {
	rows, place := o.rows(), uint32(0)
	if asked.Counted {
		all := *asked.Query
		all.Limit, all.Skip, all.After = -1, 0, nil
		n, err := t.Count(tx, &all)
		if err == nil {
			err = rows.add(msgp.AppendInt64(nil, n))
		}
		if err != nil {
			return err
		}
	}
	var same [5]byte
	err := t.Find(tx, asked.Query, func(doc []byte) error {
		hash := maphash.Bytes(l.seed, doc)
		next[hash] = place
		place++
		if before, has := l.rows[hash]; has {
			doc = msgp.AppendUint32(same[:0], before)
		}
		return rows.add(doc)
	})
	rows.end()
	return err
}

// changed results in nothing, once the query has to be asked again.
func (o *operation) changed() error {
	number, err := o.request.Number()
	if err != nil {
		return err
	}
	l := o.bridge.lives[number]
	if l == nil {
		return &store.Error{Code: store.TxEnded, Op: "live: it has ended"}
	}
	o.result = msgp.AppendNil(o.result)
	return l.watch.Wait(o.ctx)
}

// unlive ends a live query; it need not have begun.
func (o *operation) unlive() error {
	number, err := o.request.Number()
	if err != nil {
		return err
	}
	if l := o.bridge.lives[number]; l != nil {
		delete(o.bridge.lives, number)
		l.watch.Stop()
	}
	o.result = msgp.AppendNil(o.result)
	return nil
}
