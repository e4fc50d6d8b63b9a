package store_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestPutsInOrder puts keys one after the other, up and down and here and there, where there are
// some, where there are none and where all were deleted, in transactions and children that may be
// given up: each is told rightly whether it is new.
func TestPutsInOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	env := storetest.Open(t, memory.New(), storetest.Small())
	held := map[uint32]bool{}
	transactions := 150
	if testing.Short() {
		transactions = 30
	}
	for range transactions {
		begin := env.BeginExclusive
		if random.IntN(3) == 0 {
			begin = func(ctx context.Context) (*store.Tx, error) { return env.Begin(ctx, true) }
		}
		tx, err := begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if held, err = putInOrder(tx, random, held, new(int), 0); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if random.IntN(8) == 0 {
			if err := env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// putInOrder makes some passes, of which a child may be one, and returns what there is then.
func putInOrder(tx *store.Tx, random *rand.Rand, held map[uint32]bool, from *int, depth int) (map[uint32]bool, error) {
	const keys = 3000
	held = maps.Clone(held)
	db, err := tx.DB("docs")
	if err != nil {
		return nil, err
	}
	for range 1 + random.IntN(5) {
		if random.IntN(2) == 0 {
			*from = 1000 + random.IntN(keys) // or else it goes on where the one before has ended
		}
		at, step, count := *from, 1+random.IntN(3), 20+random.IntN(60)
		switch n := random.IntN(6); {
		case n == 0 && depth < 2:
			child, err := tx.Child()
			if err != nil {
				return nil, err
			}
			within, err := putInOrder(child, random, held, from, depth+1)
			if err == nil && random.IntN(2) == 0 {
				held, err = within, child.Commit(ctx)
			}
			child.Rollback()
			if err != nil {
				return nil, err
			}
			continue
		case n == 1: // now and then more than a vacancy takes in at once
			for key := range 10 * count {
				if err := db.Clear(docKey(at + key)); err != nil {
					return nil, err
				}
				delete(held, uint32(at+key))
			}
			continue
		case n == 2:
			step = -step
		}
		for i := range count {
			key := at + step*i
			*from = key + 1
			if random.IntN(20) == 0 {
				key = at + random.IntN(step*step*count)
			}
			added, err := db.Add(docKey(key), []byte("x"))
			if err != nil || added == held[uint32(key)] {
				return nil, fmt.Errorf("key %d: added %v, %w", key, added, err)
			}
			if held[uint32(key)] = true; random.IntN(9) > 0 {
				continue
			}
			if found, err := db.Delete(docKey(key)); err != nil || !found {
				return nil, fmt.Errorf("key %d: found %v, %w", key, found, err)
			}
			delete(held, uint32(key))
		}
	}
	n, err := db.Count(store.KeyRange{})
	if err == nil && int(n) != len(held) {
		err = fmt.Errorf("%d keys, want %d", n, len(held))
	}
	return held, err
}

func docKey(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// TestRowsInOrder inserts rows by statements as TestPutsInOrder puts keys, with all that may be
// said about a row in the way, between savepoints that are gone back to.
func TestRowsInOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	env := storetest.Open(t, memory.New(), storetest.Small())
	exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT); CREATE INDEX xs ON t (x)")
	c := env.Connect()
	defer c.Close()
	transactions := 60
	if testing.Short() {
		transactions = 12
	}
	held := map[int64]int64{}
	for range transactions {
		kept := maps.Clone(held)
		run(t, c, "BEGIN IMMEDIATE")
		for range 1 + random.IntN(6) {
			saved := maps.Clone(held)
			run(t, c, "SAVEPOINT s")
			insertInOrder(t, c, random, held)
			if random.IntN(3) == 0 {
				run(t, c, "ROLLBACK TO s")
				held = saved
			}
			run(t, c, "RELEASE s")
		}
		if random.IntN(5) == 0 {
			run(t, c, "ROLLBACK")
			held = kept
		} else {
			run(t, c, "COMMIT")
		}
		got := map[int64]int64{}
		for row, err := range c.Query(ctx, "SELECT id, x FROM t INDEXED BY xs WHERE x >= 0") {
			if err != nil {
				t.Fatal(err)
			}
			got[row.At(0).(int64)] = row.At(1).(int64)
		}
		if !maps.Equal(got, held) {
			t.Fatalf("there are %v, want %v", got, held)
		}
		if random.IntN(6) == 0 {
			if err := env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func run(t *testing.T, c *store.Connection, text string, values ...any) {
	t.Helper()
	if _, err := c.Exec(ctx, text, values...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// insertInOrder makes one statement, of rows or without.
func insertInOrder(t *testing.T, c *store.Connection, random *rand.Rand, held map[int64]int64) {
	t.Helper()
	if random.IntN(4) == 0 {
		from, to := random.Int64N(900), random.Int64N(900)
		run(t, c, "DELETE FROM t WHERE id BETWEEN ? AND ?", from, to)
		maps.DeleteFunc(held, func(id, _ int64) bool { return from <= id && id <= to })
		return
	}
	at, step := 300+random.Int64N(300), []int64{1, 1, 1, 2, -1}[random.IntN(5)]
	before := maps.Clone(held)
	var rows []string
	verb, conflict := "INSERT", [...]string{"", "", "DO NOTHING", "DO UPDATE SET x = x + excluded.x", "REPLACE"}[random.IntN(5)]
	taken := false
	for i := range 30 + random.Int64N(60) {
		id, x := at+step*i, random.Int64N(100)
		if random.IntN(30) == 0 {
			id = random.Int64N(900)
		}
		rows = append(rows, fmt.Sprintf("(%d, %d)", id, x))
		old, there := held[id]
		taken = taken || there
		switch {
		case !there || conflict == "REPLACE":
			held[id] = x
		case conflict == "DO UPDATE SET x = x + excluded.x":
			held[id] = old + x
		}
	}
	switch {
	case conflict == "REPLACE":
		verb, conflict = "REPLACE", ""
	case conflict != "":
		conflict = "ON CONFLICT (id) " + conflict
	}
	_, err := c.Exec(ctx, verb+" INTO t (id, x) VALUES "+strings.Join(rows, ", ")+" "+conflict)
	if taken && verb == "INSERT" && conflict == "" {
		if store.CodeOf(err) != store.DuplicateKey {
			t.Fatalf("rows that are there: %v", err)
		}
		clear(held)
		maps.Copy(held, before)
	} else if err != nil {
		t.Fatal(err)
	}
}
