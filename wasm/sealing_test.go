package main

import (
	"bytes"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/wasm/wire"
)

// own is a stage that the host carries out: see host.inverted.
var own = store.Stage{Kind: store.User, ID: 200}

func TestStagesOfTheHost(t *testing.T) {
	before := newHostOn(t, memory.New(), s2, own)
	for id := range 300 {
		before.must(insertFrame(0, city(id+1, "Oslo, of which there is more than one")))
	}
	before.must(request(wire.Checkpoint, 0, 0, 0, nil))
	if before.sealed == 0 {
		t.Fatal("the host was asked nothing")
	}
	for name, blob := range stored(t, before) {
		if bytes.Contains(blob, []byte("Oslo")) {
			t.Errorf("%s is stored in clear", name)
		}
	}

	after := newHostOn(t, reopened(before), own, s2)
	if got := after.must(getFrame(0, 300)); !bytes.Contains(got, []byte("Oslo")) {
		t.Errorf("got %q", got)
	}
	without := &host{t: t, bridge: newBridge(), backend: reopened(before), waiting: map[uint32]*call{}}
	without.fails(opening(s2), store.MissingModifier)
}

func TestStageThatFailsWritesNothing(t *testing.T) {
	h := newHostOn(t, memory.New(), own)
	h.must(insertFrame(0, city(1, "Oslo")))
	before := stored(t, h)
	h.broken = &wire.Failure{Code: string(store.Quota), Message: "no strength left"}
	h.fails(insertFrame(0, city(2, "Bergen")), store.Quota)
	if after := stored(t, h); len(after) != len(before) {
		t.Errorf("%d blobs became %d", len(before), len(after))
	}
	h.broken = nil
	h.must(insertFrame(0, city(2, "Bergen")))
	if got := h.must(getFrame(0, 2)); !bytes.Equal(got, city(2, "Bergen")) {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsShortIsNotAskedAbout(t *testing.T) {
	h := newHostOn(t, memory.New(), store.Stage{Kind: store.Compress, ID: 2})
	h.must(insertFrame(0, city(1, "Oslo")))
	if h.sealed != 0 {
		t.Errorf("the host was asked to compress a short record %d times", h.sealed)
	}
	h.must(insertFrame(0, city(2, string(bytes.Repeat([]byte("Oslo"), 1000)))))
	if h.sealed != 1 {
		t.Errorf("the host was asked to compress a long record %d times", h.sealed)
	}
}

// stored is every blob that a host's backend holds.
func stored(t *testing.T, h *host) map[string][]byte {
	t.Helper()
	names, err := h.backend.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := h.backend.Read(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for i, name := range names {
		all[name] = blobs[i]
	}
	return all
}
