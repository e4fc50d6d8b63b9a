package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestDropColumn takes columns away, their values too, unless something else reads them.
func TestDropColumn(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE a (id INTEGER PRIMARY KEY, x INT, y TEXT, z, u UNIQUE, g AS (x + 1), CHECK (y <> 'no'))")
	exec(t, env, "CREATE INDEX a_z ON a (z)")
	exec(t, env, "INSERT INTO a (x, y, z, u) VALUES (1, 'one', 2, 3), (NULL, 'two', 4, NULL)")
	for _, test := range [][2]string{
		{"ALTER TABLE a DROP COLUMN id", "invalid_statement"},
		{"ALTER TABLE a DROP COLUMN x", "unknown_column"},
		{"ALTER TABLE a DROP COLUMN y", "unknown_column"},
		{"ALTER TABLE a DROP COLUMN z", "invalid_statement"},
		{"ALTER TABLE a DROP COLUMN u", "invalid_statement"},
		{"ALTER TABLE a DROP COLUMN nobody", "unknown_column"},
		{"ALTER TABLE a DROP COLUMN g", ""},
		{"SELECT * FROM a", "1|1|one|2|3\n2|<nil>|two|4|<nil>\n"},
		{"ALTER TABLE a DROP COLUMN X", ""},
		{"SELECT * FROM a", "1|one|2|3\n2|two|4|<nil>\n"},
		{"SELECT x FROM a", "unknown_column"},
		{"ALTER TABLE a ADD COLUMN x DEFAULT 7", ""},
		{"SELECT x FROM a", "7\n7\n"},
		{"INSERT INTO a (y) VALUES ('three') RETURNING x", "7\n"},
	} {
		if got := ask(t, env, test[0]); got != test[1] {
			t.Errorf("%s: %q, want %q", test[0], got, test[1])
		}
	}
}

// TestRename gives tables and columns other names, with their documents and indexes, unless
// something else reads them.
func TestRename(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE a (id INTEGER PRIMARY KEY, x INT, y TEXT UNIQUE, z, g AS (z + 1), CHECK (x <> 5))")
	exec(t, env, "CREATE INDEX a_xy ON a (x, y)")
	exec(t, env, "CREATE TABLE other (id, x, y)")
	exec(t, env, "CREATE VIEW v AS SELECT x AS n FROM a")
	exec(t, env, "CREATE VIEW w AS SELECT * FROM v")
	exec(t, env, "CREATE VIEW o AS SELECT y FROM other")
	exec(t, env, "INSERT INTO a (x, y, z) WITH RECURSIVE up (n) AS (SELECT 6 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) SELECT n, 'y' || n, n FROM up")
	for _, test := range [][2]string{
		{"ALTER TABLE a RENAME TO b", "invalid_statement"}, // v reads it
		{"ALTER TABLE a RENAME x TO q", "unknown_column"},  // so does CHECK
		{"ALTER TABLE a RENAME COLUMN z TO q", "unknown_column"},
		{"ALTER TABLE a RENAME COLUMN id TO q", "unsupported"},
		{"ALTER TABLE a RENAME COLUMN y TO Z", "invalid_statement"},
		{"ALTER TABLE a RENAME COLUMN nobody TO q", "unknown_column"},
		{"ALTER TABLE a RENAME TO other", "exists"},
		{"ALTER TABLE a RENAME TO w", "exists"},
		{"ALTER TABLE nobody RENAME TO q", "unknown_table"},
		{"ALTER TABLE a RENAME COLUMN Y TO title", ""},
		{"ALTER TABLE a RENAME COLUMN title TO Title", ""},
		{"INSERT INTO a (x, title) VALUES (1, 'y7')", "duplicate_key"},
		{"ALTER TABLE a RENAME COLUMN TITLE TO Title", ""},
		{"SELECT y FROM a", "unknown_column"},
		{"SELECT * FROM a WHERE title = 'y7'", "2|7|y7|7|8\n"},
		{"SELECT title FROM a WHERE x = 2999 AND title > 'a'", "y2999\n"},
		{"INSERT INTO a (x, title) VALUES (1, 'y7')", "duplicate_key"},
		{"SELECT n FROM w WHERE n < 8", "6\n7\n"},
		{"DROP VIEW w", ""}, {"DROP VIEW v", ""},
		{"ALTER TABLE a RENAME TO b", ""},
		{"SELECT * FROM a", "unknown_table"},
		{"SELECT count(*), max(title) FROM b", "2995|y999\n"},
		{"INSERT INTO b (x, title) VALUES (1, 'new') RETURNING id, title", "2996|new\n"},
		{"INSERT INTO b (x, title) VALUES (5, 'five')", "constraint"},
		{"CREATE TABLE a (id INTEGER PRIMARY KEY, x)", ""},
		{"INSERT INTO a (x) VALUES (1) RETURNING id", "1\n"},
		{"SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)", "1|2996\n"},
		{"DROP TABLE b", ""},
		{"SELECT count(*) FROM a", "1\n"},
	} {
		if got := ask(t, env, test[0]); got != test[1] {
			t.Errorf("%s: %q, want %q", test[0], got, test[1])
		}
	}
	if err := env.Update(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec("ALTER TABLE a RENAME TO c"); err != nil {
			return err
		}
		return errors.New("given up")
	}); err == nil {
		t.Error("a transaction that was given up was committed")
	}
	if got := ask(t, env, "SELECT count(*) FROM a"); got != "1\n" {
		t.Errorf("a name was changed in a transaction that was given up: %q", got)
	}
}

// TestDefinitionsInTransactions makes and drops tables and indexes between statements that write: each
// sees what was done before, and a transaction that is given up leaves nothing.
func TestDefinitionsInTransactions(t *testing.T) {
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE a (id INTEGER PRIMARY KEY, x INT, y TEXT)")
	exec(t, env, "INSERT INTO a WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1000) SELECT n, n % 100, 'y' || n FROM up")
	const asks = "SELECT count(*) FROM a WHERE x = 7"
	within := func(tx *store.Tx) error {
		do := func(text string) {
			if _, err := tx.Exec(text); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
		value := func(text string) (all string) {
			for row, err := range tx.Query(text) {
				if err != nil {
					return string(store.CodeOf(err))
				}
				for i := range row.Columns() {
					v, _ := row.At(i).(string)
					if n, is := row.At(i).(int64); is {
						v = strings.Repeat("|", int(n))
					}
					all += v
				}
			}
			return all
		}
		do("INSERT INTO a VALUES (2000, 7, 'before')")
		do("CREATE INDEX by_x ON a (x)")
		do("INSERT INTO a VALUES (2001, 7, 'behind')")
		do("UPDATE a SET x = 7 WHERE id = 1")
		do("DELETE FROM a WHERE id = 7")
		if got := value(asks); got != strings.Repeat("|", 12) {
			t.Errorf("there are %d rows", len(got))
		}
		if plan := value("EXPLAIN QUERY PLAN SELECT y FROM a WHERE x = 7"); !strings.Contains(plan, "INDEX by_x") {
			t.Errorf("an index that was just made is not used: %s", plan)
		}
		do("CREATE TABLE b AS SELECT y FROM a WHERE x = 7")
		do("CREATE UNIQUE INDEX by_y ON b (y)")
		if got := value("INSERT INTO b VALUES ('before')"); got != "duplicate_key" {
			t.Errorf("a unique index that was just made: %q", got)
		}
		if got := value("CREATE UNIQUE INDEX again ON a (x)"); got != "duplicate_key" {
			t.Errorf("a unique index of what is not: %q", got)
		}
		do("DROP INDEX by_x")
		if got := value(asks); got != strings.Repeat("|", 12) {
			t.Errorf("without the index there are %d rows", len(got))
		}
		do("CREATE INDEX by_x ON a (x, y)")
		return nil
	}
	givenUp := errors.New("given up")
	err := env.Update(ctx, func(tx *store.Tx) error {
		if err := within(tx); err != nil {
			return err
		}
		return givenUp
	})
	if err != givenUp {
		t.Fatal(err)
	}
	if got := ask(t, env, asks); got != "10\n" {
		t.Errorf("after it was given up there are %s", got)
	}
	if got := ask(t, env, "SELECT * FROM b"); got != "unknown_table" {
		t.Errorf("a table that was given up: %s", got)
	}
	if err := env.Update(ctx, within); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, env, asks+" UNION ALL SELECT count(*) FROM b"); got != "12\n12\n" {
		t.Errorf("after it was committed there are %s", got)
	}
	if plan := ask(t, env, "EXPLAIN QUERY PLAN "+asks); !strings.Contains(plan, "COVERING INDEX by_x") {
		t.Errorf("the index is not used: %s", plan)
	}
}
