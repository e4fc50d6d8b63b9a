package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestStatementsSpill asks with memory for everything and with next to none: the answers are the
// same, and nothing that was written for them stays.
func TestStatementsSpill(t *testing.T) {
	answers := map[string][]string{}
	for _, ceiling := range []int{0, 64 << 10} {
		blobs := memory.NewBlobs()
		env := storetest.Open(t, memory.Open(blobs), store.Options{StatementBytes: ceiling})
		exec(t, env, "CREATE TABLE a (id INTEGER PRIMARY KEY, x INT, text TEXT)")
		exec(t, env, "INSERT INTO a WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 9000) SELECT n, n * 7919 % 10007, printf('%0600d', n) FROM up")
		for i, text := range []string{
			"SELECT x, text FROM a ORDER BY x, id DESC",
			"SELECT text, count(*), sum(x) FROM a GROUP BY text ORDER BY 1",
			"SELECT DISTINCT text FROM a ORDER BY text DESC",
			"SELECT text FROM a UNION SELECT text || '+' FROM a ORDER BY 1",
			"SELECT text FROM a WHERE x > 100 INTERSECT SELECT text FROM a WHERE x < 9000 ORDER BY 1",
			"SELECT text FROM a EXCEPT SELECT text FROM a WHERE x > 100 ORDER BY 1",
			"SELECT a.id, b.text FROM a JOIN a b ON a.x = b.x + 1 ORDER BY 1, 2",
			"SELECT a.id, b.text FROM a LEFT JOIN (SELECT x + 1 AS x, text FROM a WHERE id % 3 > 0) b ON a.x = b.x ORDER BY 2, 1",
			"SELECT a.id, b.text FROM a FULL JOIN (SELECT x + 1 AS x, text FROM a WHERE id % 3 > 0) b ON a.x = b.x ORDER BY 1, 2",
			"SELECT c.id, b.text FROM (SELECT id FROM a WHERE id < 4) c LEFT JOIN a b ON b.id % 500 < c.id ORDER BY 1, 2",
			"SELECT count(*) FROM a WHERE text || '' IN (SELECT text FROM a WHERE x < 9000)",
			"SELECT id FROM a WHERE id % 900 = 1 AND (text, NULL) NOT IN (SELECT text, x FROM a WHERE x < 5000) ORDER BY 1",
			"SELECT id, row_number() OVER (ORDER BY text DESC), sum(x) OVER (ORDER BY text), lag(text, 3) OVER (ORDER BY text) FROM a ORDER BY 1",
			"SELECT id, sum(x) OVER (PARTITION BY id % 2 ORDER BY text ROWS BETWEEN 700 PRECEDING AND 700 FOLLOWING), count(*) OVER (ORDER BY id RANGE BETWEEN 5 PRECEDING AND 6 FOLLOWING) FROM a ORDER BY 1",
			"SELECT count(DISTINCT text), group_concat(DISTINCT text) FROM a",
			"SELECT x % 7, count(DISTINCT text), group_concat(text, '+'), group_concat(text ORDER BY text DESC) FROM a GROUP BY 1 ORDER BY 1",
			"SELECT x % 3, json_group_array(json_array(text, x)) FROM a GROUP BY 1 ORDER BY 1",
			"WITH b AS (SELECT id, text FROM a WHERE x > 10) SELECT count(*), min(c.text) FROM b c JOIN b d ON c.id = d.id + 1",
			"WITH RECURSIVE up (n, text) AS (SELECT id, text FROM a UNION SELECT n - 4500, text || '-' FROM up WHERE n > 4500) SELECT count(*), max(text) FROM up",
			"WITH RECURSIVE up (n, text) AS (SELECT id, text FROM a UNION ALL SELECT n - 4500, text || '-' FROM up WHERE n > 4500) SELECT count(*), max(text) FROM up",
			"UPDATE a SET x = x + 0 WHERE text > '' RETURNING id, text",
		} {
			if i%min(storetest.Stride(), 4) > 0 {
				continue
			}
			before, err := env.Stat(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got := longAnswer(t, env, text)
			after, err := env.Stat(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if spilled := after.WrittenBytes > before.WrittenBytes; ceiling > 0 && !spilled && !strings.HasPrefix(text, "UPDATE") {
				t.Errorf("%s: nothing was spilled", text)
			}
			answers[text] = append(answers[text], got)
		}
	}
	for text, of := range answers {
		if of[0] != of[1] {
			t.Errorf("%s: with little memory it is another answer", text)
		}
	}
}

// longAnswer is ask for many rows.
func longAnswer(t *testing.T, env *store.Env, text string) string {
	var b []byte
	for row, err := range env.Query(ctx, text) {
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for i := range row.Columns() {
			b = fmt.Append(b, row.At(i), "|")
		}
	}
	return string(b)
}
