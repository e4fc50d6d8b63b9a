package store_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// plainDB is what a database must be: pairs in order.
type plainDB struct {
	flags store.Flags
	pairs []plainPair
}

type plainPair struct{ key, value string }

// compare orders pairs; without DupSort a key has one, whatever its value.
func (d *plainDB) compare(a, b plainPair) int {
	if c := cmp.Compare(d.ordered(a.key), d.ordered(b.key)); c != 0 || d.flags&store.DupSort == 0 {
		return c
	}
	return cmp.Compare(a.value, b.value)
}

func (d *plainDB) ordered(key string) string {
	if d.flags&store.ReverseKey == 0 {
		return key
	}
	b := []byte(key)
	slices.Reverse(b)
	return string(b)
}

func (d *plainDB) search(p plainPair) (int, bool) {
	return slices.BinarySearchFunc(d.pairs, p, d.compare)
}

// of are the places of a key's pairs.
func (d *plainDB) of(key string) (from, to int) {
	from, _ = slices.BinarySearchFunc(d.pairs, key, func(p plainPair, key string) int { return cmp.Compare(d.ordered(p.key), d.ordered(key)) })
	for to = from; to < len(d.pairs) && d.pairs[to].key == key; to++ {
	}
	return from, to
}

func (d *plainDB) first(key string) (string, bool) {
	if from, to := d.of(key); from < to {
		return d.pairs[from].value, true
	}
	return "", false
}

func (d *plainDB) put(p plainPair) {
	i, found := d.search(p)
	if found {
		d.pairs[i] = p
		return
	}
	d.pairs = slices.Insert(d.pairs, i, p)
}

func (d *plainDB) remove(p plainPair) bool {
	i, found := d.search(p)
	if found {
		d.pairs = slices.Delete(d.pairs, i, i+1)
	}
	return found
}

func (d *plainDB) removeKey(key string) bool {
	from, to := d.of(key)
	d.pairs = slices.Delete(d.pairs, from, to)
	return from < to
}

// plainEnv is every database of an environment.
type plainEnv map[string]*plainDB

func (e plainEnv) clone() plainEnv {
	copied := plainEnv{}
	for name, d := range e {
		copied[name] = &plainDB{d.flags, slices.Clone(d.pairs)}
	}
	return copied
}

var modelFlags = map[string]store.Flags{
	"": 0, "plain": 0, "dup": store.DupSort, "reverse": store.ReverseKey, "both": store.DupSort | store.ReverseKey,
}

// kvModel makes the same random steps on an environment and on plain slices.
type kvModel struct {
	t      *testing.T
	random *rand.Rand
	env    *store.Env
	held   plainEnv
	levels []*level // the transaction and the children nested in it
	log    []string // of the transaction at hand
}

// level is one open transaction, what it must see, and cursors over it.
type level struct {
	tx      *store.Tx
	sees    plainEnv
	cursors []*plainCursor
}

// plainCursor is a cursor and where it must stand.
type plainCursor struct {
	*store.Cursor
	name      string
	low, high string // "" is open
	on        bool
	at        plainPair
}

func (m *kvModel) fatal(format string, args ...any) {
	m.t.Helper()
	steps := m.log[max(0, len(m.log)-60):]
	m.t.Fatalf("%s\nafter\n%s", fmt.Sprintf(format, args...), strings.Join(steps, "\n"))
}

func (m *kvModel) must(err error) {
	m.t.Helper()
	if err != nil {
		m.fatal("%v", err)
	}
}

// same compares what a call reported with what it must.
func (m *kvModel) same(what string, got, want any) {
	m.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		m.fatal("%s: %.200q, want %.200q", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}

func (m *kvModel) bytes(longest int) string {
	const alphabet = "\x00\x00\x01ab\xff"
	b := make([]byte, m.random.IntN(longest+1))
	for i := range b {
		b[i] = alphabet[m.random.IntN(len(alphabet))]
	}
	return string(b)
}

func (m *kvModel) key() string {
	return m.bytes(3) + []string{"\x00", "a", "b", "\xff"}[m.random.IntN(4)]
}

func (m *kvModel) pair() plainPair { return plainPair{m.key(), m.bytes(3)} }

func (m *kvModel) name() string {
	names := slices.Sorted(maps.Keys(modelFlags))
	return names[m.random.IntN(len(names))]
}

func (m *kvModel) top() *level { return m.levels[len(m.levels)-1] }

// open opens a database at the top level, in both.
func (m *kvModel) open(name string) (*store.DB, *plainDB) {
	m.t.Helper()
	top := m.top()
	var given []store.Flags
	if top.sees[name] == nil || m.random.IntN(2) == 0 {
		given = append(given, modelFlags[name])
	}
	db, err := top.tx.DB(name, given...)
	m.must(err)
	if top.sees[name] == nil {
		top.sees[name] = &plainDB{flags: modelFlags[name]}
	}
	m.same("flags", db.Flags(), modelFlags[name])
	return db, top.sees[name]
}

// transaction runs one transaction of random steps.
func (m *kvModel) transaction() {
	m.t.Helper()
	m.log = nil
	ctx := context.Background()
	begin := m.env.BeginExclusive
	if m.random.IntN(3) == 0 {
		begin = func(ctx context.Context) (*store.Tx, error) { return m.env.Begin(ctx, true) }
	}
	tx, err := begin(ctx)
	m.must(err)
	m.levels = []*level{{tx: tx, sees: m.held.clone()}}
	for range 1 + m.random.IntN(60) {
		m.step()
	}
	if m.random.IntN(6) == 0 {
		m.log = append(m.log, "rollback with children")
		tx.Rollback()
		for _, l := range m.levels {
			if _, err := l.tx.DB("plain"); !errors.Is(err, store.TxEnded) {
				m.fatal("after the end: %v", err)
			}
		}
		return
	}
	for len(m.levels) > 1 {
		m.endChild()
	}
	m.compareTx(tx, m.top().sees)
	m.must(tx.Commit(ctx))
	m.held = m.top().sees
}

func (m *kvModel) step() {
	m.t.Helper()
	switch n := m.random.IntN(100); {
	case n < 4 && len(m.levels) < 4:
		m.beginChild()
	case n < 8 && len(m.levels) > 1:
		m.endChild()
	case n < 40:
		m.moveCursor()
	case n == 40 && m.random.IntN(4) == 0:
		m.bulk()
	default:
		m.operate()
	}
}

func (m *kvModel) beginChild() {
	m.t.Helper()
	m.log = append(m.log, "begin child")
	parent := m.top()
	child, err := parent.tx.Child()
	m.must(err)
	if _, err := parent.tx.DB("plain"); !errors.Is(err, store.TxBusy) {
		m.fatal("the parent of an open child: %v", err)
	}
	if n := len(parent.cursors); n > 0 { // the others stay where they are
		c := parent.cursors[m.random.IntN(n)]
		if c.Next() || c.Key() != nil || !errors.Is(c.Err(), store.TxBusy) {
			m.fatal("a cursor of the parent of an open child: %v", c.Err())
		}
		c.on = false
	}
	m.levels = append(m.levels, &level{tx: child, sees: parent.sees.clone()})
}

func (m *kvModel) endChild() {
	m.t.Helper()
	child := m.top()
	m.levels = m.levels[:len(m.levels)-1]
	parent := m.top()
	if m.random.IntN(2) == 0 {
		m.log = append(m.log, "roll child back")
		child.tx.Rollback()
	} else {
		m.log = append(m.log, "commit child")
		m.must(child.tx.Commit(context.Background()))
		parent.sees = child.sees
	}
	if err := child.tx.Commit(context.Background()); !errors.Is(err, store.TxEnded) {
		m.fatal("a child that has ended: %v", err)
	}
	m.compareTx(parent.tx, parent.sees)
	for _, c := range parent.cursors {
		if c.Err() != nil { // it has to be positioned anew
			m.same("next after a failure", c.Next(), false)
			c.Seek(bytes.Repeat([]byte{0xff}, 9))
			m.must(c.Err())
		}
	}
}

// bulk writes so much that a transaction has to write a run of pages ahead.
func (m *kvModel) bulk() {
	m.t.Helper()
	db, plain := m.open("plain")
	m.log = append(m.log, "bulk")
	for i := range 16 {
		p := plainPair{fmt.Sprintf("a%d", i), strings.Repeat(m.key(), 300<<10/3)}
		m.must(db.Put([]byte(p.key), []byte(p.value)))
		plain.put(p)
	}
}

// operate makes one call of a database.
func (m *kvModel) operate() {
	m.t.Helper()
	name := m.name()
	db, plain := m.open(name)
	p := m.pair()
	key, value := []byte(p.key), []byte(p.value)
	dup := plain.flags&store.DupSort != 0
	before, had := plain.first(p.key)
	n := m.random.IntN(18)
	m.log = append(m.log, fmt.Sprintf("%d on %s with %q %q", n, name, p.key, p.value))
	switch n {
	case 0, 1, 2, 3:
		m.must(db.Put(key, value))
		plain.put(p)
	case 4:
		added, err := db.Add(key, value)
		m.must(err)
		m.same("add", added, !had)
		if !had {
			plain.put(p)
		}
	case 5:
		added, err := db.AddPair(key, value)
		if !dup {
			m.same("add pair", store.CodeOf(err), store.Unsupported)
			break
		}
		m.must(err)
		_, there := plain.search(p)
		m.same("add pair", added, !there)
		plain.put(p)
	case 6:
		found, err := db.DeletePair(key, value)
		m.must(err)
		i, there := plain.search(p)
		there = there && plain.pairs[i] == p
		m.same("delete pair", found, there)
		if there {
			plain.remove(p)
		}
	case 7:
		found, err := db.Delete(key)
		m.must(err)
		m.same("delete", found, plain.removeKey(p.key))
	case 8:
		got, found, err := db.Pop(key)
		m.same("pop", text(got, found, err), text([]byte(before), had, nil))
		plain.remove(plainPair{p.key, before})
	case 9:
		got, found, err := db.Replace(key, value)
		m.same("replace", text(got, found, err), text([]byte(before), had, nil))
		plain.removeKey(p.key)
		plain.put(p)
	case 10, 11:
		got, found, err := db.Get(key)
		m.same("get", text(got, found, err), text([]byte(before), had, nil))
		has, err := db.Has(key)
		m.must(err)
		m.same("has", has, had)
	case 12:
		from, to := plain.of(p.key)
		count, err := db.CountValues(key)
		m.must(err)
		m.same("count values", count, to-from)
	case 13:
		m.countRange(db, plain)
	case 14:
		m.putMulti(db, plain)
	case 15:
		m.deleteMulti(db, plain)
	case 16:
		if m.random.IntN(4) == 0 {
			m.must(db.Empty())
			plain.pairs = nil
		}
	case 17:
		if m.random.IntN(4) == 0 {
			m.drop(db, name)
		}
	}
}

func (m *kvModel) countRange(db *store.DB, plain *plainDB) {
	m.t.Helper()
	low, high := m.key(), m.key()
	count, err := db.Count(store.KeyRange{Low: []byte(low), High: []byte(high)})
	m.must(err)
	prefix := m.bytes(2)
	begin, err := db.Count(db.Prefix([]byte(prefix)))
	m.must(err)
	var within, prefixed int64
	for _, p := range plain.pairs {
		if k := plain.ordered(p.key); k >= plain.ordered(low) && k < plain.ordered(high) {
			within++
		}
		if strings.HasPrefix(plain.ordered(p.key), plain.ordered(prefix)) {
			prefixed++
		}
	}
	m.same(fmt.Sprintf("count of [%q, %q)", low, high), count, within)
	m.same(fmt.Sprintf("count of prefix %q", prefix), begin, prefixed)
	stat, err := db.Stat()
	m.must(err)
	m.same("entries", stat.Entries, len(plain.pairs))
}

func (m *kvModel) putMulti(db *store.DB, plain *plainDB) {
	m.t.Helper()
	overwrite := m.random.IntN(2) == 0
	var pairs []store.Pair
	want := 0
	for range m.random.IntN(6) {
		p := m.pair()
		pairs = append(pairs, store.Pair{Key: []byte(p.key), Value: []byte(p.value)})
		if _, had := plain.first(p.key); overwrite || !had {
			plain.put(p)
			want++
		}
	}
	consumed, added, err := db.PutMulti(pairs, overwrite)
	m.must(err)
	m.same("put multi", []int{consumed, added}, []int{len(pairs), want})
}

func (m *kvModel) deleteMulti(db *store.DB, plain *plainDB) {
	m.t.Helper()
	var keys [][]byte
	var want []bool
	for range m.random.IntN(4) {
		keys = append(keys, []byte(m.key()))
	}
	values, err := db.GetMulti(keys)
	m.must(err)
	for i, key := range keys {
		value, had := plain.first(string(key))
		m.same("get multi", text(values[i], values[i] != nil, nil), text([]byte(value), had, nil))
	}
	for _, key := range keys {
		want = append(want, plain.removeKey(string(key)))
	}
	found, err := db.DeleteMulti(keys)
	m.must(err)
	m.same("delete multi", found, want)
}

func (m *kvModel) drop(db *store.DB, name string) {
	m.t.Helper()
	if name == "" {
		m.same("dropping the default database", store.CodeOf(db.Drop()), store.InvalidArgument)
		return
	}
	m.must(db.Drop())
	m.same("a dropped database", store.CodeOf(db.Put([]byte("k"), nil)), store.NotFound)
	top := m.top()
	_, err := top.tx.OpenDB(name)
	m.same("opening a dropped database", store.CodeOf(err), store.NotFound)
	delete(top.sees, name)
	top.cursors = slices.DeleteFunc(top.cursors, func(c *plainCursor) bool {
		if c.name != name {
			return false
		}
		m.same("a cursor of a dropped database", c.First(), false)
		m.same("its error", store.CodeOf(c.Err()), store.NotFound)
		return true
	})
	// Those of the parents stand in a database that may be dropped under them.
	for _, l := range m.levels[:len(m.levels)-1] {
		l.cursors = slices.DeleteFunc(l.cursors, func(c *plainCursor) bool { return c.name == name })
	}
}

// moveCursor opens a cursor or moves one.
func (m *kvModel) moveCursor() {
	m.t.Helper()
	top := m.top()
	if len(top.cursors) < 3 {
		name := m.name()
		db, plain := m.open(name)
		c := &plainCursor{name: name}
		r := store.KeyRange{}
		if m.random.IntN(2) == 0 {
			c.low, c.high = m.key(), m.key()
			if plain.ordered(c.low) > plain.ordered(c.high) {
				c.low, c.high = c.high, c.low
			}
			r = store.KeyRange{Low: []byte(c.low), High: []byte(c.high)}
		}
		c.Cursor = db.Cursor(r)
		top.cursors = append(top.cursors, c)
	}
	c := top.cursors[m.random.IntN(len(top.cursors))]
	plain := top.sees[c.name]
	for range 1 + m.random.IntN(4) {
		m.move(c, plain)
	}
}

// inRange are the pairs that a cursor can stand on.
func (c *plainCursor) inRange(d *plainDB) []plainPair {
	var pairs []plainPair
	for _, p := range d.pairs {
		k := d.ordered(p.key)
		if (c.low == "" || k >= d.ordered(c.low)) && (c.high == "" || k < d.ordered(c.high)) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// move makes one move, of which the model is: the first or last pair that fits.
func (m *kvModel) move(c *plainCursor, d *plainDB) {
	m.t.Helper()
	p := m.pair()
	key, value := []byte(p.key), []byte(p.value)
	order := d.ordered(p.key)
	dup := d.flags&store.DupSort != 0
	pairs := c.inRange(d)
	after := func(q plainPair) bool { return d.compare(q, c.at) > 0 }
	before := func(q plainPair) bool { return d.compare(q, c.at) < 0 }
	sameKey := func(q plainPair) bool { return q.key == c.at.key }
	any := func(plainPair) bool { return true }
	first := func(fits func(plainPair) bool) (plainPair, bool) {
		if i := slices.IndexFunc(pairs, fits); i >= 0 {
			return pairs[i], true
		}
		return plainPair{}, false
	}
	last := func(fits func(plainPair) bool) (plainPair, bool) {
		for _, q := range slices.Backward(pairs) {
			if fits(q) {
				return q, true
			}
		}
		return plainPair{}, false
	}
	var ok, want bool
	var to plainPair
	n := m.random.IntN(27)
	m.log = append(m.log, fmt.Sprintf("cursor move %d over %s [%q, %q) with %q %q from %v %.20q", n, c.name, c.low, c.high, p.key, p.value, c.on, c.at))
	switch n {
	case 0:
		ok = c.First()
		to, want = first(any)
	case 1:
		ok = c.Last()
		to, want = last(any)
	case 2, 3, 4:
		ok = c.Next()
		to, want = first(func(q plainPair) bool { return !c.on || after(q) })
	case 5, 6, 7:
		ok = c.Prev()
		to, want = last(func(q plainPair) bool { return !c.on || before(q) })
	case 8:
		ok = c.Seek(key)
		to, want = first(func(q plainPair) bool { return d.ordered(q.key) >= order })
	case 9:
		ok = c.SeekExact(key)
		to, want = first(func(q plainPair) bool { return q.key == p.key })
	case 10:
		ok = c.SeekFloor(key)
		to, want = last(func(q plainPair) bool { return d.ordered(q.key) <= order })
	case 11:
		ok = c.SeekReverse(key)
		to, want = last(func(q plainPair) bool { return d.ordered(q.key) < order })
	case 12:
		ok = c.SeekPair(key, value)
		to, want = first(func(q plainPair) bool { return q.key == p.key && q.value >= p.value })
	case 13:
		ok = c.SeekExactPair(key, value)
		to, want = first(func(q plainPair) bool { return q == p })
	case 14:
		ok = c.FirstDup()
		to, want = first(func(q plainPair) bool { return c.on && sameKey(q) })
		want = c.on && want
	case 15:
		ok = c.LastDup()
		to, want = last(func(q plainPair) bool { return c.on && sameKey(q) })
	case 16:
		ok = c.NextDup()
		to, want = first(func(q plainPair) bool { return c.on && sameKey(q) && after(q) })
	case 17:
		ok = c.PrevDup()
		to, want = last(func(q plainPair) bool { return c.on && sameKey(q) && before(q) })
	case 18:
		ok = c.NextNoDup()
		to, want = first(func(q plainPair) bool { return !c.on || after(q) && !sameKey(q) })
	case 19:
		ok = c.PrevNoDup()
		to, want = last(func(q plainPair) bool { return !c.on || before(q) && !sameKey(q) })
	case 20:
		skip := m.random.IntN(6 << m.random.IntN(4))
		ok = c.Skip(int64(skip))
		to, want = c.at, c.on
		for range skip {
			at, on := to, want
			if to, want = first(func(q plainPair) bool { return !on || d.compare(q, at) > 0 }); !want {
				break
			}
		}
	case 26:
		skip := m.random.IntN(6 << m.random.IntN(4))
		ok = c.SkipBack(int64(skip))
		to, want = c.at, c.on
		for range skip {
			at, on := to, want
			if to, want = last(func(q plainPair) bool { return !on || d.compare(q, at) < 0 }); !want {
				break
			}
		}
	case 21, 22:
		ok, to, want = m.put(c, d, p, n == 22)
	case 23:
		ok, to, want = m.delete(c, d, dup)
	case 24:
		ok, to, want = m.pop(c, d, p)
	case 25:
		m.walk(c, d)
		return
	}
	m.must(c.Err())
	m.same("move", ok, want)
	if c.on, c.at = want, to; !want {
		m.same("nowhere", c.Key() == nil, true)
		return
	}
	m.standsAt(c)
}

func (m *kvModel) standsAt(c *plainCursor) {
	m.t.Helper()
	got, err := c.Value()
	m.must(err)
	if string(c.Key()) != c.at.key || string(got) != c.at.value {
		m.fatal("the cursor stands on %.50q %.50q, want %.50q", c.Key(), got, c.at)
	}
}

func (m *kvModel) put(c *plainCursor, d *plainDB, p plainPair, replace bool) (ok bool, to plainPair, want bool) {
	m.t.Helper()
	k := d.ordered(p.key)
	inside := (c.low == "" || k >= d.ordered(c.low)) && (c.high == "" || k < d.ordered(c.high))
	var err error
	if replace {
		var old []byte
		var found bool
		old, found, err = c.Replace([]byte(p.key), []byte(p.value))
		if inside {
			before, had := d.first(p.key)
			m.same("replace", text(old, found, err), text([]byte(before), had, nil))
			d.removeKey(p.key)
		}
	} else {
		err = c.Put([]byte(p.key), []byte(p.value))
	}
	if !inside {
		m.same("outside", store.CodeOf(err), store.InvalidArgument)
		return c.Key() != nil, c.at, c.on
	}
	m.must(err)
	d.put(p)
	return true, p, true
}

func (m *kvModel) delete(c *plainCursor, d *plainDB, dup bool) (ok bool, to plainPair, want bool) {
	m.t.Helper()
	var deleted, expected bool
	var err error
	if dup && m.random.IntN(2) == 0 {
		deleted, err = c.DeleteKey()
		expected = c.on && d.removeKey(c.at.key)
	} else {
		deleted, err = c.Delete()
		expected = c.on && d.remove(c.at)
	}
	m.must(err)
	m.same("delete", deleted, expected)
	for _, q := range c.inRange(d) {
		if c.on && d.compare(q, c.at) > 0 {
			return c.Key() != nil, q, true
		}
	}
	return c.Key() != nil, plainPair{}, false
}

func (m *kvModel) pop(c *plainCursor, d *plainDB, p plainPair) (ok bool, to plainPair, want bool) {
	m.t.Helper()
	got, found, err := c.Pop([]byte(p.key))
	if store.CodeOf(err) == store.InvalidArgument {
		return c.Key() != nil, c.at, c.on
	}
	before, had := d.first(p.key)
	m.same("pop", text(got, found, err), text([]byte(before), had, nil))
	if !had {
		return c.Key() != nil, plainPair{}, false
	}
	popped := plainPair{p.key, before}
	d.remove(popped)
	for _, q := range c.inRange(d) {
		if d.compare(q, popped) > 0 {
			return c.Key() != nil, q, true
		}
	}
	return c.Key() != nil, plainPair{}, false
}

// walk goes on to the end of the range, and on its way deletes what it stands on
// and puts what it may meet.
func (m *kvModel) walk(c *plainCursor, d *plainDB) {
	m.t.Helper()
	backward := m.random.IntN(2) == 0
	next := func(from *plainPair) (plainPair, bool) {
		pairs := c.inRange(d)
		if backward {
			slices.Reverse(pairs)
		}
		for _, q := range pairs {
			if from == nil || backward && d.compare(q, *from) < 0 || !backward && d.compare(q, *from) > 0 {
				return q, true
			}
		}
		return plainPair{}, false
	}
	want, more := next(nil)
	if c.on {
		want, more = c.at, true
	}
	pairs, rounds := c.Forward(), 0
	if backward {
		pairs = c.Backward()
	}
	started := false
	for key, value := range pairs {
		at := plainPair{string(key), string(value)}
		if !more || started && at != want || at.key != want.key {
			m.fatal("walking (backward %v) met %.50q, want %.50q %v", backward, at, want, more)
		}
		started = true
		switch m.random.IntN(5) {
		case 0:
			deleted, err := c.Delete()
			m.must(err)
			m.same("deleting while walking", deleted, d.remove(at))
		case 1:
			p := m.pair()
			db, _ := m.open(c.name)
			m.must(db.Put([]byte(p.key), []byte(p.value)))
			d.put(p)
		}
		want, more = next(&at)
		if rounds++; rounds > 40 {
			c.on, c.at = false, plainPair{}
			m.same("seeking beyond everything", c.Seek(bytes.Repeat([]byte{0xff}, 9)), false)
			return
		}
	}
	m.must(c.Err())
	m.same("more to walk", more, false)
	m.same("after the end", c.Key() == nil, true)
	c.on = false
}

// compareTx compares all that a transaction sees with what it must.
func (m *kvModel) compareTx(tx *store.Tx, sees plainEnv) {
	m.t.Helper()
	names, err := tx.DBs()
	m.must(err)
	want := slices.DeleteFunc(slices.Sorted(maps.Keys(sees)), func(name string) bool { return name == "" })
	m.same("databases", names, want)
	for name, plain := range sees {
		db, err := tx.OpenDB(name)
		m.must(err)
		m.same("flags of "+name, db.Flags(), plain.flags)
		var got []plainPair
		c := db.Cursor(store.KeyRange{})
		for key, value := range c.Forward() {
			got = append(got, plainPair{string(key), string(value)})
		}
		m.must(c.Err())
		if !slices.Equal(got, plain.pairs) {
			m.fatal("%s holds %.2000q\nwant %.2000q", name, got, plain.pairs)
		}
	}
}

// TestKeyValueModel takes transactions with children, cursors, sorted duplicates
// and backward keys, and compares every answer with that of plain slices.
func TestKeyValueModel(t *testing.T) {
	seed := storetest.Seed(t)
	for _, options := range []store.Options{{}, storetest.Small()} {
		m := &kvModel{t: t, random: rand.New(rand.NewPCG(seed, 2)), held: plainEnv{}}
		blobs := memory.NewBlobs()
		m.env = storetest.Open(t, memory.Open(blobs), options)
		var id uint64
		for round := range 40 * max(1, 3/storetest.Stride()) {
			m.transaction()
			m.must(m.env.View(context.Background(), func(tx *store.Tx) error {
				if tx.ID() < id {
					m.fatal("transaction ids go back from %d to %d", id, tx.ID())
				}
				id = tx.ID()
				m.compareTx(tx, m.held)
				return nil
			}))
			switch {
			case round%40 == 39:
				storetest.Close(t, m.env)
				m.env = storetest.Open(t, memory.Open(blobs), options)
			case round%10 == 9:
				m.must(m.env.Checkpoint(context.Background()))
			}
		}
	}
}
