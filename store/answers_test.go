package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// notIndexed asks for something that takes looking at every document.
func notIndexed(t *testing.T, n int) *query.Query {
	t.Helper()
	q, err := query.Select(query.Eq(query.Field("n"), n))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// cached tells whether a query is answered from what is kept.
func (b *bed) cached(q *query.Query) (cached bool) {
	b.t.Helper()
	b.view(func(tx *store.Tx) error {
		x, err := b.table.Explain(tx, q)
		if err == nil {
			cached = x.Cached
		}
		return err
	})
	return cached
}

// find runs a query in a transaction of its own, or in the one given.
func (b *bed) findIn(tx *store.Tx, q *query.Query) (found []string) {
	b.t.Helper()
	find := func(tx *store.Tx) error {
		return b.table.Find(tx, q, func(doc []byte) error {
			found = append(found, show(doc))
			return nil
		})
	}
	if tx == nil {
		b.view(find)
	} else if err := find(tx); err != nil {
		b.t.Fatal(err)
	}
	return found
}

func (b *bed) putN(id, n int) {
	b.t.Helper()
	err := b.env.Update(ctx, func(tx *store.Tx) error {
		_, err := b.table.Put(tx, [][]byte{query.AppendValue(nil, fields{"id": id, "n": n})})
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestScenario27_QueryCache: a cache of one keeps one answer, a cache of none
// keeps none, and a write clears it.
func TestScenario27_QueryCache(t *testing.T) {
	onPlaces(t, func(t *testing.T, room place) {
		b := newBedOn(t, room(t)(), cities())
		for id := range 6 {
			b.putN(id, id%3)
		}
		b.table.CacheQueries(1)
		b.findIn(nil, notIndexed(t, 1))
		b.findIn(nil, notIndexed(t, 2))
		if n := b.table.Cached(); n != 1 {
			t.Errorf("%d answers are kept, want 1", n)
		}
		if b.cached(notIndexed(t, 1)) {
			t.Error("the answer that was not used for longest is kept")
		}
		if !b.cached(notIndexed(t, 1)) {
			t.Error("an answer was not kept")
		}
		b.putN(9, 1)
		if b.cached(notIndexed(t, 1)) {
			t.Error("an answer from before a write")
		}
		if found := b.findIn(nil, notIndexed(t, 1)); len(found) != 3 {
			t.Errorf("found %v", found)
		}
		b.table.CacheQueries(0)
		b.findIn(nil, notIndexed(t, 2))
		if n := b.table.Cached(); n != 0 {
			t.Errorf("%d answers are kept, want none", n)
		}
		b.table.CacheQueries(-1)
		for n := range 50 {
			b.findIn(nil, notIndexed(t, n))
		}
		if n := b.table.Cached(); n != 50 {
			t.Errorf("%d answers are kept, want all 50", n)
		}
		b.table.ClearCache()
		if b.cached(notIndexed(t, 2)) {
			t.Error("an answer from before the cache was cleared")
		}
	})
}

// An answer holds for the snapshots that it is true of, and for no other.
func TestQueryCacheAndSnapshots(t *testing.T) {
	b := newBed(t, cities())
	b.putN(1, 7)
	q := notIndexed(t, 7)
	b.findIn(nil, q)
	old, err := b.env.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback()
	b.putN(2, 7)
	for range 2 { // the second one finds what the first one has left
		if found := b.findIn(old, q); len(found) != 1 {
			t.Errorf("an old snapshot finds %v", found)
		}
		if found := b.findIn(nil, q); len(found) != 2 {
			t.Errorf("a new snapshot finds %v", found)
		}
	}
	if !b.cached(q) {
		t.Error("the new answer is not kept")
	}
	err = b.env.Update(ctx, func(tx *store.Tx) error {
		if _, err := b.table.Put(tx, [][]byte{query.AppendValue(nil, fields{"id": 3, "n": 7})}); err != nil {
			return err
		}
		if found := b.findIn(tx, q); len(found) != 3 {
			t.Errorf("a writing transaction finds %v", found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What another context writes makes an answer useless, too; and a table that was
// dropped and made again has none of its own from before.
func TestQueryCacheAmongContexts(t *testing.T) {
	_, _, envs := contexts(t, 2, store.Options{})
	tables := make([]*store.Table, 2)
	for i, env := range envs {
		var err error
		if tables[i], err = env.Table(ctx, "t", store.Schema{Key: query.Field("id")}, nil); err != nil {
			t.Fatal(err)
		}
	}
	put := func(id int) {
		t.Helper()
		update(t, envs[0], func(tx *store.Tx) error {
			_, err := tables[0].Put(tx, [][]byte{query.AppendValue(nil, fields{"id": id, "n": 7})})
			return err
		})
	}
	q := notIndexed(t, 7)
	count := func() (n int) {
		t.Helper()
		if err := envs[1].Sync(ctx); err != nil {
			t.Fatal(err)
		}
		err := envs[1].View(ctx, func(tx *store.Tx) error {
			return tables[1].Find(tx, q, func([]byte) error { n++; return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for id := range 5 {
		put(id)
		if n := count(); n != id+1 {
			t.Errorf("found %d of %d", n, id+1)
		}
		if n := count(); n != id+1 {
			t.Errorf("found %d of %d the second time", n, id+1)
		}
	}
}

// Queries that differ in anything but the order of what they join have answers of
// their own.
func TestQueryIdentity(t *testing.T) {
	n, m := query.Field("n"), query.Field("m")
	both, _ := query.Select(query.And(query.Eq(n, 1), query.Eq(m, 2)))
	turned, _ := query.Select(query.And(query.Eq(m, 2), query.Eq(n, 1)))
	one, _ := both.Identity()
	if other, _ := turned.Identity(); one != other {
		t.Error("the order of an and counts")
	}
	names := []string{one}
	for i, change := range []func(q *query.Query){
		func(q *query.Query) { q.OrderBy(n, false) },
		func(q *query.Query) { q.OrderBy(n, true) },
		func(q *query.Query) { q.OrderBy(query.Field("n", "m"), true) },
		func(q *query.Query) { q.OrderBy(query.Field("n.m"), true) },
		func(q *query.Query) { q.Limit = 3 },
		func(q *query.Query) { q.Skip = 3 },
		func(q *query.Query) { q.Reverse = true },
		func(q *query.Query) { q.After = [][]byte{{1}} },
	} {
		q, _ := query.Select(query.And(query.Eq(n, 1), query.Eq(m, 2)))
		change(q)
		name, ok := q.Identity()
		if !ok || slices.Contains(names, name) {
			t.Error(fmt.Sprint("change ", i, " does not show"))
		}
		names = append(names, name)
	}
}
