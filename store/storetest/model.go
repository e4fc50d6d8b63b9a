package storetest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
)

var seed = flag.Uint64("seed", 0, "the seed of random tests; 0 draws one")

// Seed is the seed of a random test: -seed, or one drawn now. It is printed when
// the test fails.
func Seed(t *testing.T) uint64 {
	t.Helper()
	value := *seed
	if value == 0 {
		value = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with -seed=%d", value)
		}
	})
	return value
}

// Model is what an environment must hold: plain maps, changed by the same steps.
type Model struct {
	// Dropped, if not nil, is told what a database holds that a step drops: the
	// same transaction may have put it there.
	Dropped func(name string, held map[string]string)

	t      *testing.T
	random *rand.Rand
	dbs    map[string]map[string]string
}

// NewModel returns an empty model whose steps follow from seed.
func NewModel(t *testing.T, seed uint64) *Model {
	return &Model{t: t, random: rand.New(rand.NewPCG(seed, 1)), dbs: map[string]map[string]string{}}
}

// Step runs one random transaction on an environment and, if it commits, on the
// model.
func (m *Model) Step(env *store.Env) {
	m.t.Helper()
	if _, err := m.Try(env); err != nil {
		m.t.Fatal(err)
	}
}

// errGiveUp makes a transaction roll back.
var errGiveUp = fmt.Errorf("given up on purpose")

// Try is Step for environments that may fail. It reports whether the transaction
// was meant to commit; the model follows only when there was no error.
func (m *Model) Try(env *store.Env) (after map[string]map[string]string, err error) {
	giveUp := m.random.IntN(10) == 0
	large := m.random.IntN(40) == 0
	steps := 1 + m.random.IntN(30)
	if large {
		steps = 1500
	}
	load := m.random.IntN(6) == 0
	if load {
		steps = m.random.IntN(4)
	}
	err = env.Update(context.Background(), func(tx *store.Tx) error {
		after = map[string]map[string]string{} // anew: the engine may run this again
		for name, db := range m.dbs {
			after[name] = maps.Clone(db)
		}
		if load {
			if err := m.load(tx, after); err != nil {
				return err
			}
		}
		for range steps {
			if err := m.change(tx, after); err != nil {
				return err
			}
		}
		if giveUp {
			return errGiveUp
		}
		return nil
	})
	if err == errGiveUp {
		return m.dbs, nil
	}
	if err == nil {
		m.dbs = after
	}
	return after, err
}

// Holds replaces what the model holds.
func (m *Model) Holds(dbs map[string]map[string]string) { m.dbs = dbs }

// Now is what the model holds.
func (m *Model) Now() map[string]map[string]string { return m.dbs }

// database draws one, and has the model hold it.
func (m *Model) database(tx *store.Tx, dbs map[string]map[string]string) (string, *store.DB, error) {
	name := string(rune('a' + m.random.IntN(3)))
	db, err := tx.DB(name)
	if err == nil && dbs[name] == nil {
		dbs[name] = map[string]string{}
	}
	return name, db, err
}

func (m *Model) change(tx *store.Tx, dbs map[string]map[string]string) error {
	name, db, err := m.database(tx, dbs)
	if err != nil {
		return err
	}
	held := dbs[name]
	key := m.key()
	switch m.random.IntN(12) {
	case 0, 1, 2:
		found, err := db.Delete([]byte(key))
		if _, want := held[key]; err == nil && found != want {
			return fmt.Errorf("delete %q reports %v, want %v", key, found, want)
		}
		delete(held, key)
		return err
	case 3:
		delete(held, key)
		return db.Clear([]byte(key))
	case 4:
		got, found, err := db.Get([]byte(key))
		if want, ok := held[key]; err == nil && (ok != found || string(got) != want) {
			return fmt.Errorf("get %q gives %d bytes, %v", key, len(got), found)
		}
		return err
	case 5:
		if m.random.IntN(60) == 0 {
			if m.Dropped != nil {
				m.Dropped(name, held)
			}
			delete(dbs, name)
			return db.Drop()
		}
		fallthrough
	default:
		value := m.value()
		held[key] = value
		return db.Put([]byte(key), []byte(value))
	}
}

// load puts values under ascending keys: so many that the engine writes them to pages at once, if nobody
// reads between. Another database gets something now and then, and what it has is read.
func (m *Model) load(tx *store.Tx, dbs map[string]map[string]string) error {
	name, db, err := m.database(tx, dbs)
	if err != nil {
		return err
	}
	first, upset := m.random.IntN(3000), 1+m.random.IntN(400)
	for i := range m.random.IntN(400) {
		if (i+1)%upset == 0 {
			if err := m.change(tx, dbs); err != nil || dbs[name] == nil {
				return err
			}
		}
		key, value := fmt.Sprintf("key-%04d", first+i), m.value()
		dbs[name][key] = value
		if err := db.Put([]byte(key), []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) key() string {
	if m.random.IntN(50) == 0 {
		return string(bytes.Repeat([]byte{byte('a' + m.random.IntN(4))}, 1+m.random.IntN(400)))
	}
	return fmt.Sprintf("key-%04d", m.random.IntN(3000))
}

func (m *Model) value() string {
	switch m.random.IntN(60) {
	case 0:
		return ""
	case 1:
		return string(bytes.Repeat([]byte{byte(m.random.Uint32())}, 16<<10+m.random.IntN(200<<10)))
	default:
		return fmt.Sprintf("value-%d-%d", m.random.IntN(1000), m.random.Uint64())[:6+m.random.IntN(12)]
	}
}

// Compare walks every database both ways and compares it, its counts and some
// single reads with the model.
func (m *Model) Compare(env *store.Env) {
	m.t.Helper()
	if err := m.Difference(env); err != nil {
		m.t.Fatal(err)
	}
}

// Difference tells where an environment differs from the model.
func (m *Model) Difference(env *store.Env) error {
	return env.View(context.Background(), func(tx *store.Tx) error {
		names, err := tx.DBs()
		if err != nil {
			return err
		}
		if want := slices.Sorted(maps.Keys(m.dbs)); !slices.Equal(names, want) {
			return fmt.Errorf("databases %q, want %q", names, want)
		}
		for _, name := range names {
			if err := m.compareDB(tx, name); err != nil {
				return fmt.Errorf("database %s: %w", name, err)
			}
		}
		return nil
	})
}

func (m *Model) compareDB(tx *store.Tx, name string) error {
	db, err := tx.DB(name)
	if err != nil {
		return err
	}
	held := m.dbs[name]
	want := slices.Sorted(maps.Keys(held))
	var keys []string
	c := db.Cursor(store.KeyRange{})
	defer c.Close()
	for ok := c.First(); ok; ok = c.Next() {
		key := string(c.Key())
		value, err := c.Value()
		if err != nil {
			return err
		}
		if string(value) != held[key] {
			return fmt.Errorf("%q holds %d bytes, want %d", key, len(value), len(held[key]))
		}
		keys = append(keys, key)
	}
	if c.Err() != nil {
		return c.Err()
	}
	if !slices.Equal(keys, want) {
		return fmt.Errorf("%d keys, want %d: %s", len(keys), len(want), firstDifference(keys, want))
	}
	var back []string
	for ok := c.Last(); ok; ok = c.Prev() {
		back = append(back, string(c.Key()))
	}
	slices.Reverse(back)
	if !slices.Equal(back, want) {
		return fmt.Errorf("backwards %d keys, want %d: %s", len(back), len(want), firstDifference(back, want))
	}
	for range 8 {
		if err := m.compareRange(db, want); err != nil {
			return err
		}
	}
	return nil
}

// compareRange compares a random range's count, a seek, a skip and a get.
func (m *Model) compareRange(db *store.DB, want []string) error {
	low, high := m.key(), m.key()
	if low > high {
		low, high = high, low
	}
	first, _ := slices.BinarySearch(want, low)
	end, _ := slices.BinarySearch(want, high)
	in := want[first:end]
	r := store.KeyRange{Low: []byte(low), High: []byte(high)}
	n, err := db.Count(r)
	if err != nil || n != int64(len(in)) {
		return fmt.Errorf("counting [%q,%q) = %d, %v; want %d", low, high, n, err, len(in))
	}
	c := db.Cursor(r)
	defer c.Close()
	if ok := c.First(); ok != (len(in) > 0) || ok && string(c.Key()) != in[0] {
		return fmt.Errorf("the first of [%q,%q) = %v %q", low, high, ok, c.Key())
	}
	if len(in) > 0 {
		skip := m.random.IntN(len(in) + 2)
		ok := c.Skip(int64(skip))
		if ok != (skip < len(in)) || ok && string(c.Key()) != in[skip] {
			return fmt.Errorf("skipping %d in [%q,%q) = %v %q", skip, low, high, ok, c.Key())
		}
		if ok && skip > 0 && (!c.Prev() || string(c.Key()) != in[skip-1]) {
			return fmt.Errorf("before what skipping %d gave stands %q", skip, c.Key())
		}
	}
	if c.Last() {
		skip := m.random.IntN(len(in) + 2)
		ok := c.SkipBack(int64(skip))
		if ok != (skip < len(in)) || ok && string(c.Key()) != in[len(in)-1-skip] {
			return fmt.Errorf("skipping %d back in [%q,%q) = %v %q", skip, low, high, ok, c.Key())
		}
		if ok && skip > 0 && (!c.Next() || string(c.Key()) != in[len(in)-skip]) {
			return fmt.Errorf("after what skipping %d back gave stands %q", skip, c.Key())
		}
	}
	if ok := c.SeekReverse([]byte(high)); ok != (len(in) > 0) || ok && string(c.Key()) != in[len(in)-1] {
		return fmt.Errorf("seeking back from %q = %v %q", high, ok, c.Key())
	}
	_, found, err := db.Get([]byte(low))
	if _, want := slices.BinarySearch(want, low); err != nil || found != want {
		return fmt.Errorf("get %q gives %v, %v", low, found, err)
	}
	return nil
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("at %d %q, want %q", i, got[i], want[i])
		}
	}
	return "one is the beginning of the other"
}
