package encrypt_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

var update = flag.Bool("update", false, "write the golden stores of this format version anew")

// What was encrypted once stays readable: below testdata there is, for each version of
// the format, a store, one whose rotation was interrupted, and an export. The stores are MessagePack maps of
// their blobs by name. js/test/golden.test.ts reads the same.
//
// All of them are opened by goldenPassphrase and by a key of 32 times 7, and hold goldenPlaces
// documents {id, country} in the table places, and a value of goldenSecret bytes "s" in the uncompressed database secrets.
const (
	goldenPassphrase = "Ångström, correct horse"
	goldenPlaces     = 600
	goldenSecret     = 17 << 10
)

func goldenKey() encrypt.Unlocker { return encrypt.Key(bytes.Repeat([]byte{7}, 32)) }

func places(t *testing.T, env *store.Env) *store.Table {
	t.Helper()
	table, err := env.Table(context.Background(), "places", store.Schema{
		Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "country", Paths: []query.Path{query.Field("country")}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestGoldenStores(t *testing.T) {
	if *update {
		writeGolden(t, "whole", false)
		writeGolden(t, "half", true)
	}
	versions, err := filepath.Glob("testdata/format-*")
	if err != nil || len(versions) == 0 {
		t.Fatalf("there are %d versions: %v", len(versions), err)
	}
	for _, version := range versions {
		for _, name := range []string{"whole", "half"} {
			for _, u := range []encrypt.Unlocker{encrypt.Passphrase(goldenPassphrase), goldenKey()} {
				env, ring := open(t, memory.Open(readBlobs(t, filepath.Join(version, name+".blobs"))), u)
				expectGolden(t, env)
				if err := ring.Rotate(t.Context(), env, nil); err != nil {
					t.Errorf("%s of %s does not rotate: %v", name, version, err)
				}
				expectGolden(t, env)
				storetest.Close(t, env)
			}
		}
		expectGoldenExport(t, filepath.Join(version, "export.stowage"))
	}
}

func expectGoldenExport(t *testing.T, file string) {
	t.Helper()
	export, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	env, _ := open(t, memory.New(), numbered(1))
	theirs, _ := sealed(goldenKey())
	if err := env.Import(t.Context(), bytes.NewReader(export), store.ImportOptions{Modifiers: theirs.Modifiers}); err != nil {
		t.Fatal(err)
	}
	expectGolden(t, env)
	storetest.Close(t, env)
}

func expectGolden(t *testing.T, env *store.Env) {
	t.Helper()
	table := places(t, env)
	err := env.View(t.Context(), func(tx *store.Tx) error {
		norway, err := query.Select(query.Eq(query.Field("country"), "NO"))
		if err != nil {
			return err
		}
		if n, err := table.Count(tx, norway); err != nil || n != goldenPlaces/4 {
			return fmt.Errorf("%d places in Norway: %w", n, err)
		}
		document, _, err := table.Get(tx, query.AppendKeyInt(nil, 7))
		if want := msgpack("country", "FI"); err != nil || !bytes.Contains(document, want[1:]) {
			return fmt.Errorf("place 7 is %x: %w", document, err)
		}
		db, err := tx.OpenDB("secrets", store.Uncompressed)
		if err != nil {
			return err
		}
		value, _, err := db.Get([]byte("secret"))
		if err == nil && !bytes.Equal(value, bytes.Repeat([]byte("s"), goldenSecret)) {
			err = fmt.Errorf("the secret has %d bytes", len(value))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if report, err := env.Check(t.Context()); err != nil || !report.Clean() {
		t.Errorf("check: %q, %v", report.Problems, err)
	}
}

// writeGolden makes the stores of this version, the export with the first of them.
func writeGolden(t *testing.T, name string, interrupted bool) {
	t.Helper()
	blobs := memory.NewBlobs()
	options, ring := sealed(encrypt.Passphrase(goldenPassphrase, encrypt.Argon2id(19<<10, 2)))
	options.PageBytes = 256
	env := storetest.Open(t, memory.Open(blobs), options)
	fillGolden(t, env)
	if _, err := ring.AddSlot(t.Context(), env, goldenKey()); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	err := ring.Rotate(ctx, env, func(int64, int64) {
		if interrupted {
			end()
		}
	})
	if interrupted != (store.CodeOf(err) == store.Aborted) {
		t.Fatal(err)
	}
	if !interrupted {
		var export bytes.Buffer
		if err := env.Export(t.Context(), &export, nil); err != nil {
			t.Fatal(err)
		}
		write(t, "export.stowage", export.Bytes())
	}
	storetest.Close(t, env)
	names := blobs.Names()
	packed := msgp.AppendMapHeader(nil, uint32(len(names)))
	for _, blob := range names {
		packed = msgp.AppendBytes(msgp.AppendString(packed, blob), blobs.Get(blob))
	}
	write(t, name+".blobs", packed)
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("testdata", "format-1", name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readBlobs(t *testing.T, name string) *memory.Blobs {
	t.Helper()
	packed, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	n, packed, err := msgp.ReadMapHeaderBytes(packed)
	if err != nil {
		t.Fatal(err)
	}
	blobs := memory.NewBlobs()
	for range n {
		var blob string
		var bytes []byte
		if blob, packed, err = msgp.ReadStringBytes(packed); err == nil {
			bytes, packed, err = msgp.ReadBytesBytes(packed, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		blobs.Set(blob, bytes)
	}
	return blobs
}

// fillGolden leaves most of it in pages, and the last place in the log.
func fillGolden(t *testing.T, env *store.Env) {
	t.Helper()
	table := places(t, env)
	insert := func(tx *store.Tx, from, to int) error {
		var documents [][]byte
		for id := from; id < to; id++ {
			country := [...]string{"NO", "SE", "DK", "FI"}[id%4]
			documents = append(documents, append([]byte{0x82, 0xa2, 'i', 'd', 0xcd, byte(id >> 8), byte(id)}, msgpack("country", country)[1:]...))
		}
		_, err := table.Insert(tx, documents)
		return err
	}
	err := env.Update(t.Context(), func(tx *store.Tx) error {
		db, err := tx.DB("secrets", store.Uncompressed)
		if err == nil {
			err = db.Put([]byte("secret"), bytes.Repeat([]byte("s"), goldenSecret))
		}
		return errors.Join(err, insert(tx, 0, goldenPlaces-1))
	})
	if err == nil {
		err = env.Checkpoint(t.Context())
	}
	if err == nil {
		err = env.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, goldenPlaces-1, goldenPlaces) })
	}
	if err != nil {
		t.Fatal(err)
	}
}
