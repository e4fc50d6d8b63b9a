package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// reading is one read of a database; cursor reads go on from the one before.
type reading func(db *store.DB, c *store.Cursor) string

func stands(c *store.Cursor, moved bool) string {
	value, err := c.Value()
	return fmt.Sprintf("%v %q %q %v", moved, c.Key(), value, err)
}

// readings draws what a transaction will read.
func readings(m *kvModel) (script []reading) {
	for range 1 + m.random.IntN(4) {
		p := m.pair()
		key, value := []byte(p.key), []byte(p.value)
		script = append(script, []reading{
			func(db *store.DB, _ *store.Cursor) string { return text(db.Get(key)) },
			func(db *store.DB, _ *store.Cursor) string { return answer(db.Has(key)) },
			func(db *store.DB, _ *store.Cursor) string { return fmt.Sprint(db.CountValues(key)) },
			func(db *store.DB, _ *store.Cursor) string { return fmt.Sprint(db.Count(db.Prefix(key))) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.Seek(key)) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.SeekExact(key)) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.SeekFloor(key)) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.SeekPair(key, value)) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.SeekExactPair(key, value)) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.Next()) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.Prev()) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.NextDup()) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.PrevDup()) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.LastDup()) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.NextNoDup()) },
			func(_ *store.DB, c *store.Cursor) string { return stands(c, c.PrevNoDup()) },
			func(_ *store.DB, c *store.Cursor) string { return fmt.Sprint(c.CountDups()) },
			func(_ *store.DB, c *store.Cursor) string {
				seen := ""
				for value := range c.Dups() {
					seen += fmt.Sprintf("%q ", value)
				}
				return seen
			},
		}[m.random.IntN(18)])
	}
	return script
}

func perform(t *testing.T, tx *store.Tx, name string, script []reading) (seen string) {
	t.Helper()
	db, err := tx.DB(name)
	if err != nil {
		t.Fatal(err)
	}
	c := db.Cursor(store.KeyRange{})
	for _, read := range script {
		seen += read(db, c) + "\n"
	}
	return seen
}

// TestWhatWasReadHolds reads in one transaction, changes something in another and
// commits both. If the first one can be committed, then what it has read must be
// what it would read now; and it must be possible often enough to be of use.
func TestWhatWasReadHolds(t *testing.T) {
	ctx := context.Background()
	m := &kvModel{t: t, random: rand.New(rand.NewPCG(storetest.Seed(t), 3))}
	m.env = storetest.Open(t, memory.New(), store.Options{})
	committed, conflicts, harmless := 0, 0, 0
	for range 3000 {
		name := m.name()
		update := func(f func(db *store.DB) error) {
			m.must(m.env.Update(ctx, func(tx *store.Tx) error {
				db, err := tx.DB(name, modelFlags[name])
				if err != nil {
					return err
				}
				return f(db)
			}))
		}
		put := func(db *store.DB) error {
			p := m.pair()
			return db.Put([]byte(p.key), []byte(p.value))
		}
		update(put)
		tx, err := m.env.Begin(ctx, true)
		m.must(err)
		script := readings(m)
		var seen string
		if m.random.IntN(2) == 0 {
			seen = perform(t, tx, name, script)
		} else {
			m.must(tx.Update(func(child *store.Tx) error {
				seen = perform(t, child, name, script)
				return nil
			}))
		}
		out, err := tx.DB("out")
		m.must(err)
		m.must(out.Put([]byte("k"), nil))
		switch n := m.random.IntN(20); {
		case n == 0:
			update((*store.DB).Empty)
		case n < 8:
			update(func(db *store.DB) error {
				_, err := db.Delete([]byte(m.key()))
				return err
			})
		default:
			update(put)
		}
		err = tx.Commit(ctx)
		var now string
		m.must(m.env.View(ctx, func(tx *store.Tx) error {
			now = perform(t, tx, name, script)
			return nil
		}))
		switch {
		case store.CodeOf(err) == store.Conflict && now == seen:
			harmless++
		case store.CodeOf(err) == store.Conflict:
			conflicts++
		case err != nil:
			t.Fatal(err)
		case now != seen:
			t.Fatalf("%s: a committed transaction has read\n%s\nand would now read\n%s", name, seen, now)
		default:
			committed++
		}
	}
	if committed < 1500 || conflicts < 50 {
		t.Errorf("%d transactions were committed, %d conflicted, %d more for nothing", committed, conflicts, harmless)
	}
}

// TestExactReadsAreNarrow: a key that is sought and not found conflicts with that
// key alone, and a walk among the values of a key with no other key.
func TestExactReadsAreNarrow(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name     string
		read     func(c *store.Cursor)
		write    string
		conflict bool
	}{
		{"missing key, another one written", func(c *store.Cursor) { c.SeekExact([]byte("b")) }, "bb", false},
		{"missing key, itself written", func(c *store.Cursor) { c.SeekExact([]byte("b")) }, "b", true},
		{"missing pair", func(c *store.Cursor) { c.SeekExactPair([]byte("c"), []byte("none")) }, "d", false},
		{"missing pair, its key", func(c *store.Cursor) { c.SeekExactPair([]byte("c"), []byte("w")) }, "c", true},
		{"values of a key", func(c *store.Cursor) {
			for c.SeekExact([]byte("c")); c.NextDup(); {
			}
		}, "d", false},
		{"values of the last key", func(c *store.Cursor) { c.SeekExact([]byte("e")); c.NextDup() }, "f", false},
		{"last value of a key", func(c *store.Cursor) { c.SeekExact([]byte("c")); c.LastDup(); c.PrevDup() }, "b", false},
		{"values of a key, its key", func(c *store.Cursor) {
			for c.SeekExact([]byte("c")); c.NextDup(); {
			}
		}, "c", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := writingOn(t, store.DupSort, func(_ *store.Tx, db *store.DB) { mustPut(t, db, "a", "v", "c", "v", "e", "v") })
			tx, err := env.Begin(ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			db, err := tx.DB("d")
			if err != nil {
				t.Fatal(err)
			}
			test.read(db.Cursor(store.KeyRange{}))
			mustPut(t, db, "mine", "")
			if err := env.Put(ctx, "d", []byte(test.write), []byte("w")); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(ctx); (store.CodeOf(err) == store.Conflict) != test.conflict {
				t.Errorf("%v, want a conflict: %v", err, test.conflict)
			}
		})
	}
}
