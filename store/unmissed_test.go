package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/store"
)

// TestNoChangeIsMissed has statements watched, and run in transactions that have not ended, while others
// change what they read, by indexes and without: who would read something else now is told, and
// conflicts.
func TestNoChangeIsMissed(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newTwins(t, seed)
	changed, steps := 0, 60
	if testing.Short() {
		steps = 15
	}
	for range steps {
		var readers []*reader
		for range 8 {
			readers = append(readers, w.read())
		}
		w.update(func(tx *store.Tx) error {
			if w.random.IntN(2) == 0 {
				_, err := w.rows(tx, w.change(), "indexed", nobody)
				return err
			}
			_, err := w.indexed.Put(tx, [][]byte{w.document(w.random.IntN(w.documents + 5))})
			return err
		})
		for _, r := range readers {
			if w.outdated(r) {
				changed++
			}
		}
		if w.random.IntN(8) == 0 {
			if err := w.env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if changed < steps/4 {
		t.Errorf("only %d answers changed", changed)
	}
	if err := w.env.Close(ctx); err != nil {
		t.Error(err)
	}
}

// reader is who has asked a statement, and has not ended.
type reader struct {
	text, table string
	ordered     bool
	before      []string
	watch       *store.Watch
	tx          *store.Tx
}

func (w *twins) read() *reader {
	r := &reader{table: of(w, "indexed", "indexed", "plain"), watch: w.env.Watch()}
	r.text, r.ordered = w.question()
	if w.random.IntN(2) == 0 {
		r.text, r.ordered = fmt.Sprintf("SELECT id, note FROM T WHERE %s", w.condition("")), false
	}
	err := r.watch.View(ctx, func(tx *store.Tx) (err error) {
		r.before, err = w.answer(tx, r)
		return err
	})
	if err == nil {
		r.tx, err = w.env.Begin(ctx, true)
	}
	if err == nil {
		_, err = w.answer(r.tx, r)
	}
	if err == nil {
		_, err = w.rows(r.tx, "INSERT INTO aside (x) VALUES (1)", "", nobody)
	}
	if err != nil {
		w.t.Fatalf("%s: %v", r.text, err)
	}
	return r
}

// answer is what a reader's statement answers in a transaction, errors of values included.
func (w *twins) answer(tx *store.Tx, r *reader) ([]string, error) {
	rows, err := w.rows(tx, r.text, r.table, nobody)
	if !r.ordered {
		slices.Sort(rows)
	}
	if err != nil && ofValues(err) {
		return []string{err.Error()}, nil
	}
	return rows, err
}

// outdated ends a reader. It reports whether he would read something else now.
func (w *twins) outdated(r *reader) (outdated bool) {
	defer r.watch.Stop()
	told, committed := told(r.watch), r.tx.Commit(ctx)
	if err := w.env.View(ctx, func(tx *store.Tx) error {
		now, err := w.answer(tx, r)
		outdated = !slices.Equal(now, r.before)
		return err
	}); err != nil {
		w.t.Error(err)
	}
	if outdated && !told {
		w.t.Errorf("%s of %s has changed, and its watch was not told", r.text, r.table)
	}
	if outdated && store.CodeOf(committed) != store.Conflict {
		w.t.Errorf("%s of %s has changed, and who had read it committed: %v", r.text, r.table, committed)
	}
	return outdated
}
