package query

import "testing"

func TestMatch(t *testing.T) {
	doc := AppendValue(nil, map[string]any{"a": 5, "b": "text", "c": map[string]any{"d": []any{1, "x", 2.5}}})
	for _, test := range []struct {
		name   string
		filter Expr
		want   bool
	}{
		{"eq", Eq(Field("a"), 5.0), true},
		{"ne missing", Ne(Field("z"), 5), false},
		{"not eq missing", Not(Eq(Field("z"), 5)), true},
		{"nested", Eq(Field("c", "d").At(1), "x"), true},
		{"contains", And(Contains(Field("c", "d"), 2.5), Contains(Field("b"), "ex")), true},
	} {
		f, err := ParseFilter(test.filter)
		if err != nil {
			t.Fatal(test.name, err)
		}
		if got, err := f.Match(doc); got != test.want || err != nil {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
	}
}
