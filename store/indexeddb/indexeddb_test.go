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
