//go:build !js

package sql_test

import (
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/value"
)

// sides are tables that are joined in the order of their keys: some keys are missing on either
// side, some have more rows than are read ahead, and some are of other kinds.
var sides = []string{
	"CREATE TABLE a (id INTEGER PRIMARY KEY, x, note TEXT)",
	"CREATE TABLE b (id INTEGER PRIMARY KEY, a INT, y INT)",
	"CREATE INDEX b_a ON b (a, y)",
	"CREATE TABLE c (id TEXT PRIMARY KEY, n INT)",
	"CREATE TABLE d (c TEXT, n INT)",
	"CREATE INDEX d_c ON d (c, n)",
	"CREATE TABLE e (id INTEGER PRIMARY KEY, a INT)",
	"CREATE INDEX e_a ON e (a)",
	"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) INSERT INTO a SELECT n, n % 7, 'a' || n FROM up WHERE n % 3 OR n < 40",
	"INSERT INTO a (id) VALUES (-2), (-1), (0)",
	"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 9000) INSERT INTO b SELECT n, CASE WHEN n < 2500 THEN 7 WHEN n < 3000 THEN 0 WHEN n < 3100 THEN NULL WHEN n < 6000 THEN n - 3000 ELSE 2 * (n - 6000) END, n % 11 FROM up",
	"INSERT INTO c SELECT CASE id % 4 WHEN 0 THEN 'c' || id WHEN 1 THEN id || 'c' WHEN 2 THEN '[' || id ELSE '' || id END, id FROM a",
	"INSERT INTO d SELECT id, n % 5 FROM c WHERE n % 2 UNION ALL SELECT id, n % 3 FROM c",
}

// TestMergeJoins holds joins in the order of keys to the same ones by a table of hashes.
func TestMergeJoins(t *testing.T) {
	m := newMemory()
	for _, text := range sides {
		if _, _, err := m.exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	// Booleans, which only programs store: 1 and 0 to SQL, and before all numbers in an index.
	e, _ := m.Table("e")
	for id := range byte(60) {
		if _, _, err := m.Insert(e, []byte{0x82, 0xa2, 'i', 'd', 1 + id, 0xa1, 'a', []byte{0xc2, 0xc3, id%4 - 2}[id%3]}); err != nil {
			t.Fatal(err)
		}
	}
	// KEY is the right side's column, which nothing orders where it is an expression.
	for _, text := range []string{
		"SELECT a.id, a.x, b.y FROM a JOIN b ON b.KEY = a.id ORDER BY 1, 2, 3",
		"SELECT a.id, b.y FROM a LEFT JOIN b ON b.KEY = a.id AND b.y > 3 ORDER BY 1, 2",
		"SELECT a.note, b.y FROM a JOIN b ON b.KEY = a.id AND b.y < a.x ORDER BY 1, 2",
		"SELECT count(*), sum(b.y) FROM a CROSS JOIN b ON b.KEY = a.id WHERE a.id BETWEEN 5 AND 2000",
		"SELECT c.id, d.n FROM c LEFT JOIN d ON d.KEY = c.id ORDER BY 1, 2",
		"SELECT p.a, p.y, q.y FROM b p CROSS JOIN b q ON q.KEY = p.a WHERE p.a <> 7 AND p.y = 3 ORDER BY 1, 2, 3",
		"SELECT a.id, e.id FROM a CROSS JOIN e ON e.KEY = a.id ORDER BY 1, 2",
		"SELECT (SELECT sum(b.y) FROM a e CROSS JOIN b ON b.KEY = e.id WHERE e.id < f.id) FROM a f WHERE f.id % 400 = 1",
	} {
		merged, column := text, "a"
		if strings.Contains(text, "d.KEY") {
			column = "c"
		}
		merged = strings.ReplaceAll(text, "KEY", column)
		if plan := strings.Join(planOf(t, m, merged), "\n"); !strings.Contains(plan, "MERGE ") {
			t.Errorf("%s: is not merged:\n%s", merged, plan)
		}
		hashed := strings.NewReplacer("b.KEY", "(b."+column+" + 0)", "q.KEY", "(q."+column+" + 0)", "e.KEY", "(e."+column+" + 0)", "d.KEY", "(d."+column+" || '')").Replace(text)
		if plan := strings.Join(planOf(t, m, hashed), "\n"); strings.Contains(plan, "MERGE ") {
			t.Errorf("%s: is merged:\n%s", hashed, plan)
		}
		if got, want := resultOf(t, m, merged), resultOf(t, m, hashed); got != want {
			t.Errorf("%s: other rows than without an order\n%.300s\n%.300s", merged, got, want)
		}
	}
}

func resultOf(t *testing.T, m *memory, text string) string {
	t.Helper()
	rows, _, err := m.exec(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if len(rows) == 0 {
		t.Errorf("%s: no rows", text)
	}
	var all strings.Builder
	for _, row := range rows {
		for _, v := range row {
			all.WriteString(quoted(v) + " ")
		}
		all.WriteString("\n")
	}
	return all.String()
}

func quoted(v value.Value) string {
	if v.IsNull() {
		return "NULL"
	}
	return v.Text()
}
