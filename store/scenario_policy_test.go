package store_test

import (
	"context"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/coder"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// things is a table to keep anything in.
type things struct {
	t     *testing.T
	env   *store.Env
	table *store.Table
}

// onThings runs a scenario over memory and over files.
func onThings(t *testing.T, scenario func(h *things)) {
	run := func(t *testing.T, b store.Backend) {
		h := &things{t: t, env: storetest.Open(t, b, storetest.Small())}
		var err error
		h.table, err = h.env.Table(context.Background(), "things", store.Schema{
			Key:       query.Field("id"),
			Increment: true,
			Indexes:   []query.Index{{Name: "value", Paths: []query.Path{query.Field("value")}}},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		scenario(h)
	}
	t.Run("memory", func(t *testing.T) { run(t, memory.New()) })
	t.Run("file", func(t *testing.T) {
		b, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		run(t, b)
	})
}

// update runs f in a transaction that must commit.
func (h *things) update(f func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.env.Update(context.Background(), f); err != nil {
		h.t.Fatal(err)
	}
}

func (h *things) insert(docs ...map[string]any) {
	h.t.Helper()
	h.update(func(tx *store.Tx) error { return h.insertIn(tx, docs...) })
}

func (h *things) insertIn(tx *store.Tx, docs ...map[string]any) error {
	var packed [][]byte
	for _, doc := range docs {
		b, err := coder.MessagePack.Append(nil, doc)
		if err != nil {
			return err
		}
		packed = append(packed, b)
	}
	_, err := h.table.Insert(tx, packed)
	return err
}

// get is the document of an identity, nil where there is none.
func (h *things) get(id int64) (doc map[string]any) {
	h.t.Helper()
	err := h.env.View(context.Background(), func(tx *store.Tx) error {
		packed, found, err := h.table.Get(tx, query.AppendKeyInt(nil, id))
		if err != nil || !found {
			return err
		}
		v, err := coder.MessagePack.Decode(packed)
		doc, _ = v.(map[string]any)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return doc
}

// find returns the identities of the documents that a filter selects, in order of a path.
func (h *things) find(filter query.Expr, order query.Path) (ids []int64) {
	h.t.Helper()
	q, err := query.Select(filter)
	if err != nil {
		h.t.Fatal(err)
	}
	err = h.env.View(context.Background(), func(tx *store.Tx) error {
		return h.table.Find(tx, q.OrderBy(order, false), func(packed []byte) error {
			v, err := coder.MessagePack.Decode(packed)
			if err == nil {
				ids = append(ids, v.(map[string]any)["id"].(int64))
			}
			return err
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return ids
}

func TestScenario35_ExtendedTypesAreReadAndCompared(t *testing.T) {
	onThings(t, func(h *things) {
		set := coder.Set{"a", int64(1)}
		whole := map[string]any{
			"id":    int64(1),
			"value": set,
			"nested": map[string]any{
				"date": time.UnixMilli(1700000000123).UTC(), "bytes": []byte{1, 2}, "wide": new(big.Int).Lsh(big.NewInt(1), 70),
				"expression": coder.RegExp{Source: "a+", Flags: "gi"}, "url": coder.URL("https://host.example/x?y"), "numbers": []float32{0.5},
				"list": []any{coder.Entries{{Key: "key", Value: coder.Set{coder.Custom{Name: "duration", Value: int64(90)}}}, {Key: time.Unix(0, 0).UTC(), Value: int64(1)}}},
			},
			"marked": map[string]any{"$set": []any{int64(1)}, "$date": "2020"},
		}
		h.insert(whole)
		if got := h.get(1); !reflect.DeepEqual(got, whole) {
			t.Fatalf("%v, want %v", got, whole)
		}

		// They equal what is stored alike, and come last in every order.
		h.insert(map[string]any{"id": 2, "value": 5}, map[string]any{"id": 3, "value": coder.Entries{{Key: 1, Value: 2}}}, map[string]any{"id": 4, "value": "x"})
		operand, err := coder.MessagePack.Append(nil, set)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what   string
			filter query.Expr
			want   []int64
		}{
			{"eq", query.Eq(query.Field("value"), query.Raw(operand)), []int64{1}},
			{"gt", query.Gt(query.Field("value"), 0), []int64{2}},
			{"all", nil, []int64{2, 4, 1, 3}},
		} {
			if got := h.find(c.filter, query.Field("value")); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %v, want %v", c.what, got, c.want)
			}
		}

		// What has no order is no identity; what is not data is refused.
		for _, c := range []struct {
			doc  map[string]any
			want store.Code
		}{
			{map[string]any{"id": set}, store.InvalidKey},
			{map[string]any{"id": 9, "value": make(chan int)}, store.InvalidArgument},
		} {
			err := h.env.Update(context.Background(), func(tx *store.Tx) error { return h.insertIn(tx, c.doc) })
			if store.CodeOf(err) != c.want {
				t.Errorf("%v: %v, want %s", c.doc, err, c.want)
			}
		}
	})
}
