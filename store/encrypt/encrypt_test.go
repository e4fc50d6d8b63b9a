package encrypt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// numbered returns a key that differs from those of other numbers.
func numbered(n int) encrypt.Unlocker {
	raw := make([]byte, 32)
	binary.BigEndian.PutUint64(raw, uint64(n))
	return encrypt.Key(raw)
}

// sealed are small options with a chain that compresses and encrypts, and its ring.
func sealed(u encrypt.Unlocker) (store.Options, *encrypt.Ring) {
	options := storetest.Small()
	ring := encrypt.AESGCM(u)
	options.PageBytes = 4 << 10
	options.Modifiers = []store.Modifier{ring, compress.S2{}}
	return options, ring
}

func open(t *testing.T, b store.Backend, u encrypt.Unlocker) (*store.Env, *encrypt.Ring) {
	t.Helper()
	options, ring := sealed(u)
	return storetest.Open(t, b, options), ring
}

func put(t *testing.T, env *store.Env, key, value string) {
	t.Helper()
	err := env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("")
		if err != nil {
			return err
		}
		return db.Put([]byte(key), []byte(value))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(env *store.Env, key string) (value string, err error) {
	err = env.View(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("")
		if err != nil {
			return err
		}
		b, _, err := db.Get([]byte(key))
		value = string(b)
		return err
	})
	return value, err
}

func expect(t *testing.T, env *store.Env, key, want string) {
	t.Helper()
	if err := env.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	if value, err := get(env, key); err != nil || value != want {
		t.Errorf("%s is %.20q, %v; want %.20q", key, value, err, want)
	}
}

func chain() []store.Modifier { return []store.Modifier{compress.S2{}, encrypt.AESGCM(numbered(1))} }

func TestConformanceInMemory(t *testing.T) {
	storetest.Suite{
		New: func(t *testing.T) store.Backend { return memory.New() },
		Reopen: func(t *testing.T, closed store.Backend) store.Backend {
			return memory.Open(closed.(*memory.Backend).Blobs())
		},
		Modifiers: chain,
	}.Run(t)
}

func TestConformanceInFiles(t *testing.T) {
	dir := ""
	directory := func(t *testing.T) store.Backend {
		b, err := file.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	storetest.Suite{
		New:       func(t *testing.T) store.Backend { dir = t.TempDir(); return directory(t) },
		Reopen:    func(t *testing.T, closed store.Backend) store.Backend { return directory(t) },
		Modifiers: chain,
	}.Run(t)
}

// TestPassphrase opens with what was typed otherwise on another system, and with each
// kind of hash.
func TestPassphrase(t *testing.T) {
	for name, cost := range map[string]encrypt.Cost{
		"Argon2id": encrypt.Argon2id(19<<10, 2), "PBKDF2": encrypt.PBKDF2(600_000),
	} {
		blobs := memory.NewBlobs()
		env, _ := open(t, memory.Open(blobs), encrypt.Passphrase("\u00c5ngstr\u00f6m", cost))
		put(t, env, "key", "value")
		storetest.Close(t, env)
		env, ring := open(t, memory.Open(blobs), encrypt.Passphrase("A\u030angstro\u0308m"))
		expect(t, env, "key", "value")
		if slots := ring.Slots(); len(slots) != 1 || slots[0] != (encrypt.Slot{ID: 1, Passphrase: true, Current: true}) {
			t.Errorf("%s: slots %+v", name, slots)
		}
		storetest.Close(t, env)
		options, _ := sealed(encrypt.Passphrase("Angstrom"))
		if _, err := store.Open(context.Background(), memory.Open(blobs), options); store.CodeOf(err) != store.WrongKey {
			t.Errorf("%s: another passphrase: %v", name, err)
		}
	}
}

func TestBadUnlockers(t *testing.T) {
	for name, test := range map[string]struct {
		u    encrypt.Unlocker
		code store.Code
	}{
		"nothing":               {encrypt.Unlocker{}, store.KeyRequired},
		"no text":               {encrypt.Passphrase(""), store.InvalidOption},
		"no UTF-8":              {encrypt.Passphrase("\xff"), store.InvalidOption},
		"a short key":           {encrypt.Key(make([]byte, 16)), store.InvalidOption},
		"too little memory":     {encrypt.Passphrase("p", encrypt.Argon2id(1<<10, 2)), store.InvalidOption},
		"too much memory":       {encrypt.Passphrase("p", encrypt.Argon2id(1<<31, 2)), store.InvalidOption},
		"too few rounds":        {encrypt.Passphrase("p", encrypt.PBKDF2(1000)), store.InvalidOption},
		"too many rounds":       {encrypt.Passphrase("p", encrypt.PBKDF2(1<<31)), store.InvalidOption},
		"no passes to speak of": {encrypt.Passphrase("p", encrypt.Argon2id(64<<10, 1)), store.InvalidOption},
	} {
		blobs := memory.NewBlobs()
		options, _ := sealed(test.u)
		if _, err := store.Open(context.Background(), memory.Open(blobs), options); store.CodeOf(err) != test.code {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
		if names := blobs.Names(); len(names) != 0 {
			t.Errorf("%s: %q were written", name, names)
		}
	}
}

// counting counts what is written to a backend.
type counting struct {
	store.Backend
	commits int
}

func (c *counting) Commit(ctx context.Context, batch *store.Batch) error {
	c.commits++
	return c.Backend.Commit(ctx, batch)
}

// TestWrongKeys opens with 10,000 keys that are not the one.
func TestWrongKeys(t *testing.T) {
	blobs := memory.NewBlobs()
	env, _ := open(t, memory.Open(blobs), numbered(0))
	put(t, env, "key", "value")
	storetest.Close(t, env)
	ctx, written := context.Background(), 0
	for n := 1; n <= 10_000; n++ {
		b := &counting{Backend: memory.Open(blobs)}
		options, _ := sealed(numbered(n))
		env, err := store.Open(ctx, b, options)
		if env != nil || store.CodeOf(err) != store.WrongKey {
			t.Fatalf("key %d: %v", n, err)
		}
		if text := err.Error(); len(text) > 100 {
			t.Fatalf("the error says too much: %s", text)
		}
		written += b.commits
	}
	if written != 0 {
		t.Errorf("%d batches were written", written)
	}
	env, _ = open(t, memory.Open(blobs), numbered(0))
	expect(t, env, "key", "value")
}

// TestNothingIsReadable stores canaries wherever bytes of a user go, and looks for
// them in every blob, as they are and in part.
func TestNothingIsReadable(t *testing.T) {
	canary := func(what string) string { return "canary of " + what + " that must not be seen" }
	for _, withCompression := range []bool{false, true} {
		blobs := memory.NewBlobs()
		options, _ := sealed(numbered(1))
		if !withCompression {
			options.Modifiers = options.Modifiers[:1]
		}
		env := storetest.Open(t, memory.Open(blobs), options)
		ctx := context.Background()
		err := env.Update(ctx, func(tx *store.Tx) error {
			table, err := tx.Table(canary("table"), store.Schema{
				Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: canary("index"), Paths: []query.Path{query.Field("city")}}}})
			if err != nil {
				return err
			}
			document := msgpack("id", canary("identity"), "city", canary("indexed"), canary("field"), canary("value"))
			if _, err = table.Insert(tx, [][]byte{document}); err != nil {
				return err
			}
			db, err := tx.DB(canary("database"))
			if err != nil {
				return err
			}
			if err := db.Put([]byte(canary("key")), []byte(strings.Repeat(canary("chunk"), 2000))); err != nil {
				return err
			}
			return db.Put([]byte(canary("another")), []byte(canary("bytes")))
		})
		if err != nil {
			t.Fatal(err)
		}
		look := func(when string) {
			for _, name := range blobs.Names() {
				if bytes.Contains(blobs.Get(name), []byte("canary")) || bytes.Contains(blobs.Get(name), []byte("must not be seen")) || strings.Contains(name, "canary") {
					t.Errorf("%s, compressed %v: %s can be read", when, withCompression, name)
				}
			}
		}
		look("in the log")
		if err := env.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
		look("in pages")
		if len(blobs.Names()) < 5 {
			t.Errorf("only %q are stored", blobs.Names())
		}
		storetest.Close(t, env)
	}
}

// msgpack packs a document of strings.
func msgpack(pairs ...string) []byte {
	b := []byte{0x80 | byte(len(pairs)/2)}
	for _, s := range pairs {
		b = append(append(b, 0xd9, byte(len(s))), s...)
	}
	return b
}

// batches are blobs on their way through a ring, each with what it is sealed as.
func batches(n int, kind store.BlobKind) []store.Sealing {
	blobs := make([]store.Sealing, n)
	for i := range blobs {
		blobs[i] = store.Sealing{Kind: kind, Name: fmt.Sprintf("p/%x/%x", i%5, i), Bytes: []byte(fmt.Sprint("plain ", i))}
		if i%2 == 1 {
			blobs[i].Before = []byte{2, 1}
		}
	}
	return blobs
}

// TestSwapsAndReplays shows a ring 100,000 blobs with what another has said for
// them: name, kind, stages, epoch, session, environment. It opens none.
func TestSwapsAndReplays(t *testing.T) {
	ctx := context.Background()
	random := rand.New(rand.NewPCG(storetest.Seed(t), 2))
	ring, other := encrypt.AESGCM(numbered(1)), encrypt.AESGCM(numbered(1))
	header, err := ring.Load(ctx, [16]byte{1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Load(ctx, [16]byte{2}, nil); err != nil {
		t.Fatal(err)
	}
	writer := encrypt.AESGCM(numbered(1)) // of the same environment, with a session of its own
	if _, err := writer.Load(ctx, [16]byte{1}, header); err != nil {
		t.Fatal(err)
	}
	var all []store.Sealing
	for _, r := range []*encrypt.Ring{ring, writer, other} {
		for _, kind := range []store.BlobKind{store.RecordBlob, store.PageBlob} {
			blobs := batches(100, kind)
			if err := r.Seal(ctx, blobs); err != nil {
				t.Fatal(err)
			}
			all = append(all, blobs...)
		}
	}
	genuine := map[string]bool{} // of this environment, under their own labels
	for i, b := range all[:len(all)/3*2] {
		if err := ring.Open(ctx, []store.Sealing{b}); err != nil {
			t.Fatalf("blob %d: %v", i, err)
		}
		genuine[fmt.Sprint(b)] = true
	}
	tried := 0
	for tried < 100_000 {
		i, j := random.IntN(len(all)), random.IntN(len(all))
		forged, from := all[i], all[j]
		forged.Bytes = bytes.Clone(forged.Bytes)
		switch random.IntN(6) {
		case 0:
			forged.Name = from.Name
		case 1:
			forged.Kind = from.Kind
		case 2:
			forged.Before = from.Before
		case 3:
			copy(forged.Bytes[:20], from.Bytes)
		case 4:
			copy(forged.Bytes[:4], []byte{0, 0, 0, byte(random.IntN(3))})
		case 5:
			forged.Bytes = from.Bytes
		}
		if genuine[fmt.Sprint(forged)] {
			continue
		}
		err := ring.Open(ctx, []store.Sealing{forged})
		if store.CodeOf(err) != store.Tampered && err != store.ErrStaleHeader {
			t.Fatalf("blob %d changed by %d: %v", i, j, err)
		}
		tried++
	}
}

// reading notes the blobs that are read from a backend.
type reading struct {
	store.Backend
	names map[string]bool
}

func (r *reading) Read(ctx context.Context, names []string) ([][]byte, error) {
	for _, name := range names {
		r.names[name] = true
	}
	return r.Backend.Read(ctx, names)
}

// TestForgedStores changes, cuts and swaps the blobs of a whole environment. Each that
// is read is refused. What a checkpoint has left behind is not read, and changes nothing.
func TestForgedStores(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	env, _ := open(t, memory.Open(blobs), numbered(1))
	for n := range 200 {
		put(t, env, fmt.Sprint("key", n), strings.Repeat(fmt.Sprint("value", n), 20))
	}
	storetest.Close(t, env)
	names, needed := blobs.Names(), map[string]bool{}
	read := func(seen map[string]bool) error {
		options, _ := sealed(numbered(1))
		env, err := store.Open(ctx, &reading{memory.Open(blobs), seen}, options)
		if err != nil {
			return err
		}
		defer env.Close(ctx)
		for n := range 200 {
			value, err := get(env, fmt.Sprint("key", n))
			if err != nil {
				return err
			}
			if value != strings.Repeat(fmt.Sprint("value", n), 20) {
				t.Errorf("key%d reads as %.20q", n, value)
			}
		}
		return nil
	}
	if err := read(needed); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i, name := range names {
		whole := blobs.Get(name)
		other := blobs.Get(names[(i+1)%len(names)])
		for what, forged := range map[string][]byte{"cut": whole[:len(whole)/2], "swapped": other, "changed": flipped(whole)} {
			blobs.Set(name, forged)
			err := read(map[string]bool{})
			if (err != nil) != needed[name] {
				t.Errorf("%s %s, which is needed: %v; read with %v", what, name, needed[name], err)
			}
			if err != nil {
				refused++
			}
		}
		blobs.Set(name, whole)
	}
	if refused < 15 {
		t.Errorf("only %d forgeries were refused", refused)
	}
	if err := read(map[string]bool{}); err != nil {
		t.Errorf("the store itself: %v", err)
	}
}

func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-5] ^= 1
	return b
}

// forged is a stored blob whose payload was changed, with the checksum that belongs to it.
func forged(t *testing.T, name string, stored []byte) []byte {
	t.Helper()
	stored = bytes.Clone(stored)
	fields, rest, err := msgp.ReadArrayHeaderBytes(stored)
	for range 2 { // version and kind
		if err == nil {
			rest, err = msgp.Skip(rest)
		}
	}
	kind := stored[len(stored)-len(rest)-1]
	stages, rest, err2 := msgp.ReadBytesZC(rest)
	if err != nil || err2 != nil || len(rest) < 5 {
		t.Fatalf("%s is no blob: %v, %v", name, err, err2)
	}
	sum, covered := rest[1:5], append([]byte(name), kind)
	covered, rest = append(covered, stages...), rest[5:]
	if fields == 6 {
		header, after, err := msgp.ReadBytesZC(rest)
		if err != nil {
			t.Fatal(err)
		}
		covered, rest = append(covered, header...), after
	}
	payload, _, err := msgp.ReadBytesZC(rest)
	if err != nil {
		t.Fatal(err)
	}
	payload[len(payload)-1] ^= 1
	binary.BigEndian.PutUint32(sum, crc32.Checksum(append(covered, payload...), crc32.MakeTable(crc32.Castagnoli)))
	return stored
}

// inflating notes the blobs that are given to a compressing stage to be undone.
type inflating struct {
	compress.S2
	names map[string]bool
}

func (i *inflating) Open(ctx context.Context, blobs []store.Sealing) error {
	for _, b := range blobs {
		i.names[b.Name] = true
	}
	return i.S2.Open(ctx, blobs)
}

// TestNothingForgedIsDecompressed changes every blob of a store, one after the other. What fails
// its tag must not reach the stage that would believe what it claims to hold.
func TestNothingForgedIsDecompressed(t *testing.T) {
	blobs := memory.NewBlobs()
	env, _ := open(t, memory.Open(blobs), numbered(1))
	for n := range 100 {
		put(t, env, fmt.Sprint("key", n), strings.Repeat(fmt.Sprint("value", n), 800))
	}
	storetest.Close(t, env)
	read := func() (inflated map[string]bool, err error) {
		stage := &inflating{names: map[string]bool{}}
		options, _ := sealed(numbered(1))
		options.Modifiers[1] = stage
		env, err := store.Open(t.Context(), memory.Open(blobs), options)
		for n := 0; n < 100 && err == nil; n++ {
			_, err = get(env, fmt.Sprint("key", n))
		}
		if env != nil {
			err = errors.Join(err, env.Close(context.WithoutCancel(t.Context())))
		}
		return stage.names, err
	}
	needed, err := read()
	if err != nil || len(needed) < 5 {
		t.Fatalf("%d blobs were decompressed of a store that is whole: %v", len(needed), err)
	}
	for name := range needed {
		whole := blobs.Get(name)
		blobs.Set(name, forged(t, name, whole))
		if inflated, err := read(); store.CodeOf(err) != store.Tampered || inflated[name] {
			t.Errorf("%s: %v, want tampered; decompressed: %v", name, err, inflated[name])
		}
		blobs.Set(name, whole)
	}
}

// FuzzOpen: whatever the bytes, they are Tampered or of an epoch that is not known.
func FuzzOpen(f *testing.F) {
	ctx := context.Background()
	ring := encrypt.AESGCM(numbered(1))
	if _, err := ring.Load(ctx, [16]byte{}, nil); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(make([]byte, 48))
	f.Add(append([]byte{0, 0, 0, 1}, make([]byte, 60)...))
	f.Fuzz(func(t *testing.T, stored []byte) {
		err := ring.Open(ctx, []store.Sealing{{Kind: store.PageBlob, Name: "p/0/1", Bytes: stored}})
		if store.CodeOf(err) != store.Tampered && err != store.ErrStaleHeader {
			t.Errorf("forged bytes gave %v", err)
		}
	})
}
