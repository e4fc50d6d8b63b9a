//go:build !js

package sql_test

import (
	"slices"
	"strings"
	"testing"
)

// TestJoinsOfSheets holds groups of joins whose rows come by whole sheets to the same ones of which
// each row is asked, and joins in order to those that nobody minds.
func TestJoinsOfSheets(t *testing.T) {
	m := newMemory()
	const odd = "CASE n % 9 WHEN 0 THEN NULL WHEN 1 THEN n % 50 + 0.5 WHEN 2 THEN n % 50 + 0.0 WHEN 3 THEN 'k' || n % 20 ELSE n * 7919 % 400 END"
	for _, text := range []string{
		"CREATE TABLE a (id INTEGER PRIMARY KEY, k, d, s TEXT, x INT)",
		"CREATE TABLE b (id INTEGER PRIMARY KEY, k, d INT, s TEXT, y INT)",
		"CREATE TABLE c (s TEXT, z TEXT)",
		"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 500) INSERT INTO a SELECT n, " + odd + ", n * 13 % 400, 's' || n % 11, n % 17 FROM up",
		"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 400) INSERT INTO b SELECT n, " + odd + ", n * 31 % 800, 'S' || n % 13, n % 23 FROM up",
		"INSERT INTO c SELECT DISTINCT s, 'z' || length(s) FROM a WHERE x > 2",
	} {
		if _, _, err := m.exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for _, ceiling := range []int{1 << 30, 4 << 10} { // with the smaller one rows have to wait
		m.ceiling = ceiling
		for _, from := range []string{
			"a JOIN b ON b.d = a.d", "a JOIN b ON b.d = a.id", "a JOIN b ON b.k = a.k", "a JOIN b ON b.k = a.d AND b.y < a.x",
			"a JOIN b ON b.s = a.s COLLATE NOCASE AND b.id < 40", "a JOIN b ON b.d = a.d JOIN c ON c.s = a.s", "b JOIN a ON b.d = a.d LEFT JOIN c ON c.s = a.s",
			"a LEFT JOIN b ON b.d = a.d", "a LEFT JOIN b ON b.d = a.d JOIN c ON c.s = a.s", "a JOIN b ON b.d = a.d FULL JOIN c ON c.s = a.s",
			"a JOIN (SELECT d, max(y) AS y, min(id) AS id, s FROM b GROUP BY d) b ON b.d = a.d", "a JOIN b USING (d) JOIN a e USING (d)",
		} {
			for _, where := range []string{"", " WHERE a.x > 3", " WHERE a.x > b.y"} {
				for _, group := range []string{"", " GROUP BY a.s", " GROUP BY b.y", " GROUP BY a.k"} {
					sheets := "SELECT count(*), count(b.y), total(b.y), max(a.x), min(b.id) FROM " + from + where + group
					rows := strings.ReplaceAll(sheets, "),", ") FILTER (WHERE 1),")
					if got, want := sorted(resultOf(t, m, sheets)), sorted(resultOf(t, m, rows)); got != want {
						t.Errorf("%s: other groups than row by row\n%s\n%s", sheets, got, want)
					}
				}
				for _, calls := range []string{"count(*), total(i * 31 + j), max(j)", "group_concat(j)"} {
					pairs := "SELECT " + calls + " FROM (SELECT a.id AS i, b.id AS j FROM " + from + where
					if got, want := resultOf(t, m, pairs+")"), resultOf(t, m, pairs+" LIMIT -1)"); got != want {
						t.Errorf("%s: other pairs than in order\n%s\n%s", pairs, got, want)
					}
				}
			}
		}
	}
	const changed = "SELECT count(*), sum(id) FROM a WHERE x = -id"
	if _, _, err := m.exec("UPDATE a SET x = -a.id FROM b WHERE b.d = a.d AND b.y > 5"); err != nil {
		t.Fatal(err)
	}
	if got, want := resultOf(t, m, changed), resultOf(t, m, "SELECT count(*), sum(id) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.d = a.d AND b.y > 5)"); got != want {
		t.Errorf("rows changed by a join: %s, not %s", got, want)
	}
}

// sorted is lines in order.
func sorted(lines string) string {
	all := strings.Split(lines, "\n")
	slices.Sort(all)
	return strings.Join(all, "\n")
}
