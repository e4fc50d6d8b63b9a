//go:build js && wasm

// These tests need a worker with a namespace STORE: js/test/edge/go.test.ts runs them in workerd.
package kv

import (
	"strconv"
	"strings"
	"syscall/js"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/storetest"
)

var names int

// fresh returns a backend on an environment that nobody has written to.
func fresh(t *testing.T) store.Backend {
	names++
	return open(t, "go "+strconv.Itoa(names)+"-"+js.Global().Get("crypto").Call("randomUUID").String())
}

func open(t *testing.T, name string) *Backend {
	t.Helper()
	b, err := Open("STORE", name, Options{Found: true})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func beside(t *testing.T, b store.Backend) store.Backend {
	prefix := b.(*Backend).prefix
	return open(t, prefix[:len(prefix)-1])
}

func TestConformance(t *testing.T) {
	storetest.Merging{New: fresh, Beside: beside, Modifiers: func() []store.Modifier { return []store.Modifier{compress.S2{}} }}.Run(t)
}

func TestNames(t *testing.T) {
	if _, err := Open("STORE", strings.Repeat("x", 500), Options{}); store.CodeOf(err) != store.InvalidArgument {
		t.Errorf("a name that is too long: %v", err)
	}
	if got := open(t, "a/p%").prefix; got != "a%2Fp%25/" { // or the pages of "a" would be those of "a/p"
		t.Errorf("the prefix is %q", got)
	}
}

func TestNoBinding(t *testing.T) {
	if _, err := Open("NOWHERE", "x", Options{}); store.CodeOf(err) != store.Unsupported {
		t.Errorf("Open: %v, want unsupported", err)
	}
}
