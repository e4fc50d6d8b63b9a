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

// onPlaces runs a scenario in memory and over files.
func onPlaces(t *testing.T, scenario func(t *testing.T, room place)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { scenario(t, inMemory) })
	t.Run("file", func(t *testing.T) { scenario(t, inFiles) })
}
