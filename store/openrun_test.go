package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestOpenRun loads a database in ascending order, and does something else meanwhile: whatever it is,
// every key has what was put last, in the transaction and after it.
func TestOpenRun(t *testing.T) {
	const last = 299 // key bulk
	for _, c := range []struct {
		name   string
		closes bool
		do     func(tx *Tx, docs bulk) error
	}{
		{"nothing", false, func(*Tx, bulk) error { return nil }},
		{"get above", false, func(_ *Tx, docs bulk) error { return docs.get(last + 1) }},
		{"put above", false, func(_ *Tx, docs bulk) error { return docs.put(last+1, "above") }},
		{"put large", true, func(_ *Tx, docs bulk) error { return docs.put(last+1, strings.Repeat("large", maxInline)) }},
		{"clear above", false, func(_ *Tx, docs bulk) error { return docs.clear(last + 1) }},
		{"load another", false, func(tx *Tx, _ bulk) error {
			db, err := tx.DB("other")
			if err != nil {
				return err
			}
			return bulk{db, map[string]string{}}.load(0, last)
		}},
		{"get", true, func(_ *Tx, docs bulk) error { return docs.get(7) }},
		{"count", true, func(_ *Tx, docs bulk) error {
			if n, err := docs.db.Count(KeyRange{}); err != nil || n != int64(len(docs.held)) {
				return fmt.Errorf("%d entries, %v", n, err)
			}
			return nil
		}},
		{"put again", true, func(_ *Tx, docs bulk) error { return docs.put(last, "again") }},
		{"put between", true, func(_ *Tx, docs bulk) error { return docs.put(7, "between") }},
		{"clear", true, func(_ *Tx, docs bulk) error { return docs.clear(7) }},
		{"child", true, func(tx *Tx, docs bulk) error {
			return tx.Update(func(child *Tx) error {
				db, err := child.DB("docs")
				if err != nil {
					return err
				}
				return bulk{db, docs.held}.put(8, "child")
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := openSmall(t)
			held := map[string]string{}
			err := env.Update(context.Background(), func(tx *Tx) error {
				db, err := tx.DB("docs")
				if err != nil {
					return err
				}
				docs := bulk{db, held}
				if err := docs.load(0, last); err != nil {
					return err
				}
				if tx.growing == nil || tx.writes.find(db.space) != nil {
					t.Error("no run is open")
				}
				if err := c.do(tx, docs); err != nil {
					return err
				}
				if closed := tx.growing == nil; closed != c.closes {
					t.Errorf("the run is closed: %v", closed)
				}
				if err := docs.load(last+10, last+100); err != nil || !c.closes {
					return err
				}
				return docs.compare()
			})
			if err != nil {
				t.Fatal(err)
			}
			err = env.View(context.Background(), func(tx *Tx) error {
				db, err := tx.DB("docs")
				if err != nil {
					return err
				}
				return bulk{db, held}.compare()
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestUpdatesOpenNoRun overwrites in ascending order what it reads first, as an update of many documents does.
func TestUpdatesOpenNoRun(t *testing.T) {
	env := openSmall(t)
	held := map[string]string{}
	for range 2 {
		err := env.Update(context.Background(), func(tx *Tx) error {
			db, err := tx.DB("docs")
			if err != nil {
				return err
			}
			docs := bulk{db, held}
			if len(held) == 0 {
				return docs.load(0, 299)
			}
			for n := range 300 {
				if err := errors.Join(docs.get(n), docs.put(n, fmt.Sprintf("document %d again", n))); err != nil {
					return err
				}
				if tx.growing != nil || len(tx.runs) > 0 {
					return fmt.Errorf("a run after %d updates", n+1)
				}
			}
			return docs.compare()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func openSmall(t *testing.T) *Env {
	env, err := Open(context.Background(), &heap{blobs: map[string][]byte{}}, Options{PageBytes: 512})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if report, err := env.Check(context.Background()); err != nil || !report.Clean() {
			t.Errorf("Check: %+v, %v", report, err)
		}
		if err := env.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return env
}

// bulk is a database that is loaded, and what it must hold.
type bulk struct {
	db   *DB
	held map[string]string
}

func numberKey(n int) []byte { return fmt.Appendf(nil, "%06d", n) }

func (m bulk) put(n int, value string) error {
	m.held[string(numberKey(n))] = value
	return m.db.Put(numberKey(n), []byte(value))
}

// load looks, as tables do, whether a key is new.
func (m bulk) load(from, to int) error {
	for n := from; n <= to; n++ {
		if err := m.get(n); err != nil {
			return err
		}
		if err := m.put(n, fmt.Sprintf("document %d", n)); err != nil {
			return err
		}
	}
	return nil
}

func (m bulk) clear(n int) error {
	delete(m.held, string(numberKey(n)))
	return m.db.Clear(numberKey(n))
}

func (m bulk) get(n int) error {
	want, ok := m.held[string(numberKey(n))]
	if got, found, err := m.db.Get(numberKey(n)); err != nil || found != ok || string(got) != want {
		return fmt.Errorf("key %d has %.40q, %v, %v", n, got, found, err)
	}
	return nil
}

// compare walks the database, and looks up every key.
func (m bulk) compare() error {
	n := 0
	c := m.db.Cursor(KeyRange{})
	defer c.Close()
	for ok := c.First(); ok; ok = c.Next() {
		value, err := c.Value()
		if err != nil || m.held[string(c.Key())] != string(value) {
			return fmt.Errorf("key %s has %.40q, %v", c.Key(), value, err)
		}
		n++
	}
	if c.Err() != nil || n != len(m.held) {
		return fmt.Errorf("%d of %d entries, %v", n, len(m.held), c.Err())
	}
	for i := range 500 {
		if err := m.get(i); err != nil {
			return err
		}
	}
	return nil
}

// TestBulkLoadLeavesOneRun loads two databases side by side, one of them in any order.
func TestBulkLoadLeavesOneRun(t *testing.T) {
	env := openSmall(t)
	var docs, index *DB
	open := func(tx *Tx) (err error) {
		if docs, err = tx.DB("docs"); err == nil {
			index, err = tx.DB("index")
		}
		return err
	}
	if err := env.Update(context.Background(), open); err != nil {
		t.Fatal(err)
	}
	err := env.Update(context.Background(), func(tx *Tx) error {
		err := open(tx)
		for n := 0; n < 400 && err == nil; n++ {
			if err = docs.Put(numberKey(n), []byte("a document")); err == nil {
				err = index.Put(numberKey(n*379%400), nil)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var entries []int64
	for _, l := range env.committed.layers {
		if l.memory == nil {
			entries = append(entries, l.tree.root.entries)
		}
	}
	if !slices.Equal(entries, []int64{800}) {
		t.Errorf("entries of the runs: %d", entries)
	}
}
