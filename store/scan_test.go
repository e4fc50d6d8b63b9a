package store_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// scanIDs is beyond all identities of the test below.
const scanIDs = 3000

// TestScanMeetsWhatIsWritten passes over a table whose documents lie in trees, in memory
// and among the transaction's own writes, while more is written ahead of it and behind.
func TestScanMeetsWhatIsWritten(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	env := storetest.Open(t, memory.New(), storetest.Small())
	if _, err := env.Table(ctx, "t", store.Schema{Key: query.Field("id")}, nil); err != nil {
		t.Fatal(err)
	}
	model := map[int]int{} // n by id
	change := func(source sql.Source, on *sql.Table, id int) {
		key := query.AppendKeyInt(nil, int64(id))
		n := r.IntN(1 << 20)
		fields := doc(map[string]any{"id": id, "n": n})
		_, exists := model[id]
		var err error
		switch {
		case exists && r.IntN(3) == 0:
			err = source.Delete(on, key)
			delete(model, id)
		case exists:
			_, _, err = source.Replace(on, key, nil, fields, nil)
			model[id] = n
		default:
			_, _, err = source.Insert(on, fields)
			model[id] = n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for round := range 6 {
		err := env.Update(ctx, func(tx *store.Tx) error {
			catalog, source := tx.SQL()
			on, err := catalog.Table("t")
			if err != nil {
				return err
			}
			for range []int{4000, 0, 300, 20, 1000, 3}[round] {
				change(source, on, r.IntN(scanIDs))
			}
			for _, most := range []int{0, 1, 30} { // of a hundred rows, at how many something is written
				scan(t, source, on, r.IntN(scanIDs), model, func(id int) {
					if r.IntN(100) < most {
						change(source, on, r.IntN(scanIDs))
					}
				})
			}
			return nil
		})
		if err == nil && round%2 == 0 {
			err = env.Checkpoint(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// scan reads a table from an identity on, and compares each row with what the model holds
// at that moment. between is called after each.
func scan(t *testing.T, source sql.Source, on *sql.Table, from int, model map[int]int, between func(id int)) {
	t.Helper()
	next := func(id int) int {
		for id++; id < scanIDs; id++ {
			if _, exists := model[id]; exists {
				return id
			}
		}
		return -1
	}
	at := from - 1
	access := sql.Access{Index: -1, Ranges: []query.KeyRange{{Low: query.AppendKeyInt(nil, int64(from))}}, Documents: true, Keys: true}
	err := source.Scan(on, &access, func(rec *sql.Record) error {
		want := next(at)
		raw, _, err := query.DecodeKey(nil, rec.Key)
		if err != nil {
			return err
		}
		id, _ := query.ReadValue(raw)
		n, _, _ := query.Lookup(rec.Doc, query.Field("n"))
		got, _ := query.ReadValue(n)
		if id != int64(want) || got != int64(model[want]) {
			t.Fatalf("behind %d stands %v with %v, not %d with %d", at, id, got, want, model[want])
		}
		at = want
		between(at)
		return nil
	})
	if err != nil || next(at) >= 0 {
		t.Fatalf("the end is %d, and there is %d: %v", at, next(at), err)
	}
}
