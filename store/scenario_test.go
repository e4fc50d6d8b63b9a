package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// writingOn runs f on a database of an environment of its own, in one transaction
// that is committed.
func writingOn(t *testing.T, flags store.Flags, f func(tx *store.Tx, db *store.DB)) *store.Env {
	t.Helper()
	return writingIn(t, inMemory, flags, f)
}

func writingIn(t *testing.T, room place, flags store.Flags, f func(tx *store.Tx, db *store.DB)) *store.Env {
	t.Helper()
	env := storetest.Open(t, room(t)(), storetest.Small())
	err := env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("d", flags)
		if err == nil {
			f(tx, db)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// text is a value as tests name it: "nil" where there is none.
func text(value []byte, found bool, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case !found:
		return "nil"
	default:
		return string(value)
	}
}

// answer is what a call reports.
func answer(reported bool, err error) string { return text([]byte("true"), reported, err) }

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func mustPut(t *testing.T, db *store.DB, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := db.Put([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
}

// gather lists a sequence of keys and values as "a=1 b=2".
func gather(c *store.Cursor, backward bool) string {
	var found []string
	pairs := c.Forward()
	if backward {
		pairs = c.Backward()
	}
	for key, value := range pairs {
		found = append(found, string(key)+"="+string(value))
	}
	if c.Err() != nil {
		return c.Err().Error()
	}
	return strings.Join(found, " ")
}

func all(db *store.DB) string { return gather(db.Cursor(store.KeyRange{}), false) }

func TestScenario38_KeysAndValues(t *testing.T) {
	onPlaces(t, func(t *testing.T, room place) {
		writingIn(t, room, 0, func(tx *store.Tx, db *store.DB) {
			k := []byte("k")
			expect(t, "get what is missing", text(db.Get(k)), "nil")
			mustPut(t, db, "k", "old")
			expect(t, "add to what exists", answer(db.Add(k, []byte("new"))), "nil")
			expect(t, "the value stays", text(db.Get(k)), "old")
			expect(t, "add what is missing", answer(db.Add([]byte("l"), []byte("new"))), "true")

			r := []byte("r")
			expect(t, "the first replace", text(db.Replace(r, nil)), "nil")
			expect(t, "the second", text(db.Replace(r, []byte("x"))), "")
			expect(t, "the third", text(db.Replace(r, []byte("y"))), "x")
			expect(t, "after it", text(db.Get(r)), "y")

			expect(t, "pop", text(db.Pop(r)), "y")
			expect(t, "pop again", text(db.Pop(r)), "nil")
			expect(t, "popped", text(db.Get(r)), "nil")

			expect(t, "delete", answer(db.Delete(k)), "true")
			expect(t, "delete again", answer(db.Delete(k)), "nil")

			for range 2 {
				if err := db.Empty(); err != nil {
					t.Fatal(err)
				}
				expect(t, "emptied", all(db), "")
			}
			mustPut(t, db, "again", "1")
			expect(t, "used again", all(db), "again=1")
		})
	})
}

func TestScenario39_PutMulti(t *testing.T) {
	onPlaces(t, func(t *testing.T, room place) {
		ctx := context.Background()
		twice := []store.Pair{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a"), Value: []byte("2")}}
		writingIn(t, room, 0, func(tx *store.Tx, db *store.DB) {
			consumed, added, err := db.PutMulti(twice, true)
			if consumed != 2 || added != 2 || err != nil {
				t.Errorf("with overwrite: %d, %d, %v", consumed, added, err)
			}
			expect(t, "the last one stays", all(db), "a=2")
		})
		writingIn(t, room, 0, func(tx *store.Tx, db *store.DB) {
			consumed, added, err := db.PutMulti(twice, false)
			if consumed != 2 || added != 1 || err != nil {
				t.Errorf("without overwrite: %d, %d, %v", consumed, added, err)
			}
			expect(t, "the first one stays", all(db), "a=1")

			broken := append(slices.Clone(twice), store.Pair{Key: []byte("b")}, store.Pair{})
			consumed, added, err = db.PutMulti(broken, true)
			if consumed != 0 || added != 0 || !errors.Is(err, store.InvalidKey) {
				t.Errorf("with an element that is no pair: %d, %d, %v", consumed, added, err)
			}
			expect(t, "nothing of it is there", all(db), "a=1")
		})

		env := storetest.Open(t, room(t)(), storetest.Small())
		_, _, err := env.PutMulti(ctx, "d", []store.Pair{twice[0], {}}, true)
		if !errors.Is(err, store.InvalidKey) {
			t.Error(err)
		}
		if names, err := env.DBs(ctx); len(names) != 0 || err != nil {
			t.Errorf("what was aborted left %q, %v", names, err)
		}
	})
}

func TestScenario40_Transactions(t *testing.T) {
	onPlaces(t, func(t *testing.T, room place) {
		ctx := context.Background()
		env := storetest.Open(t, room(t)(), storetest.Small())
		failure := errors.New("given up")
		err := env.Update(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("d")
			if err != nil {
				return err
			}
			mustPut(t, db, "k", "v")
			return failure
		})
		if err != failure {
			t.Error(err)
		}
		if _, _, err := env.Get(ctx, "d", []byte("k")); !errors.Is(err, store.NotFound) {
			t.Errorf("after an error there is a database: %v", err)
		}

		writingIn(t, room, 0, func(tx *store.Tx, db *store.DB) {
			a := []byte("a")
			mustPut(t, db, "a", "a")
			err := tx.Update(func(child *store.Tx) error {
				inner, err := child.DB("d")
				if err != nil {
					return err
				}
				mustPut(t, inner, "a", "b")
				expect(t, "in the child", text(inner.Get(a)), "b")
				return failure
			})
			if err != failure {
				t.Error(err)
			}
			expect(t, "after the child was aborted", text(db.Get(a)), "a")
			err = tx.Update(func(child *store.Tx) error {
				inner, err := child.DB("d")
				if err == nil {
					mustPut(t, inner, "a", "b")
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			expect(t, "after the child has committed", text(db.Get(a)), "b")
		})

		both := func(value string, end error) error {
			return env.Update(ctx, func(tx *store.Tx) error {
				for _, name := range []string{"one", "two"} {
					db, err := tx.DB(name)
					if err != nil {
						return err
					}
					mustPut(t, db, "k", value)
				}
				return end
			})
		}
		if err := both("first", nil); err != nil {
			t.Error(err)
		}
		if err := both("second", failure); err != failure {
			t.Error(err)
		}
		for _, name := range []string{"one", "two"} {
			expect(t, name, text(env.Get(ctx, name, []byte("k"))), "first")
		}
	})
}

func TestScenario41_Cursors(t *testing.T) {
	onPlaces(t, func(t *testing.T, room place) {
		writingIn(t, room, 0, func(tx *store.Tx, db *store.DB) {
			mustPut(t, db, "a", "1", "b", "2", "baa", "3", "d", "4")
			c := db.Cursor(store.KeyRange{})
			if !c.Seek([]byte("ba")) || string(c.Key()) != "baa" {
				t.Errorf("at or above ba stands %q", c.Key())
			}
			if c.Seek([]byte("x")) || c.Key() != nil {
				t.Errorf("at or above x stands %q", c.Key())
			}
			if value, err := c.Value(); value != nil || err != nil {
				t.Errorf("nowhere stands %q, %v", value, err)
			}
			if c.SeekExact([]byte("ba")) || c.Key() != nil {
				t.Errorf("at ba stands %q", c.Key())
			}
			if !c.SeekExact([]byte("baa")) {
				t.Error("baa is not found")
			}
			expect(t, "back from baa", gather(c, true), "baa=3 b=2 a=1")

			fresh := db.Cursor(store.KeyRange{})
			expect(t, "forward from nowhere", gather(fresh, false), "a=1 b=2 baa=3 d=4")
			fresh = db.Cursor(store.KeyRange{})
			expect(t, "backward from nowhere", gather(fresh, true), "d=4 baa=3 b=2 a=1")
			if fresh.Next(); string(fresh.Key()) != "a" {
				t.Errorf("next from nowhere: %q", fresh.Key())
			}

			var walked []string
			for c.First(); ; {
				walked = append(walked, string(c.Key()))
				if deleted, err := c.Delete(); !deleted || err != nil {
					t.Fatal(deleted, err)
				}
				if c.Key() == nil {
					break
				}
			}
			expect(t, "deleting from the first one on", strings.Join(walked, " "), "a b baa d")
			expect(t, "then", answer(c.Delete()), "nil")
			expect(t, "in the end", all(db), "")
		})
	})
}
