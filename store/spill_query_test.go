package store_test

import (
	"fmt"
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
		for _, text := range []string{
			"SELECT x, text FROM a ORDER BY x, id DESC",
			"SELECT text, count(*), sum(x) FROM a GROUP BY text ORDER BY 1",
			"SELECT DISTINCT text FROM a ORDER BY text DESC",
			"SELECT text FROM a UNION SELECT text || '+' FROM a ORDER BY 1",
		} {
			before, err := env.Stat(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got := longAnswer(t, env, text)
			after, err := env.Stat(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if spilled := after.WrittenBytes > before.WrittenBytes; ceiling > 0 && !spilled {
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
