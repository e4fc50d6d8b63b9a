//go:build !js

package sql_test

import (
	"strings"
	"testing"
)

// TestGroupsOfSheets holds groups whose rows come by whole sheets to the same ones of which each
// row is asked.
func TestGroupsOfSheets(t *testing.T) {
	m := newMemory()
	for _, text := range []string{
		"CREATE TABLE t (id INTEGER PRIMARY KEY, k, x, y, z TEXT)",
		"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) INSERT INTO t SELECT n, " +
			"CASE n % 7 WHEN 0 THEN NULL WHEN 1 THEN n % 40 WHEN 2 THEN (n % 40) + 0.0 WHEN 3 THEN 'k' || (n % 30) WHEN 4 THEN 'K' || (n % 30) WHEN 5 THEN 'longer than a word ' || (n % 20) ELSE n END, " +
			"CASE n % 11 WHEN 0 THEN NULL WHEN 1 THEN 'x' || n WHEN 2 THEN n / 8.0 ELSE n * 7919 % 1009 END, n % 13, 'z' || (n % 5) FROM up",
		"UPDATE t SET y = NULL WHERE id % 17 = 0",
	} {
		if _, _, err := m.exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for _, ceiling := range []int{1 << 30, 4 << 10} { // with the smaller one groups have to wait
		m.ceiling = ceiling
		for _, key := range []string{"k", "k COLLATE NOCASE", "y", "z", ""} {
			by := " GROUP BY " + key
			if key == "" {
				by, key = "", "k"
			}
			for _, where := range []string{"", " WHERE y > 3", " WHERE y > 3 AND z <> 'z2'", " WHERE length(z) = 2 AND y < 9"} {
				for _, calls := range []string{"count(*), count(x), total(y)", "sum(y), avg(y), max(x)", "min(y), max(y), x", "max(x), id, z", "min(x), max(id), z, k"} {
					sheets := "SELECT " + key + ", " + calls + " FROM t" + where + by
					rows := strings.Replace(sheets, ")", ") FILTER (WHERE 1)", 1)
					if got, want := resultOf(t, m, sheets), resultOf(t, m, rows); got != want {
						t.Errorf("%s: other groups than row by row\n%s\n%s", sheets, got, want)
					}
				}
			}
		}
	}
}
