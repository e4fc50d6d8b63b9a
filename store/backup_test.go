package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// worked returns an environment after a few thousand random writes, with trees,
// runs and commits that are in none yet, and the model of it.
func worked(t *testing.T, b store.Backend, options store.Options) (*store.Env, *storetest.Model) {
	env, m := storetest.Open(t, b, options), storetest.NewModel(t, storetest.Seed(t))
	for i := range 60 {
		m.Step(env)
		if i == 30 {
			if err := env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	return env, m
}

func export(t *testing.T, env *store.Env) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := env.Export(ctx, &out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func imports(env *store.Env, stream []byte, options store.ImportOptions) error {
	return env.Import(ctx, bytes.NewReader(stream), options)
}

func packed(o store.Options) store.Options {
	o.Modifiers = []store.Modifier{compress.S2{}}
	return o
}

// put fills one database with pairs, given as key, value, key, value …
func put(t *testing.T, env *store.Env, name string, pairs ...string) {
	t.Helper()
	err := env.Update(ctx, func(tx *store.Tx) error {
		db, err := tx.DB(name)
		for i := 0; i < len(pairs) && err == nil; i += 2 {
			err = db.Put([]byte(pairs[i]), []byte(pairs[i+1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contents are all user's databases.
func contents(t *testing.T, env *store.Env) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	err := env.View(ctx, func(tx *store.Tx) error {
		names, err := tx.DBs()
		if err != nil {
			return err
		}
		for _, name := range names {
			all[name] = map[string]string{}
			db, err := tx.DB(name)
			if err != nil {
				return err
			}
			c := db.Cursor(store.KeyRange{})
			defer c.Close()
			for ok := c.First(); ok; ok = c.Next() {
				value, err := c.Value()
				if err != nil {
					return err
				}
				all[name][string(c.Key())] = string(value)
			}
			if err := c.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func expectContents(t *testing.T, env *store.Env, want map[string]map[string]string) {
	t.Helper()
	if got := contents(t, env); !maps.EqualFunc(got, want, maps.Equal) {
		t.Errorf("the environment holds %d databases %v, want %d", len(got), slices.Sorted(maps.Keys(got)), len(want))
	}
}

// TestExportGoesIntoAnyBackend moves an environment between backends, page sizes
// and chains of modifiers.
func TestExportGoesIntoAnyBackend(t *testing.T) {
	directory := func() store.Backend {
		b, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	env, m := worked(t, directory(), packed(storetest.Small()))
	first := export(t, env)
	large := storetest.Open(t, memory.New(), packed(store.Options{}))
	if err := imports(large, first, store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	m.Compare(large)
	second := export(t, large)
	small := storetest.Open(t, directory(), packed(storetest.Small()))
	if err := imports(small, second, store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	m.Compare(small)
	for range 10 { // and it is one to go on with
		m.Step(small)
	}
	m.Compare(small)

	plain, m := worked(t, memory.New(), storetest.Small())
	into := storetest.Open(t, memory.New(), packed(storetest.Small()))
	if err := imports(into, export(t, plain), store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	m.Compare(into)
	err := imports(storetest.Open(t, memory.New(), storetest.Small()), first, store.ImportOptions{})
	if store.CodeOf(err) != store.MissingModifier {
		t.Errorf("importing without the stage it needs: %v", err)
	}
}

func TestExportOfNothing(t *testing.T) {
	stream := export(t, storetest.Open(t, memory.New(), store.Options{}))
	b := memory.New()
	env := storetest.Open(t, b, store.Options{})
	if err := imports(env, stream, store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if names := b.Blobs().Names(); len(names) != 0 {
		t.Errorf("it wrote %q", names)
	}
}

// TestImportedTables: identities, indexes and counters come along, and a table
// that is open goes on with what was imported.
func TestImportedTables(t *testing.T) {
	b := newBed(t, counted)
	for i := range 300 {
		if _, err := b.insert(fields{"country": fmt.Sprint("c", i%7)}); err != nil {
			t.Fatal(err)
		}
	}
	env := storetest.Open(t, memory.New(), storetest.Small())
	schema := counted
	schema.Indexes = append(slices.Clone(schema.Indexes), store.IndexSpec{Name: "later", Paths: []query.Path{population}})
	table, err := env.Table(ctx, "cities", schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := imports(env, export(t, b.env), store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	other := &bed{t, env, table}
	ids, err := other.insert(fields{"country": "c1"})
	if err != nil || fmt.Sprint(ids) != "[301]" {
		t.Fatalf("the next identity is %v, %v", ids, err)
	}
	if other.table, err = env.Table(ctx, "cities", schema, nil); err != nil {
		t.Fatal(err)
	}
	c1, err := query.Select(query.Eq(country, "c1"))
	if err != nil {
		t.Fatal(err)
	}
	if n := other.count(c1); n != 44 || other.explain(c1).Index == "" {
		t.Errorf("an index finds %d documents, want 44", n)
	}
	if n := len(other.table.Schema().Indexes); n != 2 {
		t.Errorf("the table has %d indexes, want the imported one and the new one", n)
	}
}

var counted = store.Schema{Key: cities().Key, Increment: true, Indexes: cities().Indexes[:1]}

// TestImportIsAllOrNothing damages an export in every way and place.
func TestImportIsAllOrNothing(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	put(t, env, "a", "key", "value", "large", strings.Repeat("x", 100_000), "zero", "")
	put(t, env, "b", "1", "one")
	stream := export(t, env)
	put(t, env, "b", "1", "two")
	similar := export(t, env)

	target := memory.New()
	into := storetest.Open(t, target, storetest.Small())
	put(t, into, "empty")
	refused := func(what string, damaged []byte) {
		t.Helper()
		switch err := imports(into, damaged, store.ImportOptions{}); store.CodeOf(err) {
		case store.Corrupt, store.NewerFormat, store.MissingModifier:
		default:
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := 0; i < len(stream); i++ {
		if i == 300 {
			i = len(stream) - 300 // in between lies the one large value
		}
		refused(fmt.Sprint("cut to ", i), stream[:i])
		for _, flip := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(stream)
			damaged[i] ^= flip
			refused(fmt.Sprintf("byte %d changed by %x", i, flip), damaged)
		}
	}
	refused("followed by more", append(bytes.Clone(stream), 0))
	parts, others := store.Parts(stream), store.Parts(similar)
	for i := 1; i < len(parts); i++ {
		refused(fmt.Sprint("without part ", i), slices.Concat(slices.Concat(parts[:i]...), slices.Concat(parts[i+1:]...)))
		mixed := slices.Clone(parts)
		mixed[i] = others[i]
		if !bytes.Equal(parts[i], others[i]) {
			refused(fmt.Sprint("with part of another export ", i), slices.Concat(mixed...))
		}
		refused(fmt.Sprint("part twice ", i), slices.Concat(slices.Concat(parts[:i+1]...), slices.Concat(parts[i:]...)))
	}
	newer := bytes.Clone(stream)
	newer[7]++
	if err := imports(into, newer, store.ImportOptions{}); store.CodeOf(err) != store.NewerFormat {
		t.Errorf("a later version: %v", err)
	}
	expectContents(t, into, map[string]map[string]string{"empty": {}})
	if err := imports(into, stream, store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, into); got["b"]["1"] != "one" || len(got["a"]["large"]) != 100_000 || len(got) != 3 {
		t.Errorf("after all that: %v", slices.Sorted(maps.Keys(got)))
	}
}

func TestImportIntoWhatHoldsSomething(t *testing.T) {
	env, m := worked(t, memory.New(), storetest.Small())
	stream := export(t, env)
	into := storetest.Open(t, memory.New(), storetest.Small())
	put(t, into, "a", "mine", "too")
	put(t, into, "other", "key", "value")
	before := contents(t, into)
	if err := imports(into, stream, store.ImportOptions{}); store.CodeOf(err) != store.NotEmpty {
		t.Fatalf("importing beside something: %v", err)
	}
	expectContents(t, into, before)
	if err := imports(into, stream[:len(stream)-1], store.ImportOptions{Replace: true}); store.CodeOf(err) != store.Corrupt {
		t.Fatalf("replacing by an export that was cut: %v", err)
	}
	expectContents(t, into, before)
	reading, err := into.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := imports(into, stream, store.ImportOptions{Replace: true}); err != nil {
		t.Fatal(err)
	}
	db, err := reading.DB("other")
	if err != nil {
		t.Fatal(err)
	}
	if value, _, err := db.Get([]byte("key")); err != nil || string(value) != "value" {
		t.Errorf("a reader from before the import sees %q, %v", value, err)
	}
	reading.Rollback()
	want := map[string]map[string]string{"a": {}, "other": {}} // those stay that the stream does not have, and are empty
	maps.Copy(want, m.Now())
	expectContents(t, into, want)
	if err := into.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	expectContents(t, into, want)
}

// TestImportMeetsOthers: a commit while the stream is read does not wait, and
// what both cannot have ends the import.
func TestImportMeetsOthers(t *testing.T) {
	env, _ := worked(t, memory.New(), storetest.Small())
	stream := export(t, env)
	into := storetest.Open(t, memory.New(), storetest.Small())
	in := &interrupted{stream: bytes.NewReader(stream), at: len(stream) / 2}
	in.act = func() { put(t, into, "a", "key", "from somebody else") }
	if err := into.Import(ctx, in, store.ImportOptions{}); store.CodeOf(err) != store.Conflict {
		t.Errorf("import: %v, want a conflict", err)
	}
	expectContents(t, into, map[string]map[string]string{"a": {"key": "from somebody else"}})
}

// interrupted is a stream during which something happens.
type interrupted struct {
	stream *bytes.Reader
	at     int // with so many bytes left
	act    func()
}

func (r *interrupted) Read(b []byte) (int, error) {
	if r.act != nil && r.stream.Len() <= r.at {
		r.act()
		r.act = nil
	}
	return r.stream.Read(b)
}

// TestExportWaitsAlone: what an export waits for keeps nobody else from
// committing, and what they commit is not in it.
func TestExportWaitsAlone(t *testing.T) {
	env, m := worked(t, memory.New(), storetest.Small())
	want := m.Now()
	in, out := io.Pipe()
	exported := make(chan error, 1)
	go func() {
		err := env.Export(ctx, out, nil)
		out.CloseWithError(err)
		exported <- err
	}()
	var head [8]byte // whoever reads some of it knows that the export has begun
	if _, err := io.ReadFull(in, head[:]); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		m.Step(env)
	}
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	into := storetest.Open(t, memory.New(), storetest.Small())
	if err := into.Import(ctx, io.MultiReader(bytes.NewReader(head[:]), in), store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-exported; err != nil {
		t.Fatal(err)
	}
	expectContents(t, into, want)
	m.Compare(env)
}

// TestTransferFails: a stream that fails, or is given up, ends with a typed error.
func TestTransferFails(t *testing.T) {
	env, _ := worked(t, memory.New(), storetest.Small())
	stream := export(t, env)
	broken := errors.New("broken")
	err := env.Export(ctx, &limited{room: len(stream) / 2, err: broken}, nil)
	if store.CodeOf(err) != store.BackendFailed || !errors.Is(err, broken) {
		t.Errorf("exporting to what fails: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	if err := env.Export(cancelled, writerFunc(cancel), nil); store.CodeOf(err) != store.Aborted {
		t.Errorf("an export given up: %v", err)
	}
	target := memory.New()
	into := storetest.Open(t, target, storetest.Small())
	half := io.MultiReader(bytes.NewReader(stream[:len(stream)/2]), iotest.ErrReader(broken))
	if err := into.Import(ctx, half, store.ImportOptions{}); store.CodeOf(err) != store.BackendFailed || !errors.Is(err, broken) {
		t.Errorf("importing from what fails: %v", err)
	}
	again, cancel := context.WithCancel(ctx)
	defer cancel()
	in := &interrupted{stream: bytes.NewReader(stream), at: len(stream) / 2, act: cancel}
	if err := into.Import(again, in, store.ImportOptions{}); store.CodeOf(err) != store.Aborted {
		t.Errorf("an import given up: %v", err)
	}
	expectContents(t, into, map[string]map[string]string{})
	if err := into.Import(ctx, iotest.OneByteReader(bytes.NewReader(stream)), store.ImportOptions{}); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
}

// writerFunc is called for every write.
type writerFunc func()

func (f writerFunc) Write(b []byte) (int, error) {
	f()
	return len(b), nil
}

// limited is a destination that fails when it is full.
type limited struct {
	room int
	err  error
}

func (l *limited) Write(b []byte) (int, error) {
	if l.room -= len(b); l.room < 0 {
		return 0, l.err
	}
	return len(b), nil
}

// TestGoldenExportIsRead imports the golden export of this format version.
func TestGoldenExportIsRead(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "format-1", "export.stowage"))
	if err != nil {
		t.Fatal(err)
	}
	into := storetest.Open(t, memory.New(), store.Options{})
	if err := imports(into, golden, store.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	expectContents(t, into, map[string]map[string]string{
		"colours": {"apple": "red", "lime": "green", "none": ""},
		"large":   {"key": strings.Repeat("0123456789abcdef", 70<<10/16)},
	})
}

// TestCopyWhileOthersCommit copies an environment both ways while it is written
// to and folded.
func TestCopyWhileOthersCommit(t *testing.T) {
	for _, compact := range []bool{false, true} {
		t.Run(fmt.Sprint("compact ", compact), func(t *testing.T) {
			env, m := worked(t, memory.New(), packed(storetest.Small()))
			want := m.Now()
			to := memory.New()
			target := &gate{Backend: to, reached: make(chan struct{}), open: make(chan struct{})}
			var copying sync.WaitGroup
			copying.Go(func() {
				if err := env.Copy(ctx, target, store.CopyOptions{Compact: compact}); err != nil {
					t.Error(err)
				}
			})
			<-target.reached
			for i := range 40 {
				m.Step(env)
				if i%10 == 0 {
					if err := env.Checkpoint(ctx); err != nil {
						t.Fatal(err)
					}
				}
			}
			close(target.open)
			copying.Wait()
			m.Compare(env)
			opened := storetest.Open(t, memory.Open(to.Blobs()), packed(storetest.Small()))
			expectContents(t, opened, want)
			report, err := opened.Check(ctx)
			if err != nil || !report.Clean() || report.Orphans != 0 || compact && report.Trees > 1 {
				t.Errorf("the copy: %+v, %v", report, err)
			}
			m.Holds(want)
			for range 10 {
				m.Step(opened)
			}
			m.Compare(opened)
		})
	}
}

// gate is a backend whose first commit waits.
type gate struct {
	store.Backend
	once          sync.Once
	reached, open chan struct{}
}

func (g *gate) Commit(ctx context.Context, batch *store.Batch) error {
	g.once.Do(func() {
		close(g.reached)
		<-g.open
	})
	return g.Backend.Commit(ctx, batch)
}

func TestCompactCopyIsSmaller(t *testing.T) {
	b := memory.New()
	env := storetest.Open(t, b, storetest.Small())
	for round := range 8 {
		var pairs []string
		for i := range 400 {
			pairs = append(pairs, fmt.Sprintf("key %d", (i*7919+round)%1000), strings.Repeat("v", 50))
		}
		put(t, env, "db", pairs...)
	}
	size := func(compact bool) int64 {
		to := memory.New()
		if err := env.Copy(ctx, to, store.CopyOptions{Compact: compact}); err != nil {
			t.Fatal(err)
		}
		info, err := to.Info(ctx, true)
		if err != nil {
			t.Fatal(err)
		}
		expectContents(t, storetest.Open(t, memory.Open(to.Blobs()), storetest.Small()), contents(t, env))
		return info.Bytes
	}
	if whole, compact := size(false), size(true); compact >= whole {
		t.Errorf("copied %d bytes, compacted %d", whole, compact)
	}
}

// TestCopyFails fails every call of the target in turn: either the error is typed and
// the target empty again, or the copy is whole; the environment is none the worse.
func TestCopyFails(t *testing.T) {
	env, m := worked(t, memory.New(), storetest.Small())
	for _, compact := range []bool{false, true} {
		for at := 0; ; at += storetest.Stride() {
			to := memory.New()
			faulty := storetest.NewFaulty(to)
			faulty.FailAt(at, storetest.Before)
			err := env.Copy(ctx, faulty, store.CopyOptions{Compact: compact})
			if !faulty.Failed() {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			if err == nil { // what failed was a checkpoint, without which the copy is whole
				expectContents(t, storetest.Open(t, memory.Open(to.Blobs()), storetest.Small()), m.Now())
				continue
			}
			if store.CodeOf(err) != store.BackendFailed {
				t.Fatalf("call %d failed, compact %v: %v", at, compact, err)
			}
			if names := to.Blobs().Names(); len(names) != 0 {
				t.Errorf("call %d failed, compact %v: %d blobs are left", at, compact, len(names))
			}
		}
	}
	taken := memory.New()
	taken.Blobs().Set("p/1/1", []byte("x"))
	if err := env.Copy(ctx, taken, store.CopyOptions{}); store.CodeOf(err) != store.NotEmpty {
		t.Errorf("over something else: %v", err)
	}
	m.Compare(env)
}

// TestCopyFindsDamage: damage is not carried over as if it were data.
func TestCopyFindsDamage(t *testing.T) {
	b := memory.New()
	env, _ := worked(t, b, storetest.Small())
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	for i, name := range b.Blobs().Names() {
		if !strings.HasPrefix(name, "p/") {
			continue
		}
		whole := b.Blobs().Get(name)
		damaged := bytes.Clone(whole)
		damaged[len(damaged)-1] ^= 1
		if i%2 == 0 {
			damaged = nil
		}
		b.Blobs().Set(name, damaged)
		if err := env.Copy(ctx, memory.New(), store.CopyOptions{}); store.CodeOf(err) != store.Corrupt {
			t.Errorf("with %s damaged: %v", name, err)
		}
		b.Blobs().Set(name, whole)
	}
}

func ExampleEnv_Export() {
	ctx := context.Background()
	env, _ := store.Open(ctx, memory.New(), store.Options{})
	defer env.Close(ctx)
	_ = env.Update(ctx, func(tx *store.Tx) error {
		db, err := tx.DB("colours")
		if err != nil {
			return err
		}
		return db.Put([]byte("apple"), []byte("red"))
	})

	var backup bytes.Buffer
	if err := env.Export(ctx, &backup, nil); err != nil {
		fmt.Println(err)
	}
	other, _ := store.Open(ctx, memory.New(), store.Options{})
	defer other.Close(ctx)
	if err := other.Import(ctx, &backup, store.ImportOptions{}); err != nil {
		fmt.Println(err)
	}
	_ = other.View(ctx, func(tx *store.Tx) error {
		db, err := tx.DB("colours")
		if err != nil {
			return err
		}
		value, _, err := db.Get([]byte("apple"))
		fmt.Printf("%s\n", value)
		return err
	})
	// Output: red
}

// FuzzImport: whatever is behind the checksums, an import is refused with a code
// or gives an environment in order, which exports to the same again.
func FuzzImport(f *testing.F) {
	env, err := store.Open(ctx, memory.New(), store.Options{Random: func() uint64 { return 1 }})
	if err != nil {
		f.Fatal(err)
	}
	defer env.Close(ctx)
	f.Add([]byte{}, []byte{})
	for _, value := range []string{"", "value"} {
		if err := env.Update(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("a")
			if err != nil {
				return err
			}
			return db.Put([]byte("key"), []byte(value))
		}); err != nil {
			f.Fatal(err)
		}
		var out bytes.Buffer
		if err := env.Export(ctx, &out, nil); err != nil {
			f.Fatal(err)
		}
		plain := store.Plain(out.Bytes())
		f.Add(plain[0], plain[1])
	}
	f.Fuzz(func(t *testing.T, first, last []byte) {
		into := storetest.Open(t, memory.New(), store.Options{})
		err := imports(into, store.Seal(first, last), store.ImportOptions{})
		if code := store.CodeOf(err); code == store.Internal {
			t.Fatalf("an error without a code: %v", err)
		} else if err != nil {
			return
		}
		stream := export(t, into)
		again := storetest.Open(t, memory.New(), store.Options{})
		if err := imports(again, stream, store.ImportOptions{}); err != nil {
			t.Fatalf("what was imported cannot be exported and imported again: %v", err)
		}
		expectContents(t, again, contents(t, into))
	})
}
