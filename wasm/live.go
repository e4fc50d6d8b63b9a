package main

import (
	"context"
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
	watch    *store.Watch
	standing store.Standing
	seed     maphash.Seed
	has      shown // what the host has
}

// shown is what a result was: the hash of the row at each place, and a place for each hash.
type shown struct {
	hashes []uint64
	places map[uint64]uint32
}

func (s *shown) clear() {
	s.hashes = s.hashes[:0]
	clear(s.places)
}

func (s *shown) add(hash uint64) {
	s.places[hash] = uint32(len(s.hashes))
	s.hashes = append(s.hashes, hash)
}

// where tells a place of the row with a hash: that asked about, where it stands there,
// for rows without an identity may be alike.
func (s *shown) where(hash uint64, at int) (place uint32, found bool) {
	if at < len(s.hashes) && s.hashes[at] == hash {
		return uint32(at), true
	}
	place, found = s.places[hash]
	return place, found
}

// askLive runs the query. Its result is [row …], each a document or the place of the
// same one in the result before; with Counted a number of documents is ahead of them.
func (o *operation) askLive() error {
	asked, err := o.request.LiveQuery()
	if err != nil {
		return err
	}
	l := &live{watch: o.bridge.env.Watch(), seed: maphash.MakeSeed()}
	o.bridge.lives[asked.Number] = l
	return o.look(l, &asked, l.watch.View)
}

// changed is askLive once the query has to be asked again: at once by an engine that
// has not asked it before, in the place of one that was lost.
func (o *operation) changed() error {
	asked, err := o.request.LiveQuery()
	if err != nil {
		return err
	}
	l := o.bridge.lives[asked.Number]
	if l == nil {
		return o.askLive()
	}
	return o.look(l, &asked, l.watch.Next)
}

// look asks the query by View or Next.
func (o *operation) look(l *live, asked *wire.LiveQuery, view func(context.Context, func(*store.Tx) error) error) error {
	t := o.bridge.tables[o.request.Table]
	if asked.SQL == nil {
		if t == nil {
			return &store.Error{Code: store.Internal, Op: "live: no such table"}
		}
		asked.Query.Host = o.ask
	}
	next := shown{places: make(map[uint64]uint32, len(l.has.places))}
	err := o.retried(func() error {
		err := view(o.ctx, func(tx *store.Tx) error { return o.answer(l, t, tx, asked, &next) })
		view = l.watch.View // Next watches nothing after an error
		return err
	})
	if err == nil {
		l.has = next
	}
	return err
}

func (o *operation) answer(l *live, t *store.Table, tx *store.Tx, asked *wire.LiveQuery, next *shown) error {
	next.clear()
	rows := o.rows()
	rows.seen = tx
	if asked.Counted && asked.SQL == nil {
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
	tell := func(doc []byte) error {
		place := len(next.hashes)
		if doc == nil {
			next.add(l.has.hashes[place])
			return rows.add(msgp.AppendUint32(same[:0], uint32(place)))
		}
		hash := maphash.Bytes(l.seed, doc)
		before, has := l.has.where(hash, place)
		next.add(hash)
		if has {
			doc = msgp.AppendUint32(same[:0], before)
		}
		return rows.add(doc)
	}
	var err error
	if asked.SQL != nil {
		err = o.statementRows(tx, asked.SQL, tell)
	} else if asked.Counted {
		err = t.Find(tx, asked.Query, tell)
	} else {
		err = l.standing.Find(t, tx, asked.Query, tell)
	}
	rows.end()
	return err
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
