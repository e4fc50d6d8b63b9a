package store_test

import (
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestRowsThatAskAreWork joins many rows to one large document, each of which has to read it.
func TestRowsThatAskAreWork(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{StatementWork: 1 << 20})
	for _, text := range []string{
		"CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT)",
		"CREATE TABLE v (id INTEGER PRIMARY KEY, k INT, y INT)",
		"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 80000) INSERT INTO p SELECT n, 'x' FROM up",
		"WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 16000) INSERT INTO v SELECT n, 5, 3 FROM up",
		"UPDATE p SET x = printf('%100000s', 'y') WHERE id = 5",
	} {
		exec(t, env, text)
	}
	var failed error
	for _, err := range env.Query(ctx, "SELECT count(*), sum(p.id) FROM v CROSS JOIN p ON p.id = v.k WHERE v.y = 3 AND length(p.x) = 3") {
		failed = err
	}
	if store.CodeOf(failed) != store.WorkLimit {
		t.Errorf("%v", failed)
	}
}
