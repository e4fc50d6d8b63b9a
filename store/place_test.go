package store_test

import (
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
)

// place makes room for one environment, and returns what opens its backend, as
// often as it is closed.
type place func(t *testing.T) func() store.Backend

func inMemory(*testing.T) func() store.Backend {
	blobs := memory.NewBlobs()
	return func() store.Backend { return memory.Open(blobs) }
}

func inFiles(t *testing.T) func() store.Backend {
	folder := t.TempDir()
	return func() store.Backend {
		opened, err := file.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
}

// placed is a place by its name.
type placed struct {
	name string
	room place
}

var places = []placed{{"memory", inMemory}, {"file", inFiles}}

// onPlaces runs a scenario in memory and over files; in a page in memory and over IndexedDB.
func onPlaces(t *testing.T, scenario func(t *testing.T, room place)) {
	t.Helper()
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) { scenario(t, p.room) })
	}
}
