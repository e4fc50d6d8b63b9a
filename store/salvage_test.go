package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// blobsOf is everything a backend holds.
func blobsOf(t *testing.T, b store.Backend) map[string][]byte {
	t.Helper()
	names, err := b.List(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := b.Read(ctx, names)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for i, name := range names {
		all[name] = bytes.Clone(stored[i])
	}
	return all
}

// holding is a backend that holds blobs.
func holding(t *testing.T, blobs map[string][]byte) store.Backend {
	t.Helper()
	b := memory.New()
	var batch store.Batch
	for name, stored := range blobs {
		batch.Put = append(batch.Put, store.Blob{Name: name, Bytes: stored})
	}
	if err := b.Commit(ctx, &batch); err != nil {
		t.Fatal(err)
	}
	return b
}

// harms are what may become of a blob: nil where it goes.
var harms = map[string]func(r *rand.Rand, stored []byte) []byte{
	"missing": func(*rand.Rand, []byte) []byte { return nil },
	"cut":     func(r *rand.Rand, stored []byte) []byte { return stored[:r.IntN(len(stored))] },
	"flipped": func(r *rand.Rand, stored []byte) []byte {
		stored = bytes.Clone(stored)
		stored[r.IntN(len(stored))] ^= 1 << r.IntN(8)
		return stored
	},
}

func harmed(blobs map[string][]byte, name string, harm func([]byte) []byte) map[string][]byte {
	all := maps.Clone(blobs)
	if all[name] = harm(blobs[name]); all[name] == nil {
		delete(all, name)
	}
	return all
}

// salvage salvages blobs and imports what comes out. It checks that the blobs
// stay as they are.
func salvage(t *testing.T, blobs map[string][]byte, options store.Options) (*store.Salvaged, *store.Env) {
	t.Helper()
	b := holding(t, blobs)
	var out bytes.Buffer
	report, err := store.Salvage(ctx, b, options, &out)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(blobsOf(t, b), blobs, bytes.Equal) {
		t.Error("what is stored was changed")
	}
	env := storetest.Open(t, memory.New(), options)
	if err := imports(env, out.Bytes(), store.ImportOptions{}); err != nil {
		t.Fatalf("import: %v", err)
	}
	return report, env
}

// covers reports whether a report says that a key cannot be vouched for.
func covers(r *store.Salvaged, db, key string) bool {
	return r.RootLost || r.CatalogueLost || len(r.Commits) > 0 || slices.ContainsFunc(r.Losses, func(l store.Loss) bool {
		return !l.Table && l.Database == db && l.Keys.Contains([]byte(key))
	})
}

// history is every value that a key ever had.
type history map[[3]string]bool

func (h history) note(now map[string]map[string]string) {
	for db, pairs := range now {
		for key, value := range pairs {
			h[[3]string{db, key, value}] = true
		}
	}
}

// TestSalvage harms every blob of an environment with deep trees, runs, large values and a log,
// in every way. What the report does not name comes out as it was; nothing comes out that was never there.
func TestSalvage(t *testing.T) {
	seed := storetest.Seed(t)
	random := rand.New(rand.NewPCG(seed, 7))
	options := packed(storetest.Small())
	b := memory.New()
	env, m := storetest.Open(t, b, options), storetest.NewModel(t, seed)
	was := history{}
	m.Dropped = func(name string, held map[string]string) { was.note(map[string]map[string]string{name: held}) }
	for i := range 40 {
		m.Step(env)
		was.note(m.Now())
		if i == 25 {
			if err := env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	before, want := m.Now(), maps.Clone(m.Now())
	put(t, env, "a", "last", "one") // in the log
	want["a"] = maps.Clone(want["a"])
	if want["a"] == nil {
		want["a"] = map[string]string{}
	}
	want["a"]["last"] = "one"
	was.note(want)
	if err := env.Close(ctx); err != nil {
		t.Fatal(err)
	}
	blobs := blobsOf(t, memory.Open(b.Blobs()))
	report, whole := salvage(t, blobs, options)
	if expectContents(t, whole, want); !report.Whole() {
		t.Errorf("undamaged, but %+v", report)
	}
	names := slices.Sorted(maps.Keys(blobs))
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = append(names[:min(len(names), 60/storetest.Stride())], store.RootName)
	for _, name := range slices.Sorted(maps.Keys(blobs)) {
		if strings.HasPrefix(name, "l/") {
			names = append(names, name)
		}
	}
	kept := 0
	for _, name := range names {
		for how, harm := range harms {
			left := harmed(blobs, name, func(stored []byte) []byte { return harm(random, stored) })
			report, out := salvage(t, left, options)
			got := contents(t, out)
			want := want
			if last := names[len(names)-1]; name == last && how == "missing" { // no trace is left of it
				want = before
			}
			for db, pairs := range want {
				for key, value := range pairs {
					if held, there := got[db][key]; there && held == value {
						kept++
					} else if !covers(report, db, key) {
						t.Fatalf("%s %s: %s[%q] is lost or another, and nobody says so: %+v", name, how, db, key, report)
					}
				}
			}
			for db, pairs := range got {
				for key, value := range pairs {
					if _, there := want[db][key]; !there && !covers(report, db, key) || !was[[3]string{db, key, value}] && !strings.HasPrefix(db, "salvaged ") {
						t.Fatalf("%s %s: %s[%q] came out of nowhere: %+v", name, how, db, key, report)
					}
				}
			}
		}
	}
	t.Logf("%d entries came out, of %d kinds of damage", kept, len(names)*len(harms))
}

// TestSalvageWithoutBranches loses the root, and each branch: the leaves are found by themselves,
// and where the backend holds nothing else, everything comes out.
func TestSalvageWithoutBranches(t *testing.T) {
	options := storetest.Small()
	b := memory.New()
	env, m := worked(t, b, options)
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	to := memory.New()
	if err := env.Copy(ctx, to, store.CopyOptions{Compact: true}); err != nil {
		t.Fatal(err)
	}
	blobs := blobsOf(t, to)
	branches := 0
	for i, name := range slices.Sorted(maps.Keys(blobs)) {
		if name != store.RootName && i%storetest.Stride() != 0 {
			continue
		}
		left := harmed(blobs, name, func([]byte) []byte { return nil })
		report, out := salvage(t, left, options)
		if report.Whole() {
			t.Errorf("%s: nothing is said to be lost", name)
		}
		if got := contents(t, out); maps.EqualFunc(got, m.Now(), maps.Equal) {
			branches++
		} else if name == store.RootName {
			t.Errorf("without a root, %d databases come out, and not as they were", len(got))
		}
	}
	if branches == 0 || !testing.Short() && branches < 3 {
		t.Errorf("%d branches, and the root", branches)
	}
}

// TestSalvageNames loses the catalogue's leaf: what has no name any more comes out under another one.
func TestSalvageNames(t *testing.T) {
	b := memory.New()
	options := store.Options{PageBytes: 256}
	env := storetest.Open(t, b, options)
	for i := range 60 {
		put(t, env, "settings", strings.Repeat("k", 10+i), strings.Repeat("v", 20))
	}
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	blobs := blobsOf(t, b)
	renamed := 0
	for name := range blobs {
		report, out := salvage(t, harmed(blobs, name, func([]byte) []byte { return nil }), options)
		got := contents(t, out)
		if _, named := got["settings"]; named || len(got) == 0 {
			continue
		}
		renamed++
		if !report.CatalogueLost || len(got["salvaged 1"]) < 40 {
			t.Errorf("without %s: %d databases, %d entries, %+v", name, len(got), len(got["salvaged 1"]), report)
		}
	}
	if renamed != 1 {
		t.Errorf("%d blobs hold the catalogue", renamed)
	}
}

// TestSalvageTables loses each page of a table once. Who opens it has its indexes built, and finds with them what there is;
// what it counts goes on above that.
func TestSalvageTables(t *testing.T) {
	b := memory.New()
	options := storetest.Small()
	env := storetest.Open(t, b, options)
	table, err := env.Table(ctx, "cities", counted, nil)
	if err != nil {
		t.Fatal(err)
	}
	source := &bed{t, env, table}
	for i := range 300 {
		source.mustInsert(fields{"country": fmt.Sprint("c", i%7)})
	}
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	c1, err := query.Select(query.Eq(country, "c1"))
	if err != nil {
		t.Fatal(err)
	}
	blobs := blobsOf(t, b)
	told := 0
	for name := range blobs {
		report, out := salvage(t, harmed(blobs, name, func([]byte) []byte { return nil }), options)
		table, err := out.Table(ctx, "cities", counted, nil)
		if err != nil {
			t.Fatal(err)
		}
		left := &bed{t, out, table}
		there, found := left.count(mustAll(t)), left.count(c1)
		if left.explain(c1).Index == "" || found > 43 || there == 300 && found != 43 {
			t.Errorf("without %s: the index finds %d of %d documents", name, found, there)
		}
		if there < 300 && report.Whole() {
			t.Errorf("without %s: %d documents, and nothing is said to be lost", name, there)
		}
		for _, l := range report.Losses {
			if (!l.Table || l.Database != "cities") && !report.CatalogueLost {
				t.Errorf("without %s: %+v", name, l)
			}
			told++
		}
		left.mustInsert(fields{"country": "c1"})
	}
	if told == 0 {
		t.Error("no page held documents")
	}
}

// mustAll selects everything.
func mustAll(t *testing.T) *query.Query {
	t.Helper()
	q, err := query.Select(nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestSalvageRefuses: what cannot be salvaged, or only with other options.
func TestSalvageRefuses(t *testing.T) {
	if _, err := store.Salvage(ctx, memory.New(), store.Options{}, &bytes.Buffer{}); !errors.Is(err, store.NotFound) {
		t.Errorf("an empty backend: %v", err)
	}
	b, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env, _ := worked(t, b, packed(store.Options{}))
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	blobs := blobsOf(t, b)
	if _, err := store.Salvage(ctx, holding(t, blobs), store.Options{}, &bytes.Buffer{}); !errors.Is(err, store.MissingModifier) {
		t.Errorf("without the chain: %v", err)
	}
	delete(blobs, store.RootName)
	if _, err := store.Salvage(ctx, holding(t, blobs), store.Options{}, &bytes.Buffer{}); !errors.Is(err, store.MissingModifier) {
		t.Errorf("without chain and root: %v", err)
	}
	broken := errors.New("full")
	if _, err := store.Salvage(ctx, holding(t, blobs), packed(store.Options{}), refusing{broken}); !errors.Is(err, store.BackendFailed) || !errors.Is(err, broken) {
		t.Errorf("a stream that fails: %v", err)
	}
	for name, stored := range blobs {
		stored = bytes.Clone(stored)
		stored[1] = 9 // the envelope's version
		blobs[name] = stored
	}
	if _, err := store.Salvage(ctx, holding(t, blobs), packed(store.Options{}), &bytes.Buffer{}); !errors.Is(err, store.NewerFormat) {
		t.Errorf("a later version: %v", err)
	}
}

type refusing struct{ err error }

func (w refusing) Write([]byte) (int, error) { return 0, w.err }
