package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

var errChild = errors.New("the child gives up")

func TestChildrenNest(t *testing.T) {
	ctx := context.Background()
	env := writingOn(t, 0, func(tx *store.Tx, db *store.DB) {
		mustPut(t, db, "a", "0")
		child, err := tx.Child()
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			db.Put([]byte("a"), nil),
			func() error { _, err := tx.Child(); return err }(),
			tx.Commit(ctx),
		} {
			if !errors.Is(err, store.TxBusy) {
				t.Errorf("with a child open: %v", err)
			}
		}
		middle, err := child.DB("d")
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, middle, "b", "1")
		err = child.Update(func(grandchild *store.Tx) error {
			inner, err := grandchild.DB("d")
			if err != nil {
				return err
			}
			mustPut(t, inner, "c", "2")
			expect(t, "in the grandchild", all(inner), "a=0 b=1 c=2")
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		expect(t, "in the child", all(middle), "a=0 b=1 c=2")
		if err := child.Commit(ctx); err != nil {
			t.Error(err)
		}
		if err := middle.Put([]byte("d"), nil); !errors.Is(err, store.TxEnded) {
			t.Errorf("the child's handle: %v", err)
		}
		expect(t, "in the parent", all(db), "a=0 b=1 c=2")
	})
	tx, err := env.Begin(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	child, err := tx.Child()
	if err != nil {
		t.Fatal(err)
	}
	tx.Rollback()
	if _, err := child.DB("d"); !errors.Is(err, store.TxEnded) {
		t.Errorf("a child whose parent has ended: %v", err)
	}
	child.Rollback()
	if err := tx.Commit(ctx); !errors.Is(err, store.TxEnded) {
		t.Error(err)
	}
}

// TestChildrenAndTheCatalogue creates, empties and drops databases in children: the
// handles of the parent stand for what there is afterwards.
// What a child has written much of is taken over as it lies: what came before and after, and
// was read or not in between, has to be right all the same.
func TestChildrenThatWriteMuch(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	model := map[string]string{}
	env := writingOn(t, 0, func(tx *store.Tx, db *store.DB) {
		for round := range 40 {
			change := func(child *store.Tx) error {
				for range []int{3, 200, 400}[round%3] {
					name := []string{"d", "e"}[r.IntN(2)]
					inner, err := child.DB(name)
					if err != nil {
						return err
					}
					key, value := fmt.Sprintf("%03d", r.IntN(600)), strings.Repeat("v", r.IntN(60))+fmt.Sprint(round)
					if r.IntN(200) == 0 {
						value = strings.Repeat("large", 5000) + value
					}
					if r.IntN(5) > 0 {
						mustPut(t, inner, key, value)
						model[name+key] = value
						continue
					}
					if err := inner.Clear([]byte(key)); err != nil {
						return err
					}
					delete(model, name+key)
				}
				return nil
			}
			if round%5 == 4 { // written by the parent itself
				if err := change(tx); err != nil {
					t.Error(err)
				}
			} else if err := tx.Update(change); err != nil {
				t.Error(err)
			}
			for range r.IntN(2) * 20 {
				key := fmt.Sprintf("%03d", r.IntN(600))
				value, found, err := db.Get([]byte(key))
				if want, there := model["d"+key]; err != nil || found != there || string(value) != want {
					t.Fatalf("round %d, %s: %q, %v, %v", round, key, value, found, err)
				}
			}
		}
	})
	want := map[string]map[string]string{"d": {}, "e": {}}
	for key, value := range model {
		want[key[:1]][key[1:]] = value
	}
	expectContents(t, env, want)
}

func TestChildrenAndTheCatalogue(t *testing.T) {
	writingOn(t, 0, func(tx *store.Tx, db *store.DB) {
		mustPut(t, db, "a", "0")
		inChild := func(end error, f func(child *store.Tx, inner *store.DB)) {
			t.Helper()
			err := tx.Update(func(child *store.Tx) error {
				inner, err := child.DB("d")
				if err == nil {
					f(child, inner)
				}
				return errors.Join(err, end)
			})
			if !errors.Is(err, end) {
				t.Fatal(err)
			}
		}
		empty := func(_ *store.Tx, inner *store.DB) {
			if err := inner.Empty(); err != nil {
				t.Fatal(err)
			}
			mustPut(t, inner, "b", "1")
		}
		drop := func(child *store.Tx, inner *store.DB) {
			if err := inner.Drop(); err != nil {
				t.Fatal(err)
			}
			if _, err := child.DB("e", store.DupSort); err != nil {
				t.Fatal(err)
			}
		}
		inChild(errChild, empty)
		expect(t, "emptied in vain", all(db), "a=0")
		inChild(nil, empty)
		expect(t, "emptied", all(db), "b=1")
		inChild(errChild, drop)
		expect(t, "dropped in vain", all(db), "b=1")
		if _, err := tx.OpenDB("e"); !errors.Is(err, store.NotFound) {
			t.Errorf("created in vain: %v", err)
		}
		c := db.Cursor(store.KeyRange{})
		c.First()
		inChild(nil, drop)
		if _, _, err := db.Get([]byte("b")); !errors.Is(err, store.NotFound) {
			t.Errorf("dropped: %v", err)
		}
		if c.Next() || !errors.Is(c.Err(), store.NotFound) {
			t.Errorf("a cursor in it: %v", c.Err())
		}
		if _, err := tx.OpenDB("d"); !errors.Is(err, store.NotFound) {
			t.Errorf("opened again: %v", err)
		}
		if e, err := tx.OpenDB("e"); err != nil || e.Flags() != store.DupSort {
			t.Error(err)
		}
	})
}

// TestChildrenBeyondMemory lets parent and child write more than a transaction
// holds in memory, one before the other and both.
func TestChildrenBeyondMemory(t *testing.T) {
	large := bytes.Repeat([]byte("v"), 10<<10)
	fill := func(db *store.DB, from, to int) error {
		for i := from; i < to; i++ {
			key := fmt.Appendf(nil, "key-%05d", i)
			if err := db.Put(key, fmt.Appendf(large[:len(large):len(large)], "%d", to)); err != nil {
				return err
			}
		}
		return nil
	}
	ctx := context.Background()
	for _, test := range []struct {
		parent, child int // how many of about 10 KB
		end           error
	}{
		{10, 1000, nil}, {1000, 10, nil}, {1000, 1000, nil}, {0, 1000, nil},
		{10, 1000, errChild}, {1000, 10, errChild}, {1000, 1000, errChild}, {0, 1000, errChild},
	} {
		t.Run(fmt.Sprint(test.parent, test.child, test.end), func(t *testing.T) {
			env := storetest.Open(t, memory.New(), store.Options{})
			updating(t, env, func(tx *store.Tx) error {
				db, err := tx.DB("d")
				if err != nil {
					return err
				}
				if err := fill(db, 0, test.parent); err != nil {
					return err
				}
				err = tx.Update(func(child *store.Tx) error {
					inner, err := child.DB("d")
					if err != nil {
						return err
					}
					return errors.Join(fill(inner, 5, 5+test.child), test.end)
				})
				if !errors.Is(err, test.end) {
					t.Error(err)
				}
				return db.Put([]byte("last"), large)
			})
			want := test.parent
			if test.end == nil {
				want = max(test.parent, 5+test.child)
				if test.parent == 0 {
					want = test.child
				}
			}
			if report, err := env.Check(ctx); err != nil || !report.Clean() {
				t.Error(report, err)
			}
			viewing(t, env, func(tx *store.Tx) error {
				db, err := tx.DB("d")
				if err != nil {
					return err
				}
				if n, err := db.Count(store.KeyRange{High: []byte("l")}); n != int64(want) || err != nil {
					t.Errorf("%d keys, %v; want %d", n, err, want)
				}
				last := ""
				if test.end == nil {
					last = fmt.Sprint(5 + test.child)
				} else if test.parent > 0 {
					last = fmt.Sprint(test.parent)
				}
				value, _, err := db.Get([]byte("key-00007"))
				if string(value[min(len(large), len(value)):]) != last || err != nil {
					t.Errorf("the last one to write was %q, want %q", value[min(len(large), len(value)):], last)
				}
				return nil
			})
		})
	}
}

// TestAbortedChildrenReadToo: what a child has read decides about the commit, even
// if the child was rolled back.
func TestAbortedChildrenReadToo(t *testing.T) {
	ctx := context.Background()
	for _, reads := range []bool{false, true} {
		env := writingOn(t, 0, func(tx *store.Tx, db *store.DB) { mustPut(t, db, "a", "0", "b", "0") })
		tx, err := env.Begin(ctx, true)
		if err != nil {
			t.Fatal(err)
		}
		db, err := tx.DB("d")
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, db, "c", "0")
		err = tx.Update(func(child *store.Tx) error {
			inner, err := child.DB("d")
			if err != nil {
				return err
			}
			if reads {
				inner.Cursor(store.KeyRange{High: []byte("b")}).First()
			}
			return errChild
		})
		if err != errChild {
			t.Fatal(err)
		}
		if err := env.Put(ctx, "d", []byte("a"), []byte("1")); err != nil {
			t.Fatal(err)
		}
		want := store.Code("")
		if reads {
			want = store.Conflict
		}
		if err := tx.Commit(ctx); store.CodeOf(err) != want {
			t.Errorf("its child has read (%v): %v, want %q", reads, err, want)
		}
	}
}

// TestChildrenAmongContexts has another context write what a child has read, and
// what a child has emptied.
func TestChildrenAmongContexts(t *testing.T) {
	_, _, envs := contexts(t, 2, store.Options{})
	update(t, envs[0], putKey("a", "1"))
	expectLatest(t, envs[1], "a", "1")
	for name, child := range map[string]func(tx *store.Tx, db *store.DB) error{
		"read": func(tx *store.Tx, db *store.DB) error {
			value, err := getKey(tx, "a")
			return errors.Join(err, db.Put([]byte("copy"), []byte(value)))
		},
		"emptied": func(tx *store.Tx, db *store.DB) error {
			value, err := getKey(tx, "a")
			return errors.Join(err, db.Empty(), db.Put([]byte("copy"), []byte(value)))
		},
	} {
		first := true
		runs := update(t, envs[1], func(tx *store.Tx) error {
			err := tx.Update(func(inner *store.Tx) error {
				db, err := inner.DB("d")
				if err != nil {
					return err
				}
				return child(inner, db)
			})
			if first {
				first = false
				update(t, envs[0], putKey("a", name))
			}
			return err
		})
		if runs != 2 {
			t.Errorf("%s: it ran %d times, want twice", name, runs)
		}
		expectLatest(t, envs[0], "copy", name)
	}
}

// TestFailedWritesEndTheTransaction fails the backend while a transaction writes
// ahead: nothing of it may be committed then, but its parent goes on.
func TestFailedWritesEndTheTransaction(t *testing.T) {
	ctx := context.Background()
	large := bytes.Repeat([]byte("v"), 300<<10)
	fill := func(db *store.DB) (err error) {
		for i := 0; i < 20 && err == nil; i++ {
			err = db.Put(fmt.Append(nil, i), large)
		}
		return err
	}
	faulty := storetest.NewFaulty(memory.New())
	env := storetest.Open(t, faulty, store.Options{})
	if err := env.Put(ctx, "d", []byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	tx, err := env.BeginExclusive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	err = tx.Update(func(child *store.Tx) error {
		db, err := child.DB("d")
		if err != nil {
			return err
		}
		faulty.FailAt(0, storetest.Before)
		failed := fill(db)
		if !errors.Is(failed, storetest.ErrFault) {
			t.Errorf("writing ahead: %v", failed)
		}
		faulty.Heal()
		if _, _, err := db.Get([]byte("k")); store.CodeOf(err) != store.CodeOf(failed) {
			t.Errorf("afterwards: %v", err)
		}
		return nil
	})
	if !errors.Is(err, storetest.ErrFault) {
		t.Errorf("committing the child: %v", err)
	}
	db, err := tx.DB("d")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "the parent", all(db), "k=v")
	faulty.FailAt(0, storetest.Before)
	if err := fill(db); !errors.Is(err, storetest.ErrFault) {
		t.Errorf("writing ahead: %v", err)
	}
	faulty.Heal()
	if err := tx.Commit(ctx); !errors.Is(err, storetest.ErrFault) {
		t.Errorf("committing: %v", err)
	}
	if err := env.Put(ctx, "d", []byte("l"), []byte("w")); err != nil {
		t.Errorf("the next writer: %v", err)
	}
	viewing(t, env, func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err == nil {
			expect(t, "in the end", all(db), "k=v l=w")
		}
		return err
	})
}
