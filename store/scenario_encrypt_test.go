package store_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
)

// A key has 32 bytes: one of 16 is refused.
func TestScenario34_Encryption(t *testing.T) {
	onPlaces(t, func(t *testing.T, room place) {
		backend := room(t)
		raw := make([]byte, 32)
		_, _ = rand.Read(raw)
		open := func(modifiers ...store.Modifier) (*store.Env, error) {
			b := backend()
			env, err := store.Open(ctx, b, store.Options{Modifiers: modifiers})
			if err != nil {
				_ = b.Close()
			}
			return env, err
		}
		refused := func(code store.Code, modifiers ...store.Modifier) {
			t.Helper()
			if env, err := open(modifiers...); store.CodeOf(err) != code {
				t.Errorf("%v, want %s", err, code)
				if err == nil {
					_ = env.Close(ctx)
				}
			}
		}
		refused(store.InvalidOption, encrypt.AESGCM(encrypt.Key(raw[:16])))
		b := &bed{t: t}
		reopen := func() {
			t.Helper()
			var err error
			if b.env, err = open(compress.S2{}, encrypt.AESGCM(encrypt.Key(bytes.Clone(raw)))); err == nil {
				b.table, err = b.env.Table(ctx, "cities", store.Schema{Key: query.Field("id")}, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		reopen()
		b.mustInsert(fields{"id": 1, "char": "plaintext canary"})
		if err := b.env.Close(ctx); err != nil {
			t.Fatal(err)
		}
		refused(store.KeyRequired, compress.S2{})
		refused(store.WrongKey, compress.S2{}, encrypt.AESGCM(encrypt.Key(make([]byte, 32))))
		kept := backend()
		names, err := kept.List(ctx, "")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		stored, err := kept.Read(ctx, names)
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{"canary", "cities", "char"} {
			if bytes.Contains(bytes.Join(stored, nil), []byte(plain)) {
				t.Errorf("%q stands in what is stored", plain)
			}
		}
		if err := kept.Close(); err != nil {
			t.Fatal(err)
		}
		reopen()
		if got, want := b.get(1), show(raws([]any{fields{"id": 1, "char": "plaintext canary"}})[0]); got != want {
			t.Errorf("found %s, want %s", got, want)
		}
		if err := b.env.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
