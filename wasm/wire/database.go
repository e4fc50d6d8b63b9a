package wire

import (
	"math"

	"github.com/stowage-db/stowage/store"
)

// Database is how a request names a database: [name, flags, create].
type Database struct {
	Name   string
	Flags  store.Flags // nil in the frame: whichever it has
	Asked  bool        // for these flags
	Create bool        // where it does not exist: read it as empty, make it to write
}

func (r *reader) database() Database {
	r.tuple(3)
	d := Database{Name: r.text()}
	if d.Asked = !r.nil(); d.Asked {
		d.Flags = store.Flags(min(r.uint(), math.MaxUint8))
	}
	d.Create = r.bool()
	return d
}

// optional reads bytes or nil.
func (r *reader) optional() []byte {
	if r.nil() {
		return nil
	}
	return r.bin()
}

// Database reads [database].
func (q *Request) Database() (Database, error) {
	r := q.read(1)
	return r.database(), r.end()
}

// DatabaseKey reads [database, key].
func (q *Request) DatabaseKey() (d Database, key []byte, err error) {
	r := q.read(2)
	d, key = r.database(), r.bin()
	return d, key, r.end()
}

// DatabaseKeys reads [database, [key …]].
func (q *Request) DatabaseKeys() (d Database, keys [][]byte, err error) {
	r := q.read(2)
	d = r.database()
	keys = make([][]byte, r.array())
	for i := range keys {
		keys[i] = r.bin()
	}
	return d, keys, r.end()
}

// Putting is what becomes of a pair whose key exists.
type Putting uint8

const (
	Overwrite Putting = iota // it takes the place of the value, or joins the values
	Keep                     // it is left out
	KeepPair                 // it, a single one, is left out if the very value exists
)

// DatabasePairs reads [database, putting, [key, value, …]].
func (q *Request) DatabasePairs() (d Database, how Putting, pairs []store.Pair, err error) {
	r := q.read(3)
	d = r.database()
	how = Putting(min(r.uint(), math.MaxUint8))
	pairs = make([]store.Pair, r.pairs())
	for i := range pairs {
		pairs[i] = store.Pair{Key: r.bin(), Value: r.bin()}
	}
	if how > KeepPair || how == KeepPair && len(pairs) != 1 {
		r.fail()
	}
	return d, how, pairs, r.end()
}

// DatabaseDeletes reads [database, [key, value, …]]. A nil value stands for all
// values of the key.
func (q *Request) DatabaseDeletes() (d Database, pairs []store.Pair, err error) {
	r := q.read(2)
	d = r.database()
	pairs = make([]store.Pair, r.pairs())
	for i := range pairs {
		pairs[i] = store.Pair{Key: r.bin(), Value: r.optional()}
	}
	return d, pairs, r.end()
}

// pairs reads the head of a list that holds two values an element.
func (r *reader) pairs() int {
	n := r.array()
	if n%2 != 0 {
		r.fail()
		return 0
	}
	return n / 2
}

// DatabaseKeyValue reads [database, key, value].
func (q *Request) DatabaseKeyValue() (d Database, key, value []byte, err error) {
	r := q.read(3)
	d, key, value = r.database(), r.bin(), r.bin()
	return d, key, value, r.end()
}

// Bounds are those of a range of keys: [low, whether low itself is out, high,
// whether high itself is in, prefix], each nil where there is no such bound.
type Bounds struct {
	Low, High       []byte
	Above, Included bool
	Prefix          []byte
}

func (r *reader) bounds() Bounds {
	r.tuple(5)
	return Bounds{Low: r.optional(), Above: r.bool(), High: r.optional(), Included: r.bool(), Prefix: r.optional()}
}

// DatabaseRange reads [database, bounds].
func (q *Request) DatabaseRange() (d Database, b Bounds, err error) {
	r := q.read(2)
	d, b = r.database(), r.bounds()
	return d, b, r.end()
}

// Fields are the parts of an entry that a walk delivers.
type Fields uint8

const (
	KeysOnly Fields = iota + 1
	ValuesOnly
	KeysAndValues
)

// Walk is how to go through a range.
type Walk struct {
	Reverse bool
	Fields  Fields
	Skip    int64 // how many entries to pass over first
	Limit   int64 // −1: none
}

func (r *reader) walk() Walk {
	w := Walk{Reverse: r.bool(), Fields: Fields(min(r.uint(), math.MaxUint8)), Skip: r.int(), Limit: r.int()}
	if w.Fields < KeysOnly || w.Fields > KeysAndValues || w.Skip < 0 {
		r.fail()
	}
	return w
}

// DatabaseWalk reads [database, bounds, reverse, fields, skip, limit].
func (q *Request) DatabaseWalk() (d Database, b Bounds, w Walk, err error) {
	r := q.read(6)
	d, b, w = r.database(), r.bounds(), r.walk()
	return d, b, w, r.end()
}

// CursorWalk reads [cursor, reverse, fields, skip, limit].
func (q *Request) CursorWalk() (cursor uint32, w Walk, err error) {
	r := q.read(5)
	cursor, w = r.uint32(), r.walk()
	return cursor, w, r.end()
}

// Cursor reads [cursor].
func (q *Request) Cursor() (cursor uint32, err error) {
	r := q.read(1)
	return r.uint32(), r.end()
}

// Move is where a cursor goes.
type Move uint8

const (
	First Move = iota
	Last
	Next
	Prev
	FirstDup
	LastDup
	NextDup
	PrevDup
	NextNoDup
	PrevNoDup
	Seek          // to the first entry at or above a key
	SeekExact     // to a key
	SeekFloor     // to the last entry at or below a key
	SeekBelow     // to the last entry below a key
	SeekPair      // to a key, and its first value at or above a value
	SeekExactPair // to a key with a value
)

// Edit is what is done where a cursor stands.
type Edit uint8

const (
	EditPut Edit = iota
	EditReplace
	EditPop
	EditDelete
	EditDeleteKey
)

// CursorStep reads [cursor, move or edit, key, value], with nil for what the
// move or edit does not need.
func (q *Request) CursorStep() (cursor uint32, step uint8, key, value []byte, err error) {
	r := q.read(4)
	cursor, step = r.uint32(), uint8(min(r.uint(), math.MaxUint8))
	key, value = r.optional(), r.optional()
	return cursor, step, key, value, r.end()
}

// Flagged are the flags to open a database with: none, where none were asked for.
func (d Database) Flagged() []store.Flags {
	if !d.Asked {
		return nil
	}
	return []store.Flags{d.Flags}
}
