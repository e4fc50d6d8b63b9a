package store_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestAsking: a host is asked about batches that grow, documents come in order, and
// what needs no host is not asked.
func TestAsking(t *testing.T) {
	const documents = 1000
	env := storetest.Open(t, memory.New(), storetest.Small())
	n := query.Field("n")
	table, err := env.Table(ctx, "t", store.Schema{Key: query.Field("id"), Indexes: []query.Index{{Name: "n", Paths: []query.Path{n}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		var docs [][]byte
		for i := range documents {
			docs = append(docs, query.AppendValue(nil, fields{"id": i, "n": i * 7 % documents, "list": []any{i, i + 1}}))
		}
		_, err := table.Insert(tx, docs)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	odd := []any{"host", []any{"n"}, 0, nil}
	var batches []int
	host := func(asks []*query.Ask) error {
		batches = append(batches, len(asks))
		for _, ask := range asks {
			v, _ := query.ReadValue(ask.Value)
			ask.Answer = query.AppendValue(nil, v.(int64)%2 == 1)
		}
		return nil
	}
	// find asks for the identities that a filter finds, in an order.
	find := func(filter []any, prepare func(q *query.Query)) (ids []int64, err error) {
		batches = nil
		parsed, err := query.ParseFilter(query.AppendValue(nil, filter))
		if err != nil {
			t.Fatal(err)
		}
		q := &query.Query{Filter: parsed, Limit: -1, Host: host}
		prepare(q)
		err = env.View(ctx, func(tx *store.Tx) error {
			return table.Find(tx, q, func(doc []byte) error {
				v, _ := query.ReadValue(doc)
				ids = append(ids, v.(map[string]any)["id"].(int64))
				return nil
			})
		})
		return ids, err
	}
	var want []int64
	for i := range int64(documents) {
		if i*7%documents%2 == 1 {
			want = append(want, i)
		}
	}
	check := func(what string, filter []any, prepare func(q *query.Query), want []int64, asked ...int) {
		t.Helper()
		ids, err := find(filter, prepare)
		if err != nil || !slices.Equal(ids, want) {
			t.Errorf("%s: %v, %v; want %v", what, ids, err, want)
		}
		if !slices.Equal(batches, asked) {
			t.Errorf("%s: batches %v, want %v", what, batches, asked)
		}
	}
	everything := func(*query.Query) {}
	check("all", odd, everything, want, 16, 32, 64, 128, 256, 256, 248)
	check("a page", odd, func(q *query.Query) { q.Skip, q.Limit = 2, 3 }, want[2:5], 16)
	check("an index and a function", []any{"and", odd, []any{"lt", []any{"n"}, 3}}, everything, []int64{143}, 3)
	check("elements", []any{"elemMatch", []any{"list"}, []any{"and", []any{"host", []any{}, 0, nil}, []any{"gt", []any{}, 998}}}, everything, []int64{998, 999}, 3)
	check("one thing after the other", []any{"and", odd, []any{"host", []any{"id"}, 1, nil}, []any{"lt", []any{"n"}, 3}}, everything, []int64{143}, 3, 1)

	if _, err := find(odd, func(q *query.Query) { q.Host = nil }); store.CodeOf(err) != store.Unsupported {
		t.Errorf("without a host: %v", err)
	}
	broken := errors.New("broken")
	_, err = find(odd, func(q *query.Query) { q.Host = func([]*query.Ask) error { return broken } })
	if !errors.Is(err, broken) {
		t.Errorf("a host that fails: %v", err)
	}
}
