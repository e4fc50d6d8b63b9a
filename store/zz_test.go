package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

func TestZZ(t *testing.T) {
	env, err := store.Open(ctx, memory.New(), store.Options{StatementBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"a", "b"} {
		exec(t, env, "CREATE TABLE "+n+" (id INTEGER PRIMARY KEY, x INT, text TEXT)")
		exec(t, env, "INSERT INTO "+n+" WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 100000) SELECT n, n % 1000, printf('%060d', n) FROM up")
		exec(t, env, "CREATE INDEX "+n+"x ON "+n+" (x)")
	}
	best := map[string]time.Duration{}
	texts := []string{"SELECT sum(x) FROM a", "SELECT sum(x), max(text) FROM b", "SELECT sum(a.x), max(b.text) FROM a JOIN b ON a.id = b.id", "SELECT sum(a.x), max(b.text) FROM a CROSS JOIN b ON a.id + 0 = b.id + 0"}
	for range 7 {
		for _, text := range texts {
			start := time.Now()
			ask(t, env, text)
			if d := time.Since(start); best[text] == 0 || d < best[text] {
				best[text] = d
			}
		}
	}
	for _, text := range texts {
		fmt.Println(best[text], text, ask(t, env, "EXPLAIN QUERY PLAN "+text))
	}
}
