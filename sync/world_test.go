package sync

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/sync/origin"
)

// world is a SQLite file that tests write, the origin that serves it, and what was asked
// of that.
type world struct {
	testing.TB
	file, sidecar string
	tables        []origin.Table
	change        func(*origin.Config)
	db            *sql.DB
	server        *httptest.Server

	busy stdsync.RWMutex // held by requests; who takes it all ends the origin

	mu      stdsync.Mutex
	origin  *origin.Origin
	handler http.Handler
	asked   []string
	through func(http.ResponseWriter, *http.Request, http.Handler) // nil passes all
}

// newWorld serves the named tables, which the statements make.
func newWorld(t testing.TB, change func(*origin.Config), tables []string, statements ...string) *world {
	w := &world{TB: t, change: change, file: filepath.Join(t.TempDir(), "atlas.sqlite"), sidecar: filepath.Join(t.TempDir(), "sidecar")}
	db, err := sql.Open("sqlite", "file:"+w.file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	t.Cleanup(func() { _ = db.Close() })
	for _, statement := range statements {
		w.exec(statement)
	}
	for _, name := range tables {
		w.tables = append(w.tables, origin.Table{Name: name})
	}
	w.open()
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(func() {
		w.origin.Drain()
		w.server.CloseClientConnections()
		w.server.Close()
		w.shut()
	})
	return w
}

// newCities serves cities, numbered from 1.
func newCities(t testing.TB, count int) *world { return newCitiesWith(t, count, nil) }

func newCitiesWith(t testing.TB, count int, change func(*origin.Config)) *world {
	w := newWorld(t, change, []string{"cities"}, "CREATE TABLE cities (id integer PRIMARY KEY, name text NOT NULL, country text, population real)")
	w.addCities(1, count)
	w.poll()
	return w
}

func (w *world) addCities(from, to int) {
	w.Helper()
	var values []string
	for id := from; id <= to; id++ {
		values = append(values, fmt.Sprintf("(%d, 'City %d – ø', %s, %g)", id, id, []string{"NULL", "'NO'", "'SE'"}[id%3], float64(id)*1.5))
	}
	w.exec("INSERT INTO cities VALUES " + strings.Join(values, ", "))
}

func (w *world) exec(statement string, args ...any) {
	w.Helper()
	if _, err := w.db.Exec(statement, args...); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
}

// open starts the origin, with what its sidecar holds.
func (w *world) open() {
	w.Helper()
	source, err := origin.OpenSQLite(w.file)
	if err != nil {
		w.Fatal(err)
	}
	config := origin.Config{Sidecar: w.sidecar, Tables: w.tables, Statement: true, ChunkBytes: 4096, LongPoll: 5 * time.Second}
	if w.change != nil {
		w.change(&config)
	}
	o, err := origin.Open(context.Background(), source, config)
	if err != nil {
		w.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.origin, w.handler = o, o.Handler()
}

// shut ends the origin; requests under way must have ended.
func (w *world) shut() {
	w.Helper()
	if err := w.origin.Close(); err != nil {
		w.Error(err)
	}
}

// poll has the origin look at its source.
func (w *world) poll() {
	w.Helper()
	if err := w.origin.Poll(context.Background()); err != nil {
		w.Fatal(err)
	}
}

func (w *world) serve(out http.ResponseWriter, in *http.Request) {
	w.busy.RLock()
	defer w.busy.RUnlock()
	w.mu.Lock()
	handler, through := w.handler, w.through
	w.asked = append(w.asked, in.Method+" "+in.URL.RequestURI())
	w.mu.Unlock()
	if through != nil {
		through(out, in, handler)
		return
	}
	handler.ServeHTTP(out, in)
}

// passing has all requests pass through f, or none where it is nil.
func (w *world) passing(f func(http.ResponseWriter, *http.Request, http.Handler)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.through = f
}

// took returns what was asked since the last time.
func (w *world) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

func (w *world) shapes() string { return w.server.URL + "/v1/shape" }

// cities reads the rows of the origin.
func (w *world) cities() map[int64]string {
	w.Helper()
	rows, err := w.db.Query("SELECT id, name, country, population FROM cities")
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	found := map[int64]string{}
	for rows.Next() {
		var id int64
		var name string
		var country sql.NullString
		var population float64
		if err := rows.Scan(&id, &name, &country, &population); err != nil {
			w.Fatal(err)
		}
		there := any(country.String)
		if !country.Valid {
			there = nil
		}
		found[id] = row(map[string]any{"id": id, "name": name, "country": there, "population": population})
	}
	return found
}

func row(columns map[string]any) string { return fmt.Sprint(columns) } // by name

// newEnv opens an environment in memory.
func newEnv(t testing.TB) *store.Env {
	t.Helper()
	env, err := store.Open(t.Context(), memory.New(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Close(context.Background()) })
	return env
}

// shown reads the rows of a table; none where there is no table.
func shown(t testing.TB, env *store.Env, name string) map[int64]string {
	t.Helper()
	found := map[int64]string{}
	err := env.View(t.Context(), func(tx *store.Tx) error {
		table, err := openTable(tx, name)
		if err != nil || table == nil {
			return err
		}
		return table.Find(tx, all(), func(doc []byte) error {
			columns, err := readDocument(doc)
			if err == nil {
				found[columns["id"].(int64)] = row(columns)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (w *world) equals(env *store.Env) {
	w.Helper()
	want, got := w.cities(), shown(w, env, "cities")
	if maps.Equal(want, got) {
		return
	}
	for id := range want {
		if got[id] != want[id] {
			w.Fatalf("%d rows, want %d; row %d is %q, want %q", len(got), len(want), id, got[id], want[id])
		}
	}
	w.Fatalf("%d rows, want %d", len(got), len(want))
}

// quick waits next to nothing between tries.
var quick = Retry{Base: time.Millisecond, Most: 4 * time.Millisecond, Rest: 5 * time.Millisecond}

// pull pulls the cities until the test ends.
func (w *world) pull(env *store.Env, change func(*PullOptions)) *Puller {
	w.Helper()
	options := PullOptions{Origin: w.shapes(), Shapes: map[string]ShapeSpec{"cities": {Table: "cities"}}, Retry: quick, Once: true}
	if change != nil {
		change(&options)
	}
	p, err := Pull(w.Context(), env, options)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(p.Close)
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t testing.TB, want store.Code, err error) {
	t.Helper()
	if got := store.CodeOf(err); got != want {
		t.Fatalf("%q (%v), want %q", got, err, want)
	}
}

// get returns the document of a table, nil where there is none.
func get(t testing.TB, env *store.Env, name string, id any) map[string]any {
	t.Helper()
	var columns map[string]any
	err := env.View(t.Context(), func(tx *store.Tx) error {
		table, err := openTable(tx, name)
		if err != nil || table == nil {
			return err
		}
		key, err := store.AppendIdentity(nil, query.AppendValue(nil, id))
		if err != nil {
			return err
		}
		doc, found, err := table.Get(tx, key)
		if err == nil && found {
			columns, err = readDocument(doc)
		}
		return err
	})
	must(t, err)
	return columns
}
