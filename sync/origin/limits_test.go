package origin

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestDenied asks for a column that nobody may see, and for what tells of it without
// showing it: an order, a count, a condition.
func TestDenied(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		d.exec(t, "CREATE VIEW pins AS SELECT 1 AS id")
		a := newAtlas(t, d, 3, nil)
		for _, sql := range []string{
			"select pin from cities", "select c.pin from cities c", `select "pin" from cities`, "select id from cities where pin = 'swordfish'",
			"select id from cities order by pin", "select count(pin) from cities", "select country from cities group by country, pin",
			"select max(pin) from cities", "select a.id from cities a join cities b on a.pin = b.pin",
			"select id from cities where id in (select id from cities where pin is not null)", "select x.pin from (select * from cities) x",
			"select id from cities union select pin from cities", "select case when pin like 's%' then 1 end from cities",
			"select rowid from cities", "select _rowid_ from cities", "select oid from cities", "select ctid from cities",
			"select id from cities order by rowid", "select * from pins", "select * from pragma_table_info('cities')",
			"select * from secrets", "select * from sqlite_schema", "select * from pg_class",
		} {
			response, body := a.ask(sql)
			if response.StatusCode != http.StatusBadRequest && response.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d %s", sql, response.StatusCode, body)
			}
		}
		if _, body := a.ask("select * from cities where id = 1"); strings.Contains(body, "pin") || strings.Contains(body, "swordfish") {
			t.Errorf("all columns are %s", body)
		}
		for _, q := range []string{"columns=id,pin", "columns=rowid,id", "where=" + url.QueryEscape("pin = 'swordfish'"), "where=rowid=1", "where=" + url.QueryEscape("pin LIKE 's%'")} {
			if response, body := a.get("/v1/shape?table=cities&offset=-1&" + q); response.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d %s", q, response.StatusCode, body)
			}
		}
		f := a.follow("table=cities").catchUp()
		if strings.Contains(f.schema, "pin") || f.rowOf("1")["pin"] != nil {
			t.Errorf("a shape has %s and %v", f.schema, f.rowOf("1"))
		}
	})
}

// ask asks for the answer to a statement.
func (a *atlas) ask(sql string) (*http.Response, string) {
	a.Helper()
	return a.read(a.server.Client().Post(a.server.URL+"/v1/query", "application/json", strings.NewReader(fmt.Sprintf(`{"sql":%q}`, sql))))
}

// TestLimits reaches each of them.
func TestLimits(t *testing.T) {
	d := newSQLite(t)
	a := newAtlas(t, d, 300, func(c *Config) { c.MaxShapes = 1; c.QueryBytes = 1000 })
	first := a.follow("table=cities").catchUp()
	for _, c := range []struct {
		path, code string
		status     int
	}{
		{"table=cities&offset=-1&where=id%3D1", "quota", 429},
		{"table=" + strings.Repeat("x", 300) + "&offset=-1", "invalid_argument", 400},
		{"table=cities&offset=-1&where=" + strings.Repeat("(", 500) + "id=1" + strings.Repeat(")", 500), "too_deep", 400},
		{"table=cities&offset=-1&where=" + url.QueryEscape("name = '"+strings.Repeat("x", 50_000)+"'"), "too_large", 413},
	} {
		response, body := a.get("/v1/shape?" + c.path)
		if response.StatusCode != c.status || !strings.Contains(body, `"code":"`+c.code+`"`) {
			t.Errorf("%.60s: %d %s", c.path, response.StatusCode, body)
		}
		if c.status == 429 && response.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if response, body := a.ask("select name from cities"); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("more bytes than are allowed: %d %s", response.StatusCode, body)
	}
	a.Origin.config.MaxRows = 299
	a.exec(t, "UPDATE cities SET name = 'x' WHERE id = 1; DELETE FROM cities WHERE id = 2; INSERT INTO cities (id, name) VALUES (1001, 'x'), (1002, 'y')")
	a.poll()
	if response, body := a.get("/v1/shape?table=cities&handle=" + first.handle + "&offset=" + first.offset); response.StatusCode != http.StatusBadRequest {
		t.Errorf("more rows than are allowed: %d %s", response.StatusCode, body)
	}
	a.Origin.config.MaxRows, a.Origin.config.MaxBusy = 1000, 0
	if response, body := a.get("/v1/shape?table=cities&offset=-1"); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("more at a time than are allowed: %d %s", response.StatusCode, body)
	}
	if response, body := a.get("/health"); response.StatusCode != http.StatusOK {
		t.Errorf("health: %d %s", response.StatusCode, body)
	}
	a.Origin.config.MaxBusy, a.Origin.config.MaxLive = 10, 0
	if response, body := a.get("/v1/shape?table=cities&live=true&handle=" + first.handle + "&offset=" + first.offset); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("more live ones than are allowed: %d %s", response.StatusCode, body)
	}
}

// TestSlowReader asks for much and reads nothing: what it holds it gives up. Where a machine does not come to
// the answer within the time of a request, it gets more.
func TestSlowReader(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 1, nil)
	a.exec(t, "WITH RECURSIVE n(id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM n WHERE id < 50) INSERT INTO cities (id, name) SELECT id, hex(zeroblob(100000)) FROM n")
	a.poll()
	a.Origin.config.ChunkBytes, a.Origin.config.QueryBytes = 1<<30, 1<<30
	for within := 2 * time.Second; !a.slowReader(within); within *= 3 {
		if within > time.Minute {
			t.Fatal("there is never an answer")
		}
	}
}

// slowReader reports whether the answer began within the time of a request.
func (a *atlas) slowReader(within time.Duration) bool {
	a.Helper()
	a.Origin.config.Request, a.Origin.config.QueryTime = within, within
	c, err := net.Dial("tcp", a.server.Listener.Addr().String())
	if err != nil {
		a.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	body := `{"sql":"select name from cities"}`
	fmt.Fprintf(c, "POST /v1/query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for a.metrics.busy.Load() == 0 {
		runtime.Gosched()
	}
	for a.metrics.busy.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err == nil && response.StatusCode == http.StatusServiceUnavailable {
		return false
	}
	if err != nil || response.StatusCode != http.StatusOK {
		a.Fatalf("the answer: %v, %v", response, err)
	}
	if n, err := io.Copy(io.Discard, response.Body); n > 9<<20 {
		a.Errorf("all of it came: %d bytes, %v", n, err)
	}
	return true
}

// TestStreamKeepsAlive waits with nothing to tell, under a server that bounds the reading of
// requests, until the origin is drained.
func TestStreamKeepsAlive(t *testing.T) {
	a := newAtlas(t, newSQLite(t), 10, func(c *Config) { c.KeepAlive = 20 * time.Millisecond })
	f := a.follow("table=cities").catchUp()
	server := httptest.NewUnstartedServer(a.Handler())
	server.Config.ReadTimeout = 50 * time.Millisecond
	server.Start()
	defer server.Close()
	response, err := http.Get(server.URL + "/v1/shape?table=cities&live=true&live_sse=true&handle=" + f.handle + "&offset=" + f.offset)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for alive := 0; alive < 10; {
		if !lines.Scan() {
			t.Fatalf("it ends after %d comments: %v", alive, lines.Err())
		}
		if strings.HasPrefix(lines.Text(), ":") {
			alive++
		}
	}
	a.Drain()
	for lines.Scan() { // to its end, which draining is
	}
	if err := lines.Err(); err != nil {
		t.Errorf("drained: %v", err)
	}
}

// TestLogs holds no token and no value of a row, whatever fails; /metrics counts what was asked.
func TestLogs(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		var log bytes.Buffer
		a := newAtlas(t, d, 30, func(c *Config) {
			c.Token = "opensesame"
			c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		bearer := []string{"Authorization", "Bearer opensesame"}
		for _, q := range []string{
			"", "&columns=pin", "&where=" + url.QueryEscape("name = 'city 7'"), "&where=" + url.QueryEscape("cast(name as integer) > 0"),
			"&where=" + url.QueryEscape("1 / (id - 3) > 0"),
		} {
			a.get("/v1/shape?table=cities&offset=-1"+q, bearer...)
		}
		a.get("/v1/shape?table=cities&offset=-1&secret=opensesame", "Authorization", "Bearer guess")
		d.exec(t, "UPDATE cities SET name = 'changed 8' WHERE id = 8")
		a.poll()
		d.exec(t, "DROP TABLE cities")
		a.poll()
		_, counted := a.get("/metrics", bearer...)
		for _, want := range []string{
			`stowage_origin_requests_total{status="2xx"} `, `stowage_origin_requests_total{status="4xx"} `, "stowage_origin_changes_total 1\n", "stowage_origin_shapes 0\n",
			"stowage_origin_live_requests 0\n", "stowage_origin_busy_requests 1\n",
		} {
			if !strings.Contains(counted, want) {
				t.Errorf("no %s in\n%s", want, counted)
			}
		}
		a.stop()
		for _, told := range []string{`"msg":"request"`, `"path":"/v1/shape"`, `"status":401`, `"msg":"snapshot"`, `"msg":"shape dropped"`, `"msg":"changes"`} {
			if !strings.Contains(log.String(), told) {
				t.Errorf("no %s in\n%s", told, log.String())
			}
		}
		for _, kept := range []string{"opensesame", "guess", "city ", "changed 8", "swordfish"} {
			if strings.Contains(log.String(), kept) {
				t.Errorf("%q is in\n%s", kept, log.String())
			}
		}
	})
}
