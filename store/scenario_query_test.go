package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// asked is a place to ask what filters hold for: two tables in one environment, of
// which one has indexes.
type asked struct {
	t      *testing.T
	env    *store.Env
	tables []*store.Table
}

// onQueries runs a scenario over memory and over files.
func onQueries(t *testing.T, scenario func(a *asked)) {
	onPlaces(t, func(t *testing.T, room place) {
		a := &asked{t: t, env: storetest.Open(t, room(t)(), storetest.Small())}
		for name, indexes := range map[string][]query.Index{"plain": nil, "indexed": {
			{Name: "val", Paths: []query.Path{query.Field("val")}},
			{Name: "name", Paths: []query.Path{query.Field("name")}},
			{Name: "*followers", Paths: []query.Path{query.Field("followers")}, Multi: true},
			{Name: "a,b", Paths: []query.Path{query.Field("a"), query.Field("b")}},
		}} {
			table, err := a.env.Table(context.Background(), name, store.Schema{Key: query.Field("id"), Indexes: indexes}, nil)
			if err != nil {
				t.Fatal(err)
			}
			a.tables = append(a.tables, table)
		}
		scenario(a)
	})
}

// expect asks for which of the documents a filter holds, in every table: want has a
// letter for each, y or n.
func (a *asked) expect(what string, filter query.Expr, want string, docs ...fields) {
	a.t.Helper()
	for _, table := range a.tables {
		got, err := a.ask(table, filter, docs)
		if err != nil || got != want {
			a.t.Errorf("%s, %s: %s, %v; want %s", what, table.Name(), got, err, want)
		}
	}
}

// ask asks in a transaction of which nothing stays.
func (a *asked) ask(table *store.Table, filter query.Expr, docs []fields) (string, error) {
	letters := []byte(strings.Repeat("n", len(docs)))
	nothing := errors.New("nothing stays")
	err := a.env.Update(context.Background(), func(tx *store.Tx) error {
		for i, doc := range docs {
			stored := fields{"id": i}
			for name, v := range doc {
				stored[name] = v
			}
			if _, err := table.Insert(tx, [][]byte{query.AppendValue(nil, stored)}); err != nil {
				return err
			}
		}
		q, err := query.Select(filter)
		if err != nil {
			return err
		}
		err = table.Find(tx, q, func(doc []byte) error {
			v, _ := query.ReadValue(doc)
			letters[v.(map[string]any)["id"].(int64)] = 'y'
			return nil
		})
		if err != nil {
			return err
		}
		return nothing
	})
	if errors.Is(err, nothing) {
		err = nil
	}
	return string(letters), err
}

func TestScenario18_WhatIsMissing(t *testing.T) {
	onQueries(t, func(a *asked) {
		val := query.Field("val")
		docs := []fields{{"val": 0}, {"val": 1}, {}}
		a.expect("val < 1", query.Lt(val, 1), "ynn", docs...)
		a.expect("val != 1", query.Ne(val, 1), "ynn", docs...)
		a.expect("not val == 1", query.Not(query.Eq(val, 1)), "yny", docs...)
	})
}

func TestScenario19_MixedTypes(t *testing.T) {
	onQueries(t, func(a *asked) {
		docs := []fields{{"val": "a"}, {"val": nil}, {"val": []any{0}}, {"val": true}, {"val": 0}}
		for _, compare := range []func(query.Path, any) query.Expr{query.Lt, query.Lte} {
			a.expect("val below 1", compare(query.Field("val"), 1), "nnnny", docs...)
		}
		for _, compare := range []func(query.Path, any) query.Expr{query.Gt, query.Gte} {
			a.expect("val above 1", compare(query.Field("val"), 1), "nnnnn", docs...)
		}
	})
}

func TestScenario20_RegularExpressions(t *testing.T) {
	onQueries(t, func(a *asked) {
		val := query.Field("val")
		a.expect("matches", query.Matches(val, `\d{2}\.`, regexp.Compile), "ynnnyn",
			fields{"val": "42."}, fields{"val": "44"}, fields{"val": "ab."}, fields{"val": 155}, fields{"val": "42.5"}, fields{"val": "x42."})
		a.expect("search", query.Search(val, `\d+`, regexp.Compile), "yn", fields{"val": "ab3"}, fields{"val": "abc"})
		a.expect("search in any case", query.Search(val, `(?i)JOHN`, regexp.Compile), "yn", fields{"val": "xJohNx"}, fields{"val": "JOH"})
		a.expect("fullMatch", query.FullMatch(val, `a|ab`, regexp.Compile), "yyn", fields{"val": "a"}, fields{"val": "ab"}, fields{"val": "abc"})
		if _, err := query.Select(query.Search(val, `(`, regexp.Compile)); store.CodeOf(err) != store.InvalidQuery {
			t.Error(err)
		}
	})
}

func TestScenario21_Any(t *testing.T) {
	onQueries(t, func(a *asked) {
		followers := query.Field("followers")
		don := query.ElemMatch(followers, query.Eq(query.Field("name"), "don"))
		a.expect("some follower is don", don, "ynnn",
			fields{"followers": []any{fields{"name": "don"}, fields{"name": "john"}}}, fields{"followers": 1}, fields{}, fields{"followers": []any{}})
		a.expect("don or jon", query.Any(followers, "don", "jon"), "ynn",
			fields{"followers": []any{1234, "don"}}, fields{"followers": []any{"greg"}}, fields{"followers": "don"})
	})
}

func TestScenario22_All(t *testing.T) {
	onQueries(t, func(a *asked) {
		followers := query.Field("followers")
		a.expect("every follower is don", query.Every(followers, query.Eq(query.Field("name"), "don")), "yny",
			fields{"followers": []any{fields{"name": "don"}}}, fields{"followers": []any{fields{"name": "don"}, fields{"name": "john"}}}, fields{"followers": []any{}})
		a.expect("don and john", query.All(followers, "don", "john"), "yn",
			fields{"followers": []any{"don", "john", "greg"}}, fields{"followers": []any{"don", "greg"}})
		a.expect("nobody", query.All(followers), "yyn", fields{"followers": []any{1}}, fields{"followers": []any{}}, fields{"followers": "x"})
	})
}

func TestScenario23_InAndFragment(t *testing.T) {
	onQueries(t, func(a *asked) {
		a.expect("one of", query.In(query.Field("val"), "value 1", "value 2"), "yn", fields{"val": "value 2"}, fields{"val": "value 3"})
		part := map[string]any{"a": 4, "b": true}
		whole := fields{"a": 4, "b": true, "c": 1}
		a.expect("fragment", query.Fragment(query.Itself(), part), "yn", whole, fields{"a": 4, "c": 1})
		a.expect("fragment of doc", query.Fragment(query.Field("doc"), part), "ynn", fields{"doc": whole}, whole, fields{"doc": 4})
	})
}

func TestScenario24_FunctionSteps(t *testing.T) {
	onQueries(t, func(a *asked) {
		double := func(v any) (any, error) { return 2 * v.(int64), nil }
		a.expect("doubled", query.Map(query.Field("value"), double, query.Eq(query.Itself(), 10)), "yn", fields{"value": 5}, fields{"value": 10})
		rekey := func(v any) (any, error) {
			doc := v.(map[string]any)
			return map[string]any{"y": doc["a"], "z": doc["b"]}, nil
		}
		a.expect("rekeyed", query.Map(query.Itself(), rekey, query.Eq(query.Field("z"), 10)), "yn", fields{"a": 5, "b": 10}, fields{"a": 10, "b": 5})
		longer := func(v any, args ...any) (bool, error) { return len(v.(string)) > args[0].(int), nil }
		a.expect("longer than two", query.Test(query.Field("name"), longer, 2), "yn", fields{"name": "abc"}, fields{"name": "ab"})
		broken := errors.New("broken")
		_, err := a.ask(a.tables[0], query.Test(query.Field("val"), func(any, ...any) (bool, error) { return false, broken }), []fields{{"val": 1}})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
		a.expect("after it", query.Noop(), "yy", fields{"val": 1}, fields{})
	})
}

func TestScenario25_Identities(t *testing.T) {
	onQueries(t, func(a *asked) {
		identity := func(e query.Expr) string {
			q, err := query.Select(e)
			if err != nil {
				t.Fatal(err)
			}
			identity, _ := q.Filter.Identity()
			return identity
		}
		x, y := func() query.Expr { return query.Eq(query.Field("a"), 2) }, func() query.Expr { return query.Gt(query.Field("b"), 1) }
		docs := []fields{{"a": 2, "b": 2}, {"a": 2, "b": 1}, {"a": 1, "b": 2}}
		for want, pair := range map[string][2]query.Expr{
			"yyn": {x(), x()},
			"ynn": {query.And(x(), y()), query.And(y(), x())},
			"yyy": {query.Or(x(), y()), query.Or(y(), x())},
		} {
			if identity(pair[0]) != identity(pair[1]) {
				t.Errorf("%q is not %q", identity(pair[0]), identity(pair[1]))
			}
			a.expect("either order", pair[0], want, docs...)
			a.expect("either order", pair[1], want, docs...)
		}
		dotted, nested := query.Eq(query.Field("key1.key2", "key3"), 1), query.Eq(query.Field("key1", "key2", "key3"), 1)
		if identity(dotted) == identity(nested) {
			t.Error("a name with a dot is not two names")
		}
		keys := []fields{{"key1.key2": fields{"key3": 1}}, {"key1": fields{"key2": fields{"key3": 1}}}}
		a.expect("a name with a dot", dotted, "yn", keys...)
		a.expect("two names", nested, "ny", keys...)
		if identity(query.Map(query.Field("a"), func(v any) (any, error) { return v, nil }, x())) != "" {
			t.Error("what a function makes has an identity")
		}
	})
}

func TestScenario26_IdentitiesApart(t *testing.T) {
	onQueries(t, func(a *asked) {
		part := map[string]any{"x": 1}
		filters := []query.Expr{
			query.Fragment(query.Field("a"), part), query.Fragment(query.Field("b"), part),
			query.Search(query.Field("name"), "os", regexp.Compile), query.Search(query.Field("name"), "(?i)os", regexp.Compile),
		}
		docs := []fields{{"a": part, "name": "Oslo"}, {"b": part, "name": "Moss"}}
		var identities []string
		for i, want := range []string{"yn", "ny", "ny", "yy"} {
			q, err := query.Select(filters[i])
			if err != nil {
				t.Fatal(err)
			}
			identity, ok := q.Filter.Identity()
			if !ok || slices.Contains(identities, identity) {
				t.Errorf("filter %d: %q", i, identity)
			}
			identities = append(identities, identity)
			a.expect(fmt.Sprint("filter ", i), filters[i], want, docs...)
		}
	})
}
