package coder_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/coder"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
)

// within runs f over a database of a new environment.
func within(t testing.TB, f func(db *store.DB)) {
	t.Helper()
	withinOn(t, memory.New(), f)
}

func withinOn(t testing.TB, b store.Backend, f func(db *store.DB)) {
	t.Helper()
	ctx := context.Background()
	env, err := store.Open(ctx, b, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		db, err := tx.DB("records")
		if err == nil {
			f(db)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := env.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestScenario37_Coders(t *testing.T) {
	wants := func(hex string, b []byte, err error) {
		t.Helper()
		if err != nil || fmt.Sprintf("%x", b) != hex {
			t.Errorf("%x, %v; want %s", b, err, hex)
		}
	}
	b, err := coder.Uint16[int]().Append(nil, 65535)
	wants("ffff", b, err)
	b, err = coder.Uint16[int]().Append(nil, 100)
	wants("0064", b, err)
	if _, err := coder.Uint16[int]().Append(nil, 65536); store.CodeOf(err) != store.InvalidArgument {
		t.Errorf("65536: %v", err)
	}
	b, err = coder.Uint64[uint64]().Append(nil, 1<<64-1)
	wants("ffffffffffffffff", b, err)
	object := map[string]string{"key": "value"}
	b, err = coder.JSON[map[string]string]().Append(nil, object)
	wants(fmt.Sprintf("%x", `{"key": "value"}`), b, err)
	packed := coder.Compressed(coder.JSON[map[string]string](), 9)
	if b, err = packed.Append(nil, object); err != nil {
		t.Fatal(err)
	}
	if got, err := packed.Decode(b); err != nil || got["key"] != "value" {
		t.Errorf("compressed JSON comes back as %v, %v", got, err)
	}

	inFiles, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []store.Backend{memory.New(), inFiles} {
		withinOn(t, b, func(db *store.DB) {
			records := coder.Map[int, map[string]string]{db, coder.Uint16[int](), coder.JSON[map[string]string]()}
			if err := records.Put(65535, object); err != nil {
				t.Fatal(err)
			}
			if got, found, err := records.Get(65535); err != nil || !found || got["key"] != "value" {
				t.Errorf("%v, %v, %v", got, found, err)
			}
			if err := records.Put(65536, object); store.CodeOf(err) != store.InvalidArgument {
				t.Errorf("65536: %v", err)
			}
			records.Value = packed
			if _, _, err := records.Get(65535); store.CodeOf(err) != store.Undecodable {
				t.Errorf("read with another coder: %v", err)
			}
			raw := coder.Map[int, []byte]{db, records.Key, coder.Identity}
			if got, _, err := raw.Get(65535); err != nil || string(got) != `{"key": "value"}` {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestMapTellsWhatWasThere(t *testing.T) {
	within(t, func(db *store.DB) {
		m := coder.Map[int, string]{db, coder.Int64[int](), coder.String}
		if v, err := m.GetOr(1, "none"); err != nil || v != "none" {
			t.Errorf("%q, %v", v, err)
		}
		for i, value := range []string{"one", "two"} {
			if added, err := m.Add(1, value); err != nil || added != (i == 0) {
				t.Errorf("%q was added: %v, %v", value, added, err)
			}
		}
		if old, found, err := m.Replace(1, "uno"); err != nil || !found || old != "one" {
			t.Errorf("replaced %q, %v, %v", old, found, err)
		}
		if old, found, err := m.Pop(1); err != nil || !found || old != "uno" {
			t.Errorf("popped %q, %v, %v", old, found, err)
		}
		if _, found, err := m.Pop(1); err != nil || found {
			t.Errorf("popped twice: %v, %v", found, err)
		}
		pairs := []coder.Pair[int, string]{{-1, "a"}, {2, "b"}, {-1, "c"}}
		if consumed, added, err := m.PutMulti(pairs, false); err != nil || consumed != 3 || added != 2 {
			t.Errorf("%d, %d, %v", consumed, added, err)
		}
		values, found, err := m.GetMulti([]int{2, 3, -1})
		if err != nil || !slices.Equal(values, []string{"b", "", "a"}) || !slices.Equal(found, []bool{true, false, true}) {
			t.Errorf("%q, %v, %v", values, found, err)
		}
		if found, err := m.DeleteMulti([]int{2, 3}); err != nil || !slices.Equal(found, []bool{true, false}) {
			t.Errorf("%v, %v", found, err)
		}
		if found, err := m.Delete(-1); err != nil || !found {
			t.Errorf("%v, %v", found, err)
		}
	})
}

func TestEntries(t *testing.T) {
	within(t, func(db *store.DB) {
		m := coder.Map[int, string]{db, coder.Int64[int](), coder.String}
		for key := -3; key <= 3; key++ {
			if err := m.Put(key, fmt.Sprint(key)); err != nil {
				t.Fatal(err)
			}
		}
		walk := func(r coder.Range[int], want ...int) {
			t.Helper()
			var got []int
			for entry, err := range m.Entries(r) {
				if err != nil {
					t.Fatal(err)
				}
				if entry.Value != fmt.Sprint(entry.Key) {
					t.Errorf("%d has the value %q", entry.Key, entry.Value)
				}
				got = append(got, entry.Key)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		walk(coder.Range[int]{}, -3, -2, -1, 0, 1, 2, 3)
		walk(coder.Range[int]{Low: new(-1), High: new(2)}, -1, 0, 1)
		walk(coder.Range[int]{Low: new(1), Reverse: true}, 3, 2, 1)
		walk(coder.Range[int]{Prefix: new(2)}, 2)
		for _, err := range m.Entries(coder.Range[int]{Low: new(1), Prefix: new(2)}) {
			if store.CodeOf(err) != store.InvalidArgument {
				t.Errorf("bounds and a prefix: %v", err)
			}
		}
		other := coder.Map[int, int]{db, m.Key, coder.Uint16[int]()}
		var codes []store.Code
		for _, err := range other.Entries(coder.Range[int]{}) {
			codes = append(codes, store.CodeOf(err))
		}
		// "-3" has the two bytes of a uint16, "0" has not.
		if want := []store.Code{"", "", "", store.Undecodable}; !slices.Equal(codes, want) {
			t.Errorf("read with another coder: %q", codes)
		}
	})
}

// A map sees a database through a coder for keys and one for values.
func ExampleMap() {
	type city struct {
		Name       string `json:"name"`
		Population int    `json:"population"`
	}
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	err = env.Update(ctx, func(tx *store.Tx) error {
		db, err := tx.DB("cities")
		if err != nil {
			return err
		}
		cities := coder.Map[[]any, city]{db, coder.Tuple, coder.JSON[city]()}
		_, _, err = cities.PutMulti([]coder.Pair[[]any, city]{
			{[]any{"SE", 1}, city{"Uppsala", 177_074}},
			{[]any{"NO", 10}, city{"Bergen", 291_940}},
			{[]any{"NO", 5}, city{"Oslo", 709_037}},
		}, true)
		if err != nil {
			return err
		}
		for entry, err := range cities.Entries(coder.Range[[]any]{Prefix: &[]any{"NO"}}) {
			if err != nil {
				return err
			}
			fmt.Println(entry.Key, entry.Value.Name)
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// [NO 5] Oslo
	// [NO 10] Bergen
}
