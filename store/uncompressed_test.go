package store_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestUncompressed stores what shrinks well in a database that is not to be compressed, and
// in one that is: only of the first can all be found as it was, in the log, in pages, in chunks, in
// exports, after an import and after everything was sealed anew.
func TestUncompressed(t *testing.T) {
	ctx := context.Background()
	const copies = 600
	secret, other := strings.Repeat("secret ", copies), strings.Repeat("other. ", copies)
	options := store.Options{Modifiers: []store.Modifier{compress.S2{}}}
	expect := func(where string, stored []byte) {
		t.Helper()
		if n := bytes.Count(stored, []byte("secret ")); n < 16*copies {
			t.Errorf("%s: %d of %d are as they were", where, n, 16*copies)
		}
		if n := bytes.Count(stored, []byte("other. ")); n > 7*copies { // short values share pages with the first
			t.Errorf("%s: %d of what was to be compressed are as they were", where, n)
		}
	}
	all := func(blobs *memory.Blobs) (stored []byte) {
		for _, name := range blobs.Names() {
			stored = append(stored, blobs.Get(name)...)
		}
		return stored
	}
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), options)
	put := func(name, value string, flags ...store.Flags) {
		update(t, env, func(tx *store.Tx) error {
			db, err := tx.DB(name, flags...)
			for _, key := range []string{"a", "b", "c"} {
				err = errors.Join(err, db.Put([]byte(key), []byte(value)))
			}
			return errors.Join(err, db.Put([]byte("large"), []byte(strings.Repeat(value, 13))))
		})
	}
	put("secret", secret, store.Uncompressed)
	put("other", other)
	put("other 2", other)
	expect("the log", all(blobs))
	checkpoint(t, env)
	expect("pages", all(blobs))
	if err := env.Rechain(ctx, options.Modifiers, nil); err != nil {
		t.Fatal(err)
	}
	expect("sealed anew", all(blobs))
	var export bytes.Buffer
	if err := env.Export(ctx, &export, nil); err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, env)
	blobs = memory.NewBlobs()
	env = storetest.Open(t, memory.Open(blobs), options)
	if err := env.Import(ctx, &export, store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	checkpoint(t, env)
	expect("imported", all(blobs))
	err := env.View(ctx, func(tx *store.Tx) error {
		db, err := tx.OpenDB("secret", store.Uncompressed)
		if err == nil {
			var value []byte
			if value, _, err = db.Get([]byte("a")); string(value) != secret {
				t.Errorf("it holds %d bytes", len(value))
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	storetest.Close(t, env)
}

// TestUncompressedTable has the indexes of a table be as the table is.
func TestUncompressedTable(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{})
	schema := store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "by name", Paths: []query.Path{query.Field("name")}}}, Uncompressed: true}
	if _, err := env.Table(context.Background(), "secrets", schema, nil); err != nil {
		t.Fatal(err)
	}
	update(t, env, func(tx *store.Tx) error {
		for _, name := range []string{"secrets", "secrets\x00by name"} {
			if db, err := tx.Inner(name); err != nil || db.Flags() != store.Uncompressed {
				t.Errorf("%q has the flags %q, %v", name, db.Flags(), err)
			}
		}
		return nil
	})
	schema.Uncompressed = false
	if _, err := env.Table(context.Background(), "secrets", schema, nil); err != nil {
		t.Error(err)
	}
	if _, err := env.Table(context.Background(), "others", schema, nil); err != nil {
		t.Error(err)
	}
	schema.Uncompressed = true
	if _, err := env.Table(context.Background(), "others", schema, nil); store.CodeOf(err) != store.SchemaMismatch {
		t.Errorf("a table that is compressed: %v, want schema_mismatch", err)
	}
	storetest.Close(t, env)
}
