package policies_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/policies"
	"github.com/stowage-db/stowage/store/storetest"
)

type fields = map[string]any

var ctx = context.Background()

// bed is a table with a unique index, and what has been heard of it.
type bed struct {
	t     *testing.T
	env   *store.Env
	plain *store.Table
	on    *policies.TableHooks
	told  []string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, env: storetest.Open(t, memory.New(), storetest.Small()), on: policies.NewTableHooks()}
	var err error
	b.plain, err = b.env.Table(ctx, "things", store.Schema{
		Key: query.Field("id"), Increment: true,
		Indexes: []store.IndexSpec{{Name: "&rank", Paths: []query.Path{query.Field("rank")}, Unique: true}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"create", "update", "delete"} {
		_, err := b.on.Hook(event, func(_ *store.Tx, doc policies.Document) error {
			b.told = append(b.told, fmt.Sprint(event, " ", doc["id"], " ", doc["n"]))
			if doc["n"] == "refused" {
				return errRefused
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

var errRefused = errors.New("refused")

func pack(docs ...fields) (packed [][]byte) {
	for _, doc := range docs {
		packed = append(packed, query.AppendValue(nil, doc))
	}
	return packed
}

// read is a document, nil where there is none.
func read(doc []byte) fields {
	v, _ := query.ReadValue(doc)
	read, _ := v.(fields)
	return read
}

// update runs a write in a transaction that goes on where it fails, and compares what hooks heard.
func (b *bed) update(want error, told string, write func(tx *store.Tx) error) {
	b.t.Helper()
	b.told = nil
	err := b.env.Update(ctx, func(tx *store.Tx) error {
		if err := write(tx); !errors.Is(err, want) || err != nil && want == nil {
			b.t.Errorf("%v, want %v", err, want)
		}
		return nil
	})
	if err != nil {
		b.t.Error(err)
	}
	if heard := strings.Join(b.told, ", "); heard != told {
		b.t.Errorf("heard %q, want %q", heard, told)
	}
}

// expect compares all documents, as they are stored.
func (b *bed) expect(want ...fields) {
	b.t.Helper()
	var got []fields
	err := b.env.View(ctx, func(tx *store.Tx) error {
		q, err := query.Select(nil)
		if err != nil {
			return err
		}
		return b.plain.Find(tx, q.OrderBy(query.Field("id"), false), func(doc []byte) error {
			got = append(got, read(doc))
			return nil
		})
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("stored are %v, %v, want %v", got, err, want)
	}
}

func selected(t *testing.T, table *policies.Table, filter query.Expr) *query.Query {
	t.Helper()
	q, err := table.Select(filter)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// The table of the engine and the one with policies are told apart by nothing but their type.
func TestTableHasWhatTablesHave(t *testing.T) {
	plain, over := reflect.TypeFor[*store.Table](), reflect.TypeFor[*policies.Table]()
	without := map[string]bool{"Meant": true} // made of the schema alone
	for i := range plain.NumMethod() {
		of := plain.Method(i)
		if without[of.Name] {
			continue
		}
		method, found := over.MethodByName(of.Name)
		if !found {
			t.Errorf("there is no %s", of.Name)
			continue
		}
		if method.Type.NumIn() != of.Type.NumIn() || method.Type.NumOut() != of.Type.NumOut() {
			t.Errorf("%s is %v, want %v", of.Name, method.Type, of.Type)
			continue
		}
		for i := 1; i < of.Type.NumIn(); i++ {
			if method.Type.In(i) != of.Type.In(i) {
				t.Errorf("%s takes %v, want %v", of.Name, method.Type.In(i), of.Type.In(i))
			}
		}
		for i := range of.Type.NumOut() {
			if method.Type.Out(i) != of.Type.Out(i) {
				t.Errorf("%s returns %v, want %v", of.Name, method.Type.Out(i), of.Type.Out(i))
			}
		}
	}
}

func TestEveryWriteIsHeardOf(t *testing.T) {
	b := newBed(t)
	table := policies.Over(b.plain, nil, b.on)
	n := query.Field("n")
	b.update(nil, "create <nil> 1, create <nil> 2", func(tx *store.Tx) error {
		_, err := table.Insert(tx, pack(fields{"n": 1}, fields{"n": 2}))
		return err
	})
	b.update(nil, "update 1 3", func(tx *store.Tx) error {
		_, err := table.Replace(tx, pack(fields{"id": 1, "n": 3}))
		return err
	})
	b.update(nil, "update 2 4", func(tx *store.Tx) error {
		_, err := table.Upsert(tx, pack(fields{"n": 4})[0], selected(t, table, query.Eq(n, 2)))
		return err
	})
	b.update(nil, "create 7 5", func(tx *store.Tx) error {
		met, err := table.Upsert(tx, pack(fields{"id": 7, "n": 5})[0], nil)
		if met.Len() != 1 {
			t.Errorf("met %d", met.Len())
		}
		return err
	})
	b.update(nil, "update 1 4, update 1 5, update 2 5", func(tx *store.Tx) error {
		met, err := table.UpdateMany(tx, []store.Change{
			{Raw: op.Append(nil, op.Increment(n)), Query: selected(t, table, query.Eq(n, 3))},
			{Func: func(doc []byte) ([]byte, error) {
				return pack(fields{"id": read(doc)["id"], "n": 5})[0], nil
			}, Query: selected(t, table, query.Eq(n, 4))},
		})
		if met.Len() != 3 {
			t.Errorf("met %d", met.Len())
		}
		return err
	})
	b.update(nil, "update 7 6", func(tx *store.Tx) error {
		_, err := table.UpdateFunc(tx, selected(t, table, query.Gt(query.Field("id"), 2)), func([]byte) ([]byte, error) {
			return pack(fields{"id": 7, "n": 6})[0], nil
		})
		return err
	})
	b.update(nil, "delete 7 6", func(tx *store.Tx) error {
		found, err := table.Delete(tx, query.AppendKeyInt(nil, 7))
		if !found {
			t.Error("7 was not found")
		}
		return err
	})
	b.expect(fields{"id": 1, "n": 5}, fields{"id": 2, "n": 5})
}

func TestWritesAreAllOrNothing(t *testing.T) {
	b := newBed(t)
	table := policies.Over(b.plain, nil, b.on)
	one, two := fields{"id": 1, "n": 1, "rank": 1}, fields{"id": 2, "n": 2, "rank": 2}
	b.update(nil, "create 1 1, create 2 2", func(tx *store.Tx) error {
		_, err := table.Insert(tx, pack(one, two))
		return err
	})
	n := query.Field("n")
	refused := op.Append(nil, op.Set(n, "refused"))
	for _, c := range []struct {
		name  string
		want  error
		told  string
		write func(tx *store.Tx) error
	}{
		{"insert", store.DuplicateKey, "create 3 3, create 1 4", func(tx *store.Tx) error {
			_, err := table.Insert(tx, pack(fields{"id": 3, "n": 3}, fields{"id": 1, "n": 4}))
			return err
		}},
		{"put", errRefused, "update 1 9, create 5 refused", func(tx *store.Tx) error {
			_, err := table.Put(tx, pack(fields{"id": 1, "n": 9}, fields{"id": 5, "n": "refused"}))
			return err
		}},
		{"replace", store.NotFound, "update 1 9", func(tx *store.Tx) error {
			_, err := table.Replace(tx, pack(fields{"id": 1, "n": 9}, fields{"id": 5, "n": 9}))
			return err
		}},
		{"replace nobody", store.NotFound, "", func(tx *store.Tx) error {
			_, err := table.Replace(tx, pack(fields{"n": 9}))
			return err
		}},
		{"update", errRefused, "update 1 refused", func(tx *store.Tx) error {
			_, err := table.Update(tx, query.AppendKeyInt(nil, 1), refused)
			return err
		}},
		{"update where", store.InvalidDocument, "", func(tx *store.Tx) error {
			_, err := table.UpdateWhere(tx, selected(t, table, nil), op.Append(nil, op.Increment(query.Field("none"))))
			return err
		}},
		{"update by what is no change", store.InvalidArgument, "", func(tx *store.Tx) error {
			_, err := table.UpdateWhere(tx, selected(t, table, nil), []byte{0x91, 0x91, 0xa1, 'x'})
			return err
		}},
		{"update of the identity", store.InvalidDocument, "update 5 1", func(tx *store.Tx) error {
			_, err := table.UpdateWhere(tx, selected(t, table, query.Eq(n, 1)), pack(fields{"id": 5})[0])
			return err
		}},
		{"update func", errRefused, "update 1 1", func(tx *store.Tx) error {
			_, err := table.UpdateFunc(tx, selected(t, table, nil), func(doc []byte) ([]byte, error) {
				if read(doc)["n"] == int64(2) {
					return nil, errRefused
				}
				return doc, nil
			})
			return err
		}},
		{"update many", errRefused, "update 1 9, update 2 9, update 1 refused", func(tx *store.Tx) error {
			met, err := table.UpdateMany(tx, []store.Change{
				{Raw: pack(fields{"n": 9})[0], Query: selected(t, table, nil)},
				{Raw: refused, Query: selected(t, table, query.Eq(n, 9))},
			})
			if met.Len() != 0 {
				t.Error("what has failed has met somebody")
			}
			return err
		}},
		{"upsert", errRefused, "update 1 refused", func(tx *store.Tx) error {
			_, err := table.Upsert(tx, pack(fields{"n": "refused"})[0], selected(t, table, nil))
			return err
		}},
		{"upsert of nobody", store.InvalidArgument, "", func(tx *store.Tx) error {
			_, err := table.Upsert(tx, pack(fields{"n": 1})[0], nil)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.update(c.want, c.told, c.write)
			b.expect(one, two)
		})
	}

	stop, err := b.on.Hook("delete", func(_ *store.Tx, doc policies.Document) error {
		if doc["id"] == int64(2) {
			return errRefused
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.update(errRefused, "delete 1 1, delete 2 2", func(tx *store.Tx) error {
		_, err := table.DeleteWhere(tx, selected(t, table, nil))
		return err
	})
	b.expect(one, two)
	b.on.Unhook(stop)

	// What is unique is looked at when all have been changed.
	b.update(nil, "update 1 1, update 2 2", func(tx *store.Tx) error {
		_, err := table.UpdateWhere(tx, selected(t, table, nil), op.Append(nil, op.Increment(query.Field("rank"))))
		return err
	})
	b.expect(fields{"id": 1, "n": 1, "rank": 2}, fields{"id": 2, "n": 2, "rank": 3})
}

func TestReadsSeeWhatPoliciesLeave(t *testing.T) {
	b := newBed(t)
	now := time.UnixMilli(1_700_000_000_000)
	table := policies.Over(b.plain, nil, policies.Expiring{Clock: func() time.Time { return now }}, policies.Timestamps{Accessed: "seen", Format: func(time.Time) any { return "now" }})
	b.update(nil, "", func(tx *store.Tx) error {
		_, err := table.Insert(tx, pack(fields{"n": 1}, fields{"n": 2, "expires": now.Add(time.Second)}))
		return err
	})
	now = now.Add(time.Minute)
	var got []fields
	take := func(doc []byte) error {
		got = append(got, read(doc))
		return nil
	}
	err := b.env.View(ctx, func(tx *store.Tx) error {
		if err := table.GetMany(tx, [][]byte{query.AppendKeyInt(nil, 2), query.AppendKeyInt(nil, 1), query.AppendKeyInt(nil, 9)}, take); err != nil {
			return err
		}
		for n, want := range map[int]bool{1: true, 2: false} {
			if found, err := table.Contains(tx, selected(t, table, query.Eq(query.Field("n"), n))); found != want || err != nil {
				t.Errorf("contains %d: %v, %v", n, found, err)
			}
		}
		_, err := table.Explain(tx, selected(t, table, nil))
		return err
	})
	if want := []fields{nil, {"id": int64(1), "n": int64(1), "seen": "now"}, nil}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
	b.update(store.NotFound, "", func(tx *store.Tx) error {
		_, err := table.Replace(tx, pack(fields{"id": 2, "n": 3}))
		return err
	})
}
