package origin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// hostile are what somebody would try who wants more than is served. %s is where
// fragments of others go.
var hostile = strings.Split(strings.TrimSpace(`
select * from secrets
select word from main.secrets
select pin from cities
select cities.pin from cities
select c.pin from cities c
select * from public.secrets
select rowid, * from cities
select ctid, xmin, * from cities
select (select word from secrets limit 1)
select * from cities where id in (select id from secrets)
select * from cities union all select id, word, '', 0 from secrets
select * from (select * from secrets) s
select * from cities join secrets on true
select * from sqlite_schema
select * from sqlite_master
select sql from main.sqlite_schema
select * from pragma_table_info('secrets')
select * from pg_catalog.pg_class
select * from information_schema.tables
select * from pg_stat_activity
select current_user
select version()
select sqlite_version()
select load_extension('/tmp/x.so')
select readfile('/etc/passwd')
select writefile('/tmp/owned', 'x')
select pg_read_file('/etc/passwd')
select lo_import('/etc/passwd')
select pg_sleep(100)
select dblink('host=127.0.0.1', 'select 1')
select set_config('transaction_read_only', 'off', false)
select nextval('s')
select randomblob(1000000000)
select zeroblob(1000000000)
select repeat('x', 1000000000)
select generate_series(1, 1000000000)
select printf('%%.1000000000d', 1)
select hex(word) from secrets
select group_concat(word) from secrets
insert into cities values (1, 'x', 'x', 1, 'x')
update cities set name = 'owned'
delete from cities
drop table cities
create table owned (a)
create temp table owned (a)
alter table cities add owned int
truncate cities
vacuum
vacuum into '/tmp/owned'
attach '/tmp/owned' as owned
detach main
pragma journal_mode = delete
pragma query_only = 0
pragma writable_schema = 1
begin
commit
rollback
savepoint a
reindex
analyze
copy cities to '/tmp/owned'
copy cities from program 'id'
do $$ begin perform 1; end $$
set transaction read write
set role postgres
grant all on cities to public
explain select * from secrets
with s as (select * from secrets) select * from s
with recursive r(n) as (select 1 union all select n + 1 from r) select * from r
with d as (delete from cities returning *) select * from d
select * from cities for update
select * from cities into outfile '/tmp/owned'
values (1), (2)
table secrets
select 1; delete from cities
select 1); delete from cities; --
select 1 /* comment */ from secrets
select 1 -- from cities
1 = 1) union select * from secrets --
1 = 1 or (select word from secrets) = 'x'
id = 1; delete from cities
id = (select 1 from secrets)
exists (select 1 from secrets)
pin = 'pin'
pin is not null
secrets.word = 'x'
"pin" like '%%'
name like '%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%x'
name = 'x' collate nocase
name similar to 'x'
name ~ '(a+)+$'
cast(name as regclass) = 'secrets'
name::regclass = 'secrets'
id in (%s)
(%s)
not %s
'%s
"%s
$1 = $2 and $99 is null
$1000000000000000000000
case when %s then 1 else 0 end = 1
coalesce((%s), 1) = 1
select count(*) from cities a, cities b, cities c, cities d
select max(length(a.name)) from cities a, cities b, cities c, cities d where a.name like '%%o%%o%%' or b.id > 3
select * from cities order by (select word from secrets)
select * from cities limit (select 1000000)
select * from cities limit -1 offset -1
select 1e400, -9223372036854775808 / -1, 1 / 0, 5 %% 0
`), "\n")

// attack returns a statement out of the list, bent at random.
func attack(random *rand.Rand) string {
	pick := func() string { return hostile[random.IntN(len(hostile))] }
	s := strings.ReplaceAll(pick(), "%%", "%")
	s = strings.ReplaceAll(s, "%s", pick())
	switch random.IntN(9) {
	case 0:
		s = strings.ToUpper(s)
	case 1:
		at := random.IntN(len(s) + 1)
		s = s[:at] + []string{"'", `"`, "`", ")", "(", ";", "--", "/*", "\x00", "\xff", "\\", "$1", "[", "é", "\u202e"}[random.IntN(15)] + s[at:]
	case 2:
		n := 1 + random.IntN(3000)
		s = strings.Repeat("(", n) + s + strings.Repeat(")", n)
	case 3:
		s = strings.Repeat([]string{"not ", "-", "1 = 1 or ", "case when "}[random.IntN(4)], 1+random.IntN(2000)) + s
	case 4:
		words := strings.Fields(s)
		random.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		s = strings.Join(words, " ")
	case 5:
		s = "select * from (" + s + ") x"
	case 6:
		s = s[:random.IntN(len(s)+1)]
	}
	return s
}

// TestHostileSQL sends 10,000 statements to SQLite and a third of them to Postgres, as statements and as
// filters, a third of which are SQL and run: nothing is written, no file touched,
// nothing told that is not served.
func TestHostileSQL(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		statements := 10_000 / (storetest.Stride() * storetest.Stride())
		if _, is := d.(*sqliteDatabase); !is {
			statements /= 3 // a transaction there is ten times slower
		}
		const limit = 20 * time.Second // a statement ends after a hundredth of it, and a busy machine may take its time
		a := newAtlas(t, d, 300, func(c *Config) { c.QueryTime = limit / 100; c.MaxShapes = 1 << 20 })
		before := a.state()
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 2))
		handler := a.Handler()
		answered := 0
		for n := 0; n < statements || answered == 0 && n < 10_000; n++ {
			filter := random.IntN(3) == 0
			sql := attack(random)
			if random.IntN(3) == 0 {
				sql = (&sentences{Rand: random}).as(filter)
			}
			var r *http.Request
			if filter {
				q := url.Values{"table": {"cities"}, "offset": {"-1"}, "where": {sql}, "params[1]": {"x' or 1=1"}}
				r = httptest.NewRequest(http.MethodGet, "/v1/shape?"+q.Encode(), nil)
			} else {
				body, err := json.Marshal(map[string]any{"sql": sql, "params": []any{"x' or 1=1", 1, true}})
				if err != nil {
					t.Fatal(err)
				}
				r = httptest.NewRequest(http.MethodPost, "/v1/query", bytes.NewReader(body))
			}
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r.WithContext(ctx))
			if ctx.Err() != nil {
				t.Errorf("no answer in time to %q", sql)
			}
			cancel()
			switch w.Code {
			case 200:
				answered++
			case 400, 404, 413, 503:
			default:
				t.Errorf("%d for %q: %s", w.Code, sql, w.Body)
			}
			for _, secret := range []string{"opensesame", "swordfish", "root:x:0:"} { // of other tables, columns and files
				if strings.Contains(w.Body.String(), secret) {
					t.Errorf("%q told %.200s", sql, w.Body)
				}
			}
		}
		if after := a.state(); after != before {
			t.Errorf("the source was\n%s\nand is\n%s", before, after)
		}
		if _, err := os.Stat("/tmp/owned"); err == nil {
			t.Error("a file was written")
		}
		if answered == 0 {
			t.Error("nothing was answered: the test does not get through")
		}
		t.Logf("%d were answered", answered)
		a.poll()
		a.follow("table=cities").catchUp().expect()
	})
}

// TestEndlessStatement has its first row at once, and its second not today.
func TestEndlessStatement(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		a := newAtlas(t, d, 300, func(c *Config) { c.QueryTime = 20 * time.Millisecond })
		body := `{"sql": "select distinct 'x' as x from cities a, cities b, cities c, cities d, cities e, cities f"}`
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/query", strings.NewReader(body)))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%d: %.200s", w.Code, w.Body)
		}
		if response, body := a.get("/v1/shape?table=cities&offset=-1"); response.StatusCode != http.StatusOK {
			t.Errorf("afterwards %d: %.200s", response.StatusCode, body)
		}
	})
}

// TestInterruptBetweenStatements begins a statement after its time is over, and after SQLite was told so.
func TestInterruptBetweenStatements(t *testing.T) {
	d := newSQLite(t)
	d.exec(t, "CREATE TABLE cities (id integer PRIMARY KEY)")
	source, err := OpenSQLite(d.file)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	conn, err := source.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	stop, err := interruptOnDone(over, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	time.Sleep(50 * time.Millisecond) // the first interrupt is forgotten
	_, err = sqliteReader{conn}.Answer(t.Context(), statement{sql: `
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000) SELECT 1 UNION ALL SELECT max(i) FROM n`},
		func([][]byte) error { return nil })
	if store.CodeOf(err) != store.Aborted {
		t.Errorf("%v", err)
	}
}

// state tells what a source holds, and for a file what else is beside it.
func (a *atlas) state() string {
	var b strings.Builder
	switch d := a.database.(type) {
	case *sqliteDatabase:
		if err := filepath.WalkDir(filepath.Dir(d.file), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.HasSuffix(path, "-shm") {
				return err // the index of the log has the readers' marks
			}
			body, err := os.ReadFile(path)
			fmt.Fprintf(&b, "%s %d %x\n", filepath.Base(path), len(body), print(body))
			return err
		}); err != nil {
			a.Fatal(err)
		}
	case *postgresDatabase:
		for _, sql := range []string{
			"SELECT coalesce(string_agg(c::text, ',' ORDER BY id), '') FROM cities c", "SELECT string_agg(s::text, ',') FROM secrets s",
			"SELECT count(*)::text FROM pg_class", "SELECT count(*)::text FROM pg_proc", "SELECT count(*)::text FROM pg_roles",
			"SELECT count(*)::text FROM pg_largeobject_metadata",
		} {
			var text string
			if err := d.conn.QueryRow(context.Background(), sql).Scan(&text); err != nil {
				a.Fatal(err)
			}
			fmt.Fprintf(&b, "%x\n", print([]byte(text)))
		}
	}
	return b.String()
}

func print(b []byte) [16]byte {
	return newRowWriter(&plan{relation: &Relation{Columns: []Column{{Name: "x"}}}}).print([][]byte{b}).hash
}

// TestSecondWall goes round the parser: what is behind it refuses writing and
// other files too.
func TestSecondWall(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		a := newAtlas(t, d, 10, nil)
		before := a.state()
		stray := filepath.Join(t.TempDir(), "stray")
		refused := []string{
			"INSERT INTO cities (id, name) VALUES (99, 'x')", "UPDATE cities SET name = 'x'", "DELETE FROM cities",
			"DROP TABLE cities", "CREATE TABLE owned (a int)", "CREATE VIEW owned AS SELECT 1",
		}
		if _, lite := d.(*sqliteDatabase); lite {
			refused = append(refused, "ATTACH '"+stray+"' AS stray", "VACUUM INTO '"+stray+"'", "PRAGMA query_only = 0",
				"PRAGMA journal_mode = DELETE", "SELECT load_extension('x')", "CREATE TEMP TABLE owned (a)", "ANALYZE")
		} else {
			refused = append(refused, "WITH d AS (DELETE FROM cities RETURNING *) SELECT * FROM d", "SELECT * FROM cities FOR UPDATE",
				"COPY cities TO '"+stray+"' WITH (FORMAT binary, NOPE)", "TRUNCATE cities")
		}
		for _, sql := range refused {
			err := a.source.Snapshot(context.Background(), func(r Reader) error {
				_, err := r.Answer(context.Background(), statement{sql: sql}, func([][]byte) error { return nil })
				return err
			})
			if err == nil {
				t.Errorf("%s was done", sql)
			} else if store.CodeOf(err) == "" {
				t.Errorf("%s: %v has no code", sql, err)
			}
		}
		if after := a.state(); after != before {
			t.Errorf("the source was\n%s\nand is\n%s", before, after)
		}
		if _, err := os.Stat(stray); err == nil {
			t.Error("a file was written")
		}
	})
}
