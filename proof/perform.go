package main

import (
	"bytes"
	"fmt"
	"hash"

	"github.com/stowage-db/stowage/store"
)

// performer does operations to a transaction and to its draft alike, and fails
// where the two tell different things.
type performer struct {
	tx    *store.Tx
	draft *draft
	// results takes up what every operation gave, so that two runs of one history
	// can be compared. It may be nil.
	results hash.Hash64
	done    int64
}

func (p *performer) all(operations []operation) error {
	for _, o := range operations {
		if err := p.one(o); err != nil {
			return fmt.Errorf("%v: %w", o, err)
		}
		p.done++
	}
	return nil
}

func (p *performer) one(o operation) error {
	db, err := p.tx.DB(o.db)
	if _, exists := p.draft.find(o.db + "\x00"); !p.tx.Writable() && !exists {
		if store.CodeOf(err) != store.NotFound {
			return fmt.Errorf("opening a database that does not exist: %w", wrong("%v", err))
		}
		return nil
	}
	if err != nil {
		return err
	}
	if p.tx.Writable() {
		p.draft.open(o.db)
	}
	key := o.db + "\x00" + o.key
	value, exists := p.draft.find(key)
	switch o.kind {
	case get:
		return p.get(db, o, value, exists)
	case scan, scanBack, count, skip:
		return p.walk(db, o)
	}
	if !p.tx.Writable() {
		return nil
	}
	switch o.kind {
	case put:
		value := o.value()
		text := string(value)
		p.draft.set(key, &text)
		return db.Put([]byte(o.key), value)
	case remove:
		found, err := db.Delete([]byte(o.key))
		if err == nil && found != exists {
			return wrong("found %v, want %v", found, exists)
		}
		p.note(fmt.Sprint(found))
		p.draft.set(key, nil)
		return err
	case clearKey:
		p.draft.set(key, nil)
		return db.Clear([]byte(o.key))
	default:
		p.draft.drop(o.db)
		return db.Drop()
	}
}

func (p *performer) get(db *store.DB, o operation, value string, exists bool) error {
	got, found, err := db.Get([]byte(o.key))
	if err != nil {
		return err
	}
	if found != exists || string(got) != value {
		return wrong("%v and %d bytes, want %v and %d", found, len(got), exists, len(value))
	}
	p.note(fmt.Sprint(found), string(got))
	return nil
}

// walk reads a range by cursor or counts it.
func (p *performer) walk(db *store.DB, o operation) error {
	want := p.draft.now().between(o.db+"\x00"+o.key, o.db+"\x00"+o.end)
	r := store.KeyRange{Low: []byte(o.key), High: []byte(o.end)}
	if o.kind == count {
		n, err := db.Count(r)
		if err == nil && n != int64(len(want)) {
			return wrong("%d, want %d", n, len(want))
		}
		p.note(fmt.Sprint(n))
		return err
	}
	c := db.Cursor(r)
	defer c.Close()
	first, ok := 0, false
	switch o.kind {
	case scanBack:
		ok = c.Last()
	case skip:
		first = int(o.fill % 40)
		ok = c.First() && (first == 0 || c.Skip(int64(first)))
	default:
		ok = c.First()
	}
	for i := first; i < min(len(want), first+25); i++ {
		at := i
		if o.kind == scanBack {
			at = len(want) - 1 - i
		}
		if err := p.current(c, o, ok, want[at]); err != nil {
			return err
		}
		if o.kind == scanBack {
			ok = c.Prev()
		} else {
			ok = c.Next()
		}
	}
	if c.Err() == nil && ok != (first+25 < len(want)) {
		return wrong("goes on after %d keys: %v", len(want), ok)
	}
	return c.Err()
}

// current compares the entry that a cursor stands on.
func (p *performer) current(c *store.Cursor, o operation, ok bool, want pair) error {
	if !ok {
		if c.Err() != nil {
			return c.Err()
		}
		return wrong("ends before %v", want)
	}
	value, err := c.Value()
	if err != nil {
		return err
	}
	if got := (pair{o.db + "\x00" + string(c.Key()), string(value)}); got != want {
		return wrong("%v, want %v", got, want)
	}
	p.note(want.key, want.value)
	return nil
}

func (p *performer) note(texts ...string) {
	if p.results == nil {
		return
	}
	for _, text := range texts {
		_, _ = p.results.Write([]byte(text)) // a hash takes anything
		_, _ = p.results.Write([]byte{0xff})
	}
}

// everything reads all that a transaction sees, in both directions where back is set.
func everything(tx *store.Tx, back bool) (contents, error) {
	names, err := tx.DBs()
	if err != nil {
		return nil, err
	}
	var all contents
	for _, name := range names {
		db, err := tx.DB(name)
		if err != nil {
			return nil, err
		}
		all = append(all, pair{key: name + "\x00"})
		c := db.Cursor(store.KeyRange{})
		first := len(all)
		for ok := c.First(); ok; ok = c.Next() {
			value, err := c.Value()
			if err != nil {
				return nil, err
			}
			all = append(all, pair{name + "\x00" + string(c.Key()), string(value)})
		}
		if err := c.Err(); err != nil {
			return nil, err
		}
		if back {
			if err := backwards(c, name, all[first:]); err != nil {
				return nil, err
			}
		}
		c.Close()
	}
	return all, nil
}

func backwards(c *store.Cursor, name string, entries contents) error {
	i := len(entries)
	for ok := c.Last(); ok; ok = c.Prev() {
		i--
		if i < 0 || !bytes.Equal(c.Key(), []byte(entries[i].key[len(name)+1:])) {
			return wrong("backwards at %q in %s, %d before the end", c.Key(), name, len(entries)-i)
		}
	}
	if c.Err() == nil && i != 0 {
		return wrong("backwards %s ends %d entries early", name, i)
	}
	return c.Err()
}

// wrongAnswer is what no fault excuses: the engine told something untrue.
type wrongAnswer string

func (w wrongAnswer) Error() string { return string(w) }

func wrong(format string, arguments ...any) error {
	return wrongAnswer(fmt.Sprintf(format, arguments...))
}
