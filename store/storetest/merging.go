package storetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/stowage-db/stowage/store"
)

// Merging is the Suite of backends that are Merging. What it writes must be seen at once:
// how late it may be seen is what KV is for.
type Merging struct {
	// New returns a backend on nothing; it is closed by the test or by an environment on it.
	New func(t *testing.T) store.Backend
	// Beside returns another backend on the same blobs, as another context has it.
	Beside func(t *testing.T, b store.Backend) store.Backend
	// Modifiers returns the chain for each opening of an environment; nil for none.
	Modifiers func() []store.Modifier
}

// Run runs every test of the suite.
func (m Merging) Run(t *testing.T) {
	suite := Suite{New: m.New}
	for _, test := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"ReadsWhatWasCommitted", suite.readsWhatWasCommitted},
		{"KeepsBlobsOfEverySize", suite.keepsBlobsOfEverySize},
		{"Closes", suite.closes},
		{"HonoursContext", suite.honoursContext},
		{"KeepsRecordsOfEverySize", m.keepsRecordsOfEverySize},
		{"ListsByPrefixInOrder", m.listsByPrefixInOrder},
		{"Deletes", m.deletes},
		{"CommitsAgain", m.commitsAgain},
		{"RefusesWhatTakesOneWriter", m.refusesWhatTakesOneWriter},
		{"CarriesAnEnvironment", m.carriesAnEnvironment},
		{"CarriesSeveralContexts", m.carriesSeveralContexts},
	} {
		t.Run(test.name, test.run)
	}
}

func (m Merging) open(t *testing.T) store.Backend { return Suite{New: m.New}.open(t) }

// beside returns another backend on the same blobs that the test's end closes.
func (m Merging) beside(t *testing.T, b store.Backend) store.Backend {
	return Suite{New: func(t *testing.T) store.Backend { return m.Beside(t, b) }}.open(t)
}

// keepsRecordsOfEverySize reads records by their names alone and after a list, which may
// have brought some of them: all at once, however large they are together.
func (m Merging) keepsRecordsOfEverySize(t *testing.T) {
	ctx := context.Background()
	b := m.open(t)
	info, err := b.Info(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	sizes := []int{0, 1, 699, 700, 701, 65536, info.MaxBlob, info.MaxBlob}
	record := func(i int) []byte { return bytes.Repeat([]byte{byte(0xf1 + i)}, sizes[i]) }
	for i := range sizes {
		names = append(names, fmt.Sprintf("l/%040x", i))
		commit(t, b, &store.Batch{Add: []store.Blob{{Name: names[i], Bytes: record(i)}}})
	}
	check := func(b store.Backend) {
		t.Helper()
		got, err := b.Read(ctx, append(names[:len(names):len(names)], fmt.Sprintf("l/%040x", len(names))))
		if err != nil {
			t.Fatal(err)
		}
		if got[len(names)] != nil {
			t.Errorf("a record that nobody wrote has %d bytes", len(got[len(names)]))
		}
		for i := range names {
			if got[i] == nil || !bytes.Equal(got[i], record(i)) {
				t.Errorf("a record of %d bytes came back as %d", sizes[i], len(got[i]))
			}
		}
	}
	check(m.beside(t, b))
	listed := m.beside(t, b)
	if got, err := listed.List(ctx, "l/"); err != nil || join(got) != join(names) {
		t.Fatalf("List gave %q, %v", got, err)
	}
	check(listed)
}

func (m Merging) listsByPrefixInOrder(t *testing.T) {
	b, ctx := m.open(t), context.Background()
	commit(t, b, &store.Batch{Put: blobs("p/b/1", "x", "p/a/10", "x", "p/a/2", "x", store.RootName, "r"), Add: blobs("l/2", "x", "l/10", "x")})
	for prefix, want := range map[string]string{
		"":     "l/10 l/2 p/a/10 p/a/2 p/b/1 r",
		"l/":   "l/10 l/2",
		"l/1":  "l/10",
		"p/a/": "p/a/10 p/a/2",
		"q":    "",
	} {
		names, err := b.List(ctx, prefix)
		if got := join(names); err != nil || got != want {
			t.Errorf("List(%q) = %q, %v; want %q", prefix, got, err, want)
		}
	}
	var many []store.Blob
	for i := range 1100 { // more than KV lists at once
		many = append(many, store.Blob{Name: fmt.Sprintf("p/c/%04d", i), Bytes: []byte{1}})
	}
	commit(t, b, &store.Batch{Put: many})
	names, err := b.List(ctx, "p/c/")
	if err != nil || len(names) != len(many) {
		t.Fatalf("%d of %d are listed, %v", len(names), len(many), err)
	}
	for i, blob := range many {
		if names[i] != blob.Name {
			t.Fatalf("the %dth is %s", i, names[i])
		}
	}
}

func (m Merging) deletes(t *testing.T) {
	b := m.open(t)
	commit(t, b, &store.Batch{Put: blobs("p/1/1", "x", "p/1/2", "y"), Add: blobs("l/1", "z")})
	commit(t, b, &store.Batch{Delete: []string{"p/1/1", "p/1/9", "l/1"}})
	after := m.beside(t, b)
	expect(t, after, "p/1/1", "", "p/1/2", "y", "l/1", "")
	if names, err := after.List(context.Background(), ""); err != nil || join(names) != "p/1/2" {
		t.Errorf("%q are left, %v", names, err)
	}
}

// commitsAgain does what a context does that does not know whether it has been done, and
// what those do who publish at once.
func (m Merging) commitsAgain(t *testing.T) {
	b := m.open(t)
	other := m.beside(t, b)
	for range 2 {
		commit(t, b, &store.Batch{Put: blobs("p/1/1", "x"), Add: blobs("l/1", "y")})
	}
	commit(t, b, &store.Batch{Put: blobs(store.RootName, "first")})
	commit(t, other, &store.Batch{Put: blobs(store.RootName, "second")})
	expect(t, m.beside(t, b), "p/1/1", "x", "l/1", "y", store.RootName, "second")
}

func (m Merging) refusesWhatTakesOneWriter(t *testing.T) {
	b := m.open(t)
	commit(t, b, &store.Batch{Put: blobs("p/1/1", "x")})
	for _, batch := range []*store.Batch{
		{Put: blobs("p/1/2", "x"), Root: &store.RootSwap{New: []byte("r")}},
		{Put: blobs("p/1/2", "x"), DeleteRange: &store.NameRange{From: "p/", To: "q"}},
	} {
		if err := b.Commit(context.Background(), batch); store.CodeOf(err) != store.Internal {
			t.Errorf("%+v: %v, want internal", batch, err)
		}
	}
	expect(t, b, "p/1/1", "x", "p/1/2", "", store.RootName, "")
}

func (m Merging) options() store.Options {
	o := Small()
	o.PageBytes, o.CacheBytes = 4<<10, 128<<10 // where each page is a call, smaller ones take minutes
	if m.Modifiers != nil {
		o.Modifiers = m.Modifiers()
	}
	return o
}

func (m Merging) environment(t *testing.T, b store.Backend) *store.Env {
	t.Helper()
	env, err := store.OpenMerging(context.Background(), b, m.options())
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// carriesAnEnvironment runs random writes against a model, with snapshots and openings between them.
func (m Merging) carriesAnEnvironment(t *testing.T) {
	b := m.New(t)
	env := m.environment(t, b)
	model := NewModel(t, Seed(t))
	for round := range 4 {
		for range 20 {
			model.Step(env)
		}
		if round%2 == 1 {
			compact(t, env)
		}
		model.Compare(env)
		next := m.Beside(t, b)
		Close(t, env)
		b = next
		env = m.environment(t, b)
		model.Compare(env)
	}
	Close(t, env)
}

// carriesSeveralContexts has two write at once and meet by their tokens, and a third find
// what they have published.
func (m Merging) carriesSeveralContexts(t *testing.T) {
	ctx := context.Background()
	first := m.New(t)
	backends := []store.Backend{first, m.Beside(t, first), m.Beside(t, first)}
	var envs []*store.Env
	for _, b := range backends[:2] {
		envs = append(envs, m.environment(t, b))
	}
	want := make(map[string]string)
	for n := range 30 {
		key, value := "both", fmt.Sprint(n) // the later stays
		if n%3 > 0 {
			key = fmt.Sprint(n)
		}
		if err := envs[n%2].Put(ctx, "shared", []byte(key), []byte(value)); err != nil {
			t.Fatal(err)
		}
		if want[key] = value; n%10 == 9 {
			compact(t, envs[n%2])
		}
		if err := envs[1-n%2].SyncAfter(ctx, envs[n%2].Token()); err != nil {
			t.Fatal(err)
		}
	}
	for _, env := range append(envs, m.environment(t, backends[2])) {
		got := make(map[string]string)
		err := env.View(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("shared")
			if err != nil {
				return err
			}
			c := db.Cursor(store.KeyRange{})
			defer c.Close()
			for ok := c.First(); ok; ok = c.Next() {
				value, err := c.Value()
				if err != nil {
					return err
				}
				got[string(c.Key())] = string(value)
			}
			return c.Err()
		})
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("there is %v, %v; want %v", got, err, want)
		}
		Close(t, env)
	}
}

// compact publishes in small steps until nothing is left to do.
func compact(t *testing.T, env *store.Env) {
	t.Helper()
	for done := false; !done; {
		var err error
		if done, err = env.Compact(context.Background(), 60); err != nil {
			t.Fatal(err)
		}
	}
}
