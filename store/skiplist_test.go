package store

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMemoryVersions writes to a layer, freezes it at random, and
// holds every frozen view against a copy of what it was taken from.
func TestMemoryVersions(t *testing.T) {
	type view struct {
		frozen *memory
		holds  map[string]string
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	top, holds := newMemory(), map[string]string{}
	var views []view
	n := 0
	for step := range 4000 {
		switch random.IntN(20) {
		case 0:
			views = append(views, view{top.freeze(), maps.Clone(holds)})
		default:
			if n += random.IntN(5); n >= 600 || random.IntN(4) == 0 { // or else in order, as transactions set them
				n = random.IntN(600)
			}
			key := space(n / 200).whole(fmt.Appendf(nil, "%03d", n%200))
			value := fmt.Append(nil, step)
			old, replaced := top.set(key, entry{value: value})
			if before, was := holds[string(key)]; was != replaced || before != string(old.value) {
				t.Fatalf("step %d: set told of %q, %v; it was %q, %v", step, old.value, replaced, before, was)
			}
			holds[string(key)] = string(value)
		}
	}
	for _, v := range append(views, view{top, holds}) {
		same(t, v.frozen, v.holds)
	}
}

// same walks a view both ways, and looks every key up.
func same(t *testing.T, m *memory, want map[string]string) {
	t.Helper()
	keys := make([]string, 0, len(want))
	for key := range want {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var forward, backward []string
	c := newMemoryCursor(m)
	for c.seek(nil); c.valid(); c.next() {
		forward = append(forward, string(c.key()))
	}
	for c.seekBefore(nil); c.valid(); c.prev() {
		backward = append(backward, string(c.key()))
	}
	slices.Reverse(backward)
	if !slices.Equal(forward, keys) || !slices.Equal(backward, keys) {
		t.Fatalf("%d keys: walked %d forward, %d backward", len(keys), len(forward), len(backward))
	}
	for i, key := range keys {
		if e, found := m.get([]byte(key)); !found || string(e.value) != want[key] {
			t.Fatalf("%q: %q, %v; want %q", key, e.value, found, want[key])
		}
		c.seekBefore([]byte(key))
		if c.valid() != (i > 0) || c.valid() && !bytes.Equal(c.key(), []byte(keys[i-1])) {
			t.Fatalf("before %q: wrong", key)
		}
		c.seek(append([]byte(key), 0))
		if c.valid() != (i+1 < len(keys)) || c.valid() && !bytes.Equal(c.key(), []byte(keys[i+1])) {
			t.Fatalf("after %q: wrong", key)
		}
	}
}
