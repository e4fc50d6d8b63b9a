//go:build !js

package sql_test

import (
	"strings"
	"testing"
)

// visits are tables of which so many rows are joined by their identities that these are looked up
// together.
var visits = []string{
	"CREATE TABLE p (id INTEGER PRIMARY KEY, q TEXT, n INT)",
	"CREATE TABLE q (id TEXT PRIMARY KEY, n INT)",
	"CREATE TABLE v (id INTEGER PRIMARY KEY, p, g TEXT, y INT)",
	"CREATE TABLE w (id INTEGER PRIMARY KEY)",
	"CREATE TABLE s (id TEXT PRIMARY KEY, n INT)",
	"WITH RECURSIVE up (n) AS (SELECT -1499 UNION ALL SELECT n + 1 FROM up WHERE n < 2500) INSERT INTO p SELECT n, 'q' || n, n % 13 FROM up",
	"INSERT INTO q SELECT q, n % 5 FROM p WHERE n % 3",
	"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 2600) INSERT INTO v SELECT n, n * 7919 % 2800 - 200, 'g' || (n % 4), n % 9 FROM up",
	"UPDATE v SET p = CASE id % 5 WHEN 0 THEN NULL WHEN 1 THEN 'none' WHEN 2 THEN p + 0.5 WHEN 3 THEN p + 0.0 END WHERE id % 7 = 0",
	"INSERT INTO w VALUES (1), (2)",
	"INSERT INTO s SELECT id, n FROM p",
}

// TestBatches holds joins whose rows nobody wants in an order to the same ones in the order in which
// they were read.
func TestBatches(t *testing.T) {
	m := newMemory()
	for _, text := range visits {
		if _, _, err := m.exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	const sums = "SELECT g, count(*), sum(n), max(id), total(y) FROM "
	for _, join := range []string{
		"SELECT v.g, p.n, v.id, v.y FROM v JOIN p ON p.id = v.p WHERE v.y = 3",
		"SELECT v.g, q.n, v.id, v.y FROM v JOIN p ON p.id = v.p JOIN q ON q.id = p.q WHERE v.y = 3",
		"SELECT v.g, p.n, w.id, v.y FROM v CROSS JOIN w CROSS JOIN p ON p.id = v.p WHERE v.y = 3",
		"SELECT v.g, p.n, v.id, v.y FROM v JOIN p ON p.id = v.p AND p.n > v.y WHERE v.y = 3",
		"SELECT v.g, p.n, v.id, v.y FROM v CROSS JOIN s AS p ON p.id = v.id + 0 WHERE v.y = 3", // by texts
	} {
		for _, ceiling := range []int{1 << 30, 4 << 10} { // with the smaller one only some at a time
			m.ceiling = ceiling
			loose, strict := sums+"("+join+") GROUP BY g ORDER BY g", sums+"("+join+" LIMIT -1) GROUP BY g ORDER BY g"
			if plan := strings.Join(planOf(t, m, loose), "\n"); !strings.Contains(plan, "SEARCH p USING PRIMARY KEY") {
				t.Errorf("%s: looks nothing up:\n%s", loose, plan)
			}
			if got, want := resultOf(t, m, loose), resultOf(t, m, strict); got != want {
				t.Errorf("%s: other sums than in order\n%s\n%s", join, got, want)
			}
		}
	}
}
