//go:build js && wasm

// These tests need a worker with a namespace STORE: js/test/edge/go.test.ts runs them in workerd.
package kv

import (
	"context"
	"strconv"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
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

func TestExpires(t *testing.T) {
	ctx := context.Background()
	at := time.Now().Add(time.Hour)
	name := "lasting-" + js.Global().Get("crypto").Call("randomUUID").String()
	opened := func(expires time.Time) *Backend {
		b, err := Open("STORE", name, Options{Found: true, Expires: expires})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := opened(at)
	env, err := store.OpenMerging(ctx, b, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{10, 5000} { // of which one is metadata
		if err := env.Update(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("db")
			if err == nil {
				err = db.Put([]byte("key"), make([]byte, size))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := env.Compact(ctx, 100); err != nil {
		t.Fatal(err)
	}
	answer, err := b.namespace.again(ctx, "list", map[string]any{"prefix": name})
	if err != nil {
		t.Fatal(err)
	}
	keys := answer.Get("keys")
	second := int(at.Add(time.Second - 1).Unix())
	for i := range keys.Length() {
		key := keys.Index(i)
		if got := key.Get("expiration"); got.Type() != js.TypeNumber || got.Int() != second || !strings.HasPrefix(key.Get("name").String(), name+"%t"+strconv.Itoa(second)+"/") {
			t.Errorf("%s expires at %v, not %d", key.Get("name").String(), got, second)
		}
	}
	if keys.Length() < 5 { // two records, a page, a snapshot and the hint
		t.Errorf("there are %d keys", keys.Length())
	}
	if names, err := opened(time.Time{}).List(ctx, ""); err != nil || len(names) > 0 {
		t.Errorf("what does not expire has %v, %v", names, err)
	}
	soon := opened(time.Now().Add(50 * time.Second))
	if err := soon.Commit(ctx, &store.Batch{Add: []store.Blob{{Name: "p/1"}}}); store.CodeOf(err) != store.Closed {
		t.Errorf("a commit in the last minute: %v", err)
	}
	if names, err := soon.List(ctx, ""); err != nil || len(names) > 0 {
		t.Errorf("a list in the last minute: %v %v", names, err)
	}
	if _, err := Open("STORE", name, Options{Expires: time.Unix(1<<31, 0)}); store.CodeOf(err) != store.InvalidArgument {
		t.Errorf("one that expires in 2038: %v", err)
	}
	if _, err := opened(time.Now().Add(-time.Second)).List(ctx, ""); store.CodeOf(err) != store.Closed {
		t.Errorf("a list of what has expired: %v", err)
	}
}

func TestPassphrasesAreRefused(t *testing.T) {
	ctx := context.Background()
	name := "kept-" + js.Global().Get("crypto").Call("randomUUID").String()
	opened := func(unlocker encrypt.Unlocker) (*store.Env, error) {
		b, err := Open("STORE", name, Options{Found: true})
		if err != nil {
			t.Fatal(err)
		}
		return store.OpenMerging(ctx, b, store.Options{Modifiers: []store.Modifier{encrypt.AESGCM(unlocker)}})
	}
	for _, passphrase := range []encrypt.Unlocker{encrypt.Passphrase("a"), encrypt.Passphrase("a", encrypt.PBKDF2(600_000))} {
		if _, err := opened(passphrase); store.CodeOf(err) != store.Unsupported {
			t.Errorf("found by a passphrase: %v, want unsupported", err)
		}
	}
	env, err := opened(encrypt.Key(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if err := env.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := opened(encrypt.Passphrase("a")); store.CodeOf(err) != store.Unsupported {
		t.Errorf("opened by a passphrase: %v, want unsupported", err)
	}
}

func TestNoBinding(t *testing.T) {
	if _, err := Open("NOWHERE", "x", Options{}); store.CodeOf(err) != store.Unsupported {
		t.Errorf("Open: %v, want unsupported", err)
	}
}
