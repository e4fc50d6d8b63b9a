package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// follower asks one query by a Watch and a Standing, and has what it was told.
type follower struct {
	watch    *store.Watch
	standing store.Standing
	table    *store.Table
	query    *query.Query
	rows     []string
	next     []string
	stood    int // rows that nothing was told of
}

func (f *follower) look(tx *store.Tx) error {
	f.next = nil
	return f.standing.Find(f.table, tx, f.query, func(doc []byte) error {
		if doc == nil {
			f.stood++
			f.next = append(f.next, f.rows[len(f.next)])
			return nil
		}
		f.next = append(f.next, string(doc))
		return nil
	})
}

// ask looks by View or Next; what was told counts when that has returned.
func (f *follower) ask(view func(context.Context, func(*store.Tx) error) error) error {
	err := view(ctx, f.look)
	if err == nil {
		f.rows = f.next
	}
	return err
}

// found is what the query finds by itself, in the form of a follower's rows.
func (f *follower) found(t *testing.T, env *store.Env) (rows []string) {
	t.Helper()
	err := env.View(ctx, func(tx *store.Tx) error {
		rows = nil
		return f.table.Find(tx, f.query, func(doc []byte) error {
			rows = append(rows, string(doc))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func standingTable(t *testing.T, env *store.Env) *store.Table {
	t.Helper()
	table, err := env.Table(ctx, "items", store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "a", Paths: []query.Path{query.Field("a")}},
		{Name: "a,b", Paths: []query.Path{query.Field("a"), query.Field("b")}},
		{Name: "tags", Paths: []query.Path{query.Field("tags")}, Multi: true},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// standingQuery is a query that plans differ for: by identity, by indexes, in their order or sorted, with a
// rest of the filter or without, by several ranges, by a union.
func standingQuery(t *testing.T, random *rand.Rand) *query.Query {
	t.Helper()
	a, b, c := query.Field("a"), query.Field("b"), query.Field("c")
	filters := []query.Expr{
		query.Noop(), query.Lt(a, 6), query.Between(a, 2, 7), query.Eq(a, 3), query.Gt(c, 2), query.Eq(query.Field("note"), "n1"),
		query.And(query.Gt(a, 1), query.Lt(c, 4)), query.In(a, 1, 3, 5), query.In(query.Field("id"), 1, 5, 9, 13, 17),
		query.Or(query.And(query.Lt(a, 4), query.Lt(c, 4)), query.In(query.Field("id"), 2, 4, 6, 8, 10, 12)), query.Or(query.Lt(a, 2), query.Gt(c, 5)),
		query.Any(query.Field("tags"), "x", "y"), query.Not(query.Eq(c, 1)),
	}
	q := where(t, filters[random.IntN(len(filters))])
	if orders := [...]query.Path{a, b, c, query.Field("id")}; random.IntN(3) > 0 {
		q.OrderBy(orders[random.IntN(len(orders))], random.IntN(2) == 0)
	}
	if random.IntN(2) == 0 {
		q.Limit = int64(1 + random.IntN(8))
	}
	if random.IntN(4) == 0 {
		q.Skip = int64(random.IntN(4))
	}
	return q
}

func standingDoc(random *rand.Rand, id int) []byte {
	tags := []any{}
	for _, tag := range []string{"x", "y", "z"} {
		if random.IntN(3) == 0 {
			tags = append(tags, tag)
		}
	}
	return doc(fields{"id": id, "a": random.IntN(10), "b": random.IntN(6), "c": random.IntN(7), "tags": tags, "note": fmt.Sprint("n", random.IntN(3))})
}

// standingChange makes one change: mostly of what no index has, as that is what a Standing is for.
func standingChange(tx *store.Tx, table *store.Table, random *rand.Rand) error {
	id := random.IntN(40)
	var change fields
	switch random.IntN(9) {
	case 0:
		_, err := table.Put(tx, [][]byte{standingDoc(random, id)})
		return err
	case 1:
		_, err := table.Delete(tx, key(id))
		return err
	case 2:
		change = fields{"a": random.IntN(10)}
	case 3:
		change = fields{"b": random.IntN(6), "seen": random.IntN(100)}
	case 4:
		change = fields{"c": random.IntN(7)}
	default:
		change = fields{"note": fmt.Sprint("n", random.IntN(3)), "seen": random.IntN(100)}
	}
	_, err := table.Update(tx, key(id), doc(change))
	return err
}

// What is told by a Standing is what its query finds, whatever has been written; and what it is not told of has not changed.
func TestStandingTellsWhatIsFound(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 40
	}
	stood, seed := 0, rand.Uint64()
	for round := range rounds {
		random := rand.New(rand.NewPCG(seed, uint64(round)))
		env := storetest.Open(t, memory.New(), storetest.Small())
		table := standingTable(t, env)
		if err := env.Update(ctx, func(tx *store.Tx) error {
			for id := range 30 {
				if _, err := table.Put(tx, [][]byte{standingDoc(random, id)}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		f := &follower{watch: env.Watch(), table: table, query: standingQuery(t, random)}
		if err := f.ask(f.watch.View); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			for range 1 + random.IntN(3)/2 {
				changes := 1 + random.IntN(3)/2
				if random.IntN(20) == 0 {
					changes = 30
				}
				if err := env.Update(ctx, func(tx *store.Tx) (err error) {
					for n := 0; n < changes && err == nil; n++ {
						err = standingChange(tx, table, random)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			if told(f.watch) {
				if err := f.ask(f.watch.Next); err != nil {
					t.Fatal(err)
				}
			}
			if want := f.found(t, env); strings.Join(f.rows, "\n") != strings.Join(want, "\n") {
				t.Fatalf("seed %d, round %d: told\n%q\nwant\n%q", seed, round, f.rows, want)
			}
		}
		stood += f.stood
		if err := env.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if stood == 0 {
		t.Error("no document ever stood")
	}
}

// A Standing that has looked at what came to nothing tells what is stored.
func TestStandingAfterACommitThatFails(t *testing.T) {
	backend := &consulted{Backend: memory.New()}
	env := storetest.Open(t, backend, store.Options{})
	table := standingTable(t, env)
	set := func(value string) error {
		return env.Update(ctx, func(tx *store.Tx) error {
			_, err := table.Put(tx, [][]byte{doc(fields{"id": 1, "a": 1, "note": value}), doc(fields{"id": 2, "a": 2, "note": value})})
			return err
		})
	}
	if err := set("1"); err != nil {
		t.Fatal(err)
	}
	f := &follower{watch: env.Watch(), table: table, query: where(t, query.Lt(query.Field("a"), 5))}
	if err := f.ask(f.watch.View); err != nil {
		t.Fatal(err)
	}
	backend.asked = make(chan chan error)
	for _, outcome := range []error{errors.New("no"), nil, errors.New("no"), nil} {
		wrote, told := make(chan error, 1), make(chan error, 1)
		value := fmt.Sprint(f.stood, outcome)
		go func() { wrote <- set(value) }()
		answer := <-backend.asked
		go func() { told <- f.ask(f.watch.Next) }()
		answer <- outcome
		if err := <-wrote; (err == nil) != (outcome == nil) {
			t.Fatalf("the commit came to %v, not to %v", err, outcome)
		}
		if err := <-told; err != nil {
			t.Fatal(err)
		}
		if want := f.found(t, env); strings.Join(f.rows, "\n") != strings.Join(want, "\n") {
			t.Fatalf("told\n%q\nwant\n%q", f.rows, want)
		}
	}
	backend.asked = nil
}

// Two contexts count up documents of their own and of both, and follow all of them: nothing is missed, nothing goes back.
func TestStandingAmongContexts(t *testing.T) {
	const commits = 60
	blobs := memory.NewBlobs()
	var followers []*follower
	var envs []*store.Env
	for range 2 {
		env := storetest.Open(t, unhurried{memory.Share(blobs)}, store.Options{})
		f := &follower{watch: env.Watch(), table: standingTable(t, env), query: where(t, query.Lt(query.Field("a"), 5))}
		envs, followers = append(envs, env), append(followers, f)
	}
	if err := envs[0].Update(ctx, func(tx *store.Tx) error {
		_, err := followers[0].table.Put(tx, [][]byte{doc(fields{"id": 0, "a": 0, "n": 0}), doc(fields{"id": 1, "a": 1, "n": 0}), doc(fields{"id": 2, "a": 2, "n": 0})})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	last := doc(fields{"n": commits})[1:]
	both := doc(fields{"n": 2 * commits})[1:]
	var busy sync.WaitGroup
	for i, env := range envs {
		f := followers[i]
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		if err := f.ask(f.watch.View); err != nil {
			t.Fatal(err)
		}
		busy.Go(func() {
			for n := range commits {
				update(t, env, func(tx *store.Tx) error {
					if _, err := f.table.Update(tx, key(i), doc(fields{"n": n + 1})); err != nil {
						return err
					}
					_, err := f.table.Update(tx, key(2), op.Append(nil, op.Increment(query.Field("n"))))
					return err
				})
			}
		})
		busy.Go(func() {
			for {
				done := len(f.rows) == 3
				for i, want := range [][]byte{last, last, both} {
					done = done && strings.HasSuffix(f.rows[i], string(want))
				}
				if done {
					return
				}
				if err := f.ask(f.watch.Next); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	busy.Wait()
	t.Logf("%d and %d rows stood", followers[0].stood, followers[1].stood)
}
