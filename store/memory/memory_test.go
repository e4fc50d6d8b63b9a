package memory_test

import (
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Suite{
		New: func(t *testing.T) store.Backend { return memory.New() },
		Reopen: func(t *testing.T, closed store.Backend) store.Backend {
			return memory.Open(closed.(*memory.Backend).Blobs())
		},
	}.Run(t)
}
