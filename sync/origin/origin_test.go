package origin

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store/storetest"
)

// atlas is a database that tests write, and an origin that serves it.
type atlas struct {
	*testing.T
	database
	*Origin
	server  *httptest.Server
	sidecar string
	stop    func() // once
}

// database is a source of tests, and the way to write it.
type database interface {
	open(t *testing.T) Source
	exec(t *testing.T, sql string, args ...any)
}

type sqliteDatabase struct {
	file string
	db   *sql.DB
}

func newSQLite(t *testing.T) *sqliteDatabase {
	file := filepath.Join(t.TempDir(), "atlas.sqlite")
	db := openOwn(file, "busy_timeout = 5000", "journal_mode = WAL")
	t.Cleanup(func() { _ = db.Close() })
	return &sqliteDatabase{file, db}
}

func (d *sqliteDatabase) open(t *testing.T) Source {
	t.Helper()
	source, err := OpenSQLite(d.file)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func (d *sqliteDatabase) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := d.db.Exec(sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// newAtlas serves a table cities (id, name, country, population) with rows
// beside a table secrets, which is not served.
func newAtlas(t *testing.T, d database, rows int, change func(*Config)) *atlas {
	d.exec(t, "CREATE TABLE cities (id integer PRIMARY KEY, name text NOT NULL, country text, population integer, pin text)")
	d.exec(t, "CREATE TABLE secrets (id integer PRIMARY KEY, word text)")
	d.exec(t, "INSERT INTO secrets VALUES (1, 'opensesame')")
	for from := 1; from <= rows; from += 500 {
		var values []string
		for id := from; id <= min(from+499, rows); id++ {
			values = append(values, city(id))
		}
		d.exec(t, "INSERT INTO cities VALUES "+strings.Join(values, ", "))
	}
	a := &atlas{T: t, database: d, sidecar: filepath.Join(t.TempDir(), "sidecar")}
	a.start(change)
	return a
}

func city(id int) string {
	return fmt.Sprintf("(%d, 'city %d', '%s', %d, 'swordfish')", id, id, []string{"NO", "SE", "DK"}[id%3], id*1000)
}

// start opens an origin, the same one again after stop.
func (a *atlas) start(change func(*Config)) {
	a.Helper()
	config := Config{
		Sidecar: a.sidecar, Tables: []Table{{Name: "cities", Deny: []string{"pin"}}},
		Statement: true, ChunkBytes: 4096, LongPoll: 5 * time.Second,
	}
	if change != nil {
		change(&config)
	}
	var err error
	if a.Origin, err = Open(context.Background(), a.open(a.T), config); err != nil {
		a.Fatal(err)
	}
	a.server = httptest.NewServer(a.Handler())
	a.stop = stdsync.OnceFunc(a.shutDown)
	a.Cleanup(a.stop)
}

func (a *atlas) shutDown() {
	a.Drain()
	a.server.Close()
	if err := a.Close(); err != nil {
		a.Error(err)
	}
}

func (a *atlas) poll() {
	a.Helper()
	if err := a.Poll(context.Background()); err != nil {
		a.Fatal(err)
	}
}

// get asks for a path and returns the answer and its body.
func (a *atlas) get(path string, headers ...string) (*http.Response, string) {
	a.Helper()
	request, err := http.NewRequest(http.MethodGet, a.server.URL+path, nil)
	if err != nil {
		a.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return a.read(a.server.Client().Do(request))
}

// read returns an answer and its body.
func (a *atlas) read(response *http.Response, err error) (*http.Response, string) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		a.Fatal(err)
	}
	return response, string(body)
}

// follower is a client that does what the protocol says and no more.
type follower struct {
	*atlas
	query    string // table and filter
	handle   string
	offset   string
	checksum string
	schema   string
	rows     map[string]map[string]any
	requests int
	fetches  int // from the beginning
}

func (a *atlas) follow(query string) *follower {
	return &follower{atlas: a, query: query, offset: "-1", rows: map[string]map[string]any{}}
}

type message struct {
	Key     string
	Value   map[string]any
	Headers struct {
		Operation, Control string
		LSN                string
		Last               bool
	}
}

// catchUp asks until it is told that that is all.
func (f *follower) catchUp() *follower {
	f.Helper()
	for range 10_000 {
		q := "/v1/shape?" + f.query + "&offset=" + f.offset
		if f.handle != "" && f.offset != "-1" {
			q += "&handle=" + f.handle
		}
		response, body := f.get(q)
		f.requests++
		f.handle = response.Header.Get("electric-handle")
		if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusConflict {
			f.Fatalf("%s: %d %s", q, response.StatusCode, body)
		}
		if response.StatusCode == http.StatusConflict {
			f.offset = "-1"
			continue
		}
		if f.offset == "-1" {
			clear(f.rows)
			f.fetches++
		}
		f.offset = response.Header.Get("electric-offset")
		f.schema = response.Header.Get("electric-schema")
		f.apply(decode(f.T, []byte(body)))
		if response.Header.Get("electric-up-to-date") != "" {
			f.checksum = response.Header.Get("x-shape-checksum")
			return f
		}
	}
	f.Fatal("no end of the log")
	return nil
}

func decode(t *testing.T, body []byte) []message {
	t.Helper()
	var messages []message
	if err := json.Unmarshal(body, &messages); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return messages
}

func (f *follower) apply(messages []message) {
	f.Helper()
	for _, m := range messages {
		_, known := f.rows[m.Key]
		switch m.Headers.Operation {
		case "insert":
			if known {
				f.Errorf("%s is inserted twice", m.Key)
			}
			f.rows[m.Key] = m.Value
		case "update":
			if !known {
				f.Errorf("%s is updated and not there", m.Key)
			}
			maps.Copy(f.rows[m.Key], m.Value)
		case "delete":
			if !known {
				f.Errorf("%s is deleted and not there", m.Key)
			}
			delete(f.rows, m.Key)
		}
	}
}

// expect compares what the follower has with what a fresh one gets of a new
// origin over the same source, which has no history.
func (f *follower) expect() {
	f.Helper()
	fresh := &atlas{T: f.T, database: f.database, sidecar: filepath.Join(f.TempDir(), "fresh")}
	fresh.start(func(c *Config) { *c = f.config; c.Sidecar = fresh.sidecar })
	defer fresh.stop()
	want := fresh.follow(f.query).catchUp()
	if len(f.rows) != len(want.rows) {
		f.Errorf("%d rows, want %d", len(f.rows), len(want.rows))
	}
	for key, row := range want.rows {
		if !maps.Equal(f.rows[key], row) {
			f.Errorf("%s is %v, want %v", key, f.rows[key], row)
		}
	}
	if f.checksum != want.checksum {
		f.Errorf("checksum %s, want %s", f.checksum, want.checksum)
	}
}

func TestFollowsRandomChanges(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 1))
		a := newAtlas(t, d, 600, nil)
		all := a.follow("table=cities")
		some := a.follow("table=cities&columns=id,population&where=" + url.QueryEscape("population > $1 AND country <> 'DK'") + "&params[1]=200000")
		for batch := range 40 / storetest.Stride() {
			all.catchUp()
			if batch%3 == 0 {
				some.catchUp()
			}
			mutate(t, d, random, 600)
			a.poll()
		}
		all.catchUp().expect()
		some.catchUp().expect()
	})
}

// mutate makes a few random changes.
func mutate(t *testing.T, d database, random *rand.Rand, ids int) {
	for range 1 + random.IntN(12) {
		id := 1 + random.IntN(ids*5/4)
		switch random.IntN(4) {
		case 0:
			d.exec(t, fmt.Sprintf("DELETE FROM cities WHERE id = %d", id))
		case 1:
			d.exec(t, fmt.Sprintf("DELETE FROM cities WHERE id = %d", id))
			d.exec(t, "INSERT INTO cities VALUES "+city(id))
		case 2:
			d.exec(t, fmt.Sprintf("UPDATE cities SET population = %d WHERE id = %d", random.IntN(600_000), id))
		default:
			d.exec(t, fmt.Sprintf("UPDATE cities SET country = NULL, name = 'é \"%d\"' WHERE id = %d", random.IntN(100), id))
		}
	}
}

func eachDatabase(t *testing.T, f func(*testing.T, database)) {
	t.Run("sqlite", func(t *testing.T) { f(t, newSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, newPostgres(t)) })
}
