package store_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

func updating(t *testing.T, env *store.Env, f func(tx *store.Tx) error) {
	t.Helper()
	if err := env.Update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func viewing(t *testing.T, env *store.Env, f func(tx *store.Tx) error) {
	t.Helper()
	if err := env.View(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func TestFlagsAreFixedAtCreation(t *testing.T) {
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), store.Options{})
	open := func(tx *store.Tx, name string, flags ...store.Flags) string {
		db, err := tx.DB(name, flags...)
		if err != nil {
			return string(store.CodeOf(err))
		}
		return db.Flags().String()
	}
	updating(t, env, func(tx *store.Tx) error {
		expect(t, "created", open(tx, "both", store.DupSort, store.ReverseKey), "dup_sort|reverse_key")
		expect(t, "created without", open(tx, "plain"), "")
		return nil
	})
	storetest.Close(t, env)
	env = storetest.Open(t, memory.Open(blobs), store.Options{})
	updating(t, env, func(tx *store.Tx) error {
		expect(t, "as it is", open(tx, "both"), "dup_sort|reverse_key")
		expect(t, "with its flags", open(tx, "both", store.ReverseKey|store.DupSort), "dup_sort|reverse_key")
		expect(t, "with fewer", open(tx, "both", store.DupSort), "schema_mismatch")
		expect(t, "with none", open(tx, "both", 0), "schema_mismatch")
		expect(t, "with some", open(tx, "plain", store.DupSort), "schema_mismatch")
		expect(t, "unknown flags", open(tx, "new", 128), "invalid_argument")
		expect(t, "flags of the default database", open(tx, "", store.DupSort), "invalid_argument")
		expect(t, "a name too long", open(tx, strings.Repeat("x", store.MaxNameBytes+1)), "invalid_argument")
		expect(t, "the longest name", open(tx, strings.Repeat("x", store.MaxNameBytes)), "")
		return nil
	})
}

func TestDefaultDatabaseIsAlwaysThere(t *testing.T) {
	ctx := context.Background()
	env := storetest.Open(t, memory.New(), storetest.Small())
	viewing(t, env, func(tx *store.Tx) error {
		db, err := tx.DB("")
		if err != nil {
			return err
		}
		expect(t, "before anything was written", all(db), "")
		expect(t, "get", text(db.Get([]byte("k"))), "nil")
		if n, err := db.Count(store.KeyRange{}); n != 0 || err != nil {
			t.Error(n, err)
		}
		if _, err := tx.DB("named"); !errors.Is(err, store.NotFound) {
			t.Error(err)
		}
		return nil
	})
	if err := env.Put(ctx, "", []byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	expect(t, "written", text(env.Get(ctx, "", []byte("k"))), "v")
	if names, err := env.DBs(ctx); len(names) != 0 || err != nil {
		t.Errorf("it is listed: %q, %v", names, err)
	}
	updating(t, env, func(tx *store.Tx) error {
		db, err := tx.OpenDB("")
		if err != nil {
			return err
		}
		if err := db.Drop(); !errors.Is(err, store.InvalidArgument) {
			t.Error(err)
		}
		return db.Empty()
	})
	expect(t, "emptied", text(env.Get(ctx, "", []byte("k"))), "nil")
}

// TestDatabasesAndTablesAreApart gives a database every name that a table uses.
func TestDatabasesAndTablesAreApart(t *testing.T) {
	ctx := context.Background()
	b := newBed(t, cities())
	b.mustInsert(fields{"id": 1, "country": "NO"})
	names := []string{"cities", "cities\x00", "cities\x00country", "\x00", "\x00cities"}
	slices.Sort(names)
	for _, name := range names {
		if err := b.env.Put(ctx, name, []byte("k"), []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := b.env.DBs(ctx); !slices.Equal(got, names) || err != nil {
		t.Errorf("%q, %v; want %q", got, err, names)
	}
	for _, name := range names {
		expect(t, name, text(b.env.Get(ctx, name, []byte("k"))), name)
		updating(t, b.env, func(tx *store.Tx) error {
			db, err := tx.DB(name)
			if err != nil {
				return err
			}
			expect(t, "its name", db.Name(), name)
			return db.Drop()
		})
	}
	if got := b.find(where(t, query.Eq(country, "NO"))); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the table has %q", got)
	}
}

func TestKeyLimits(t *testing.T) {
	longest := bytes.Repeat([]byte("k"), store.MaxKeyBytes)
	writingOn(t, 0, func(tx *store.Tx, db *store.DB) {
		for _, test := range []struct {
			key  []byte
			code store.Code
		}{
			{longest, ""},
			{append(longest, 'k'), store.TooLarge},
			{nil, store.InvalidKey},
		} {
			_, _, replaced := db.Replace(test.key, nil)
			_, added := db.Add(test.key, nil)
			for _, err := range []error{db.Put(test.key, nil), replaced, added, db.Cursor(store.KeyRange{}).Put(test.key, nil)} {
				if store.CodeOf(err) != test.code {
					t.Errorf("a key of %d bytes: %v, want %q", len(test.key), err, test.code)
				}
			}
		}
	})
	writingOn(t, store.DupSort, func(tx *store.Tx, db *store.DB) {
		for _, test := range []struct {
			key, value int
			code       store.Code
		}{
			{store.MaxKeyBytes - 2, 0, ""},
			{store.MaxKeyBytes - 2, 1, store.TooLarge},
			{1, store.MaxKeyBytes - 3, ""},
			{1, store.MaxKeyBytes - 2, store.TooLarge},
		} {
			if err := db.Put(longest[:test.key], longest[:test.value]); store.CodeOf(err) != test.code {
				t.Errorf("%d and %d bytes: %v, want %q", test.key, test.value, err, test.code)
			}
		}
		zeros := make([]byte, store.MaxKeyBytes/2)
		if err := db.Put(zeros, nil); !errors.Is(err, store.TooLarge) {
			t.Errorf("zeros count twice: %v", err)
		}
		if err := db.Put(zeros[1:], nil); err != nil {
			t.Error(err)
		}
	})
}

func TestSortedDuplicates(t *testing.T) {
	env := writingOn(t, store.DupSort, func(tx *store.Tx, db *store.DB) {
		mustPut(t, db, "b", "2", "a", "2", "a", "1", "a", "10", "c", "", "a", "2")
		expect(t, "in order", all(db), "a=1 a=10 a=2 b=2 c=")
		expect(t, "get the smallest", text(db.Get([]byte("a"))), "1")
		if n, err := db.CountValues([]byte("a")); n != 3 || err != nil {
			t.Error(n, err)
		}
		expect(t, "a pair that is there", answer(db.AddPair([]byte("a"), []byte("10"))), "nil")
		expect(t, "one that is not", answer(db.AddPair([]byte("a"), []byte("3"))), "true")
		expect(t, "a key that is there", answer(db.Add([]byte("a"), []byte("4"))), "nil")
		expect(t, "delete a pair", answer(db.DeletePair([]byte("a"), []byte("10"))), "true")
		expect(t, "again", answer(db.DeletePair([]byte("a"), []byte("10"))), "nil")
		expect(t, "then", all(db), "a=1 a=2 a=3 b=2 c=")

		c := db.Cursor(store.KeyRange{})
		var groups []string
		for ok := c.First(); ok; ok = c.NextNoDup() {
			group := string(c.Key()) + ":"
			for value := range c.Dups() {
				group += string(value) + ","
			}
			groups = append(groups, group)
		}
		expect(t, "by key", strings.Join(groups, " "), "a:1,2,3, b:2, c:,")
		c.First()
		for range c.Dups() {
			if deleted, err := c.Delete(); !deleted || err != nil {
				t.Fatal(deleted, err)
			}
		}
		expect(t, "a's values were deleted", all(db), "b=2 c=")
		expect(t, "and the next key is at hand", string(c.Key()), "b")
	})
	viewing(t, env, func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err != nil {
			return err
		}
		if stat, err := db.Stat(); stat != (store.DBStat{Entries: 2, Flags: store.DupSort}) || err != nil {
			t.Error(stat, err)
		}
		return nil
	})
}

// TestManyValuesGoAtOnce deletes more values than are looked at in one go, some
// of them in the tree and some in the transaction.
func TestManyValuesGoAtOnce(t *testing.T) {
	const n = 2500
	value := func(i int) []byte { return []byte{byte(i >> 8), byte(i)} }
	env := writingOn(t, store.DupSort, func(tx *store.Tx, db *store.DB) {
		for i := 0; i < n; i += 2 {
			if err := db.Put([]byte("k"), value(i)); err != nil {
				t.Fatal(err)
			}
		}
		mustPut(t, db, "j", "before", "l", "after")
	})
	if err := env.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	updating(t, env, func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err != nil {
			return err
		}
		for i := 1; i < n; i += 2 {
			if err := db.Put([]byte("k"), value(i)); err != nil {
				t.Fatal(err)
			}
		}
		if held, err := db.CountValues([]byte("k")); held != n || err != nil {
			t.Error(held, err)
		}
		expect(t, "delete", answer(db.Delete([]byte("k"))), "true")
		expect(t, "again", answer(db.Delete([]byte("k"))), "nil")
		expect(t, "what stays", all(db), "j=before l=after")
		return nil
	})
}

func TestReverseKeysAndPrefixes(t *testing.T) {
	writingOn(t, store.ReverseKey, func(tx *store.Tx, db *store.DB) {
		mustPut(t, db, "www.example.org", "1", "example.org", "2", "example.com", "3", "org", "4", "forg", "5")
		expect(t, "by their ends", all(db), "org=4 example.org=2 www.example.org=1 forg=5 example.com=3")
		c := db.Cursor(db.Prefix([]byte(".org")))
		expect(t, "that end with .org", gather(c, false), "example.org=2 www.example.org=1")
		c = db.Cursor(db.Prefix([]byte("org")))
		expect(t, "that end with org, backwards", gather(c, true), "forg=5 www.example.org=1 example.org=2 org=4")
		if !c.Seek([]byte("example.org")) || !c.Next() || string(c.Key()) != "www.example.org" {
			t.Errorf("after example.org stands %q", c.Key())
		}
	})
	writingOn(t, 0, func(tx *store.Tx, db *store.DB) {
		mustPut(t, db, "a", "1", "a\xff", "2", "a\xff\xff", "3", "b", "4", "\xff", "5", "\xff\xff", "6")
		for prefix, want := range map[string]string{
			"a": "a=1 a\xff=2 a\xff\xff=3", "a\xff": "a\xff=2 a\xff\xff=3", "\xff": "\xff=5 \xff\xff=6", "\xff\xff": "\xff\xff=6", "c": "",
		} {
			expect(t, "prefix "+prefix, gather(db.Cursor(db.Prefix([]byte(prefix))), false), want)
		}
		if got := all(db); gather(db.Cursor(db.Prefix(nil)), false) != got {
			t.Error("the empty prefix is not that of every key")
		}
	})
}

func TestIterations(t *testing.T) {
	writingOn(t, 0, func(tx *store.Tx, db *store.DB) {
		mustPut(t, db, "a", "1", "b", "2", "c", "3")
		c := db.Cursor(store.KeyRange{})
		join := func(parts func(func([]byte) bool)) string {
			var found []string
			for part := range parts {
				found = append(found, string(part))
			}
			return strings.Join(found, " ")
		}
		expect(t, "keys", join(c.Keys()), "a b c")
		expect(t, "keys backwards", join(c.KeysBackward()), "c b a")
		expect(t, "values", join(c.Values()), "1 2 3")
		expect(t, "values backwards", join(c.ValuesBackward()), "3 2 1")
		c.SeekExact([]byte("b"))
		expect(t, "keys from b", join(c.Keys()), "b c")

		for key := range c.Keys() {
			if string(key) == "b" {
				break
			}
		}
		expect(t, "after leaving early it stands on", string(c.Key()), "b")

		var met []string
		for key, value := range c.Forward() {
			met = append(met, string(key)+string(value))
			switch string(key) {
			case "b":
				mustPut(t, db, "a", "behind", "bb", "ahead", "c", "changed")
			case "bb":
				if _, err := c.Delete(); err != nil {
					t.Fatal(err)
				}
			}
		}
		expect(t, "what is put ahead is met", strings.Join(met, " "), "b2 bbahead cchanged")
		expect(t, "then", all(db), "a=behind b=2 c=changed")

		for range c.Backward() {
			if _, err := c.Delete(); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, "deleted backwards", all(db), "")
	})
}

// TestEmptyUnderCursors empties a database while cursors are open in it.
func TestEmptyUnderCursors(t *testing.T) {
	writingOn(t, 0, func(tx *store.Tx, db *store.DB) {
		mustPut(t, db, "a", "1", "b", "2", "c", "3")
		on, fresh := db.Cursor(store.KeyRange{}), db.Cursor(store.KeyRange{})
		on.SeekExact([]byte("b"))
		for range 2 {
			if err := db.Empty(); err != nil {
				t.Fatal(err)
			}
		}
		mustPut(t, db, "a", "4", "d", "5", "e", "6")
		if !on.Next() || string(on.Key()) != "d" || !on.Prev() || string(on.Key()) != "a" {
			t.Errorf("it goes on to %q", on.Key())
		}
		expect(t, "one that stood nowhere", gather(fresh, true), "e=6 d=5 a=4")
		if err := db.Empty(); err != nil {
			t.Fatal(err)
		}
		if on.Last() {
			t.Errorf("an empty database ends with %q", on.Key())
		}
	})
}

func TestEveryHandleEnds(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name string
		end  func(env *store.Env, tx *store.Tx)
		code store.Code
	}{
		{"rolled back", func(_ *store.Env, tx *store.Tx) { tx.Rollback() }, store.TxEnded},
		{"committed", func(_ *store.Env, tx *store.Tx) { _ = tx.Commit(ctx) }, store.TxEnded},
		{"closed", func(env *store.Env, _ *store.Tx) { _ = env.Close(ctx) }, store.Closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := writingOn(t, 0, func(_ *store.Tx, db *store.DB) { mustPut(t, db, "a", "1", "b", "2") })
			tx, err := env.Begin(ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			db, err := tx.DB("d")
			if err != nil {
				t.Fatal(err)
			}
			c := db.Cursor(store.KeyRange{})
			c.First()
			test.end(env, tx)
			if c.Next() || c.Key() != nil {
				t.Error("a cursor goes on")
			}
			moved := c.Err()
			if c.First() {
				t.Error("a cursor begins again")
			}
			k := []byte("a")
			_, _, got := db.Get(k)
			_, _, popped := db.Pop(k)
			_, deleted := c.Delete()
			_, _, batch := db.PutMulti(nil, true)
			_, opened := tx.DB("e")
			_, listed := tx.DBs()
			_, child := tx.Child()
			_, stat := db.Stat()
			for i, err := range []error{moved, c.Err(), got, popped, deleted, batch, opened, listed, child, stat,
				db.Put(k, k), db.Empty(), db.Drop(), tx.Commit(ctx)} {
				if store.CodeOf(err) != test.code {
					t.Errorf("call %d: %v, want %s", i, err, test.code)
				}
			}
		})
	}
}

func TestReadingTransactionsDoNotWrite(t *testing.T) {
	env := writingOn(t, 0, func(tx *store.Tx, db *store.DB) { mustPut(t, db, "a", "1") })
	viewing(t, env, func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err != nil {
			return err
		}
		c := db.Cursor(store.KeyRange{})
		c.First()
		k := []byte("a")
		_, added := db.Add(k, k)
		_, pair := db.AddPair(k, k)
		_, _, put := db.PutMulti(nil, true)
		_, _, replaced := db.Replace(k, k)
		_, _, popped := db.Pop(k)
		_, deleted := db.Delete(k)
		_, deletedPair := db.DeletePair(k, k)
		_, deletedMulti := db.DeleteMulti(nil)
		_, _, replacedAt := c.Replace(k, k)
		_, _, poppedAt := c.Pop(k)
		_, deletedAt := c.Delete()
		_, deletedKey := c.DeleteKey()
		_, child := tx.Child()
		for i, err := range []error{added, pair, put, replaced, popped, deleted, deletedPair, deletedMulti, replacedAt, poppedAt,
			deletedAt, deletedKey, child, db.Put(k, k), db.Clear(k), db.Empty(), db.Drop(), db.SetMeta(k), c.Put(k, k)} {
			if !errors.Is(err, store.ReadOnly) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		return nil
	})
}

func TestTransactionIDsGrow(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), storetest.Small())
	now := func() (id uint64) {
		viewing(t, env, func(tx *store.Tx) error {
			id = tx.ID()
			return nil
		})
		return id
	}
	if now() != 0 {
		t.Errorf("a new environment is at %d", now())
	}
	last := uint64(0)
	for i := range 20 {
		tx, err := env.BeginExclusive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if tx.ID() != last {
			t.Errorf("before writing it is at %d, want %d", tx.ID(), last)
		}
		db, err := tx.DB("d")
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, db, "k", strings.Repeat("v", i))
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if tx.ID() <= last || now() != tx.ID() {
			t.Errorf("after a commit at %d it is at %d, before at %d", tx.ID(), now(), last)
		}
		last = tx.ID()
		switch i {
		case 7:
			if err := env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		case 13:
			storetest.Close(t, env)
			env = storetest.Open(t, memory.Open(blobs), storetest.Small())
		}
	}
}

func TestSingleCalls(t *testing.T) {
	ctx := context.Background()
	env := storetest.Open(t, memory.New(), storetest.Small())
	a, b := []byte("a"), []byte("b")
	if _, err := env.GetMulti(ctx, "d", nil); !errors.Is(err, store.NotFound) {
		t.Error(err)
	}
	if err := env.Put(ctx, "d", a, []byte("1")); err != nil {
		t.Error(err)
	}
	expect(t, "add", answer(env.Add(ctx, "d", a, b)), "nil")
	expect(t, "replace", text(env.Replace(ctx, "d", a, []byte("2"))), "1")
	consumed, added, err := env.PutMulti(ctx, "d", []store.Pair{{Key: a}, {Key: b}}, false)
	if consumed != 2 || added != 1 || err != nil {
		t.Error(consumed, added, err)
	}
	values, err := env.GetMulti(ctx, "d", [][]byte{b, []byte("none"), a})
	if err != nil || len(values) != 3 || values[0] == nil || len(values[0]) != 0 || values[1] != nil || string(values[2]) != "2" {
		t.Errorf("%q, %v", values, err)
	}
	expect(t, "pop", text(env.Pop(ctx, "d", a)), "2")
	expect(t, "delete", answer(env.Delete(ctx, "d", a)), "nil")
	found, err := env.DeleteMulti(ctx, "d", [][]byte{b, a, b})
	if !slices.Equal(found, []bool{true, false, false}) || err != nil {
		t.Error(found, err)
	}
	if err := env.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := env.Get(ctx, "d", a); !errors.Is(err, store.Closed) {
		t.Error(err)
	}
	if err := env.Put(ctx, "d", a, a); !errors.Is(err, store.Closed) {
		t.Error(err)
	}
}

func TestInfo(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), store.Options{MaxValueBytes: 1000, CacheBytes: 1 << 20})
	if info, err := env.Info(ctx); err != nil || info.ID != "" || info.LastID != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if err := env.Put(ctx, "d", []byte("k"), nil); err != nil {
		t.Fatal(err)
	}
	before, err := env.Info(ctx)
	if err != nil || len(before.ID) != 32 || before.LastID == 0 || before.MaxValueBytes != 1000 || before.CacheBytes != 1<<20 ||
		before.MaxKeyBytes != env.MaxKeySize() || before.Readers != 0 || before.Writers != 0 {
		t.Errorf("%+v, %v", before, err)
	}
	viewing(t, env, func(*store.Tx) error {
		updating(t, env, func(*store.Tx) error {
			if info, err := env.Info(ctx); err != nil || info.Readers != 1 || info.Writers != 1 {
				t.Errorf("%+v, %v", info, err)
			}
			return nil
		})
		return nil
	})
	storetest.Close(t, env)
	if _, err := env.Info(ctx); !errors.Is(err, store.Closed) {
		t.Error(err)
	}
	env = storetest.Open(t, memory.Open(blobs), store.Options{})
	if after, err := env.Info(ctx); err != nil || after.ID != before.ID || after.LastID != before.LastID {
		t.Errorf("%+v, %v; before %+v", after, err, before)
	}
}
