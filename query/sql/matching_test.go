//go:build !js

package sql_test

import (
	"strings"
	"testing"
)

// TestPatternsOfSheets holds patterns that whole sheets are narrowed by to the same ones of which
// each row is asked.
func TestPatternsOfSheets(t *testing.T) {
	m := newMemory()
	for _, text := range []string{
		"CREATE TABLE t (id INTEGER PRIMARY KEY, x)",
		"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 2000) INSERT INTO t SELECT n, " +
			"CASE n % 7 WHEN 0 THEN NULL WHEN 1 THEN n WHEN 2 THEN n / 8.0 WHEN 3 THEN CAST('ab' || n AS BLOB) WHEN 4 THEN 'xAb' || (n % 30) WHEN 5 THEN char(97, 0, 98) || n ELSE 'no' || n END FROM up",
	} {
		if _, _, err := m.exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	found := 0
	for _, of := range []string{"x", "id"} {
		for _, op := range []string{"LIKE", "NOT LIKE", "GLOB", "NOT GLOB"} {
			for _, pattern := range []string{"'%ab1%'", "'xab_'", "'%B%'", "'1%'", "'*b1*'", "'[n-x]*'", "''", "'%'", "1", "1.5", "NULL", "X'2562'", "id", "x"} {
				condition := of + " " + op + " " + pattern
				sheets := resultOf(t, m, "SELECT count(*), group_concat(id) FROM t WHERE "+condition)
				if rows := resultOf(t, m, "SELECT count(*), group_concat(id) FROM t WHERE ("+condition+") IS TRUE"); sheets != rows {
					t.Errorf("%s: other rows than one by one\n%s\n%s", condition, sheets, rows)
				}
				if !strings.HasPrefix(sheets, "0 ") {
					found++
				}
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d conditions held for some", found)
	}
}
