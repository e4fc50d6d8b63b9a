package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// ask runs a query and prints its rows, one a line.
func ask(t *testing.T, env *store.Env, text string, values ...any) string {
	t.Helper()
	var got strings.Builder
	for row, err := range env.Query(ctx, text, values...) {
		if err != nil {
			return string(store.CodeOf(err))
		}
		for i := range row.Columns() {
			if i > 0 {
				got.WriteByte('|')
			}
			fmt.Fprint(&got, row.At(i))
		}
		got.WriteByte('\n')
	}
	return got.String()
}

func exec(t *testing.T, env *store.Env, text string, values ...any) {
	t.Helper()
	if _, err := env.Exec(ctx, text, values...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func TestQueryOfDocuments(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "country", Paths: []query.Path{query.Field("country")}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	towers, err := env.Table(ctx, "towers", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		_, err := table.Insert(tx, [][]byte{
			doc(fields{"id": 1, "name": "Oslo", "country": "NO", "population": 700_000}),
			doc(fields{"id": 2, "name": "Bergen", "country": "NO", "population": 290_000}),
			doc(fields{"id": 3, "name": "Lund", "country": "SE", "at": fields{"lat": 55.7}, "flat": true, "seen": time.UnixMilli(0).UTC()}),
		})
		if err == nil {
			_, err = towers.Insert(tx, [][]byte{doc(fields{"id": 1, "tall": 9}), doc(fields{"id": 8, "tall": 5})})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text   string
		values []any
		want   string
	}{
		{"SELECT name FROM cities WHERE country = ? ORDER BY population", []any{"NO"}, "Bergen\nOslo\n"},
		{"SELECT * FROM Cities WHERE id = 3", nil, "SE|3|Lund|<nil>|map[lat:55.7]|1|1970-01-01T00:00:00.000Z\n"},
		{"SELECT country, count(*), sum(population) FROM cities GROUP BY country ORDER BY 1", nil, "NO|2|990000\nSE|1|<nil>\n"},
		{"SELECT at ->> 'lat' FROM cities WHERE at IS NOT NULL", nil, "55.7\n"},
		{"SELECT a.name, b.name FROM cities a JOIN cities b ON a.country = b.country AND a.id < b.id", nil, "Oslo|Bergen\n"},
		{"SELECT absent FROM cities LIMIT 1", nil, "<nil>\n"},
		{"INSERT INTO cities (id, name, mayor) VALUES (4, 'Roma', 'R') RETURNING mayor", nil, "R\n"},
		{"UPDATE cities SET mayor = 'A', size = 3 WHERE id = 1 RETURNING size", nil, "3\n"},
		{"SELECT * FROM cities WHERE id = 1", nil, "NO|1|Oslo|700000|A|3|<nil>|<nil>|<nil>\n"},
		{"SELECT MAYOR FROM cities WHERE Id = 4", nil, "R\n"},
		{"SELECT name, tall FROM cities NATURAL JOIN towers", nil, "Oslo|9\n"},
		{"UPDATE cities SET name = 'Lünd' WHERE id = 3", nil, ""},
		{"DELETE FROM cities WHERE mayor IS NOT NULL RETURNING id", nil, "1\n4\n"},
		{"SELECT 1 FROM towns", nil, "unknown_table"},
		{"SELECT ?", nil, "wrong_arguments"},
		{"SELEC 1", nil, "syntax"},
	} {
		if got := ask(t, env, test.text, test.values...); got != test.want {
			t.Errorf("%s: %q, want %q", test.text, got, test.want)
		}
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		raw, _, err := table.Get(tx, key(3))
		v, _ := query.ReadValue(raw)
		if got := fmt.Sprint(v); got != "map[at:map[lat:55.7] country:SE flat:true id:3 name:Lünd seen:1970-01-01 00:00:00 +0000 UTC]" {
			t.Errorf("of an update that names one member the document is %s", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDefaultsReplaceNothing: what is NULL in a document that other programs have written, and may
// not be, becomes its default in an UPDATE OR REPLACE, which does not name it.
func TestDefaultsReplaceNothing(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE people (id INTEGER PRIMARY KEY, name, home NOT NULL DEFAULT 'here', at AS (home || '!'))")
	people, err := env.Table(ctx, "people", store.Schema{Key: query.Field("id"), Increment: true}, nil)
	if err == nil {
		err = env.Update(ctx, func(tx *store.Tx) error {
			_, err := people.Insert(tx, [][]byte{doc(fields{"id": 1, "name": "Ada", "home": nil})})
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range [][2]string{
		{"UPDATE people SET name = 'Bob'", "constraint"},
		{"UPDATE OR REPLACE people SET name = 'Bob' RETURNING *", "1|Bob|here|here!\n"},
	} {
		if got := ask(t, env, test[0]); got != test[1] {
			t.Errorf("%s: %q, want %q", test[0], got, test[1])
		}
	}
}

// TestColumnsAreAdded: rows that are there have the default of a column that is added, or what it
// computes, and do what it asks.
func TestColumnsAreAdded(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE p (a UNIQUE)")
	exec(t, env, "INSERT INTO p VALUES (1), (2)")
	for _, test := range [][2]string{
		{"ALTER TABLE p ADD COLUMN b TEXT DEFAULT 5", ""},
		{"ALTER TABLE p ADD COLUMN c AS (a * 2)", ""},
		{"SELECT a, b || '', c FROM p", "1|5|2\n2|5|4\n"},
		{"ALTER TABLE p ADD COLUMN d CHECK (a < 2)", "constraint"},
		{"ALTER TABLE p ADD COLUMN d CHECK (d > 0)", ""},
		{"UPDATE p SET d = -1", "constraint"},
		{"ALTER TABLE p ADD COLUMN e NOT NULL DEFAULT (1 + 2)", ""},
		{"ALTER TABLE p ADD COLUMN f AS (d) NOT NULL", "constraint"},
		{"ALTER TABLE p ADD COLUMN f NOT NULL", "invalid_statement"},
		{"ALTER TABLE p ADD COLUMN f UNIQUE", "invalid_statement"},
		{"ALTER TABLE p ADD COLUMN f PRIMARY KEY", "invalid_statement"},
		{"ALTER TABLE p ADD COLUMN f DEFAULT (a)", "unknown_column"},
		{"UPDATE p SET a = a + 5 WHERE a = 1", ""},
		{"SELECT * FROM p", "6|5|12|<nil>|3\n2|5|4|<nil>|3\n"},
	} {
		if got := ask(t, env, test[0]); got != test[1] {
			t.Errorf("%s: %q, want %q", test[0], got, test[1])
		}
	}
}

// deep is a list in a list, so many times.
func deep(n int) any {
	var v any = "innermost"
	for range n {
		v = []any{v}
	}
	return v
}

func TestStatementsWrite(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, `
		CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, age INT CHECK (age >= 0), home DEFAULT 'here');
		CREATE INDEX by_age ON people (age);
		INSERT INTO people (name, email, age) VALUES ('Ada', 'a', '36'), ('Bob', 'b', 20);
		CREATE VIEW grown (who) AS SELECT name FROM people WHERE age > 30;
	`)
	for _, test := range []struct {
		text   string
		values []any
		want   string
	}{
		{"SELECT * FROM people", nil, "1|Ada|a|36|here\n2|Bob|b|20|here\n"},
		{"SELECT who FROM Grown", nil, "Ada\n"},
		{"INSERT INTO people (name, email) VALUES ('Cid', 'a')", nil, "duplicate_key"},
		{"INSERT INTO people (name, age) VALUES ('Cid', 1), ('Dan', -1)", nil, "constraint"},
		{"INSERT INTO people (email) VALUES ('c')", nil, "constraint"},
		{"SELECT count(*) FROM people", nil, "2\n"},
		{"INSERT INTO people (name, email) VALUES ('Ann', 'a') ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id, name", nil, "1|Ann\n"},
		{"UPDATE people SET age = age + ? WHERE age = 20 RETURNING age", []any{1}, "21\n"},
		{"UPDATE people SET id = 7 WHERE id = 2 RETURNING id", nil, "7\n"},
		{"DELETE FROM people WHERE id = 1 RETURNING name", nil, "Ann\n"},
		{"SELECT id, name, age FROM people", nil, "7|Bob|21\n"},
		{"CREATE TABLE people (a)", nil, "exists"},
		{"CREATE TABLE IF NOT EXISTS people (a)", nil, ""},
		{"CREATE TABLE copies AS SELECT name, age * 2 AS twice FROM people", nil, ""},
		{"SELECT * FROM copies", nil, "Bob|42\n"},
		{"CREATE TABLE pairs (a, of AS (rowid * 2), CHECK (rowid < 3))", nil, ""},
		{"INSERT INTO pairs (a) VALUES ('x'), ('y') RETURNING of", nil, "2\n4\n"},
		{"INSERT INTO pairs (a) VALUES ('z')", nil, "constraint"},
		{"UPDATE pairs SET a = 'z' WHERE of = 4 RETURNING rowid, of", nil, "2|4\n"},
		{"INSERT INTO pairs (rowid, a) VALUES (1, 'z')", nil, "duplicate_key"},
		{"UPDATE pairs SET oid = 0 WHERE a = 'x' RETURNING *, _rowid_", nil, "x|0|0\n"},
		{"CREATE TABLE wrong (a, CHECK (b > 1))", nil, "unknown_column"},
		{"CREATE TABLE wrong (a AS (b), b AS (a), c)", nil, "invalid_statement"},
		{"ALTER TABLE pairs ADD COLUMN wrong AS (b)", nil, "unknown_column"},
		{"ALTER TABLE pairs ADD COLUMN wrong AS (wrong)", nil, "invalid_statement"},
		{"ALTER TABLE pairs ADD COLUMN right AS (of + 1)", nil, ""},
		{"UPDATE pairs SET a = 'w' WHERE a = 'x' RETURNING right", nil, "1\n"},
		{"CREATE TABLE nested (id INTEGER PRIMARY KEY, at, name)", nil, ""},
		{"INSERT INTO nested VALUES (1, ?, 'here')", []any{map[string]any{"place": 7}}, ""},
		{"UPDATE nested SET at = ? RETURNING at ->> 'place'", []any{map[string]any{"place": 8}}, "8\n"},
		{"UPDATE nested SET at = ?", []any{deep(query.MaxDepth)}, "too_deep"},
		{"CREATE TABLE both (id INTEGER PRIMARY KEY, a, b)", nil, ""},
		{"CREATE UNIQUE INDEX by_both ON both (a, b)", nil, ""},
		{"INSERT INTO both VALUES (1, 2, 3), (2, 2, 4)", nil, ""},
		{"UPDATE both SET b = 3 WHERE id = 2", nil, "duplicate_key"},
		{"DROP TABLE nobody", nil, "unknown_table"},
		{"DROP TABLE IF EXISTS nobody", nil, ""},
		{"BEGIN", nil, "unsupported"},
		{"SELECT 1; SELECT 2", nil, "invalid_statement"},
	} {
		if got := ask(t, env, test.text, test.values...); got != test.want {
			t.Errorf("%s: %q, want %q", test.text, got, test.want)
		}
	}
	table, err := env.Table(ctx, "people", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		q, err := query.Select(query.Eq(query.Field("age"), 21))
		if err != nil {
			return err
		}
		found := 0
		err = table.Find(tx, q, func(raw []byte) error {
			found++
			v, _ := query.ReadValue(raw)
			if got := fmt.Sprint(v); got != "map[age:21 email:b home:here id:7 name:Bob]" {
				t.Errorf("the document is %s", got)
			}
			return nil
		})
		if found != 1 {
			t.Errorf("an index that a statement has made finds %d", found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, env, "DROP VIEW grown; DROP INDEX by_age; DROP TABLE people")
	if got := ask(t, env, "SELECT 1 FROM people"); got != "unknown_table" {
		t.Errorf("a table that was dropped: %s", got)
	}
}

func TestConnection(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE t (a)")
	c := env.Connect()
	defer c.Close()
	run := func(text string) string {
		t.Helper()
		got := ""
		err := c.Script(ctx, text, func(row store.Row) error {
			got += fmt.Sprint(row.At(0)) + " "
			return nil
		})
		if err != nil {
			return got + string(store.CodeOf(err))
		}
		return got
	}
	for _, test := range []struct{ text, want string }{
		{"COMMIT", "invalid_statement"},
		{"BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); SELECT count(*) FROM t", "2 "},
		{"BEGIN", "invalid_statement"},
		{"ROLLBACK TO s; SELECT count(*) FROM t", "1 "},
		{"INSERT INTO t VALUES (3); RELEASE s; ROLLBACK TO s", "invalid_statement"},
		{"INSERT INTO nowhere VALUES (1)", "unknown_table"},
		{"COMMIT; SELECT a FROM t ORDER BY a", "1 3 "},
		{"SAVEPOINT a; DELETE FROM t; SAVEPOINT b; INSERT INTO t VALUES (4); ROLLBACK TO a; RELEASE a; SELECT count(*) FROM t", "2 "},
		{"BEGIN IMMEDIATE; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t", "2 "},
	} {
		if got := run(test.text); got != test.want {
			t.Errorf("%s: %q, want %q", test.text, got, test.want)
		}
	}
	if c.Active() {
		t.Error("a transaction is still open")
	}
	if run("BEGIN; DELETE FROM t"); !c.Active() {
		t.Error("no transaction is open")
	}
	c.Close()
	if got := ask(t, env, "SELECT count(*) FROM t"); got != "2\n" {
		t.Errorf("after closing there are %s", got)
	}
}

// TestStatementsAreWatched asks by SQL what commits are held against: only one that touches what
// was read tells.
func TestStatementsAreWatched(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE a (id INTEGER PRIMARY KEY, x INT); CREATE TABLE b (id INTEGER PRIMARY KEY, y INT); CREATE INDEX y ON b (y)")
	for id := range 300 {
		exec(t, env, "INSERT INTO a VALUES (?1, ?1 * 10)", id)
		exec(t, env, "INSERT INTO b VALUES (?1, ?1 * 10)", id)
	}
	w := env.Watch()
	defer w.Stop()
	asked := 0
	look := func(tx *store.Tx) error {
		asked++
		for row, err := range tx.Query("SELECT a.id, b.id FROM a JOIN b ON b.y = a.x WHERE a.id = 1") {
			if err != nil {
				return err
			}
			if row.Get("id") == nil {
				t.Error("no id")
			}
		}
		return nil
	}
	if err := w.View(ctx, look); err != nil {
		t.Fatal(err)
	}
	exec(t, env, "UPDATE a SET x = 30 WHERE id = 2; CREATE TABLE IF NOT EXISTS a (id); INSERT INTO b VALUES (1000, 70)")
	if w.Touched() {
		t.Error("a row that was not read was changed, and the query is to be asked again")
	}
	exec(t, env, "INSERT INTO b VALUES (1001, 10)")
	if !w.Touched() {
		t.Error("a row came that the query finds")
	}
	if err := w.Next(ctx, look); err != nil || asked < 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// TestPlansFollowGrowth asks for the same plan of a table while that is small and when it is not:
// what was prepared for a few documents is not kept for many.
func TestPlansFollowGrowth(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE a (x INT, y INT); CREATE INDEX x ON a (x); INSERT INTO a VALUES (1, 1)")
	plan := func() string { return ask(t, env, "EXPLAIN QUERY PLAN SELECT y FROM a WHERE x = 1") }
	if got := plan(); !strings.Contains(got, "SCAN") {
		t.Errorf("of one document the plan is %s", got)
	}
	exec(t, env, "INSERT INTO a WITH RECURSIVE up (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) SELECT n, n FROM up")
	plan()
	if got := plan(); !strings.Contains(got, "SEARCH") {
		t.Errorf("of a table that has grown the plan is %s", got)
	}
}
