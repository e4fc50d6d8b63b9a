// Package storetest is what every backend must pass, and what tests of the engine
// break it with: a suite, a backend that fails on demand, a model to compare with.
package storetest

import (
	"context"
	"testing"

	"github.com/stowage-db/stowage/store"
)

// Suite runs the conformance tests of one backend.
type Suite struct {
	// New returns an empty backend; it is closed by the test or by an environment
	// on it.
	New func(t *testing.T) store.Backend
	// Reopen returns a backend on what a closed one has kept. It is nil where
	// nothing outlives Close.
	Reopen func(t *testing.T, closed store.Backend) store.Backend
	// Modifiers returns the chain for each opening of the environment that the backend
	// carries; nil for none.
	Modifiers func() []store.Modifier
}

// Run runs every test of the suite.
func (s Suite) Run(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"ReadsWhatWasCommitted", s.readsWhatWasCommitted},
		{"BatchIsAllOrNothing", s.batchIsAllOrNothing},
		{"RootSwapCompares", s.rootSwapCompares},
		{"ListsByPrefixInOrder", s.listsByPrefixInOrder},
		{"DeletesWhatIsAbsent", s.deletesWhatIsAbsent},
		{"KeepsBlobsOfEverySize", s.keepsBlobsOfEverySize},
		{"Closes", s.closes},
		{"HonoursContext", s.honoursContext},
		{"OutlivesClose", s.outlivesClose},
		{"CarriesAnEnvironment", s.carriesAnEnvironment},
	} {
		t.Run(test.name, test.run)
	}
}

func (s Suite) readsWhatWasCommitted(t *testing.T) {
	b, ctx := s.open(t), context.Background()
	commit(t, b, &store.Batch{Put: blobs("p/1/1", "one", "p/1/2", "two"), Add: blobs("l/1", "three")})
	expect(t, b, "p/1/1", "one", "p/1/2", "two", "l/1", "three")
	got, err := b.Read(ctx, []string{"p/1/2", "missing", "p/1/1"})
	if err != nil || string(got[0]) != "two" || got[1] != nil || string(got[2]) != "one" {
		t.Fatalf("Read gave %q, %v", got, err)
	}
}

func (s Suite) batchIsAllOrNothing(t *testing.T) {
	b := s.open(t)
	commit(t, b, &store.Batch{Add: blobs("l/1", "mine")})
	err := b.Commit(context.Background(), &store.Batch{
		Put: blobs("p/1/1", "x"), Add: blobs("l/1", "theirs"), Delete: []string{"l/1"}})
	if store.CodeOf(err) != store.Conflict {
		t.Fatalf("adding a name that is taken: %v, want a conflict", err)
	}
	expect(t, b, "l/1", "mine", "p/1/1", "")
}

func (s Suite) rootSwapCompares(t *testing.T) {
	b, ctx := s.open(t), context.Background()
	swap := func(old, new string) error {
		r := &store.RootSwap{New: []byte(new)}
		if old != "" {
			r.Old = []byte(old)
		}
		return b.Commit(ctx, &store.Batch{Root: r, Put: blobs("p/"+new, new)})
	}
	if err := swap("a", "b"); store.CodeOf(err) != store.Conflict {
		t.Fatalf("swapping a root that does not exist: %v, want a conflict", err)
	}
	expect(t, b, store.RootName, "", "p/b", "")
	if err := swap("", "a"); err != nil {
		t.Fatal(err)
	}
	if err := swap("", "c"); store.CodeOf(err) != store.Conflict {
		t.Fatalf("creating a root that exists: %v, want a conflict", err)
	}
	if err := swap("a", "d"); err != nil {
		t.Fatal(err)
	}
	if err := swap("a", "e"); store.CodeOf(err) != store.Conflict {
		t.Fatalf("swapping an old root: %v, want a conflict", err)
	}
	expect(t, b, store.RootName, "d", "p/a", "a", "p/d", "d", "p/e", "", "p/c", "")
}

func (s Suite) listsByPrefixInOrder(t *testing.T) {
	b, ctx := s.open(t), context.Background()
	commit(t, b, &store.Batch{
		Put:  blobs("p/b/1", "x", "p/a/10", "x", "p/a/2", "x"),
		Add:  blobs("l/2", "x", "l/10", "x"),
		Root: &store.RootSwap{New: []byte("r")},
	})
	for prefix, want := range map[string]string{
		"":     "l/10 l/2 p/a/10 p/a/2 p/b/1 r",
		"l/":   "l/10 l/2",
		"p/a/": "p/a/10 p/a/2",
		"q":    "",
	} {
		names, err := b.List(ctx, prefix)
		if got := join(names); err != nil || got != want {
			t.Errorf("List(%q) = %q, %v; want %q", prefix, got, err, want)
		}
	}
}

func (s Suite) deletesWhatIsAbsent(t *testing.T) {
	b := s.open(t)
	commit(t, b, &store.Batch{Put: blobs("p/1/1", "x")})
	commit(t, b, &store.Batch{Delete: []string{"p/1/1", "p/1/2", "l/9"}})
	expect(t, b, "p/1/1", "")
	commit(t, b, &store.Batch{Add: blobs("l/1", "a", "l/2", "b", "l/3", "c", "l/4", "d"), Put: blobs("p/2/1", "x")})
	commit(t, b, &store.Batch{DeleteRange: &store.NameRange{From: "l/2", To: "l/3"}})
	expect(t, b, "l/1", "a", "l/2", "", "l/3", "", "l/4", "d", "p/2/1", "x")
	commit(t, b, &store.Batch{DeleteRange: &store.NameRange{From: "q/1", To: "q/2"}})
}

func (s Suite) keepsBlobsOfEverySize(t *testing.T) {
	b, ctx := s.open(t), context.Background()
	info, err := b.Info(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	if counted, err := b.Info(ctx, true); err != nil || counted.Properties != info.Properties {
		t.Errorf("Info of what is held: %+v, %v, without: %+v", counted, err, info)
	}
	largest := info.MaxBlob
	if largest <= 0 {
		t.Fatalf("MaxBlob is %d", largest)
	}
	for _, size := range []int{0, 1, 255, 256, 65535, largest} {
		if size > largest {
			continue
		}
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * 7)
		}
		commit(t, b, &store.Batch{Put: []store.Blob{{Name: "p/0/" + itoa(size), Bytes: want}}})
		got, err := b.Read(ctx, []string{"p/0/" + itoa(size)})
		if err != nil || got[0] == nil || string(got[0]) != string(want) {
			t.Errorf("a blob of %d bytes came back as %d bytes, %v", size, len(got[0]), err)
		}
	}
}

func (s Suite) closes(t *testing.T) {
	b, ctx := s.New(t), context.Background()
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	_, readErr := b.Read(ctx, []string{"r"})
	_, listErr := b.List(ctx, "")
	_, infoErr := b.Info(ctx, false)
	for _, err := range []error{readErr, listErr, infoErr, b.Commit(ctx, &store.Batch{})} {
		if store.CodeOf(err) != store.Closed {
			t.Errorf("after Close: %v, want closed", err)
		}
	}
}

func (s Suite) honoursContext(t *testing.T) {
	b := s.open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Read(ctx, []string{"r"}); err == nil {
		t.Error("Read ignored a context that had ended")
	}
	if err := b.Commit(ctx, &store.Batch{Put: blobs("p/1/1", "x")}); err == nil {
		t.Error("Commit ignored a context that had ended")
	}
	expect(t, b, "p/1/1", "")
}

func (s Suite) outlivesClose(t *testing.T) {
	if s.Reopen == nil {
		return
	}
	b := s.New(t)
	commit(t, b, &store.Batch{Put: blobs("p/1/1", "one"), Add: blobs("l/1", "two"), Root: &store.RootSwap{New: []byte("r")}, Durability: store.Strict})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = s.Reopen(t, b)
	defer b.Close()
	expect(t, b, "p/1/1", "one", "l/1", "two", store.RootName, "r")
}

// open returns an empty backend that the test's end closes.
func (s Suite) open(t *testing.T) store.Backend {
	t.Helper()
	b := s.New(t)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func commit(t *testing.T, b store.Backend, batch *store.Batch) {
	t.Helper()
	if err := b.Commit(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
}

// expect compares blobs, given as name, text, name, text …; "" is none.
func expect(t *testing.T, b store.Backend, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got, err := b.Read(context.Background(), pairs[i:i+1])
		if err != nil || string(got[0]) != pairs[i+1] {
			t.Errorf("%s holds %q, %v; want %q", pairs[i], got, err, pairs[i+1])
		}
	}
}

func blobs(pairs ...string) []store.Blob {
	var list []store.Blob
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, store.Blob{Name: pairs[i], Bytes: []byte(pairs[i+1])})
	}
	return list
}
