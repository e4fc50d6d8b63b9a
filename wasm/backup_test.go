package main

import (
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/wasm/wire"
)

func importFrame(replace bool) []byte { return importFrameOf(0, replace) }

// importFrameOf is the frame for a stream that has passed a set of stages.
func importFrameOf(set wire.Set, replace bool, chain ...store.Stage) []byte {
	return request(wire.Import, 0, 0, 3, func(b []byte) []byte {
		return appendChain(msgp.AppendUint32(msgp.AppendBool(b, replace), uint32(set)), chain)
	})
}

func withCities(t *testing.T) *host {
	h := newHost(t)
	for id := range 300 {
		h.must(insertFrame(0, city(id+1, "Oslo")))
	}
	return h
}

func TestExportIsImported(t *testing.T) {
	from, into := withCities(t), newHost(t)
	from.must(request(wire.Export, 0, 0, 0, nil))
	if len(from.rows) < 3 {
		t.Fatalf("an export of %d parts", len(from.rows))
	}
	into.feed = from.rows[:len(from.rows)-1]
	into.fails(importFrame(false), store.Corrupt)
	into.feed = from.rows
	into.must(importFrame(false))
	if got := into.must(getFrame(0, 300)); string(got) != string(city(300, "Oslo")) {
		t.Errorf("document 300 is %q", got)
	}
	into.feed = from.rows
	into.fails(importFrame(false), store.NotEmpty)
	into.feed = from.rows
	into.must(importFrame(true))
}

func TestExportThatPassedOtherStages(t *testing.T) {
	from, into := newHostOn(t, memory.New(), own), newHost(t)
	from.must(insertFrame(0, city(1, "Oslo")))
	from.must(request(wire.Export, 0, 0, 0, nil))
	into.feed = from.rows
	into.fails(importFrame(false), store.MissingModifier)
	into.feed = from.rows
	into.must(importFrameOf(3, false, own))
	if got := into.must(getFrame(0, 1)); string(got) != string(city(1, "Oslo")) {
		t.Errorf("document 1 is %q", got)
	}
	if len(into.sets) != 1 || into.sets[3] == 0 {
		t.Errorf("stages of these sets were asked: %v", into.sets)
	}
}

func TestCopyIsMadeOfBatches(t *testing.T) {
	h := withCities(t)
	h.must(request(wire.Copy, 0, 0, 1, func(b []byte) []byte { return msgp.AppendInt(b, 65535) }))
	to := memory.New()
	for _, row := range h.rows {
		if err := to.Commit(t.Context(), batch(row)); err != nil {
			t.Fatal(err)
		}
	}
	env := storetest.Open(t, to, store.Options{Modifiers: []store.Modifier{compress.S2{}}})
	stat, err := env.Stat(t.Context())
	if err != nil || stat.Entries < 300 || stat.Trees == 0 {
		t.Errorf("the copy: %+v, %v", stat, err)
	}
}
