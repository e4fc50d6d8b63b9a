package query_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/stowage-db/stowage/query"
)

// within is a value in so many lists.
func within(v any, lists int) any {
	for range lists {
		v = []any{v}
	}
	return v
}

func TestValuesAreBounded(t *testing.T) {
	cyclic, list := map[string]any{}, []any{nil}
	cyclic["a"], cyclic["b"], list[0] = cyclic, list, list
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"as deep as may be", within(1, query.MaxDepth-1), ""},
		{"deeper", within(1, query.MaxDepth+1), "too_deep"},
		{"very deep", within(1, 100_000), "invalid_query"},
		{"a map that holds itself", cyclic, "invalid_query"},
		{"a list that holds itself", list, "invalid_query"},
		{"one among others", []any{1, list, 2}, "invalid_query"},
		{"no value", make(chan int), "invalid_query"},
	} {
		_, err := query.Parse(query.Eq(query.Field("a"), c.v))
		var told *query.Error
		if errors.As(err, &told); (err == nil) != (c.want == "") || err != nil && told.Code != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for depth, want := range map[int]bool{0: true, query.MaxDepth: true, query.MaxDepth + 1: false, 1_000_000: false} {
		raw := append(bytes.Repeat([]byte{0x91}, depth), 1)
		v, ok := query.ReadValue(raw)
		if ok != want || ok && !reflect.DeepEqual(v, within(int64(1), depth)) {
			t.Errorf("%d lists are read: %v, want %v", depth, ok, want)
		}
	}
}

func TestFiltersWithinOthersAreNotNil(t *testing.T) {
	path := query.Field("a")
	for name, filter := range map[string]query.Expr{
		"and": query.And(query.Eq(path, 1), nil), "or": query.Or(nil), "not": query.Not(nil),
		"elemMatch": query.ElemMatch(path, nil), "every": query.Every(path, nil),
		"map": query.Map(path, func(v any) (any, error) { return v, nil }, nil),
	} {
		_, err := query.Select(filter)
		var told *query.Error
		if !errors.As(err, &told) || told.Code != "invalid_query" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
