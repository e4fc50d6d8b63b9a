package store_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// keyed are small options with a stage that has a key.
func keyed(key string) store.Options {
	options := storetest.Small()
	options.Modifiers = []store.Modifier{storetest.NewCipher(key)}
	return options
}

// sealedStore is an environment that was closed, with pages, chunks and a log.
func sealedStore(t *testing.T, options store.Options) *memory.Blobs {
	t.Helper()
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), options)
	update(t, env, putKey("canary", strings.Repeat("canary", 10_000)))
	checkpoint(t, env)
	update(t, env, putKey("later canary", "canary"))
	storetest.Close(t, env)
	return blobs
}

func snapshot(blobs *memory.Blobs) map[string]string {
	all := make(map[string]string)
	for _, name := range blobs.Names() {
		all[name] = string(blobs.Get(name))
	}
	return all
}

func TestKeyedEnvironment(t *testing.T) {
	blobs := memory.NewBlobs()
	m := storetest.NewModel(t, storetest.Seed(t))
	for range 3 {
		env := storetest.Open(t, memory.Open(blobs), keyed("key"))
		for range 20 {
			m.Step(env)
		}
		m.Compare(env)
		storetest.Close(t, env)
	}
	if kept := slices.DeleteFunc(blobs.Names(), func(name string) bool { return !strings.HasPrefix(name, "k/") }); len(kept) != 1 {
		t.Errorf("the header is kept in %q, want one blob", kept)
	}
	blobs = sealedStore(t, keyed("key"))
	for name, stored := range snapshot(blobs) {
		if strings.Contains(stored, "canary") {
			t.Errorf("%s is readable", name)
		}
	}
}

// TestEveryWrongKeyHasItsName opens what is stored with what does not fit it. Nothing is
// ever written, and what fits opens it afterwards.
func TestEveryWrongKeyHasItsName(t *testing.T) {
	encrypted, plain := sealedStore(t, keyed("key")), sealedStore(t, storetest.Small())
	for _, test := range []struct {
		name    string
		blobs   *memory.Blobs
		options store.Options
		damage  func(root []byte) []byte
		want    store.Code
	}{
		{"another key", encrypted, keyed("other"), nil, store.WrongKey},
		{"no stage", encrypted, storetest.Small(), nil, store.KeyRequired},
		{"a stage without a key", encrypted, keyed(""), nil, store.KeyRequired},
		{"a key for what is plain", plain, keyed("key"), nil, store.NotEncrypted},
		{"a damaged header", encrypted, keyed("key"), flip(30), store.CorruptHeader},
		{"a damaged root", encrypted, keyed("key"), func(b []byte) []byte { return flip(len(b) - 3)(b) }, store.Corrupt},
		{"a cut root", encrypted, keyed("key"), func(b []byte) []byte { return b[:len(b)-1] }, store.Corrupt},
		{"a plain root", encrypted, keyed("key"), func([]byte) []byte { return plain.Get("r") }, store.NotEncrypted},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := test.blobs.Get("r")
			if test.damage != nil {
				test.blobs.Set("r", test.damage(bytes.Clone(root)))
			}
			before := snapshot(test.blobs)
			env, err := store.Open(context.Background(), memory.Open(test.blobs), test.options)
			if store.CodeOf(err) != test.want || env != nil {
				t.Errorf("opened with %v, want %s", err, test.want)
			}
			if after := snapshot(test.blobs); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("something was written")
			}
			test.blobs.Set("r", root)
		})
	}
	env := storetest.Open(t, memory.Open(encrypted), keyed("key"))
	expectLatest(t, env, "later canary", "canary")
	storetest.Close(t, env)
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[at] ^= 0x10
		return b
	}
}

// TestAStrippedStageIsTampered puts plain blobs in the place of encrypted ones, as
// somebody without the key could.
func TestAStrippedStageIsTampered(t *testing.T) {
	encrypted, plain := sealedStore(t, keyed("key")), sealedStore(t, storetest.Small())
	for _, name := range plain.Names() {
		if strings.HasPrefix(name, "l/") {
			encrypted.Set(name, plain.Get(name))
		}
	}
	if _, err := store.Open(context.Background(), memory.Open(encrypted), keyed("key")); store.CodeOf(err) != store.Tampered {
		t.Errorf("opened with %v, want tampered", err)
	}
}

// TestAmendAtEveryFault changes the header while the backend fails: afterwards it is
// the old one or the new one, never neither, and everything can be read.
func TestAmendAtEveryFault(t *testing.T) {
	ctx := context.Background()
	for _, mode := range []storetest.Mode{storetest.Before, storetest.After, storetest.Dead} {
		for at, done := 0, false; !done; at++ {
			blobs := sealedStore(t, keyed("key"))
			faulty := storetest.NewFaulty(memory.Open(blobs))
			env := storetest.Open(t, faulty, keyed("key"))
			faulty.FailAt(at, mode)
			err := env.Amend(ctx, storetest.NewEpoch)
			done = err == nil && !faulty.Failed()
			if mode != storetest.Dead {
				faulty.Heal()
				update(t, env, putKey("after", "amended"))
			}
			faulty.Heal()
			storetest.Close(t, env)
			env = storetest.Open(t, memory.Open(blobs), keyed("key"))
			expectLatest(t, env, "later canary", "canary")
			if mode != storetest.Dead {
				expectLatest(t, env, "after", "amended")
			}
			storetest.Close(t, env)
		}
	}
}

// TestAmendIsSeenByOthers changes the header in one context while others read and
// write: none of them fails, and what they write from then on is sealed as it says.
func TestAmendIsSeenByOthers(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	var envs []*store.Env
	for range 2 {
		envs = append(envs, storetest.Open(t, memory.Share(blobs), keyed("key")))
	}
	for n := range 5 {
		a, b := envs[n%2], envs[(n+1)%2]
		update(t, a, putKey(fmt.Sprint(n), "before"))
		large, err := b.Begin(ctx, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := putKey("large", strings.Repeat("large", 300_000))(large); err != nil {
			t.Fatal(err)
		}
		if err := a.Amend(ctx, storetest.NewEpoch); err != nil {
			t.Fatal(err)
		}
		if err := a.Amend(ctx, storetest.DropEpochs); err != nil {
			t.Fatal(err)
		}
		if err := large.Commit(ctx); err != nil && store.CodeOf(err) != store.Conflict {
			t.Fatal(err)
		}
		update(t, b, putKey(fmt.Sprint(n), "after"))
		expectLatest(t, a, fmt.Sprint(n), "after")
	}
	for _, env := range envs {
		storetest.Close(t, env)
	}
}

// late is a backend where something happens between the list of the log and what is read after it.
type late struct {
	store.Backend
	meanwhile func()
}

func (l *late) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := l.Backend.List(ctx, prefix)
	if happen := l.meanwhile; happen != nil && prefix == "l/" {
		l.meanwhile = nil
		happen()
	}
	return names, err
}

// TestAmendWhileAnotherOpens opens with the log from before a change of the header and the root from
// after it. The record that the change took its place by has nothing in it, and must count all the same: who passes
// it over writes its place for ever.
func TestAmendWhileAnotherOpens(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	a := storetest.Open(t, memory.Share(blobs), keyed("key"))
	update(t, a, putKey("key", "before"))
	opening := &late{Backend: memory.Share(blobs), meanwhile: func() {
		if err := a.Amend(ctx, storetest.NewEpoch); err != nil {
			t.Error(err)
		}
	}}
	b := storetest.Open(t, opening, keyed("key"))
	if opening.meanwhile != nil {
		t.Fatal("nothing happened meanwhile")
	}
	update(t, b, putKey("key", "after"))
	expectLatest(t, a, "key", "after")
	storetest.Close(t, b)
	storetest.Close(t, a)
}

// TestADestroyedHeaderOpensNothing.
func TestADestroyedHeaderOpensNothing(t *testing.T) {
	ctx := context.Background()
	blobs := sealedStore(t, keyed("key"))
	env := storetest.Open(t, memory.Open(blobs), keyed("key"))
	if err := env.Amend(ctx, func([]byte) ([]byte, error) { return []byte{}, nil }); store.CodeOf(err) != store.CorruptHeader {
		t.Errorf("amended with %v, want corrupt_header", err)
	}
	storetest.Close(t, env)
	for _, name := range blobs.Names() {
		if strings.HasPrefix(name, "k/") {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := store.Open(ctx, memory.Open(blobs), keyed("key")); store.CodeOf(err) != store.CorruptHeader {
		t.Errorf("opened with %v, want corrupt_header", err)
	}
}

func TestKeyedCopies(t *testing.T) {
	ctx := context.Background()
	for _, compact := range []bool{false, true} {
		env := storetest.Open(t, memory.Open(sealedStore(t, keyed("key"))), keyed("key"))
		to := memory.NewBlobs()
		if err := env.Copy(ctx, memory.Open(to), store.CopyOptions{Compact: compact}); err != nil {
			t.Fatal(err)
		}
		update(t, env, putKey("canary", "still open"))
		storetest.Close(t, env)
		copied := storetest.Open(t, memory.Open(to), keyed("key"))
		expectLatest(t, copied, "later canary", "canary")
		storetest.Close(t, copied)
	}
}

// TestExportsCarryTheirKeys imports an encrypted export: into an environment without
// keys, one with others, and the one it came from after its keys have changed.
func TestExportsCarryTheirKeys(t *testing.T) {
	ctx := context.Background()
	env := storetest.Open(t, memory.Open(sealedStore(t, keyed("key"))), keyed("key"))
	var export bytes.Buffer
	if err := env.Export(ctx, &export, nil); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(export.Bytes(), []byte("canary")) {
		t.Error("the export is readable")
	}
	if err := env.Amend(ctx, storetest.NewEpoch); err != nil {
		t.Fatal(err)
	}
	if err := env.Import(ctx, bytes.NewReader(export.Bytes()), store.ImportOptions{Replace: true}); err != nil {
		t.Errorf("where it came from: %v", err)
	}
	expectLatest(t, env, "later canary", "canary")
	storetest.Close(t, env)

	cipher := func(key string) []store.Modifier { return []store.Modifier{storetest.NewCipher(key)} }
	var plain bytes.Buffer
	env = storetest.Open(t, memory.Open(sealedStore(t, storetest.Small())), storetest.Small())
	if err := env.Export(ctx, &plain, nil); err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, env)
	damaged := bytes.Clone(export.Bytes())
	damaged[40] ^= 1
	for _, test := range []struct {
		name      string
		into      store.Options
		export    []byte
		modifiers []store.Modifier
		want      store.Code
	}{
		{"its key", storetest.Small(), export.Bytes(), cipher("key"), ""},
		{"its key, into another", keyed("other"), export.Bytes(), cipher("key"), ""},
		{"no key", storetest.Small(), export.Bytes(), nil, store.KeyRequired},
		{"the key of another", keyed("key"), export.Bytes(), nil, store.KeyRequired},
		{"a wrong key", storetest.Small(), export.Bytes(), cipher("other"), store.WrongKey},
		{"a damaged header", storetest.Small(), damaged, cipher("key"), store.CorruptHeader},
		{"plain, into another", keyed("other"), plain.Bytes(), nil, ""},
		{"a key for a plain one", storetest.Small(), plain.Bytes(), cipher("key"), store.NotEncrypted},
	} {
		t.Run(test.name, func(t *testing.T) {
			blobs := memory.NewBlobs()
			env := storetest.Open(t, memory.Open(blobs), test.into)
			err := env.Import(ctx, bytes.NewReader(test.export), store.ImportOptions{Modifiers: test.modifiers})
			if store.CodeOf(err) != test.want {
				t.Errorf("imported with %v, want %q", err, test.want)
			}
			if err == nil {
				expectLatest(t, env, "later canary", "canary")
			} else if names := blobs.Names(); len(names) > 0 {
				t.Errorf("%q was written", names)
			}
			storetest.Close(t, env)
		})
	}
}

// TestSalvageFindsTheKeys salvages what is encrypted, with its root and without, and in
// the middle of a change of its chain.
func TestSalvageFindsTheKeys(t *testing.T) {
	ctx := context.Background()
	salvage := func(blobs *memory.Blobs, options store.Options) (*bytes.Buffer, *store.Salvaged, error) {
		var out bytes.Buffer
		report, err := store.Salvage(ctx, memory.Open(blobs), options, &out)
		return &out, report, err
	}
	for _, lost := range []string{"", "r", "k"} {
		blobs := sealedStore(t, keyed("key"))
		for _, name := range blobs.Names() {
			if lost != "" && strings.HasPrefix(name, lost) {
				blobs.Set(name, nil)
			}
		}
		before := snapshot(blobs)
		export, report, err := salvage(blobs, keyed("key"))
		if err != nil || report.RootLost != (lost == "r") {
			t.Fatalf("without %q: %v, %+v", lost, err, report)
		}
		if fmt.Sprint(snapshot(blobs)) != fmt.Sprint(before) {
			t.Error("something was written")
		}
		env := storetest.Open(t, memory.New(), storetest.Small())
		modifiers := []store.Modifier{storetest.NewCipher("key")}
		if err := env.Import(ctx, export, store.ImportOptions{Modifiers: modifiers}); err != nil {
			t.Fatal(err)
		}
		expectLatest(t, env, "later canary", "canary")
		storetest.Close(t, env)
		for _, wrong := range []struct {
			options store.Options
			want    store.Code
		}{{keyed("other"), store.WrongKey}, {storetest.Small(), store.KeyRequired}} {
			if _, _, err := salvage(blobs, wrong.options); store.CodeOf(err) != wrong.want {
				t.Errorf("without %q: salvaged with %v, want %s", lost, err, wrong.want)
			}
		}
	}
	blobs := sealedStore(t, keyed("key"))
	for _, name := range blobs.Names() {
		if !strings.HasPrefix(name, "p/") {
			blobs.Set(name, nil)
		}
	}
	if _, _, err := salvage(blobs, keyed("key")); store.CodeOf(err) != store.CorruptHeader {
		t.Errorf("without any header: %v, want corrupt_header", err)
	}
	if _, _, err := salvage(sealedStore(t, storetest.Small()), keyed("key")); store.CodeOf(err) != store.NotEncrypted {
		t.Errorf("with a key for what is plain: %v, want not_encrypted", err)
	}
}

// TestCopiesWithAnotherChain encrypts on the way to a copy, and the other way round.
func TestCopiesWithAnotherChain(t *testing.T) {
	ctx := context.Background()
	for from, before := range chains() {
		for to, after := range chains() {
			env := storetest.Open(t, memory.Open(sealedStore(t, chained(before()))), chained(before()))
			blobs := memory.NewBlobs()
			modifiers := append([]store.Modifier{}, after()...)
			if err := env.Copy(ctx, memory.Open(blobs), store.CopyOptions{Modifiers: modifiers}); err != nil {
				t.Fatalf("%s to %s: %v", from, to, err)
			}
			storetest.Close(t, env)
			expectSealed(t, blobs, modifiers)
			env = storetest.Open(t, memory.Open(blobs), chained(after()))
			expectLatest(t, env, "later canary", "canary")
			storetest.Close(t, env)
		}
	}
}
