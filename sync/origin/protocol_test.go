package origin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

func TestHeaders(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 200, func(c *Config) { c.Origins = []string{"https://atlas.example"} })
	first, _ := a.get("/v1/shape?table=cities&offset=-1", "Origin", "https://atlas.example")
	handle := first.Header.Get("electric-handle")
	expectHeaders(t, first, map[string]string{
		"Cache-Control": "no-cache", "Etag": `"` + handle + ":-1:" + first.Header.Get("electric-offset") + `"`,
		"Access-Control-Allow-Origin": "https://atlas.example", "Access-Control-Expose-Headers": exposed, "X-Shape-Rows": "200",
		"Electric-Up-To-Date": "", "X-Content-Type-Options": "nosniff",
	})
	for _, name := range []string{"electric-handle", "electric-offset", "electric-schema"} {
		if first.Header.Get(name) == "" || !strings.Contains(exposed, name) {
			t.Errorf("%s is %q, exposed %s", name, first.Header.Get(name), exposed)
		}
	}
	same, body := a.get("/v1/shape?table=cities&offset=-1", "If-None-Match", first.Header.Get("Etag"))
	if same.StatusCode != http.StatusNotModified || body != "" || same.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the same again: %d %q %v", same.StatusCode, body, same.Header)
	}
	for _, tags := range []string{"W/" + first.Header.Get("Etag"), `"another", ` + first.Header.Get("Etag")} {
		if same, _ := a.get("/v1/shape?table=cities&offset=-1", "If-None-Match", tags); same.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d", tags, same.StatusCode)
		}
	}
	if other, _ := a.get("/v1/shape?table=cities&offset=-1", "If-None-Match", `"another"`); other.StatusCode != http.StatusOK {
		t.Errorf("another tag: %d", other.StatusCode)
	}
	second, _ := a.get("/v1/shape?table=cities&handle=" + handle + "&offset=" + first.Header.Get("electric-offset"))
	expectHeaders(t, second, map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Electric-Handle": handle})
	end := a.follow("table=cities").catchUp()
	last, _ := a.get("/v1/shape?table=cities&handle=" + handle + "&offset=" + end.offset)
	expectHeaders(t, last, map[string]string{"Cache-Control": "no-cache", "Electric-Up-To-Date": "true", "Electric-Offset": end.offset, "Electric-Has-Data": "false"})
	now, _ := a.get("/v1/shape?table=cities&offset=now")
	expectHeaders(t, now, map[string]string{"Electric-Up-To-Date": "true", "Electric-Offset": end.offset, "X-Shape-Checksum": end.checksum})
	old, body := a.get("/v1/shape?table=cities&handle=123-456&offset=" + end.offset)
	expectHeaders(t, old, map[string]string{"Cache-Control": "no-store", "Electric-Handle": handle})
	if old.StatusCode != http.StatusConflict || body != mustRefetch {
		t.Errorf("an unknown handle: %d %s", old.StatusCode, body)
	}
	preflight, err := http.NewRequest(http.MethodOptions, a.server.URL+"/v1/shape", nil)
	if err != nil {
		t.Fatal(err)
	}
	preflight.Header.Set("Origin", "https://atlas.example")
	response, err := a.server.Client().Do(preflight)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent || response.Header.Get("Access-Control-Allow-Methods") != "GET, POST" {
		t.Errorf("a preflight: %d %v", response.StatusCode, response.Header)
	}
}

func expectHeaders(t *testing.T, response *http.Response, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := response.Header.Get(name); got != value {
			t.Errorf("%s: %s is %q, want %q", response.Request.URL.RawQuery, name, got, value)
		}
	}
}

func TestEncodings(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 200, nil)
	_, plain := a.get("/v1/shape?table=cities&offset=-1", "Accept-Encoding", "identity")
	for _, c := range []struct{ accept, want string }{
		{"gzip", "gzip"}, {"gzip, deflate, br", "br"}, {"br;q=0, gzip;q=0.5", "gzip"}, {"deflate", ""}, {"gzip;q=0.0", ""},
	} {
		response, body := a.get("/v1/shape?table=cities&offset=-1", "Accept-Encoding", c.accept)
		if got := response.Header.Get("Content-Encoding"); got != c.want {
			t.Errorf("%s: %q, want %q", c.accept, got, c.want)
		}
		var r io.Reader = strings.NewReader(body)
		switch c.want {
		case "gzip":
			r, _ = gzip.NewReader(r)
		case "br":
			r = brotli.NewReader(r)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != plain {
			t.Errorf("%s: another body (%v)", c.accept, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 10, nil)
	for _, c := range []struct {
		path, code string
		status     int
	}{
		{"/v1/shape?offset=-1", "invalid_argument", 400},
		{"/v1/shape?table=cities", "invalid_argument", 400},
		{"/v1/shape?table=cities&offset=1", "invalid_argument", 400},
		{"/v1/shape?table=cities&offset=01_0&handle=x", "invalid_argument", 400},
		{"/v1/shape?table=cities&offset=1_0", "invalid_argument", 400},
		{"/v1/shape?table=cities&offset=-1&live=true", "invalid_argument", 400},
		{"/v1/shape?table=secrets&offset=-1", "not_found", 404},
		{"/v1/shape?table=nope&offset=-1", "not_found", 404},
		{"/v1/shape?table=cities&offset=-1&columns=id,pin", "invalid_query", 400},
		{"/v1/shape?table=cities&offset=-1&columns=name", "invalid_query", 400},
		{"/v1/shape?table=cities&offset=-1&replica=full", "unsupported", 400},
		{"/v1/shape?table=cities&offset=-1&log=changes_only", "unsupported", 400},
		{"/v1/shape?table=cities&offset=-1&subset__limit=1", "unsupported", 400},
	} {
		response, body := a.get(c.path)
		if response.StatusCode != c.status || !strings.Contains(body, `"code":"`+c.code+`"`) || response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", c.path, response.StatusCode, body)
		}
	}
}

func TestToken(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 200, func(c *Config) { c.Token = "open sesame" })
	for _, path := range []string{"/v1/shape?table=cities&offset=-1", "/metrics"} {
		for _, token := range []string{"", "Bearer wrong", "open sesame", "Basic open sesame"} {
			if response, _ := a.get(path, "Authorization", token); response.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d", path, token, response.StatusCode)
			}
		}
		if response, _ := a.get(path, "Authorization", "Bearer open sesame"); response.StatusCode != http.StatusOK {
			t.Errorf("%s with the token: %d", path, response.StatusCode)
		}
	}
	first, _ := a.get("/v1/shape?table=cities&offset=-1", "Authorization", "Bearer open sesame")
	expectHeaders(t, first, map[string]string{"Cache-Control": "private, no-cache"})
	second, _ := a.get("/v1/shape?table=cities&handle="+first.Header.Get("electric-handle")+"&offset="+first.Header.Get("electric-offset"), "Authorization", "Bearer open sesame")
	expectHeaders(t, second, map[string]string{"Cache-Control": "private, max-age=31536000, immutable"})
	if response, body := a.get("/health"); response.StatusCode != http.StatusOK {
		t.Errorf("health: %d %s", response.StatusCode, body)
	}
}

// TestSurvivesARestart goes on from what the sidecar has, and begins anew where
// that is gone or another one was put in its place.
func TestSurvivesARestart(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		a := newAtlas(t, d, 300, nil)
		f := a.follow("table=cities").catchUp()
		a.stop()
		kept, err := os.ReadFile(a.sidecar)
		if err != nil {
			t.Fatal(err)
		}
		d.exec(t, "DELETE FROM cities WHERE id < 20")
		a.start(nil)
		a.poll()
		if f.catchUp().fetches != 1 {
			t.Error("a restart made the client fetch again")
		}
		f.expect()
		a.stop()
		if err := os.WriteFile(a.sidecar, kept, 0o600); err != nil {
			t.Fatal(err)
		}
		a.start(nil)
		d.exec(t, "DELETE FROM cities WHERE id < 30")
		a.poll()
		if f.catchUp().fetches != 2 {
			t.Error("a sidecar that was put back did not make the client fetch again")
		}
		f.expect()
		a.stop()
		if err := os.Remove(a.sidecar); err != nil {
			t.Fatal(err)
		}
		a.start(nil)
		if f.catchUp().fetches != 3 {
			t.Error("a lost sidecar did not make the client fetch again")
		}
		f.expect()
	})
}

// TestSchemaChange gives the shape another handle.
func TestSchemaChange(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		a := newAtlas(t, d, 50, nil)
		f := a.follow("table=cities").catchUp()
		d.exec(t, "ALTER TABLE cities ADD COLUMN mayor text")
		a.poll()
		if f.catchUp().fetches != 2 || !strings.Contains(f.schema, "mayor") {
			t.Errorf("fetched %d times, schema %s", f.fetches, f.schema)
		}
		f.expect()
		d.exec(t, "DROP TABLE cities")
		a.poll()
		if response, body := a.get("/v1/shape?table=cities&offset=-1"); response.StatusCode != http.StatusNotFound {
			t.Errorf("a table that is gone: %d %s", response.StatusCode, body)
		}
	})
}

// TestLogGivesWay lets the log grow until a new snapshot takes its place: who is
// up to date goes on, who was away fetches again.
func TestLogGivesWay(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 100, nil)
	up, away := a.follow("table=cities").catchUp(), a.follow("table=cities").catchUp()
	began := up.handle
	for round := range 30 {
		a.exec(t, fmt.Sprintf("UPDATE cities SET population = %d", round))
		a.poll()
		up.catchUp()
	}
	if up.fetches != 1 || up.handle != began {
		t.Errorf("who is up to date fetched %d times", up.fetches)
	}
	if away.catchUp().fetches != 2 || away.handle == began {
		t.Errorf("who was away fetched %d times, handle %s after %s", away.fetches, away.handle, began)
	}
	up.expect()
	away.expect()
}

// TestTablesWithoutKey reads twins and views.
func TestTablesWithoutKey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		d.exec(t, "CREATE TABLE notes (word text, n integer)")
		d.exec(t, "INSERT INTO notes VALUES ('a', 1), ('a', 1), ('b', NULL)")
		d.exec(t, "CREATE VIEW loud AS SELECT n AS id, upper(word) AS word FROM notes WHERE n IS NOT NULL")
		a := newAtlas(t, d, 0, func(c *Config) { c.Tables = []Table{{Name: "notes"}, {Name: "loud", Key: []string{"id"}}} })
		notes := a.follow("table=notes").catchUp()
		if len(notes.rows) != 3 {
			t.Errorf("%d notes, want 3", len(notes.rows))
		}
		d.exec(t, "DELETE FROM notes WHERE word = 'a'")
		d.exec(t, "INSERT INTO notes VALUES ('a', 1), ('c', 3)")
		a.poll()
		notes.catchUp().expect()
		loud := a.follow("table=loud").catchUp()
		d.exec(t, "UPDATE notes SET word = 'd' WHERE n = 3")
		a.poll()
		loud.catchUp().expect()
		if row := loud.rowOf("3"); row == nil || row["word"] != "D" {
			t.Errorf("the view has %v", row)
		}
	})
}

// TestMisfit ends the shape whose column holds what it does not declare.
func TestMisfit(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 10, nil)
	f := a.follow("table=cities").catchUp()
	a.exec(t, "UPDATE cities SET population = 'many' WHERE id = 3")
	a.poll()
	response, body := a.get("/v1/shape?table=cities&offset=" + f.offset + "&handle=" + f.handle)
	if response.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "schema_mismatch") || !strings.Contains(body, "population") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	a.exec(t, "UPDATE cities SET population = 1 WHERE id = 3")
	f.catchUp().expect()
}

func TestLive(t *testing.T) {
	for _, stream := range []string{"", "&live_sse=true"} {
		t.Run("live"+stream, func(t *testing.T) {
			a := newAtlas(t, newSQLite(t), 50, func(c *Config) { c.Poll = 10 * time.Millisecond; c.Stream = 5 * time.Second })
			ctx, cancel := context.WithCancel(context.Background())
			running := make(chan struct{})
			go func() { a.Origin.Run(ctx); close(running) }()
			defer func() { cancel(); <-running }()
			f := a.follow("table=cities").catchUp()
			got := make(chan string, 1)
			request := a.server.URL + "/v1/shape?table=cities&live=true&handle=" + f.handle + "&offset=" + f.offset + stream
			go func() {
				response, err := http.Get(request)
				if err != nil {
					got <- err.Error()
					return
				}
				defer response.Body.Close()
				lines := bufio.NewScanner(response.Body)
				for lines.Scan() {
					if strings.Contains(lines.Text(), "Trondheim") {
						got <- response.Header.Get("electric-cursor") + " " + lines.Text()
						return
					}
				}
				got <- "ended"
			}()
			a.exec(t, "INSERT INTO cities VALUES (99, 'Trondheim', 'NO', 1, 'swordfish')")
			if line := <-got; !strings.Contains(line, `"operation":"insert"`) || strings.HasPrefix(line, " ") {
				t.Errorf("a live request got %s", line)
			}
			f.catchUp().expect()
		})
	}
}

// TestLiveEndsEmpty answers after LongPoll, and at once when the origin is drained.
func TestLiveEndsEmpty(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 10, func(c *Config) { c.LongPoll = 30 * time.Millisecond })
	f := a.follow("table=cities").catchUp()
	live := "/v1/shape?table=cities&live=true&handle=" + f.handle + "&offset=" + f.offset
	first, body := a.get(live)
	expectHeaders(t, first, map[string]string{"Electric-Up-To-Date": "true", "Electric-Offset": f.offset, "Cache-Control": "public, max-age=5, stale-while-revalidate=5"})
	if !strings.Contains(body, "up-to-date") {
		t.Errorf("an empty answer: %s", body)
	}
	again, _ := a.get(live + "&cursor=" + first.Header.Get("electric-cursor"))
	if a, b := first.Header.Get("electric-cursor"), again.Header.Get("electric-cursor"); a == b || first.Header.Get("Etag") == again.Header.Get("Etag") {
		t.Errorf("cursors %s and %s, tags %s and %s", a, b, first.Header.Get("Etag"), again.Header.Get("Etag"))
	}
	a.Origin.config.LongPoll = time.Hour
	waiting := make(chan string, 1)
	go func() {
		_, body := a.get(live)
		waiting <- body
	}()
	for a.metrics.live.Load() == 0 {
		runtime.Gosched()
	}
	a.Drain()
	if body := <-waiting; !strings.Contains(body, "up-to-date") {
		t.Errorf("drained: %s", body)
	}
}

// TestManyAtOnce has a hundred clients ask for one new shape: it is read once.
func TestManyAtOnce(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 300, func(c *Config) { c.MaxBusy = 1000 })
	before := a.metrics.polls.Load()
	var clients stdsync.WaitGroup
	for range 100 {
		clients.Go(func() {
			if response, _ := a.get("/v1/shape?table=cities&offset=-1&where=" + url.QueryEscape("id > 7")); response.StatusCode != http.StatusOK {
				t.Errorf("status %d", response.StatusCode)
			}
		})
	}
	clients.Wait()
	if n := a.metrics.polls.Load() - before; n != 1 {
		t.Errorf("read %d times", n)
	}
}

func TestQuery(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		a := newAtlas(t, d, 30, func(c *Config) { c.QueryRows = 20 })
		for _, c := range []struct {
			sql, want string
			status    int
		}{
			{`{"sql":"select id, name from cities where id = $1","params":[3]}`, `"columns":[{"name":"id","type":"INT","dims":0},{"name":"name","type":"text","dims":0}],"rows":[["3","city 3"]]}`, 200},
			{`{"sql":"select country as c, count(*) as n from cities group by country order by 1 desc limit 2"}`, `"rows":[["SE","10"],["NO","10"]]}`, 200},
			{`{"sql":"select a.id from cities a join cities b on a.id = b.id + 1 where b.name like $1 order by a.id","params":["city 2_"]}`, `"rows":[["21"],["22"],["23"],["24"],["25"],["26"],["27"],["28"],["29"],["30"]]}`, 200},
			{`{"sql":"select id from cities where population = (select max(population) from cities)"}`, `"rows":[["30"]]}`, 200},
			{`{"sql":"select x.n + 1 as m from (select count(*) as n from cities where exists (select 1 from cities)) x"}`, `"rows":[["31"]]}`, 200},
			{`{"sql":"select id from cities where id < 2 union select id from cities where id in (select id from cities where id = 3) order by id"}`, `"rows":[["1"],["3"]]}`, 200},
			{`{"sql":"select id from cities where id > 100"}`, `"rows":[]}`, 200},
			{`{"sql":"select * from cities where id = 1"}`, `"rows":[["1","city 1","SE","1000"]]}`, 200},
			{`{"sql":"select id from cities"}`, `"code":"too_large"`, 413},
			{`{"sql":"select pin from cities"}`, `"code":"invalid_query"`, 400},
			{`{"sql":"select * from secrets"}`, `"code":"not_found"`, 404},
			{`{"sql":"delete from cities"}`, `"code":"invalid_query"`, 400},
			{`{"sql":"select 1","params":[[1]]}`, `"code":"invalid_argument"`, 400},
			{`{`, `"code":"invalid_argument"`, 400},
			{`{"sql":"` + strings.Repeat("x", 1<<20) + `"}`, `"code":"too_large"`, 413},
		} {
			response, err := a.server.Client().Post(a.server.URL+"/v1/query", "application/json", strings.NewReader(c.sql))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			integer := "int4"
			if _, lite := d.(*sqliteDatabase); lite {
				integer = "int8"
			}
			if want := strings.ReplaceAll(c.want, "INT", integer); err != nil || response.StatusCode != c.status || !strings.Contains(string(body), want) {
				t.Errorf("%.100s: %d %s\nwant %d %s", c.sql, response.StatusCode, body, c.status, want)
			}
		}
	})
}

// TestQueryTags has the tag of an answer stay until something is committed, and come back
// as a 304 to the same question.
func TestQueryTags(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		a := newAtlas(t, d, 5, nil)
		ask := func(question, tag string, want int) string {
			t.Helper()
			r := httptest.NewRequest(http.MethodPost, "/v1/query", strings.NewReader(question))
			if tag != "" {
				r.Header.Set("If-None-Match", tag)
			}
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, r)
			if w.Code != want || want == http.StatusNotModified && w.Body.Len() > 0 {
				t.Errorf("%s: %d %s, want %d", question, w.Code, w.Body, want)
			}
			return w.Header().Get("ETag")
		}
		const one, two = `{"sql":"select count(*) from cities"}`, `{"sql":"select max(id) from cities"}`
		tag := ask(one, "", http.StatusOK)
		if again := ask(one, tag, http.StatusNotModified); again != tag || tag == "" {
			t.Errorf("the tag %s became %s", tag, again)
		}
		ask(one, `"other", W/`+tag, http.StatusNotModified)
		ask(two, tag, http.StatusOK)
		if bad := ask(`{"sql":"select pin from cities"}`, "", http.StatusBadRequest); bad != "" {
			t.Errorf("a failure has the tag %s", bad)
		}
		d.exec(t, "DELETE FROM cities WHERE id = 1")
		if moved := ask(one, tag, http.StatusOK); moved == tag {
			t.Error("the tag stayed after a commit")
		}
	})
}

// TestExport writes files that make the same rows, and only new ones afterwards.
func TestExport(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 300, nil)
	dir := t.TempDir()
	m, err := a.Export(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	first := len(m.Shapes[0].Chunks)
	a.exec(t, "DELETE FROM cities WHERE id < 20")
	if m, err = a.Export(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	shape := m.Shapes[0]
	if len(shape.Chunks) != first+1 || shape.Rows != 281 {
		t.Errorf("%d files after %d, %d rows", len(shape.Chunks), first, shape.Rows)
	}
	f := a.follow("table=cities")
	for _, c := range shape.Chunks {
		body, err := os.ReadFile(filepath.Join(dir, c.File))
		if err != nil {
			t.Fatal(err)
		}
		f.apply(decode(t, body))
	}
	f.checksum = shape.Checksum
	f.expect()
}

// TestLock keeps a second process from the sidecar.
func TestLock(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 1, nil)
	if _, err := Open(context.Background(), a.open(t), Config{Sidecar: a.sidecar}); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("a second one: %v", err)
	}
}

// TestLeavesNothingRunning counts goroutines around the life of an origin.
func TestLeavesNothingRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("life", func(t *testing.T) {
		a := newAtlas(t, newSQLite(t), 50, func(c *Config) { c.LongPoll = 20 * time.Millisecond })
		f := a.follow("table=cities").catchUp()
		a.get("/v1/shape?table=cities&live=true&handle=" + f.handle + "&offset=" + f.offset)
	})
	http.DefaultClient.CloseIdleConnections()
	for range 200 { // what was told to end needs a moment
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, were %d\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
