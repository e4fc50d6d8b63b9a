package query

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// array is a list of Go values as a filter, or what is to be refused as one.
func array(elements ...any) []byte { return AppendValue(nil, elements) }

// written is an expression in MessagePack.
func written(e Expr) []byte {
	w := writer{}
	e.write(&w)
	return w.bytes
}

func TestParseFilterErrors(t *testing.T) {
	a := []any{"a"}
	head := written(ElemMatch(Field("a"), Noop()))
	inside := head[:len(head)-len(written(Noop()))]
	deep := func(n int) []byte {
		not := written(Not(Noop()))
		return append(bytes.Repeat(not[:len(not)-len(written(Noop()))], n-1), written(Noop())...)
	}
	for _, test := range []struct {
		name string
		e    []byte
		code string
	}{
		{"deep enough", deep(MaxDepth), ""},
		{"too deep", deep(MaxDepth + 1), "too_deep"},
		{"much too deep", deep(100_000), "too_deep"},
		{"operand too deep", written(Eq(Field("a"), Raw(nested(MaxDepth+1)))), "too_deep"},
		{"nothing", nil, "invalid_query"},
		{"no array", array()[:0], "invalid_query"},
		{"empty array", array(), "invalid_query"},
		{"a map", []byte{0x80}, "invalid_query"},
		{"operator no string", array(1, a, 2), "invalid_query"},
		{"unknown operator", array("like", a, "x"), "unknown_operator"},
		{"operator in capitals", array("EQ", a, "x"), "unknown_operator"},
		{"no operand", array("eq", a), "invalid_query"},
		{"an operand too many", array("eq", a, 1, 2), "invalid_query"},
		{"not without a filter", array("not"), "invalid_query"},
		{"not with two", array("not", []any{"noop"}, []any{"noop"}), "invalid_query"},
		{"and with no filter in it", array("and", 1), "invalid_query"},
		{"noop with an operand", array("noop", a), "invalid_query"},
		{"in without a list", array("in", a, 1), "invalid_query"},
		{"startsWith a number", array("startsWith", a, 1), "invalid_query"},
		{"between with one bound", array("between", a, 1), "invalid_query"},
		{"open is no boolean", array("between", a, 1, 2, 3), "invalid_query"},
		{"empty path", array("exists", []any{}), "invalid_path"},
		{"path no array", array("exists", "a"), "invalid_path"},
		{"empty segment", array("exists", []any{"a", ""}), "invalid_path"},
		{"negative position", array("exists", []any{"a", -1}), "invalid_path"},
		{"broken position", array("exists", []any{"a", 1.5}), "invalid_path"},
		{"null segment", array("exists", []any{nil}), "invalid_path"},
		{"all without values", array("all", a, 1), "invalid_query"},
		{"size broken", array("size", a, 1.5), "invalid_query"},
		{"size negative", array("size", a, -1), "invalid_query"},
		{"no such type", array("type", a, "decimal"), "invalid_query"},
		{"division by nothing", array("mod", a, 0.0, 1), "invalid_query"},
		{"division by a word", array("mod", a, "2", 1), "invalid_query"},
		{"division without a remainder", array("mod", a, 2), "invalid_query"},
		{"fields compared by what does not compare", array("field", "in", a, a), "invalid_query"},
		{"a field compared with nothing", array("field", "eq", a), "invalid_query"},
		{"a field compared with an empty path", array("field", "eq", a, []any{}), "invalid_path"},
		{"an empty path, inside", array("elemMatch", a, []any{"eq", []any{}, 1}), ""},
		{"an empty path, outside again", array("and", []any{"every", a, []any{"noop"}}, []any{"eq", []any{}, 1}), "invalid_path"},
		{"elemMatch without a filter", array("elemMatch", a, 1), "invalid_query"},
		{"elemMatch too deep", append(bytes.Repeat(inside, MaxDepth), written(Noop())...), "too_deep"},
		{"a fragment of a list", array("fragment", a, []any{}), "invalid_query"},
		{"a fragment without a path", array("fragment", map[string]any{}), "invalid_query"},
		{"a fragment with a field without a name", array("fragment", []any{}, map[string]any{"": 1}), "invalid_path"},
		{"a fragment with a number for a name", array("fragment", a, Raw{0x81, 1, 1}), "invalid_path"},
		{"a function without a number", array("host", a, "f", nil), "invalid_query"},
		{"a function of a negative number", array("host", a, -1, nil), "invalid_query"},
		{"a function without an identity", array("host", a, 1), "invalid_query"},
		{"a function whose identity is a number", array("host", a, 1, 1), "invalid_query"},
		{"a function of the whole document", array("host", []any{}, 1, nil), ""},
		{"a function and what it makes", array("host", a, 1, nil, []any{"eq", []any{}, 1}), ""},
		{"a type without MessagePack", written(Eq(Field("a"), struct{}{})), "invalid_query"},
		{"more behind", append(written(Noop()), 0xc0), "invalid_query"},
		{"cut short", written(Eq(Field("a"), 1))[:5], "invalid_path"},
	} {
		_, err := ParseFilter(test.e)
		if code := codeOf(err); code != test.code {
			t.Errorf("%s: %v, want %q", test.name, err, test.code)
		}
	}
}

func codeOf(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}

func TestParseQuery(t *testing.T) {
	q, err := ParseQuery(AppendValue(nil, map[string]any{
		"filter":  Raw(written(Eq(Field("a"), 1))),
		"order":   []any{[]any{[]any{"b", 0}, true}, []any{[]any{"c"}}},
		"limit":   20,
		"skip":    2.0,
		"after":   []any{"x", undefinedValue, 7},
		"reverse": true,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if q.Filter == nil || len(q.Order) != 2 || !q.Order[0].Desc || q.Order[1].Desc ||
		q.Order[0].Path.String() != "b.0" || q.Limit != 20 || q.Skip != 2 || !q.Reverse {
		t.Errorf("%+v", q)
	}
	if !bytes.Equal(q.After[2], []byte{7}) || !bytes.Equal(q.After[1], undefinedValue) {
		t.Errorf("after % x", q.After)
	}
	q, err = ParseQuery(AppendValue(nil, map[string]any{"filter": nil, "limit": undefinedValue, "after": nil}))
	if err != nil || q.Filter != nil || q.Limit != -1 || q.After != nil {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestParseQueryErrors(t *testing.T) {
	one := func(name string, v any) []byte { return AppendValue(nil, map[string]any{name: v}) }
	for _, test := range []struct {
		name string
		raw  []byte
		code string
	}{
		{"empty", []byte{0x80}, ""},
		{"no map", []byte{0x90}, "invalid_query"},
		{"unknown field", one("where", 1), "invalid_query"},
		{"negative limit", one("limit", -2), "invalid_query"},
		{"broken limit", one("limit", 1.5), "invalid_query"},
		{"limit no number", one("limit", "5"), "invalid_query"},
		{"negative offset", one("skip", -1), "invalid_query"},
		{"order no list", one("order", "a"), "invalid_query"},
		{"column no list", one("order", []any{"a"}), "invalid_query"},
		{"column without a path", one("order", []any{[]any{[]any{}}}), "invalid_path"},
		{"direction no boolean", one("order", []any{[]any{[]any{"a"}, 1}}), "invalid_query"},
		{"after too short", one("after", []any{}), "invalid_query"},
		{"after too long", one("after", []any{1, 2}), "invalid_query"},
		{"after null", one("after", []any{nil}), "invalid_key"},
		{"after a map", one("after", []any{map[string]any{}}), "invalid_key"},
		{"reverse no boolean", one("reverse", 0), "invalid_query"},
		{"bad filter", one("filter", []any{"nope"}), "unknown_operator"},
		{"more behind", []byte{0x80, 0x80}, "invalid_query"},
		{"cut short", []byte{0x81}, "invalid_query"},
		{"name no string", []byte{0x81, 1, 1}, "invalid_query"},
	} {
		if _, err := ParseQuery(test.raw); codeOf(err) != test.code {
			t.Errorf("%s: %v, want %q", test.name, err, test.code)
		}
	}
}

// FuzzFilter: whatever parses can be matched and planned with.
func FuzzFilter(f *testing.F) {
	r := newRandom(f)
	for range 50 {
		f.Add(written(randomCondition(r, 3).expr()), AppendValue(nil, randomDocument(r, 2)))
	}
	f.Fuzz(func(t *testing.T, raw, doc []byte) {
		filter, err := ParseFilter(raw)
		if err != nil {
			if codeOf(err) == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if _, err := filter.Match(doc); err != nil && Validate(doc, MaxDepth) == nil && !filter.NeedsHost() {
			t.Fatalf("a valid document is refused: %v", err)
		}
		filter.Identity()
		(&Query{Filter: filter, Limit: 5}).Plan(Field("id"), []Index{
			{Name: "a", Paths: []Path{Field("a")}},
			{Name: "ab", Paths: []Path{Field("a"), Field("b")}, Unique: true},
			{Name: "c", Paths: []Path{Field("c")}, Multi: true},
		})
	})
}

// FuzzMatch matches every operator on any bytes.
func FuzzMatch(f *testing.F) {
	r := newRandom(f)
	for range 50 {
		doc := AppendValue(nil, randomDocument(r, 2))
		f.Add(doc)
		f.Add(doc[:r.IntN(len(doc))])
	}
	var filters []*Filter
	for range 300 {
		filter, err := Parse(randomCondition(r, 2).expr())
		if err != nil {
			f.Fatal(err)
		}
		filters = append(filters, filter)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, filter := range filters {
			filter.Match(doc)
		}
		SortKey(nil, doc, []Order{{Field("a"), true}, {Field("b"), false}})
	})
}

// FuzzKey: what decodes as a key encodes to the same bytes again, where its
// values are all that DecodeKey promises.
func FuzzKey(f *testing.F) {
	r := newRandom(f)
	for range 100 {
		f.Add(keyOf(f, randomValue(r, 2)))
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		values, n, err := DecodeKey(nil, key)
		if err != nil {
			return
		}
		var again []byte
		for range n {
			if again, _, err = AppendKeyRaw(again, values); err != nil {
				t.Fatal(err)
			}
			if values, err = msgp.Skip(values); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(again, key) || len(values) > 0 {
			t.Fatalf("% x came back as % x", key, again)
		}
	})
}

// FuzzAppendKey: any value makes one component.
func FuzzAppendKey(f *testing.F) {
	r := newRandom(f)
	for range 100 {
		f.Add(AppendValue(nil, randomValue(r, 3)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, _, err := AppendKeyRaw(nil, raw)
		if err != nil {
			return
		}
		if n, ok := SkipComponent(key); !ok || n != len(key) {
			t.Fatalf("% x made % x, which is not one component", raw, key)
		}
	})
}
