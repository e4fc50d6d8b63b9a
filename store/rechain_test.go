package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// chains are those that the tests go between.
func chains() map[string]func() []store.Modifier {
	return map[string]func() []store.Modifier{
		"none":       func() []store.Modifier { return nil },
		"compressed": func() []store.Modifier { return []store.Modifier{compress.S2{}} },
		"encrypted":  func() []store.Modifier { return []store.Modifier{storetest.NewCipher("key")} },
		"both":       func() []store.Modifier { return []store.Modifier{compress.S2{}, storetest.NewCipher("key")} },
	}
}

func chained(chain []store.Modifier) store.Options {
	options := storetest.Small()
	options.Modifiers = chain
	return options
}

// bothOf are the stages of both chains.
func bothOf(a, b []store.Modifier) []store.Modifier {
	all := append([]store.Modifier{}, a...)
	for _, m := range b {
		if !hasStage(a, m.Stage()) {
			all = append(all, m)
		}
	}
	return all
}

func hasStage(chain []store.Modifier, stage store.Stage) bool {
	for _, m := range chain {
		if m.Stage() == stage {
			return true
		}
	}
	return false
}

// fillTree puts in what makes a tree of several slices, with large values.
func fillTree(t *testing.T, env *store.Env, n int) {
	t.Helper()
	update(t, env, func(tx *store.Tx) error {
		db, err := tx.DB("")
		for i := range n {
			value := strings.Repeat(fmt.Sprintf("canary %d ", i), 30)
			if i%50 == 1 {
				value = strings.Repeat(value, 100)
			}
			err = errors.Join(err, db.Put([]byte(fmt.Sprintf("canary %06d", i)), []byte(value)))
		}
		return err
	})
	checkpoint(t, env)
}

func expectFilled(t *testing.T, env *store.Env, n int) {
	t.Helper()
	err := env.View(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("")
		for i := range n {
			value, found, getErr := db.Get([]byte(fmt.Sprintf("canary %06d", i)))
			if err = errors.Join(err, getErr); !found || !strings.HasPrefix(string(value), fmt.Sprintf("canary %d ", i)) {
				return errors.Join(err, fmt.Errorf("entry %d is %q", i, value))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// expectSealed looks into every blob: none may be readable where all of them are to be encrypted.
func expectSealed(t *testing.T, blobs *memory.Blobs, chain []store.Modifier) {
	t.Helper()
	if !hasStage(chain, storetest.CipherStage) {
		return
	}
	for name, stored := range snapshot(blobs) {
		if strings.Contains(stored, "canary") {
			t.Errorf("%s is readable", name)
		}
	}
}

func TestRechain(t *testing.T) {
	const entries = 500
	for from, before := range chains() {
		for to, after := range chains() {
			if pair := from + to; testing.Short() && pair != "noneboth" && pair != "bothnone" && pair != "compressedencrypted" {
				continue // all the stages come and go with these
			}
			t.Run(from+" to "+to, func(t *testing.T) {
				ctx := context.Background()
				blobs := memory.NewBlobs()
				env := storetest.Open(t, memory.Open(blobs), chained(before()))
				m := storetest.NewModel(t, storetest.Seed(t))
				fillTree(t, env, entries)
				for range 10 {
					m.Step(env)
				}
				chain, slices := after(), 0
				err := env.Rechain(ctx, chain, func(done, total int64) {
					if slices++; done > total {
						t.Errorf("%d of %d bytes", done, total)
					}
					m.Step(env)
					m.Compare(env)
				})
				if err != nil || slices < 3 {
					t.Fatalf("%d slices, %v", slices, err)
				}
				for range 5 {
					m.Step(env)
				}
				m.Compare(env)
				expectFilled(t, env, entries)
				storetest.Close(t, env)
				expectSealed(t, blobs, chain)
				env = storetest.Open(t, memory.Open(blobs), chained(after()))
				expectFilled(t, env, entries)
				m.Compare(env)
				storetest.Close(t, env)
			})
		}
	}
}

// TestRechainAtEveryCall ends a change of the chain at each of the backend's calls in turn.
// What is left opens with exactly the stages that may be needed, and the change goes on.
func TestRechainAtEveryCall(t *testing.T) {
	const entries = 70
	changes := []struct{ from, to string }{{"compressed", "both"}, {"encrypted", "none"}, {"encrypted", "encrypted"}, {"both", "compressed"}}
	if testing.Short() {
		changes = changes[:2]
	}
	for _, change := range changes {
		t.Run(change.from+" to "+change.to, func(t *testing.T) {
			for _, mode := range []storetest.Mode{storetest.Dead, storetest.Before, storetest.After} {
				for at, done := 0, false; !done; at += storetest.Stride() {
					done = rechainOnce(t, chains()[change.from], chains()[change.to], entries, at, mode)
				}
			}
		})
	}
}

// rechainOnce fails the change at one call, and reports whether that came to its end before.
func rechainOnce(t *testing.T, before, after func() []store.Modifier, entries, at int, mode storetest.Mode) (done bool) {
	t.Helper()
	ctx := context.Background()
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), chained(before()))
	fillTree(t, env, entries)
	update(t, env, putKey("canary", "in the log"))
	storetest.Close(t, env)
	faulty := storetest.NewFaulty(memory.Open(blobs))
	env = storetest.Open(t, faulty, chained(before()))
	faulty.FailAt(at, mode)
	chain := after()
	err := env.Rechain(ctx, chain, nil)
	done = err == nil && !faulty.Failed()
	if mode != storetest.Dead {
		faulty.Heal()
		update(t, env, putKey("canary", "again"))
		expectFilled(t, env, entries)
		if err := env.Rechain(ctx, chain, nil); err != nil {
			t.Fatalf("call %d, %v: not gone on with: %v", at, mode, err)
		}
		update(t, env, putKey("canary", "in the log"))
	}
	env.Close(ctx) // with whatever the fault makes of it
	env = openAny(t, blobs, before, after)
	expectFilled(t, env, entries)
	expectLatest(t, env, "canary", "in the log")
	if err := env.Rechain(ctx, chain, nil); err != nil {
		t.Fatalf("call %d, %v: not gone on with when opened again: %v", at, mode, err)
	}
	storetest.Close(t, env)
	expectSealed(t, blobs, chain)
	env = storetest.Open(t, memory.Open(blobs), chained(after()))
	expectFilled(t, env, entries)
	expectLatest(t, env, "canary", "in the log")
	storetest.Close(t, env)
	return done
}

// openAny opens with the stages of before or of after, or of both; never without a key what
// is encrypted by any.
func openAny(t *testing.T, blobs *memory.Blobs, before, after func() []store.Modifier) *store.Env {
	t.Helper()
	var errs []error
	for _, chain := range [][]store.Modifier{before(), bothOf(before(), after()), after()} {
		env, err := store.Open(context.Background(), memory.Open(blobs), chained(chain))
		if err == nil {
			return env
		}
		switch store.CodeOf(err) {
		case store.KeyRequired, store.NotEncrypted, store.MissingModifier:
		default:
			t.Fatal(err)
		}
		errs = append(errs, err)
	}
	t.Fatal(errors.Join(errs...))
	return nil
}

// TestRechainWithOthersAtWork changes the chain in one context while another one, which
// has all the stages, reads and writes, large values too.
func TestRechainWithOthersAtWork(t *testing.T) {
	const entries = 400
	for _, change := range []struct{ from, to, other string }{
		{"compressed", "none", "compressed"}, {"encrypted", "encrypted", "encrypted"}, {"both", "encrypted", "both"},
		{"encrypted", "none", "encrypted"},
	} {
		t.Run(change.from+" to "+change.to, func(t *testing.T) {
			ctx := context.Background()
			blobs := memory.NewBlobs()
			a := storetest.Open(t, memory.Share(blobs), chained(chains()[change.from]()))
			fillTree(t, a, entries)
			b := storetest.Open(t, memory.Share(blobs), chained(chains()[change.other]()))
			n := 0
			work := func() {
				n++
				update(t, b, putKey(fmt.Sprint("canary ", n), strings.Repeat("canary", 1+n%3*100_000)))
				expectLatest(t, a, fmt.Sprint("canary ", n), strings.Repeat("canary", 1+n%3*100_000))
				if n%2 == 0 {
					checkpoint(t, b)
				}
			}
			work()
			var err error
			if change.from == change.to {
				err = a.Rotate(ctx, func(int64, int64) { work() })
			} else {
				err = a.Rechain(ctx, chains()[change.to](), func(int64, int64) { work() })
			}
			if err != nil {
				t.Fatal(err)
			}
			work()
			expectFilled(t, a, entries)
			expectFilled(t, b, entries)
			storetest.Close(t, b)
			storetest.Close(t, a)
			env := storetest.Open(t, memory.Share(blobs), chained(chains()[change.to]()))
			expectFilled(t, env, entries)
			for i := range n {
				expectLatest(t, env, fmt.Sprint("canary ", i+1), strings.Repeat("canary", 1+(i+1)%3*100_000))
			}
			storetest.Close(t, env)
		})
	}
}

// TestRechainLeavesOutWhoHasNoKey encrypts what another context has open without a key:
// from then on it is told so, and writes nothing more.
func TestRechainLeavesOutWhoHasNoKey(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	a := storetest.Open(t, memory.Share(blobs), storetest.Small())
	b := storetest.Open(t, memory.Share(blobs), storetest.Small())
	fillTree(t, a, 100)
	expectLatest(t, b, "none", "")
	if err := a.Rechain(ctx, chains()["encrypted"](), nil); err != nil {
		t.Fatal(err)
	}
	before := snapshot(blobs)
	if err := b.Update(ctx, putKey("canary", "plain")); store.CodeOf(err) != store.KeyRequired {
		t.Errorf("it wrote with %v, want key_required", err)
	}
	if err := b.Sync(ctx); store.CodeOf(err) != store.KeyRequired {
		t.Errorf("it looked with %v, want key_required", err)
	}
	for name, blob := range snapshot(blobs) {
		if before[name] != blob { // what is gone, the other context has cleared away
			t.Errorf("it wrote %q all the same", name)
		}
	}
	b.Close(ctx)
	storetest.Close(t, a)
}

// TestRechainTellsWhoCannotRead: a context without the key that another one has encrypted
// with keeps what it has read, and whoever watches there is told that nothing will follow.
func TestRechainTellsWhoCannotRead(t *testing.T) {
	blobs, _, envs := contexts(t, 1, storetest.Small())
	update(t, envs[0], putKey("a", "1"))
	other, err := store.Open(ctx, memory.Share(blobs), storetest.Small())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(ctx)
	w := other.Watch()
	defer w.Stop()
	look := func(tx *store.Tx) error {
		_, err := getKey(tx, "a")
		return err
	}
	if err := w.View(ctx, look); err != nil {
		t.Fatal(err)
	}
	if err := envs[0].Rechain(ctx, []store.Modifier{storetest.NewCipher("key")}, nil); err != nil {
		t.Fatal(err)
	}
	update(t, envs[0], putKey("a", "2"))
	for _, tell := range []func() error{
		func() error { return w.Wait(ctx) },
		func() error { return w.View(ctx, look) },
	} {
		if err := tell(); store.CodeOf(err) != store.MissingModifier && store.CodeOf(err) != store.KeyRequired {
			t.Errorf("who watches is told %v", err)
		}
	}
	if err := other.View(ctx, look); err != nil {
		t.Errorf("what was read before: %v", err)
	}
}
