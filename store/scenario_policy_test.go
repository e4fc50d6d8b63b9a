package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/coder"
	"github.com/stowage-db/stowage/store/policies"
	"github.com/stowage-db/stowage/store/storetest"
)

// things is a table to keep anything in.
type things struct {
	t     *testing.T
	env   *store.Env
	table *store.Table
	with  *policies.Table
}

// onThings runs a scenario over memory and over files.
func onThings(t *testing.T, scenario func(h *things), modifiers ...store.Modifier) {
	onPlaces(t, func(t *testing.T, room place) {
		options := storetest.Small()
		options.Modifiers = modifiers
		h := &things{t: t, env: storetest.Open(t, room(t)(), options)}
		var err error
		h.table, err = h.env.Table(context.Background(), "things", store.Schema{
			Key:       query.Field("id"),
			Increment: true,
			Indexes:   []query.Index{{Name: "value", Paths: []query.Path{query.Field("value")}}},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.with = policies.Over(h.table, nil)
		scenario(h)
	})
}

// over is the table with policies, and hooks of the storage, which may be nil.
func (h *things) over(storage *policies.StorageHooks, all ...policies.Policy) *things {
	return &things{h.t, h.env, h.table, policies.Over(h.table, storage, all...)}
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
	_, err := h.with.Insert(tx, packed)
	return err
}

// failing is what inserting documents fails with.
func (h *things) failing(docs ...map[string]any) error {
	return h.env.Update(context.Background(), func(tx *store.Tx) error { return h.insertIn(tx, docs...) })
}

// get is the document of an identity, nil where there is none.
func (h *things) get(id int64) (doc map[string]any) {
	h.t.Helper()
	err := h.env.View(context.Background(), func(tx *store.Tx) error {
		packed, found, err := h.with.Get(tx, query.AppendKeyInt(nil, id))
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
	q, err := h.with.Select(filter)
	if err != nil {
		h.t.Fatal(err)
	}
	err = h.env.View(context.Background(), func(tx *store.Tx) error {
		return h.with.Find(tx, q.OrderBy(order, false), func(packed []byte) error {
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

// all is the identities of all documents.
func (h *things) all() []int64 {
	h.t.Helper()
	return h.find(nil, query.Field("id"))
}

// change makes a patch of documents, and returns how many there were.
func (h *things) change(filter query.Expr, patch map[string]any) (n int64, err error) {
	h.t.Helper()
	err = h.env.Update(context.Background(), func(tx *store.Tx) error {
		q, err := h.with.Select(filter)
		if err != nil {
			return err
		}
		met, err := h.with.UpdateWhere(tx, q, query.AppendValue(nil, patch))
		n = int64(met.Len())
		return err
	})
	return n, err
}

func (h *things) expect(what string, got, want any) {
	h.t.Helper()
	if !reflect.DeepEqual(got, want) {
		h.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// hook hooks an action that must be possible.
func hook[A any](t *testing.T, h *policies.Hooks[A], event string, action A) *policies.Hook[A] {
	t.Helper()
	hooked, err := h.Hook(event, action)
	if err != nil {
		t.Fatal(err)
	}
	return hooked
}

func TestScenario30_BufferedCommitsAreSeenAtOnceAndStoredByFlushAndClose(t *testing.T) {
	onThings(t, func(h *things) {
		ctx := context.Background()
		insert := func(id int) error {
			return h.env.Update(ctx, func(tx *store.Tx) error {
				tx.SetDurability(store.Buffered)
				return h.insertIn(tx, map[string]any{"id": id})
			})
		}
		for id := 1; id <= 2; id++ {
			if err := insert(id); err != nil {
				t.Fatal(err)
			}
		}
		h.expect("seen", h.all(), []int64{1, 2})
		if err := h.env.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if err := insert(3); err != nil {
			t.Fatal(err)
		}
		if err := h.env.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if err := insert(4); store.CodeOf(err) != store.Closed {
			t.Errorf("after close: %v", err)
		}
	})
}

// turned is an action on documents.
func turned(f func(doc policies.Document)) policies.StorageAction {
	return func(_ string, b []byte) ([]byte, error) {
		v, err := coder.MessagePack.Decode(b)
		if err != nil {
			return nil, err
		}
		doc := v.(policies.Document)
		f(doc)
		return coder.MessagePack.Append(nil, doc)
	}
}

func TestScenario31_StorageHooksTurnWhatIsStoredAndRead(t *testing.T) {
	onThings(t, func(plain *things) {
		on := policies.NewStorageHooks()
		nothing := func(string, []byte) ([]byte, error) { return nil, nil }
		double := hook(t, &on.Hooks, "write.pre", turned(func(doc policies.Document) { doc["n"] = doc["n"].(int64) * 2 }))
		hook(t, &on.Hooks, "read.post", turned(func(doc policies.Document) { doc["n"] = doc["n"].(int64) - 2 }))
		hook(t, &on.Hooks, "write.pre", policies.StorageAction(nothing))
		hook(t, &on.Hooks, "read.post", policies.StorageAction(nothing))
		closed := 0
		hook(t, &on.Hooks, "close", func(string, []byte) ([]byte, error) { closed++; return nil, nil })

		h := plain.over(on)
		h.insert(map[string]any{"id": 1, "n": 42})
		h.expect("read", h.get(1)["n"], int64(82))
		h.expect("stored", plain.get(1)["n"], int64(84))
		if n, err := h.change(nil, map[string]any{"x": 1}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		h.expect("a change is made to what is handed out", h.get(1), map[string]any{"id": int64(1), "n": int64(162), "x": int64(1)})

		// Replaced by one that returns nothing, hooks leave data as it is.
		if err := on.Clear("read.post"); err != nil {
			t.Fatal(err)
		}
		hook(t, &on.Hooks, "read.post", policies.StorageAction(nothing))
		h.expect("unhook", []bool{on.Unhook(double), on.Unhook(double)}, []bool{true, false})
		h.insert(map[string]any{"id": 2, "n": 5})
		h.expect("read", h.get(2)["n"], int64(5))
		if listed, err := on.List("write.pre"); len(listed) != 1 || err != nil {
			t.Error(listed, err)
		}
		for _, err := range []error{on.Clear("write"), func() error { _, err := on.Hook("writes", nothing); return err }()} {
			h.expect("an event that there is not", store.CodeOf(err), store.InvalidArgument)
		}

		// One that fails aborts its transaction.
		no := errors.New("no")
		hook(t, &on.Hooks, "write.pre", func(_ string, b []byte) ([]byte, error) {
			if strings.Contains(string(b), "bad") {
				return nil, no
			}
			return nil, nil
		})
		if err := h.failing(map[string]any{"id": 3, "n": 1}, map[string]any{"id": 4, "n": 1, "s": "bad"}); !errors.Is(err, no) {
			t.Error(err)
		}
		h.expect("nothing of it stays", h.all(), []int64{1, 2})
		if err := on.Close(context.Background(), h.env); err != nil || closed != 1 {
			t.Error(err, closed)
		}
	})
}

func TestScenario32_BlobHooksRunInOrderAndBack(t *testing.T) {
	on := policies.NewStorageHooks()
	for _, letter := range []byte("AB") {
		hook(t, &on.Hooks, "write.post", func(_ string, b []byte) ([]byte, error) { return append(b, letter), nil })
		hook(t, &on.Hooks, "read.pre", func(name string, b []byte) ([]byte, error) {
			if b[len(b)-1] != letter {
				return nil, fmt.Errorf("%s ends with %c, not %c", name, b[len(b)-1], letter)
			}
			return b[:len(b)-1], nil
		})
	}
	onThings(t, func(h *things) {
		for id := range 100 {
			h.insert(map[string]any{"id": id + 1, "value": strings.Repeat("x", id%50)})
		}
		if err := h.env.Checkpoint(context.Background()); err != nil {
			t.Fatal(err)
		}
		h.expect("all", len(h.all()), 100)
	}, on.Modifier())

	// What was stored is found again with the hooks, and not without.
	onPlaces(t, func(t *testing.T, room place) {
		ctx, backend := context.Background(), room(t)
		for i, c := range []struct {
			modifiers []store.Modifier
			want      store.Code
		}{{[]store.Modifier{on.Modifier()}, ""}, {[]store.Modifier{on.Modifier()}, ""}, {nil, store.MissingModifier}} {
			env, err := store.Open(ctx, backend(), store.Options{Modifiers: c.modifiers})
			if store.CodeOf(err) != c.want {
				t.Fatalf("opening %d: %v, want %q", i, err, c.want)
			}
			if err != nil {
				break
			}
			err = env.Update(ctx, func(tx *store.Tx) error {
				db, err := tx.DB("d")
				if err != nil {
					return err
				}
				if v, found, err := db.Get([]byte("k")); found != (i > 0) || err != nil || string(v) != "v" && found {
					t.Errorf("opening %d: %q, %v, %v", i, v, found, err)
				}
				return db.Put([]byte("k"), []byte("v"))
			})
			if err != nil {
				t.Fatal(err)
			}
			storetest.Close(t, env)
		}
	})
}

func TestScenario33_TableHooksAreTold(t *testing.T) {
	onThings(t, func(plain *things) {
		on := policies.NewTableHooks()
		var told []string
		for _, event := range on.Events() {
			hook(t, &on.Hooks, event, func(_ *store.Tx, doc policies.Document) error {
				told = append(told, strings.TrimSpace(fmt.Sprint(event, " ", doc["id"], " ", doc["n"])))
				return nil
			})
		}
		h := plain.over(nil, on)
		expect := func(want ...string) {
			t.Helper()
			h.expect("told", told, want)
			told = nil
		}
		hook(t, &on.Hooks, "create", func(_ *store.Tx, doc policies.Document) error { doc["added"] = true; return nil })
		h.insert(map[string]any{"id": 1, "n": 1}, map[string]any{"id": 2, "n": 2})
		expect("create 1 1", "create 2 2")
		h.expect("read", h.get(2), map[string]any{"id": int64(2), "n": int64(2), "added": true})
		expect("read 2 2")
		hook(t, &on.Hooks, "update", func(_ *store.Tx, doc policies.Document) error { doc["changed"] = true; return nil })
		if n, err := h.change(nil, map[string]any{"n": 3}); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		expect("update 1 3", "update 2 3")
		h.expect("stored", plain.get(1), map[string]any{"id": int64(1), "n": int64(3), "added": true, "changed": true})

		seen := hook(t, &on.Hooks, "read", func(_ *store.Tx, doc policies.Document) error { doc["seen"] = true; return nil })
		h.expect("handed out", h.get(1)["seen"], true)
		on.Unhook(seen)
		h.expect("not stored", h.get(1)["seen"], nil)
		told = nil

		one := [][]byte{query.AppendKeyInt(nil, 1)}
		deleted := func() error {
			return h.env.Update(context.Background(), func(tx *store.Tx) error {
				_, err := h.with.DeleteMany(tx, one)
				return err
			})
		}
		no := errors.New("kept")
		stop := hook(t, &on.Hooks, "delete", func(*store.Tx, policies.Document) error { return no })
		if err := deleted(); !errors.Is(err, no) {
			t.Error(err)
		}
		h.expect("kept", plain.all(), []int64{1, 2})
		on.Unhook(stop)
		told = nil
		if err := deleted(); err != nil {
			t.Fatal(err)
		}
		expect("delete 1 3")

		h.update(func(tx *store.Tx) error { return h.with.Truncate(tx) })
		expect("truncate <nil> <nil>")
		h.expect("empty", len(plain.all()), 0)
		if _, err := on.Hook("drop", nil); store.CodeOf(err) != store.InvalidArgument {
			t.Error(err)
		}
	})
}

func TestTimestampsAreWritten(t *testing.T) {
	onThings(t, func(plain *things) {
		now := time.UnixMilli(1_600_000_000_000).UTC()
		stamps := policies.NewTimestamps()
		stamps.Clock = func() time.Time { return now }
		stamps.Accessed = "seen"
		h := plain.over(nil, stamps)
		h.insert(map[string]any{"id": 1})
		born := now
		now = now.Add(time.Second)
		if _, err := h.change(nil, map[string]any{"n": 1}); err != nil {
			t.Fatal(err)
		}
		stored := map[string]any{"id": int64(1), "n": int64(1), "created": born, "modified": now}
		h.expect("stored", plain.get(1), stored)
		now = now.Add(time.Second)
		seen := maps.Clone(stored)
		seen["seen"] = now
		h.expect("read", h.get(1), seen)
		stamps.Format = func(at time.Time) any { return at.Format(time.RFC3339) }
		h = plain.over(nil, stamps)
		h.insert(map[string]any{"id": 2})
		h.expect("formatted", plain.get(2)["created"], now.Format(time.RFC3339))
	})
}

func TestScenario36_BoundedTablesDeleteWhatIsTooMuch(t *testing.T) {
	random := 0.0
	for _, c := range []struct {
		kind policies.BoundKind
		want []int64
	}{
		{policies.LRU, []int64{2, 4}}, {policies.FIFO, []int64{3, 4}}, {policies.LFU, []int64{2, 4}},
		{policies.MRU, []int64{1, 4}}, {policies.RR, []int64{3, 4}},
	} {
		onThings(t, func(plain *things) {
			bounded, err := policies.NewBounded(policies.BoundedOptions{Kind: c.kind, Max: 2, Random: func() float64 { random++; return random }})
			if err != nil {
				t.Fatal(err)
			}
			on := policies.NewTableHooks()
			var gone []int64
			hook(t, &on.Hooks, "delete", func(_ *store.Tx, doc policies.Document) error { gone = append(gone, doc["id"].(int64)); return nil })
			h := plain.over(nil, bounded, on)
			for id := 1; id <= 3; id++ {
				h.insert(map[string]any{"id": id})
			}
			h.get(2)
			h.get(2)
			h.insert(map[string]any{"id": 4})
			h.expect(string(c.kind), plain.all(), c.want)
			h.expect("hooks hear of it", slices.Sorted(slices.Values(append(gone, c.want...))), []int64{1, 2, 3, 4})
			no := errors.New("no")
			err = h.env.Update(context.Background(), func(tx *store.Tx) error {
				return errors.Join(h.insertIn(tx, map[string]any{"id": 5}, map[string]any{"id": 6}, map[string]any{"id": 7}), no)
			})
			if !errors.Is(err, no) {
				t.Error(err)
			}
			h.expect("taken back", plain.all(), c.want)
			h.insert(map[string]any{"id": 8})
			h.expect("bounded", len(plain.all()), 2)
		})
	}

	onThings(t, func(plain *things) {
		now := time.UnixMilli(1_600_000_000_000).UTC()
		expiring := policies.Expiring{TTL: 100 * time.Second, Clock: func() time.Time { return now }}
		bounded, err := policies.NewBounded(policies.BoundedOptions{Kind: policies.TTL, Max: 3, Expiring: expiring})
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range []policies.Policy{bounded, expiring} {
			h := plain.over(nil, policy)
			h.insert(map[string]any{"id": 1}, map[string]any{"id": 2, "expires": now.Add(50 * time.Second)})
			now = now.Add(60 * time.Second)
			h.expect("expired", h.get(2), map[string]any(nil))
			h.expect("found", h.all(), []int64{1})
			h.insert(map[string]any{"id": 2})
			now = now.Add(60 * time.Second)
			h.expect("found", h.all(), []int64{2})
			h.insert(map[string]any{"id": 3})
			h.expect("deleted", plain.all(), []int64{2, 3})
			h.update(func(tx *store.Tx) error { return h.with.Truncate(tx) })
		}
		none, err := policies.NewBounded(policies.BoundedOptions{Kind: policies.LRU})
		if err != nil {
			t.Fatal(err)
		}
		h := plain.over(nil, none)
		h.expect("too large", store.CodeOf(h.failing(map[string]any{"id": 1})), store.TooLarge)
		for _, wrong := range []policies.BoundedOptions{{Kind: "old"}, {Kind: policies.TTL}, {Kind: policies.TLRU}, {Kind: policies.LRU, Max: -1}} {
			if _, err := policies.NewBounded(wrong); store.CodeOf(err) != store.InvalidOption {
				t.Errorf("%v: %v", wrong.Kind, err)
			}
		}
	})
}

func TestPoliciesHearOfStatements(t *testing.T) {
	onThings(t, func(plain *things) {
		var log []string
		on := policies.NewTableHooks()
		for _, event := range []string{"create", "update", "delete"} {
			hook(t, &on.Hooks, event, func(_ *store.Tx, doc policies.Document) error {
				log = append(log, fmt.Sprint(event, doc["id"]))
				if doc["value"] == "refused" {
					return errors.New("refused")
				}
				doc[event] = true
				return nil
			})
		}
		h := plain.over(nil, on)
		exec := func(text string, values ...any) (changed int64, err error) {
			err = h.env.Update(context.Background(), func(tx *store.Tx) (err error) {
				_, changed, err = policies.Exec(tx, []*policies.Table{h.with}, text, values...)
				return err
			})
			return changed, err
		}
		for _, step := range []struct {
			text    string
			changed int64
			heard   string
		}{
			{"INSERT INTO things (id, value) VALUES (1, 'a'), (2, 'b'), (3, 'c')", 3, "[create1 create2 create3]"},
			{"UPDATE things SET value = value || 'x' WHERE id < 3", 2, "[update1 update2]"},
			{"INSERT INTO things (id, value) VALUES (1, 'z') ON CONFLICT (id) DO UPDATE SET value = excluded.value", 1, "[update1]"},
			{"INSERT OR REPLACE INTO things (id, value) VALUES (2, 'y')", 1, "[update2]"},
			{"UPDATE things SET id = 4 WHERE id = 3", 1, "[delete3 create4]"},
			{"DELETE FROM things WHERE id = 1", 1, "[delete1]"},
			{"SELECT * FROM things", 0, "[]"},
		} {
			log = nil
			changed, err := exec(step.text)
			if got := fmt.Sprint(log); err != nil || changed != step.changed || got != step.heard {
				t.Errorf("%s: %d rows, heard %s, %v; want %d, %s", step.text, changed, got, err, step.changed, step.heard)
			}
		}
		h.expect("replaced", h.get(2), map[string]any{"id": int64(2), "value": "y", "update": true})
		h.expect("moved", h.get(4), map[string]any{"id": int64(4), "value": "c", "create": true})
		if _, err := exec("UPDATE things SET value = CASE id WHEN 4 THEN 'refused' ELSE 'x' END"); err == nil {
			t.Error("what a hook refuses was written")
		}
		h.expect("after a refusal", h.get(2)["value"], "y")
	})
}
