package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/policies"
	"github.com/stowage-db/stowage/store/storetest"
)

// desk is an environment with two tables that count, over a backend that can be opened
// anew.
type desk struct {
	bed
	others  documents
	room    place
	backend func() store.Backend
	over    func(table *store.Table) documents
}

// onTables runs a scenario in memory and over files, and over a table with policies, which are
// to change nothing of it.
func onTables(t *testing.T, scenario func(d *desk)) {
	t.Helper()
	bare := func(table *store.Table) documents { return table }
	on := func(t *testing.T, room place, over func(table *store.Table) documents) {
		d := &desk{bed: bed{t: t}, room: room, backend: room(t), over: over}
		d.open()
		scenario(d)
	}
	onPlaces(t, func(t *testing.T, room place) { on(t, room, bare) })
	t.Run("policies", func(t *testing.T) {
		on(t, places[0].room, func(table *store.Table) documents {
			return policies.Over(table, nil, policies.NewTableHooks(), policies.Expiring{})
		})
	})
}

func (d *desk) open() {
	d.t.Helper()
	d.env = storetest.Open(d.t, d.backend(), storetest.Small())
	schema := store.Schema{Key: query.Field("id"), Increment: true, Indexes: []store.IndexSpec{{Name: "char", Paths: []query.Path{char}}}}
	for name, table := range map[string]*documents{"items": &d.table, "others": &d.others} {
		made, err := d.env.Table(ctx, name, schema, nil)
		if err != nil {
			d.t.Fatal(err)
		}
		*table = d.over(made)
	}
}

// again closes the environment and opens it anew.
func (d *desk) again() {
	d.t.Helper()
	if err := d.env.Close(ctx); err != nil {
		d.t.Fatal(err)
	}
	d.open()
}

var char, whole = query.Field("char"), query.Field("int")

// three inserts the documents of most scenarios.
func (d *desk) three() {
	d.t.Helper()
	d.mustInsert(fields{"int": 1, "char": "a"}, fields{"int": 1, "char": "b"}, fields{"int": 1, "char": "c"})
}

func (d *desk) expectCount(filter query.Expr, want int64) {
	d.t.Helper()
	if n := d.count(where(d.t, filter)); n != want {
		d.t.Errorf("%d documents, want %d", n, want)
	}
}

// expectInserted inserts and compares identities.
func (d *desk) expectInserted(want string, docs ...any) {
	d.t.Helper()
	ids, err := d.insert(docs...)
	if got := fmt.Sprint(ids); err != nil || got != want {
		d.t.Errorf("inserted %s, %v, want %s", got, err, want)
	}
}

func (d *desk) expectDoc(id any, want fields) {
	d.t.Helper()
	d.view(func(tx *store.Tx) error {
		doc, _, err := d.table.Get(tx, key(id))
		got, _ := query.ReadValue(doc)
		if !bytes.Equal(raw(got), raw(want)) {
			d.t.Errorf("document %v is %v, want %v", id, got, want)
		}
		return err
	})
}

// met runs a call that tells whom it met, and compares.
func (d *desk) met(want string, call func(tx *store.Tx) (store.Identities, error)) {
	d.t.Helper()
	var shown string
	err := d.update(func(tx *store.Tx) error {
		ids, err := call(tx)
		if err == nil {
			var raw []byte
			raw, err = ids.Append(nil)
			shown = show(raw)
		}
		return err
	})
	if err != nil || shown != want {
		d.t.Errorf("met %s, %v, want %s", shown, err, want)
	}
}

func (d *desk) refused(code store.Code, call func(tx *store.Tx) error) {
	d.t.Helper()
	if err := d.update(call); !errors.Is(err, code) {
		d.t.Errorf("%v, want %s", err, code)
	}
}

func raw(v any) []byte { return query.AppendValue(nil, v) }

func TestScenario01_Insert(t *testing.T) {
	onTables(t, func(d *desk) {
		d.expectInserted("[1 2 3]", fields{"int": 1, "char": "a"}, fields{"int": 1, "char": "b"}, fields{"int": 1, "char": "c"})
		d.expectCount(query.Eq(whole, 1), 3)
		d.expectCount(query.Eq(char, "a"), 1)
	})
}

func TestScenario02_GivenIdentities(t *testing.T) {
	onTables(t, func(d *desk) {
		for _, one := range []struct {
			want string
			doc  fields
		}{{"[1]", fields{}}, {"[12]", fields{"id": 12}}, {"[77]", fields{"id": 77}}, {"[78]", fields{}}} {
			d.expectInserted(one.want, one.doc)
		}
	})
}

func TestScenario03_IdentityThatExists(t *testing.T) {
	onTables(t, func(d *desk) {
		d.mustInsert(fields{"id": 5, "char": "a"})
		if _, err := d.insert(fields{"id": 5, "char": "b"}); !errors.Is(err, store.DuplicateKey) {
			t.Error(err)
		}
		d.expectDoc(5, fields{"id": 5, "char": "a"})
		d.expectCount(nil, 1)
	})
}

func TestScenario04_NoDocument(t *testing.T) {
	onTables(t, func(d *desk) {
		for _, wrong := range []any{[]any{1, 2}, "text", 5, nil} {
			if _, err := d.insert(wrong); !errors.Is(err, store.InvalidDocument) {
				t.Errorf("%v: %v", wrong, err)
			}
		}
		d.expectInserted("[1]", fields{"int": 1})
	})
}

func TestScenario05_Delete(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		d.met("[2]", func(tx *store.Tx) (store.Identities, error) {
			return d.table.DeleteWhere(tx, where(t, query.Eq(char, "b")))
		})
		d.expectCount(nil, 2)
		d.met("[1 3]", func(tx *store.Tx) (store.Identities, error) {
			return d.table.DeleteWhere(tx, where(t, query.Eq(whole, 1)))
		})
		d.expectCount(nil, 0)
	})
}

func TestScenario06_Update(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		d.met("[1]", func(tx *store.Tx) (store.Identities, error) {
			return d.table.UpdateWhere(tx, where(t, query.Eq(char, "a")), raw(fields{"int": 2}))
		})
		d.expectCount(query.Eq(whole, 2), 1)
		d.met("[1 2 3]", func(tx *store.Tx) (store.Identities, error) {
			return d.table.UpdateWhere(tx, where(t, nil), raw(fields{"newField": true}))
		})
		d.expectCount(query.Eq(query.Field("newField"), true), 3)
	})
}

func TestScenario07_UpdateMany(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		d.met("[1 2]", func(tx *store.Tx) (store.Identities, error) {
			return d.table.UpdateMany(tx, []store.Change{
				{Raw: raw(fields{"int": 2}), Query: where(t, query.Eq(char, "a"))},
				{Raw: raw(fields{"int": 4}), Query: where(t, query.Eq(char, "b"))},
			})
		})
		for _, n := range []int{1, 2, 4} {
			d.expectCount(query.Eq(whole, n), 1)
		}
		d.met("[2 1 2]", func(tx *store.Tx) (store.Identities, error) {
			same := func(doc []byte) ([]byte, error) { return doc, nil }
			return d.table.UpdateMany(tx, []store.Change{
				{Func: same, Query: where(t, query.Eq(whole, 4))},
				{Raw: op.Append(nil, op.Add(char, "x")), Query: where(t, query.Gt(whole, 1))},
			})
		})
		d.expectCount(query.In(char, "ax", "bx", "c"), 3)
		d.refused(store.InvalidDocument, func(tx *store.Tx) error {
			_, err := d.table.UpdateMany(tx, []store.Change{
				{Raw: raw(fields{"int": 9}), Query: where(t, nil)},
				{Raw: op.Append(nil, op.Increment(query.Field("none"))), Query: where(t, nil)},
			})
			return err
		})
		d.expectCount(query.Eq(whole, 9), 0)
	})
}

func TestScenario08_Upsert(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		upsert := func(doc fields, filter query.Expr) func(tx *store.Tx) (store.Identities, error) {
			var q *query.Query
			if filter != nil {
				q = where(t, filter)
			}
			return func(tx *store.Tx) (store.Identities, error) { return d.table.Upsert(tx, raw(doc), q) }
		}
		d.met("[1]", upsert(fields{"int": 5}, query.Eq(char, "a")))
		d.met("[4]", upsert(fields{"int": 9, "char": "x"}, query.Eq(char, "x")))
		d.met("[5]", upsert(fields{"id": 5, "int": 5, "char": "w"}, nil))
		d.expectInserted("[6]", fields{"int": 0})

		// An identity and a query both select.
		d.met("[5]", upsert(fields{"id": 5, "int": 6}, query.Eq(char, "w")))
		d.met("[7]", upsert(fields{"id": 7, "int": 7}, query.Eq(char, "w")))
		d.expectDoc(5, fields{"id": 5, "int": 6, "char": "w"})
		d.refused(store.DuplicateKey, func(tx *store.Tx) error {
			_, err := upsert(fields{"id": 5}, query.Eq(char, "nobody's"))(tx)
			return err
		})
		d.refused(store.InvalidArgument, func(tx *store.Tx) error {
			_, err := upsert(fields{"int": 5}, nil)(tx)
			return err
		})
	})
}

func TestScenario09_IdentitiesAndConditions(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		id := query.Field("id")
		d.expectCount(query.And(query.In(id, 1, 2), query.Eq(whole, 1)), 2)
		d.expectCount(query.And(query.In(id), query.Eq(whole, 1)), 0)
		d.expectCount(query.And(query.Eq(id, 3), query.Eq(whole, "0")), 0)
		q := where(t, query.And(query.Eq(id, 3), query.Eq(whole, 1)))
		if ids := d.find(q); !slices.Equal(ids, []string{"3"}) {
			t.Errorf("found %v", ids)
		}
		d.view(func(tx *store.Tx) error {
			found, err := d.table.Contains(tx, q)
			if !found {
				t.Error("it is not contained")
			}
			return err
		})
		q.Limit = -2
		if err := d.env.View(ctx, func(tx *store.Tx) error { return d.table.Find(tx, q, func([]byte) error { return nil }) }); !errors.Is(err, store.InvalidQuery) {
			t.Errorf("a limit of -2: %v", err)
		}
	})
}

func TestScenario10_Operations(t *testing.T) {
	onTables(t, func(d *desk) {
		for _, c := range []struct {
			operation op.Operation
			want      fields
		}{
			{op.Add(whole, 5), fields{"id": 1, "int": 6, "char": "a"}},
			{op.Subtract(whole, 5), fields{"id": 1, "int": -4, "char": "a"}},
			{op.Increment(whole), fields{"id": 1, "int": 2, "char": "a"}},
			{op.Decrement(whole), fields{"id": 1, "int": 0, "char": "a"}},
			{op.Add(char, "xyz"), fields{"id": 1, "int": 1, "char": "axyz"}},
			{op.Set(char, "xyz"), fields{"id": 1, "int": 1, "char": "xyz"}},
			{op.Delete(whole), fields{"id": 1, "char": "a"}},
		} {
			err := d.update(func(tx *store.Tx) error {
				if _, err := d.table.Put(tx, raws([]any{fields{"id": 1, "int": 1, "char": "a"}})); err != nil {
					return err
				}
				_, err := d.table.Update(tx, key(1), op.Append(nil, c.operation))
				return err
			})
			if err != nil {
				t.Error(err)
			}
			d.expectDoc(1, c.want)
		}
		for code, change := range map[store.Code][]byte{
			store.InvalidDocument: op.Append(nil, op.Set(char, "b"), op.Increment(query.Field("none"))),
			store.InvalidArgument: op.Append(nil),
		} {
			d.refused(code, func(tx *store.Tx) error {
				_, err := d.table.Update(tx, key(1), change)
				return err
			})
		}
		d.expectDoc(1, fields{"id": 1, "char": "a"})
	})
}

func TestScenario11_CountAfterReopening(t *testing.T) {
	onTables(t, func(d *desk) {
		docs := make([]any, 100)
		for i := range docs {
			docs[i] = fields{"int": i}
		}
		d.mustInsert(docs...)
		d.again()
		d.expectInserted("[101]", fields{})
		d.expectInserted("[102 103]", fields{}, fields{})
		d.met("[103]", func(tx *store.Tx) (store.Identities, error) {
			return d.table.DeleteWhere(tx, where(t, query.Eq(query.Field("id"), 103)))
		})
		d.again()
		d.expectInserted("[104]", fields{})
	})
}

func TestScenario12_TablesOfOneName(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		other := &desk{bed: bed{t: d.t}, backend: d.room(d.t), over: d.over}
		other.open()
		other.expectInserted("[1]", fields{"char": "other"})
		d.expectInserted("[4]", fields{"char": "d"})
		d.expectDoc(2, fields{"id": 2, "int": 1, "char": "b"})
		other.expectCount(nil, 1)
	})
}

func TestScenario13_LowIdentityAfterReopening(t *testing.T) {
	onTables(t, func(d *desk) {
		d.mustInsert(fields{"id": 1}, fields{"id": 3}, fields{"id": 4}, fields{"id": 5})
		d.again()
		d.expectInserted("[2]", fields{"id": 2})
		d.expectInserted("[6]", fields{})
		d.expectCount(nil, 6)
	})
}

func TestScenario14_MixedBatch(t *testing.T) {
	onTables(t, func(d *desk) {
		d.expectInserted("[1]", fields{})
		d.expectInserted("[2 3]", fields{"id": 2}, fields{})
		d.expectCount(nil, 3)
	})
}

func TestScenario15_ConcurrentInserts(t *testing.T) {
	onTables(t, func(d *desk) {
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				table := []documents{d.table, d.others}[i%2]
				if err := d.update(func(tx *store.Tx) error { _, err := table.Insert(tx, raws([]any{fields{}})); return err }); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		d.again()
		d.expectCount(nil, 10)
		d.table = d.others
		d.expectCount(nil, 10)
	})
}

func TestScenario16_UpdateThatFails(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		mine := errors.New("mine")
		calls := 0
		err := d.update(func(tx *store.Tx) error {
			_, err := d.table.UpdateFunc(tx, where(t, nil), func([]byte) ([]byte, error) {
				if calls++; calls == 2 {
					return nil, mine
				}
				return raw(fields{"id": calls, "int": 100}), nil
			})
			return err
		})
		if !errors.Is(err, mine) {
			t.Error(err)
		}
		d.expectCount(query.Eq(whole, 1), 3)
		d.again()
		d.expectCount(query.Eq(whole, 1), 3)
		d.refused(store.InvalidDocument, func(tx *store.Tx) error {
			_, err := d.table.UpdateFunc(tx, where(t, nil), func([]byte) ([]byte, error) { return raw(fields{"id": 9}), nil })
			return err
		})
		d.met("[2]", func(tx *store.Tx) (store.Identities, error) {
			return d.table.UpdateFunc(tx, where(t, query.Eq(char, "b")), func([]byte) ([]byte, error) { return raw(fields{"id": 2, "char": "z"}), nil })
		})
		d.expectDoc(2, fields{"id": 2, "char": "z"})
	})
}

func TestScenario17_WhatCannotBeStored(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		if _, err := d.insert(fields{"int": 5}, fields{"c": complex(1, 2)}); !errors.Is(err, store.InvalidDocument) {
			t.Error(err)
		}
		d.expectCount(nil, 3)
		d.expectInserted("[4]", fields{"int": 1})
	})
}

func TestScenario28_Copies(t *testing.T) {
	onTables(t, func(d *desk) {
		given := fields{"inner": fields{"list": []any{1, 2, 3}}}
		d.mustInsert(given)
		given["inner"].(fields)["list"].([]any)[0] = 9
		d.expectDoc(1, fields{"id": 1, "inner": fields{"list": []any{1, 2, 3}}})
	})
}

func TestScenario29_Closed(t *testing.T) {
	onTables(t, func(d *desk) {
		for range 2 {
			if err := d.env.Close(ctx); err != nil {
				t.Error(err)
			}
		}
		nothing := func(*store.Tx) error { return nil }
		d.refused(store.Closed, nothing)
		if err := d.env.View(ctx, nothing); !errors.Is(err, store.Closed) {
			t.Error(err)
		}
		if _, err := d.env.Table(ctx, "items", d.table.Schema(), nil); !errors.Is(err, store.Closed) {
			t.Error(err)
		}
	})
}

func TestTablesAreEmptiedAndDropped(t *testing.T) {
	onTables(t, func(d *desk) {
		d.three()
		d.refused(store.NotFound, func(tx *store.Tx) error {
			_, err := d.table.Replace(tx, raws([]any{fields{"id": 9}}))
			return err
		})
		if err := d.update(func(tx *store.Tx) error { _, err := d.table.Replace(tx, raws([]any{fields{"id": 1}})); return err }); err != nil {
			t.Error(err)
		}
		d.expectDoc(1, fields{"id": 1})
		if err := d.update(d.table.Truncate); err != nil {
			t.Fatal(err)
		}
		d.expectCount(nil, 0)
		d.expectCount(query.Eq(char, "b"), 0)
		d.expectInserted("[1]", fields{"char": "b"})
		if err := d.update(func(tx *store.Tx) error {
			found, err := tx.DropTable("items")
			if again, _ := tx.DropTable("items"); !found || again {
				t.Errorf("dropped %v, and again %v", found, again)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, call := range []func(tx *store.Tx) error{
			func(tx *store.Tx) error { _, _, err := d.table.Get(tx, key(1)); return err },
			func(tx *store.Tx) error { _, err := d.table.Insert(tx, raws([]any{fields{}})); return err },
			func(tx *store.Tx) error { _, err := d.table.Count(tx, where(t, nil)); return err },
			d.table.Truncate,
		} {
			d.refused(store.NotFound, call)
		}
		d.view(func(tx *store.Tx) error {
			names, err := tx.Tables()
			if !slices.Equal(names, []string{"others"}) {
				t.Errorf("tables %q", names)
			}
			return err
		})
		if err := d.env.View(ctx, func(tx *store.Tx) error { return tx.DropTables() }); !errors.Is(err, store.ReadOnly) {
			t.Error(err)
		}
		if err := d.update((*store.Tx).DropTables); err != nil {
			t.Error(err)
		}
		d.view(func(tx *store.Tx) error {
			names, err := tx.Tables()
			if len(names) > 0 {
				t.Errorf("tables %q", names)
			}
			return err
		})
		d.again()
		d.expectInserted("[1]", fields{})
	})
}
