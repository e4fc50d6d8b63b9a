package store_test

import (
	"fmt"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// newOffering opens an environment with a table t of pages, and one for writing beside it.
func newOffering(t *testing.T) *store.Env {
	env := storetest.Open(t, memory.New(), store.Options{PageBytes: 16 << 10})
	exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT)")
	exec(t, env, "CREATE TABLE u (id INTEGER PRIMARY KEY, a INT)")
	exec(t, env, "WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 5000) INSERT INTO t SELECT n, n FROM up")
	return env
}

// offer sees to it that the pages of t are read from columns that are kept with them.
func offer(t *testing.T, env *store.Env) {
	t.Helper()
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ask(t, env, "SELECT sum(a), sum(id) FROM t")
	}
}

// count reads rows of a transaction, and does something after each.
func count(tx *store.Tx, text string, each func(n int) error) (n int, err error) {
	for _, err := range tx.Query(text) {
		if err != nil {
			return n, err
		}
		n++
		if err := each(n); err != nil {
			return n, err
		}
	}
	return n, nil
}

var nothing = func(int) error { return nil }

// TestOfferedAreRead changes a row that a transaction has read from a page as a whole, whether it has then
// read on, stopped in the midst of the page, or written meanwhile: it conflicts.
func TestOfferedAreRead(t *testing.T) {
	env := newOffering(t)
	note := func(tx *store.Tx) error { _, err := tx.Exec("INSERT INTO u (a) VALUES (1)"); return err }
	for name, read := range map[string]func(tx *store.Tx) error{
		"all of them": func(tx *store.Tx) error {
			_, err := count(tx, "SELECT id, a FROM t", nothing)
			return err
		},
		"a part": func(tx *store.Tx) error {
			n, err := count(tx, "SELECT id, a FROM t LIMIT 1000", nothing)
			if err == nil && n != 1000 {
				err = fmt.Errorf("%d rows", n)
			}
			return err
		},
		"all of them while it writes": func(tx *store.Tx) error {
			n, err := count(tx, "SELECT id, a FROM t", func(n int) error {
				if n%90 == 0 {
					return note(tx)
				}
				return nil
			})
			if err == nil && n != 5000 {
				err = fmt.Errorf("%d rows", n)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, row := range []int{1, 50, 100, 150, 200, 400, 700, 950, 999, 1000} {
				offer(t, env)
				tx, err := env.Begin(ctx, true)
				if err != nil {
					t.Fatal(err)
				}
				if err := read(tx); err != nil {
					t.Fatal(err)
				}
				exec(t, env, "UPDATE t SET a = a + 1 WHERE id = ?", row)
				if err := note(tx); err != nil {
					t.Fatal(err)
				}
				if err := tx.Commit(ctx); store.CodeOf(err) != store.Conflict {
					t.Errorf("row %d: %v", row, err)
				}
			}
		})
	}
}

// TestOfferedAreWatched: what was read from a part of a page is told of.
func TestOfferedAreWatched(t *testing.T) {
	env := newOffering(t)
	for _, row := range []int{1, 50, 150, 400, 950, 1000} {
		offer(t, env)
		w := env.Watch()
		err := w.View(ctx, func(tx *store.Tx) error {
			_, err := count(tx, "SELECT id, a FROM t LIMIT 1000", nothing)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, env, "UPDATE t SET a = a + 1 WHERE id = ?", row)
		if !told(w) {
			t.Errorf("row %d: nothing is told", row)
		}
		w.Stop()
	}
}
