package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// stripQuestions read columns of all shapes, in passes that are narrowed, grouped, sorted, joined and
// asked row by row.
var stripQuestions = []string{
	"SELECT count(*), count(a), count(b), count(c), count(d), count(e) FROM t",
	"SELECT id, a, b FROM t WHERE a > 500 ORDER BY id",
	"SELECT b, count(*), sum(a), min(c), max(c) FROM t GROUP BY b ORDER BY b",
	"SELECT id, typeof(a), typeof(c), typeof(d), e FROM t WHERE c IS NOT NULL ORDER BY id LIMIT 2000",
	"SELECT id, d FROM t WHERE d LIKE '%7%' ORDER BY id",
	"SELECT id, c FROM t WHERE a <> 3 ORDER BY c DESC, id LIMIT 20",
	"SELECT count(*), sum(q.a), max(p.b) FROM t p JOIN t q ON q.a + 0 = p.id WHERE p.a > 10",
	"SELECT sum(length(c)), sum(e), total(a) FROM t WHERE id BETWEEN 900 AND 4100",
	"SELECT count(*) FROM t WHERE b IN (SELECT b FROM t WHERE a < 50) AND e > 0",
	"SELECT max(id) FROM t WHERE a = 1 OR c = 'x7'",
}

// stripDocument is one whose members have any type, or are missing.
func stripDocument(random *rand.Rand, id int) []byte {
	value := func() any {
		switch random.IntN(12) {
		case 0:
			return nil
		case 1:
			return random.IntN(2) == 0
		case 2:
			return random.NormFloat64() * 1e3
		case 3:
			return int64(random.Uint64())
		case 4:
			return strings.Repeat("long ", random.IntN(8))
		case 5:
			return []byte{byte(id), 0, 255}
		case 6:
			return fields{"x": id}
		default:
			return "x" + fmt.Sprint(random.IntN(60))
		}
	}
	doc := fields{"id": id, "a": random.IntN(1000), "b": fmt.Sprint("group ", random.IntN(9)), "d": value(), "e": float64(random.IntN(100)) / 4}
	if random.IntN(20) > 0 {
		doc["c"] = "x" + fmt.Sprint(random.IntN(300))
	}
	if random.IntN(300) == 0 {
		doc["a"] = value()
	}
	return query.AppendValue(nil, doc)
}

// TestStrips asks again and again, of an environment with room to keep columns and of one without, while
// both are written to: whatever is kept, the answers are the same.
func TestStrips(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	roomy := storetest.Open(t, memory.New(), store.Options{PageBytes: 8 << 10})
	tight := storetest.Open(t, memory.New(), store.Options{PageBytes: 8 << 10, CacheBytes: 64 << 10})
	docs := make([][]byte, 5000)
	for i := range docs {
		docs[i] = stripDocument(random, i+1)
	}
	both := func(do func(env *store.Env) error) {
		t.Helper()
		for _, env := range []*store.Env{roomy, tight} {
			if err := do(env); err != nil {
				t.Fatal(err)
			}
		}
	}
	both(func(env *store.Env) error {
		table, err := env.Table(ctx, "t", store.Schema{Key: query.Field("id")}, nil)
		if err != nil {
			return err
		}
		if err := env.Update(ctx, func(tx *store.Tx) error {
			_, err := table.Insert(tx, docs)
			return err
		}); err != nil {
			return err
		}
		return env.Checkpoint(ctx)
	})
	compare := func() {
		t.Helper()
		for _, text := range stripQuestions {
			if got, want := ask(t, roomy, text), ask(t, tight, text); got != want {
				t.Fatalf("seed %d: %s\nanswers\n%.500s\ninstead of\n%.500s", seed, text, got, want)
			}
		}
	}
	for round := range 12 {
		compare()
		if round < 3 {
			continue
		}
		from, text := random.IntN(5000), ""
		switch random.IntN(4) {
		case 0:
			text = fmt.Sprintf("UPDATE t SET a = a + 1, c = 'changed' WHERE id BETWEEN %d AND %d", from, from+random.IntN(200))
		case 1:
			text = fmt.Sprintf("DELETE FROM t WHERE id BETWEEN %d AND %d", from, from+random.IntN(40))
		case 2:
			text = fmt.Sprintf("INSERT INTO t (id, a, b) VALUES (%d, 1, 'group 3')", 6000+round)
		}
		both(func(env *store.Env) error {
			if text == "" {
				return env.Checkpoint(ctx)
			}
			_, err := env.Exec(ctx, text)
			return err
		})
	}
	if roomy.Kept() == 0 || 10*tight.Kept() > roomy.Kept() {
		t.Errorf("%d and %d bytes were kept", roomy.Kept(), tight.Kept())
	}
}

// TestStripsTogether has several readers make strips of the same pages at once.
func TestStripsTogether(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{PageBytes: 4 << 10})
	exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT)")
	exec(t, env, "WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 4000) INSERT INTO t SELECT n, n % 7, printf('text %d', n % 5) FROM up")
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	texts := []string{"SELECT sum(a) FROM t", "SELECT b, sum(a) FROM t GROUP BY b ORDER BY b", "SELECT count(*) FROM t WHERE b <> 'text 3'", "SELECT max(id) FROM t WHERE a = 6"}
	var readers sync.WaitGroup
	for reader := range 4 {
		readers.Go(func() {
			for round := range 8 {
				text := texts[(reader+round)%len(texts)]
				if first, again := ask(t, env, text), ask(t, env, text); first != again {
					t.Errorf("%s: %s, then %s", text, first, again)
				}
			}
		})
	}
	readers.Wait()
	want := map[string]string{}
	for _, text := range texts {
		want[text] = ask(t, env, text)
	}
	plain := env.Kept()
	if plain == 0 {
		t.Error("nothing was kept")
	}
	exec(t, env, "UPDATE t SET a = a WHERE id < 5") // so that what is shown is another state
	for _, text := range texts {
		if got := ask(t, env, text); got != want[text] {
			t.Errorf("%s: %s, then %s", text, want[text], got)
		}
	}
}

// TestStripsWhileWriting writes to the table that it goes through: rows that were not handed over yet are
// read as they are by then, or as they were, but none twice and none left out.
func TestStripsWhileWriting(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{PageBytes: 4 << 10})
	exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT)")
	exec(t, env, "WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000) INSERT INTO t SELECT n, n FROM up")
	if err := env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		err := env.Update(ctx, func(tx *store.Tx) error {
			met := map[any]bool{}
			for row, err := range tx.Query("SELECT id, a FROM t") {
				if err != nil {
					return err
				}
				if id := row.At(0); met[id] {
					t.Errorf("%v is met twice", id)
				} else {
					met[id] = true
				}
				if len(met)%400 == 0 {
					if _, err := tx.Exec("UPDATE t SET a = a + 1 WHERE id = ?", (len(met)*7)%3000+1); err != nil {
						return err
					}
				}
			}
			if len(met) != 3000 {
				t.Errorf("%d rows", len(met))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if env.Kept() == 0 {
		t.Error("nothing was kept")
	}
}
