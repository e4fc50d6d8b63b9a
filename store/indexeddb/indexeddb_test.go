//go:build js && wasm

// These tests need a browser: js/test/browser/go.test.ts runs them there.
package indexeddb

import (
	"context"
	"strconv"
	"sync/atomic"
	"syscall/js"
	"testing"
	"time"

	"github.com/hack-pad/go-indexeddb/idb"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/storetest"
)

// names are counted on, from a number that no earlier run began at.
var names atomic.Int64

func TestMain(m *testing.M) {
	names.Store(time.Now().UnixNano())
	m.Run()
}

func unused() string { return "go " + strconv.FormatInt(names.Add(1), 36) }

func open(t *testing.T, name string) *Backend {
	t.Helper()
	b, err := Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestConformance(t *testing.T) {
	opened := map[store.Backend]string{}
	reopen := func(t *testing.T, name string) store.Backend {
		b, err := Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		opened[b] = name
		return b
	}
	storetest.Suite{
		New:    func(t *testing.T) store.Backend { return reopen(t, unused()) },
		Reopen: func(t *testing.T, closed store.Backend) store.Backend { return reopen(t, opened[closed]) },
	}.Run(t)
}

func TestSecondOpenIsLocked(t *testing.T) {
	name := unused()
	first := open(t, name)
	if _, err := Open(t.Context(), name); store.CodeOf(err) != store.Locked {
		t.Fatalf("second Open: %v, want locked", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Open(ctx, name); err != context.Canceled {
		t.Fatalf("second Open, given up: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, name)
}

// TestDeadConnection closes the connection under the backend, which makes another.
func TestDeadConnection(t *testing.T) {
	b := open(t, unused())
	env := storetest.Open(t, b, store.Options{Modifiers: []store.Modifier{compress.S2{}}})
	m := storetest.NewModel(t, storetest.Seed(t))
	for range 5 {
		m.Step(env)
		if err := b.connection.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m.Compare(env)
}

// TestDeletedDatabase: what was deleted under the backend must not take writes as
// if nothing had happened, and whoever deletes it must not wait.
func TestDeletedDatabase(t *testing.T) {
	name := unused()
	b := open(t, name)
	batch := &store.Batch{Put: []store.Blob{{Name: "p/1/1", Bytes: []byte("x")}}}
	if err := b.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	deleted := make(chan string, 1)
	request := js.Global().Get("indexedDB").Call("deleteDatabase", "stowage:"+name)
	for _, event := range []string{"success", "blocked", "error"} {
		heard := js.FuncOf(func(js.Value, []js.Value) any {
			deleted <- event
			return nil
		})
		defer heard.Release()
		request.Set("on"+event, heard)
	}
	if event := <-deleted; event != "success" {
		t.Fatalf("deleting the database: %s", event)
	}
	for range 2 {
		if err := b.Commit(t.Context(), batch); store.CodeOf(err) != store.BackendFailed {
			t.Errorf("Commit: %v, want backend_failed", err)
		}
		if _, err := b.Read(t.Context(), []string{"p/1/1"}); store.CodeOf(err) != store.BackendFailed {
			t.Errorf("Read: %v, want backend_failed", err)
		}
	}
}

// occupy keeps a transaction of another connection going that writes, so that none
// of the backend's begins, until it is released.
func occupy(t *testing.T, b *Backend) (release func()) {
	t.Helper()
	db, _, err := dial(t.Context(), b.connection.name)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.TransactionWithOptions(writing.TransactionOptions, objectStore)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := tx.ObjectStore(objectStore)
	if err != nil {
		t.Fatal(err)
	}
	free := false
	var again func()
	again = func() {
		if free {
			return
		}
		request, err := blobs.Get(js.ValueOf("none"))
		if err == nil {
			err = request.ListenSuccess(context.Background(), again)
		}
		if err != nil {
			t.Error(err)
		}
	}
	again()
	release = func() {
		free = true
		_ = db.Close() // once the transaction has ended
	}
	t.Cleanup(release)
	return release
}

// TestUnanswered: what can be taken back, or may happen twice, is done again; of
// anything else it is said that nobody knows.
func TestUnanswered(t *testing.T) {
	root := &store.RootSwap{New: []byte("root")}
	added := []store.Blob{{Name: "l/1", Bytes: []byte("x")}}
	put := []store.Blob{{Name: "p/1/1", Bytes: []byte("x")}}
	commit := func(batch *store.Batch) func(*Backend) error {
		return func(b *Backend) error { return b.Commit(t.Context(), batch) }
	}
	for _, c := range []struct {
		name      string
		call      func(*Backend) error
		doneAgain bool
		leaves    string
		mayHappen bool
	}{
		{"read", func(b *Backend) error { _, err := b.Read(t.Context(), []string{"r"}); return err }, true, "", false},
		{"put", commit(&store.Batch{Put: put}), true, "p/1/1", true},
		{"add", commit(&store.Batch{Add: added}), false, "l/1", true},
		{"root", commit(&store.Batch{Root: root, Add: added}), true, "l/1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, unused())
			b.connection.patience.transaction = 1
			release := occupy(t, b)
			time.AfterFunc(1500*time.Millisecond, release)
			err := c.call(b)
			if c.doneAgain && err != nil {
				t.Errorf("answered late: %v, want it done again", err)
			}
			if !c.doneAgain && store.CodeOf(err) != store.BackendFailed {
				t.Errorf("answered late: %v, want backend_failed", err)
			}
			if c.leaves != "" {
				if found, err := b.Read(t.Context(), []string{c.leaves}); err != nil || found[0] == nil {
					t.Errorf("what came late is not there: %v", err)
				}
			}

			b = open(t, unused())
			b.connection.patience.transaction = 1
			release = occupy(t, b)
			if err := c.call(b); store.CodeOf(err) != store.BackendFailed {
				t.Errorf("never answered: %v, want backend_failed", err)
			}
			release()
			if c.leaves != "" {
				found, err := b.Read(t.Context(), []string{c.leaves})
				if err != nil || (found[0] != nil) != c.mayHappen {
					t.Errorf("never answered, then free: happened %v, %v", err == nil && found[0] != nil, err)
				}
			}
		})
	}
}

// TestUnansweredOpen: an open waits for whoever is making the database.
func TestUnansweredOpen(t *testing.T) {
	factory, err := idb.WrapFactory(js.Global().Get("indexedDB"))
	if err != nil {
		t.Fatal(err)
	}
	name := unused()
	free := make(chan bool)
	var again func(*idb.ObjectStore)
	again = func(blobs *idb.ObjectStore) {
		select {
		case <-free:
			return
		default:
		}
		if request, err := blobs.Get(js.ValueOf("none")); err == nil {
			_ = request.ListenSuccess(context.Background(), func() { again(blobs) })
		}
	}
	request, err := factory.Open(t.Context(), "stowage:"+name, version, func(db *idb.Database, _, _ uint) error {
		blobs, err := db.CreateObjectStore(objectStore, idb.ObjectStoreOptions{})
		if err == nil {
			again(blobs)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := connection{name: "stowage:" + name, patience: patience{open: 1, transaction: 1}}
	if _, err := c.open(t.Context()); store.CodeOf(err) != store.BackendFailed {
		t.Errorf("open: %v, want backend_failed", err)
	}
	close(free)
	db, err := request.Await(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	open(t, name)
}

func TestForeignValueIsCorrupt(t *testing.T) {
	b := open(t, unused())
	err := b.connection.transact(t.Context(), writing, func(tx *transaction) error {
		_, err := tx.store.PutKey(js.ValueOf("p/1/1"), js.ValueOf("a string"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(t.Context(), []string{"p/1/1"}); store.CodeOf(err) != store.Corrupt {
		t.Errorf("Read: %v, want corrupt", err)
	}
}

func TestLaterVersionIsRefused(t *testing.T) {
	name := unused()
	request := js.Global().Get("indexedDB").Call("open", "stowage:"+name, version+1)
	made := make(chan bool, 1)
	heard := js.FuncOf(func(js.Value, []js.Value) any {
		request.Get("result").Call("close")
		made <- true
		return nil
	})
	defer heard.Release()
	request.Set("onsuccess", heard)
	<-made
	if _, err := Open(t.Context(), name); store.CodeOf(err) != store.NewerFormat {
		t.Errorf("Open: %v, want newer_format", err)
	}
	if _, err := Open(t.Context(), name); store.CodeOf(err) != store.NewerFormat {
		t.Errorf("Open after it failed: %v, want newer_format: the lock was given back", err)
	}
}
