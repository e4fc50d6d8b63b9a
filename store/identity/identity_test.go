package identity_test

import (
	"context"
	"encoding/binary"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/identity"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

type fields = map[string]any

var ctx = context.Background()

func open(t *testing.T) *store.Env {
	return storetest.Open(t, memory.New(), storetest.Small())
}

func table(t *testing.T, env *store.Env, schema store.Schema) *store.Table {
	t.Helper()
	schema.Key = query.Field("id")
	made, err := env.Table(ctx, "notes", schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// write runs one write of a table and returns what identities it tells.
func write(env *store.Env, call func(tx *store.Tx, docs [][]byte) ([][]byte, error), docs ...fields) (ids []any, err error) {
	err = env.Update(ctx, func(tx *store.Tx) error {
		var packed [][]byte
		for _, doc := range docs {
			packed = append(packed, query.AppendValue(nil, doc))
		}
		raw, err := call(tx, packed)
		ids = nil
		for _, id := range raw {
			read, _ := query.ReadValue(id)
			ids = append(ids, read)
		}
		return err
	})
	return ids, err
}

func count(t *testing.T, env *store.Env, table *store.Table) (n int64) {
	t.Helper()
	err := env.View(ctx, func(tx *store.Tx) error {
		q, err := query.Select(nil)
		if err == nil {
			n, err = table.Count(tx, q)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		name     string
		kind     store.IdentityKind
		form     string
		accepted []any
		refused  []any
	}{
		{
			"uuid", identity.UUID(), `^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$`,
			[]any{"00000000-0000-0000-0000-000000000000"},
			[]any{"00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-00000000000g", "00000000-0000-0000-0000-00000000000A", "000000000000-0000-0000-0000-00000000", "", 1},
		},
		{
			"ulid", identity.ULID(), `^[0-7][\dA-HJKMNP-TV-Z]{25}$`,
			[]any{"01ARZ3NDEKTSV4RRFFQ69G5FAV", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
			[]any{"81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01arz3ndektsv4rrffq69g5fav", 1},
		},
		{"string", identity.String(), `^[\da-f]{32}$`, []any{"", "any", "ö"}, []any{1, true, []byte{1}, []any{"a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := open(t)
			notes := table(t, env, store.Schema{Identity: c.kind})
			drawn, err := write(env, notes.Insert, fields{"n": 1}, fields{"n": 2, "id": query.Raw(undefined)}, fields{})
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range drawn {
				if text, _ := id.(string); !regexp.MustCompile(c.form).MatchString(text) {
					t.Errorf("%v is not of the form %s", id, c.form)
				}
			}
			for _, id := range c.accepted {
				if ids, err := write(env, notes.Insert, fields{"id": id}); err != nil || len(ids) != 1 || ids[0] != id {
					t.Errorf("%v: %v, %v", id, ids, err)
				}
			}
			before := count(t, env, notes)
			for _, id := range c.refused {
				for _, call := range []func(*store.Tx, [][]byte) ([][]byte, error){notes.Insert, notes.Put} {
					if _, err := write(env, call, fields{}, fields{"id": id}); !errors.Is(err, store.InvalidKey) {
						t.Errorf("%v: %v", id, err)
					}
				}
			}
			if n := count(t, env, notes); n != before {
				t.Errorf("batches that were refused have left %d documents", n-before)
			}
		})
	}
}

// undefined as JavaScript writes it.
var undefined = []byte{0xd4, 0, 0}

func TestPutAndUpsertDrawIdentities(t *testing.T) {
	env := open(t)
	notes := table(t, env, store.Schema{Identity: identity.UUID()})
	ids, err := write(env, notes.Put, fields{"n": 1}, fields{"n": 1})
	if err != nil || len(ids) != 2 || ids[0] == ids[1] {
		t.Fatal(ids, err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		q, err := query.Select(query.Eq(query.Field("n"), 2))
		if err != nil {
			return err
		}
		met, err := notes.Upsert(tx, query.AppendValue(nil, fields{"n": 2}), q)
		if err == nil && met.Len() != 1 {
			t.Errorf("upsert has met %d", met.Len())
		}
		return err
	})
	if err != nil || count(t, env, notes) != 3 {
		t.Error(err, count(t, env, notes))
	}
}

func TestULIDsAscend(t *testing.T) {
	kind := identity.ULID()
	const makers, each = 4, 500
	first := time.Now().UnixMilli()
	made := make([][]string, makers)
	var all sync.WaitGroup
	for m := range makers {
		all.Go(func() {
			for range each {
				id, _ := kind.Next(nil)
				text, _, _ := msgp.ReadStringBytes(id)
				made[m] = append(made[m], text)
			}
		})
	}
	all.Wait()
	for _, one := range made {
		if !slices.IsSorted(one) {
			t.Error("a later one is smaller")
		}
	}
	together := slices.Sorted(slices.Values(slices.Concat(made...)))
	if n := len(slices.Compact(together)); n != makers*each {
		t.Errorf("%d different ones of %d", n, makers*each)
	}
	var at int64
	for _, digit := range together[0][:10] {
		at = at<<5 | int64(strings.IndexRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", digit))
	}
	if at < first || at > time.Now().UnixMilli() {
		t.Errorf("made at %d, not after %d", at, first)
	}
}

// tickets are a program's own kind: they count, in the transaction, by threes.
type tickets struct{ _ byte } // so that two of them have two addresses

func (tickets) Next(tx *store.Tx) ([]byte, error) {
	db, err := tx.DB("tickets")
	if err != nil {
		return nil, err
	}
	stored, found, err := db.Get([]byte("last"))
	if err != nil {
		return nil, err
	}
	last := uint64(0)
	if found {
		last = binary.BigEndian.Uint64(stored)
	}
	last += 3
	return msgp.AppendUint64(nil, last), db.Put([]byte("last"), binary.BigEndian.AppendUint64(nil, last))
}

func (tickets) Accepts(id []byte) bool {
	n, _, err := msgp.ReadUint64Bytes(id)
	return err == nil && n%3 == 0
}

func TestOwnKind(t *testing.T) {
	env := open(t)
	notes := table(t, env, store.Schema{Identity: tickets{}})
	if ids, err := write(env, notes.Insert, fields{}, fields{}); err != nil || !slices.Equal(ids, []any{int64(3), int64(6)}) {
		t.Error(ids, err)
	}
	if _, err := write(env, notes.Insert, fields{}, fields{"id": 10}); !errors.Is(err, store.InvalidKey) {
		t.Error(err)
	}
	if ids, err := write(env, notes.Insert, fields{"id": 9}); err != nil || !slices.Equal(ids, []any{int64(9)}) {
		t.Error(ids, err)
	}
	// What was drawn in vain is drawn again; one that a document has is refused, not overwritten.
	if _, err := write(env, notes.Insert, fields{}); !errors.Is(err, store.DuplicateKey) {
		t.Error(err)
	}
	if n := count(t, env, notes); n != 3 {
		t.Errorf("%d documents", n)
	}
}

// made is a kind that makes what it holds.
type made struct {
	id  []byte
	err error
}

func (m made) Next(*store.Tx) ([]byte, error) { return m.id, m.err }
func (made) Accepts([]byte) bool              { return true }

func TestKindsThatFail(t *testing.T) {
	no := errors.New("no")
	for _, c := range []struct {
		kind made
		want error
	}{
		{made{err: no}, no},
		{made{}, store.InvalidKey},
		{made{id: []byte{1, 2}}, store.InvalidKey},
		{made{id: []byte{0xa5, 'x'}}, store.InvalidKey},
		{made{id: msgp.AppendNil(nil)}, store.InvalidKey},
		{made{id: query.AppendValue(nil, fields{"a": 1})}, store.InvalidKey},
	} {
		env := open(t)
		notes := table(t, env, store.Schema{Identity: c.kind})
		for _, doc := range []fields{{"n": 1}, {"id": query.Raw(undefined)}} {
			if _, err := write(env, notes.Insert, doc); !errors.Is(err, c.want) {
				t.Errorf("%v made % x: %v, want %v", doc, c.kind.id, err, c.want)
			}
		}
		if n := count(t, env, notes); n != 0 {
			t.Errorf("% x has left %d documents", c.kind.id, n)
		}
	}
}

// TestOneTableHasOneKind opens a table again: with the identities that it is open with, and no others.
func TestOneTableHasOneKind(t *testing.T) {
	mine := &tickets{}
	for _, kind := range []store.IdentityKind{nil, identity.UUID(), identity.ULID(), identity.String(), mine, tickets{}} {
		env := open(t)
		before := table(t, env, store.Schema{Identity: kind})
		if _, err := env.Table(ctx, "others", store.Schema{Key: query.Field("id"), Identity: identity.UUID()}, nil); err != nil {
			t.Error(err)
		}
		for _, other := range []store.IdentityKind{nil, identity.UUID(), identity.ULID(), identity.String(), mine, &tickets{}, made{}} {
			_, err := env.Table(ctx, "notes", store.Schema{Key: query.Field("id"), Identity: other}, nil)
			if same := kind == other; same && err != nil || !same && !errors.Is(err, store.SchemaMismatch) {
				t.Errorf("%T opened with %T: %v", kind, other, err)
			}
		}
		if kind == nil {
			continue
		}
		if _, err := write(env, before.Insert, fields{}); err != nil {
			t.Error(err)
		}
		if err := env.Update(ctx, func(tx *store.Tx) error { _, err := tx.DropTable("notes"); return err }); err != nil {
			t.Fatal(err)
		}
		table(t, env, store.Schema{}) // another table of that name
	}
}

func TestSchemasThatMakeNoSense(t *testing.T) {
	env := open(t)
	for _, schema := range []store.Schema{
		{Key: query.Field("id"), Increment: true, Identity: identity.UUID()},
		{Key: query.Field("a", "b"), Identity: identity.UUID()},
	} {
		if _, err := env.Table(ctx, "notes", schema, nil); !errors.Is(err, store.InvalidArgument) {
			t.Error(err)
		}
	}
}
