//go:build !js

package sql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/value"
)

// planOf is what EXPLAIN QUERY PLAN says, each line behind its level.
func planOf(t *testing.T, m *memory, text string) []string {
	t.Helper()
	rows, _, err := m.exec("EXPLAIN QUERY PLAN "+text, make([]value.Value, strings.Count(text, "?"))...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	level := map[string]int{"0": 0}
	var lines []string
	for _, row := range rows {
		n := level[row[1].Text()]
		level[row[0].Text()] = n + 1
		lines = append(lines, strings.Repeat("- ", n)+row[3].Text())
	}
	return lines
}

// TestPlans holds plans to what they should be: which indexes serve what.
func TestPlans(t *testing.T) {
	m := newMemory()
	for _, text := range []string{
		"CREATE TABLE a (id INTEGER PRIMARY KEY, x INT, y TEXT, z TEXT, note TEXT COLLATE nocase)",
		"CREATE INDEX a_x ON a (x, y)",
		"CREATE INDEX a_z ON a (z)",
		"CREATE INDEX a_note ON a (note)",
		"CREATE TABLE b (id INTEGER PRIMARY KEY, a INT)",
		"CREATE VIEW both AS SELECT id, x FROM a UNION ALL SELECT id, a FROM b",
		"INSERT INTO a WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) SELECT n, n % 1000, 'y' || n, 'z' || n, 'N' || n FROM up",
		"INSERT INTO b SELECT id, x FROM a WHERE id < 1000",
	} {
		if _, _, err := m.exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for _, c := range []struct {
		text string
		plan []string
	}{
		{"SELECT * FROM a WHERE id = 3", []string{"SEARCH a USING PRIMARY KEY (id=?)"}},
		{"SELECT * FROM a WHERE x = 3 AND y > 'b'", []string{"SEARCH a USING INDEX a_x (x=? AND y>?)"}},
		{"SELECT * FROM a WHERE x IN (1, 2, 3)", []string{"SEARCH a USING INDEX a_x (x IN ?)"}},
		{"SELECT * FROM a WHERE x = 1 + 2", []string{"SEARCH a USING INDEX a_x (x=?)"}},
		{"SELECT x, y FROM a WHERE x BETWEEN 3 AND 4", []string{"SEARCH a USING COVERING INDEX a_x (x>? AND x<?)"}},
		{"SELECT * FROM a ORDER BY x, y LIMIT 3", []string{"SCAN a USING INDEX a_x"}},
		{"SELECT * FROM a ORDER BY z DESC LIMIT 3", []string{"SCAN a USING INDEX a_z"}},

		// The terms of an OR, each by what serves it.
		{"SELECT * FROM a WHERE x = 3 OR z = 'z7'", []string{"MULTI-INDEX OR", "- INDEX 1", "- - SEARCH a USING INDEX a_x (x=?)", "- INDEX 2", "- - SEARCH a USING INDEX a_z (z=?)"}},
		{"SELECT * FROM a WHERE x = 3 AND y = 'y3' OR id = 5", []string{"MULTI-INDEX OR", "- INDEX 1", "- - SEARCH a USING INDEX a_x (x=? AND y=?)", "- INDEX 2", "- - SEARCH a USING PRIMARY KEY (id=?)"}},
		{"SELECT * FROM a WHERE x = 3 OR note = 'n'", []string{"SCAN a"}},
		{"SELECT * FROM a WHERE x = 3 OR y = 'y'", []string{"SCAN a"}},

		// LIKE and GLOB, whatever the column's collation.
		{"SELECT * FROM a WHERE z LIKE 'z29%'", []string{"SEARCH a USING INDEX a_z (z LIKE ?)"}},
		{"SELECT * FROM a WHERE note LIKE 'n29%'", []string{"SEARCH a USING INDEX a_note (note LIKE ?)"}},
		{"SELECT * FROM a WHERE z GLOB 'z29*'", []string{"SEARCH a USING INDEX a_z (z GLOB ?)"}},
		{"SELECT * FROM a WHERE z LIKE ?", []string{"SEARCH a USING INDEX a_z (z LIKE ?)"}},
		{"SELECT * FROM a WHERE z LIKE '%9'", []string{"SCAN a"}},
		{"SELECT * FROM a WHERE z LIKE 'a%' ESCAPE '\\'", []string{"SCAN a"}},
		{"SELECT * FROM a WHERE z NOT LIKE 'a%'", []string{"SCAN a"}},

		{"SELECT * FROM a JOIN b ON b.a = a.id", []string{"SCAN b", "SEARCH a USING HASH TABLE"}},
		{"SELECT * FROM b JOIN a ON a.id = b.a WHERE b.id = 1", []string{"SEARCH b USING PRIMARY KEY (id=?)", "SEARCH a USING PRIMARY KEY (id=?)"}},
		{"SELECT * FROM (SELECT x, count(*) AS n FROM a GROUP BY x) WHERE x = 3 AND n > 1", []string{"SEARCH a USING COVERING INDEX a_x (x=?)", "USE TEMP B-TREE FOR GROUP BY", "SCAN SUBQUERY"}},
		{"SELECT * FROM (SELECT x + 1 AS x, count(*) FROM a GROUP BY 1) WHERE x = 3", []string{"SCAN a USING COVERING INDEX a_x", "USE TEMP B-TREE FOR GROUP BY", "SCAN SUBQUERY"}},
		{"SELECT * FROM (SELECT DISTINCT z, y FROM a) AS c JOIN b ON b.id = 1 WHERE c.z IN ('z1', 'z2')", []string{"SEARCH a USING INDEX a_z (z IN ?)", "USE TEMP B-TREE FOR DISTINCT", "SEARCH b USING PRIMARY KEY (id=?)", "SCAN c"}},
		// A compound, each SELECT as far as it can.
		{"SELECT * FROM (SELECT id, z FROM a UNION ALL SELECT id, z FROM a) WHERE z = 'z1' AND id > 0", []string{"COMPOUND QUERY", "- SEARCH a USING COVERING INDEX a_z (z=? AND id>?)", "- SEARCH a USING COVERING INDEX a_z (z=? AND id>?)", "SCAN SUBQUERY"}},
		{"SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM b WHERE a > 3) WHERE id IN (1, 2)", []string{"COMPOUND QUERY", "- SEARCH b USING PRIMARY KEY (id IN ?)", "- SEARCH b USING PRIMARY KEY (id IN ?)", "SCAN SUBQUERY"}},
		{"SELECT * FROM (SELECT id, a FROM b UNION SELECT id, x FROM a) AS c WHERE c.id = 7", []string{"COMPOUND QUERY", "- SEARCH b USING PRIMARY KEY (id=?)", "- SEARCH a USING PRIMARY KEY (id=?)", "SCAN c"}},
		{"SELECT * FROM (SELECT x FROM a UNION ALL SELECT 1) WHERE x = 7", []string{"COMPOUND QUERY", "- SCAN a USING COVERING INDEX a_x", "SCAN SUBQUERY"}},
		{"SELECT * FROM (SELECT note AS n FROM a UNION SELECT note FROM a) WHERE n = 'N1'", []string{"COMPOUND QUERY", "- SCAN a USING COVERING INDEX a_note", "- SCAN a USING COVERING INDEX a_note", "SCAN SUBQUERY"}},
		{"SELECT * FROM both WHERE id = 7", []string{"COMPOUND QUERY", "- SEARCH a USING PRIMARY KEY (id=?)", "- SEARCH b USING PRIMARY KEY (id=?)", "SCAN both"}},
		{"SELECT * FROM (SELECT note, count(*) FROM a GROUP BY note) WHERE note = 'N1' COLLATE binary", []string{"SCAN a USING COVERING INDEX a_note", "USE TEMP B-TREE FOR GROUP BY", "SCAN SUBQUERY"}},
		{"SELECT * FROM b LEFT JOIN (SELECT DISTINCT x, y FROM a) AS c ON c.x = b.a WHERE c.x IS NULL", []string{"SCAN a USING COVERING INDEX a_x", "USE TEMP B-TREE FOR DISTINCT", "SCAN b", "SEARCH c USING HASH TABLE"}},
		{"SELECT * FROM (SELECT * FROM a WHERE x > 1) WHERE x < 3", []string{"SEARCH a USING INDEX a_x (x>? AND x<?)"}},
		{"WITH c AS (SELECT * FROM a WHERE x > 1) SELECT * FROM c WHERE z = 'z'", []string{"SEARCH a USING INDEX a_z (z=?)"}},
		{"WITH c AS (SELECT x FROM a WHERE x < 2) SELECT * FROM c, c d WHERE c.x = d.x", []string{"MATERIALIZE c", "- SEARCH a USING COVERING INDEX a_x (x<?)", "SCAN c", "SEARCH d USING HASH TABLE"}},
	} {
		if got := planOf(t, m, c.text); !slices.Equal(got, c.plan) {
			t.Errorf("%s:\n got %q\nwant %q", c.text, got, c.plan)
		}
	}
}

// TestConstants shows that what reads no row is not computed for each: a text is allocated.
func TestConstants(t *testing.T) {
	m := newMemory()
	for _, text := range []string{
		"CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)",
		"INSERT INTO a WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) SELECT n, 'x' FROM up",
	} {
		if _, _, err := m.exec(text); err != nil {
			t.Fatal(err)
		}
	}
	allocated := func(text string) float64 {
		return testing.AllocsPerRun(3, func() {
			if _, _, err := m.exec(text); err != nil {
				t.Fatal(err)
			}
		})
	}
	each := allocated("SELECT count(*) FROM a WHERE x <> upper(x || 'long enough to be allocated') || 'y'")
	once := allocated("SELECT count(*) FROM a WHERE x <> upper('x' || 'long enough to be allocated') || 'y'")
	if each < 3000 || once > each/3 {
		t.Errorf("%v allocations, %v where the text is another one for each row", once, each)
	}
}
