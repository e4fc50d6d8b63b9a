package store_test

import (
	"strconv"
	"syscall/js"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/indexeddb"
)

// A page has no files, but IndexedDB: js/test/browser/go.test.ts runs the scenarios there.
func init() {
	if js.Global().Get("indexedDB").Truthy() {
		places = []placed{{"memory", inMemory}, {"indexeddb", inIndexedDB}}
	}
}

func inIndexedDB(t *testing.T) func() store.Backend {
	name := t.Name() + strconv.FormatInt(time.Now().UnixNano(), 36)
	return func() store.Backend {
		opened, err := indexeddb.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
}
