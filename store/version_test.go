package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

var (
	people = store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "name", Paths: []query.Path{query.Field("name")}}}}
	named  = store.Schema{Key: query.Field("id"), Exact: true, Indexes: []store.IndexSpec{{Name: "last", Paths: []query.Path{query.Field("last")}, Unique: true}}}
)

// hire fills a table of version 1.
func hire(t *testing.T, env *store.Env, count int) *store.Table {
	t.Helper()
	table, err := env.Table(ctx, "people", people, nil)
	if err != nil {
		t.Fatal(err)
	}
	var docs []any
	for i := range count {
		docs = append(docs, fields{"id": i, "name": fmt.Sprintf("Ada %03d", i)})
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		_, err := table.Insert(tx, raws(docs))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// split is the step to version 2: names become first and last ones. That to 3 counts.
func split(tx *store.Tx, to uint64) error {
	table, err := tx.Table("people", named)
	if err != nil {
		return err
	}
	if to == 3 {
		counts, err := tx.Table("counts", store.Schema{Key: query.Field("id")})
		if err != nil {
			return err
		}
		all, err := query.Select(nil)
		if err != nil {
			return err
		}
		n, err := table.Count(tx, all)
		if err == nil {
			_, err = counts.Insert(tx, raws([]any{fields{"id": "people", "count": n}}))
		}
		return err
	}
	var docs []any
	all, err := query.Select(nil)
	if err != nil {
		return err
	}
	err = table.Find(tx, all, func(doc []byte) error {
		id, _, _ := query.Lookup(doc, query.Field("id"))
		name, _, _ := query.Lookup(doc, query.Field("name"))
		first, last, _ := bytes.Cut(name[1:], []byte(" "))
		docs = append(docs, fields{"id": int(id[0]), "first": string(first), "last": string(last)})
		return nil
	})
	if err == nil {
		_, err = table.Put(tx, raws(docs))
	}
	return err
}

// expectVersion checks that the data is wholly of a version: one with people as hire
// made them, or as the steps of split leave them.
func expectVersion(t *testing.T, env *store.Env, version uint64, count int64) {
	t.Helper()
	err := env.View(ctx, func(tx *store.Tx) error {
		if got, err := tx.Version(); err != nil || got != version {
			t.Errorf("version %d, %v; want %d", got, err, version)
		}
		table, err := tx.OpenTable("people")
		if err != nil {
			return err
		}
		field := query.Field("name")
		if version > 1 {
			field = query.Field("last")
		}
		n, err := table.Count(tx, where(t, query.Exists(field)))
		if err != nil || n != count {
			t.Errorf("version %d: %d of %d documents, %v", version, n, count, err)
		}
		tables, err := tx.Tables()
		if want := version > 2; slices.Contains(tables, "counts") != want {
			t.Errorf("version %d with tables %q", version, tables)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if report, err := env.Check(ctx); err != nil || len(report.Problems) > 0 {
		t.Error(report.Problems, err)
	}
}

func TestMigrate(t *testing.T) {
	blobs := memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), storetest.Small())
	hire(t, env, 100)
	var steps []uint64
	step := func(tx *store.Tx, to uint64) error {
		if steps = append(steps, to); to == 1 {
			return nil
		}
		return split(tx, to)
	}
	if err := env.Migrate(ctx, 3, step); err != nil || !slices.Equal(steps, []uint64{1, 2, 3}) {
		t.Fatal(err, steps)
	}
	expectVersion(t, env, 3, 100)
	table, err := env.Table(ctx, "people", named, nil)
	if err != nil {
		t.Fatal(err)
	}
	if indexes := table.Schema().Indexes; len(indexes) != 1 || indexes[0].Name != "last" {
		t.Errorf("%+v", indexes)
	}
	storetest.Close(t, env)

	env = storetest.Open(t, memory.Open(blobs), storetest.Small())
	if err := env.Migrate(ctx, 2, nil); !errors.Is(err, store.NewerSchema) {
		t.Error(err)
	}
	if err := env.Migrate(ctx, 0, nil); !errors.Is(err, store.InvalidArgument) {
		t.Error(err)
	}
	if err := env.Migrate(ctx, 3, nil); err != nil {
		t.Error(err)
	}
	expectVersion(t, env, 3, 100)
}

func TestMigrateNothing(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	if err := env.Migrate(ctx, 7, nil); err != nil {
		t.Fatal(err)
	}
	err := env.View(ctx, func(tx *store.Tx) error {
		tables, err := tx.Tables()
		version, failed := tx.Version()
		if len(tables) > 0 || version != 7 {
			t.Error(tables, version)
		}
		return errors.Join(err, failed)
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := env.Table(ctx, "\x01", people, nil); !errors.Is(err, store.InvalidArgument) {
		t.Error(err)
	}
}

func TestMigrationThatFails(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	table := hire(t, env, 20)
	failure := errors.New("no")
	err := env.Migrate(ctx, 3, func(tx *store.Tx, to uint64) error {
		if to < 2 {
			return nil
		}
		if err := split(tx, to); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatal(err)
	}
	expectVersion(t, env, 1, 20)
	err = env.Update(ctx, func(tx *store.Tx) error {
		_, err := table.Insert(tx, raws([]any{fields{"id": 20, "name": "Ada 020"}}))
		return err
	})
	if err != nil {
		t.Error(err)
	}
	expectVersion(t, env, 1, 21)
}

// TestOlderProgramsAreRefused has one context migrate under the transactions of
// another, which was opened before or knows less.
func TestOlderProgramsAreRefused(t *testing.T) {
	_, _, envs := contexts(t, 3, storetest.Small())
	current, old, unversioned := envs[0], envs[1], envs[2]
	if err := current.Migrate(ctx, 1, nil); err != nil {
		t.Fatal(err)
	}
	hire(t, current, 20)
	for _, env := range []*store.Env{old, unversioned} {
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Migrate(ctx, 1, nil); err != nil {
		t.Fatal(err)
	}
	add := func(table *store.Table, id int) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			_, err := table.Insert(tx, raws([]any{fields{"id": id, "name": "Bob 000"}}))
			return err
		}
	}
	tables := make(map[*store.Env]*store.Table)
	pending := make(map[*store.Env]*store.Tx)
	for i, env := range []*store.Env{old, unversioned} {
		table, err := env.Table(ctx, "people", people, nil)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := env.Begin(ctx, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := add(table, 100+i)(tx); err != nil {
			t.Fatal(err)
		}
		tables[env], pending[env] = table, tx
	}
	if err := current.Migrate(ctx, 3, split); err != nil {
		t.Fatal(err)
	}
	if _, err := current.Table(ctx, "people", named, nil); err != nil {
		t.Fatal(err)
	}
	for env, tx := range pending {
		if err := tx.Commit(ctx); !errors.Is(err, store.Conflict) {
			t.Error("a transaction from before the migration:", err)
		}
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		if err := env.Update(ctx, add(tables[env], 200)); !errors.Is(err, store.NewerSchema) {
			t.Error("a write:", err)
		}
		err := env.View(ctx, func(tx *store.Tx) error {
			_, err := tables[env].Count(tx, where(t, nil))
			return err
		})
		if !errors.Is(err, store.NewerSchema) {
			t.Error("a read:", err)
		}
		err = env.Update(ctx, putKey("a", "b"))
		if !errors.Is(err, store.NewerSchema) {
			t.Error("a database:", err)
		}
	}
	expectVersion(t, current, 3, 20)
	if err := old.Migrate(ctx, 3, nil); err != nil {
		t.Error(err)
	}
	expectVersion(t, old, 3, 20)
}

// TestContextsMigrateOnce has several contexts migrate at the same time.
func TestContextsMigrateOnce(t *testing.T) {
	_, _, envs := contexts(t, 4, storetest.Small())
	hire(t, envs[0], 20)
	failed := make(chan error)
	for _, env := range envs {
		go func() {
			failed <- env.Migrate(ctx, 3, func(tx *store.Tx, to uint64) error {
				if to == 1 {
					return nil
				}
				return split(tx, to)
			})
		}()
	}
	for range envs {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	for _, env := range envs {
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		expectVersion(t, env, 3, 20)
	}
}

// TestCrashDuringMigration kills the backend at each of its calls in turn: what is
// left is wholly of one version, and is brought to the last one.
func TestCrashDuringMigration(t *testing.T) {
	const count = 60
	step := func(tx *store.Tx, to uint64) error {
		if to == 1 {
			return nil
		}
		return split(tx, to)
	}
	seen := make(map[uint64]bool)
	for at := 0; ; at++ {
		blobs := memory.NewBlobs()
		env := storetest.Open(t, memory.Open(blobs), storetest.Small())
		hire(t, env, count)
		storetest.Close(t, env)

		faulty := storetest.NewFaulty(memory.Open(blobs))
		faulty.FailAt(at, storetest.Dead)
		err := migrateOn(faulty, step)
		if err != nil {
			expectFault(t, err)
		}

		env = storetest.Open(t, memory.Open(blobs), storetest.Small())
		var version uint64
		_ = env.View(ctx, func(tx *store.Tx) (err error) {
			version, err = tx.Version()
			return err
		})
		seen[version] = true
		expectVersion(t, env, version, count)
		if err := env.Migrate(ctx, 3, step); err != nil {
			t.Fatal(err)
		}
		if _, err := env.Table(ctx, "people", named, nil); err != nil {
			t.Fatal(err)
		}
		expectVersion(t, env, 3, count)
		storetest.Close(t, env)
		if !faulty.Failed() {
			break
		}
	}
	for version := range uint64(4) {
		if !seen[version] {
			t.Errorf("no crash left version %d", version)
		}
	}
}

// migrateOn migrates what a backend holds, until the first error.
func migrateOn(b store.Backend, step func(*store.Tx, uint64) error) error {
	env, err := store.Open(ctx, b, storetest.Small())
	if err != nil {
		return err
	}
	defer func() { _ = env.Close(ctx) }()
	if err := env.Migrate(ctx, 3, step); err != nil {
		return err
	}
	_, err = env.Table(ctx, "people", named, nil)
	return err
}

// A program raises its version, and turns what there is into what it now expects.
func ExampleEnv_Migrate() {
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	write := func(words ...string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			db, err := tx.DB("words")
			for _, word := range words {
				if err == nil {
					err = db.Put([]byte(word), nil)
				}
			}
			return err
		}
	}
	if err := env.Update(ctx, write("one")); err != nil {
		panic(err)
	}
	err = env.Migrate(ctx, 2, func(tx *store.Tx, to uint64) error {
		fmt.Println("to version", to)
		if to == 2 {
			return write("two")(tx)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// to version 1
	// to version 2
	// <nil>
}
