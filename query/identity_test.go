package query

import (
	"math"
	"regexp"
	"testing"
)

func identityOf(t *testing.T, e Expr) (string, bool) {
	t.Helper()
	f, err := Parse(e)
	if err != nil {
		t.Fatal(err)
	}
	return f.Identity()
}

func TestIdentity(t *testing.T) {
	a, b, c := Eq(Field("key1"), 2), Gt(Field("b"), "x"), Exists(Field("c").At(0))
	same := [][2]Expr{
		{a, Eq(Field("key1"), 2)},
		{a, Eq(Field("key1"), 2.0)},
		{And(a, b), And(b, a)},
		{Or(a, b), Or(b, a)},
		{And(a, And(b, c)), And(And(c, a), b)},
		{And(a, a), a},
		{In(Field("a"), 1, "x", nil), In(Field("a"), nil, 1, 1.0, "x")},
		{Eq(Field("a"), map[string]any{"x": 1, "y": []any{0.0}}), Eq(Field("a"), Raw{0x82, 0xa1, 'y', 0x91, 0, 0xa1, 'x', 1})},
		{Eq(Field("a"), math.Copysign(0, -1)), Eq(Field("a"), 0)},
		{Fragment(Field("a"), map[string]any{"x": 1, "y": 2}), And(Eq(Field("a", "y"), 2), Eq(Field("a", "x"), 1))},
		{Fragment(Field("a"), map[string]any{}), Type(Field("a"), "object")},
		{nil, Noop()},
		{Search(Field("a"), "x+", regexp.Compile), Search(Field("a"), "x+", regexp.Compile)},
	}
	for _, pair := range same {
		x, ok1 := identityOf(t, pair[0])
		y, ok2 := identityOf(t, pair[1])
		if x != y || !ok1 || !ok2 {
			t.Errorf("%q and %q should be the same", x, y)
		}
	}
	apart := []Expr{
		a, b, c, And(a, b), Or(a, b), And(a, Or(b, c)), Or(a, And(b, c)), Not(a), Not(And(a, b)), And(Not(a), b),
		Eq(Field("key1"), "2"), Eq(Field("key1"), true), Eq(Field("key1"), []any{2}), Eq(Field("key1"), nil), Eq(Field("key1"), math.NaN()),
		Ne(Field("key1"), 2), Eq(Field("key1").At(0), 2),
		Eq(Field("key1.key2", "key3"), 2), Eq(Field("key1", "key2", "key3"), 2), Eq(Field("key1", "key2.key3"), 2),
		Eq(Field("a"), map[string]any{"x": 1}), Eq(Field("a"), []any{"x", 1}), Eq(Field("a"), []any{[]any{"x"}, 1}), Eq(Field("a"), "x\x00"), Eq(Field("a"), []byte("x\x00")),
		Between(Field("a"), 1, 2), Between(Field("a"), 2, 1), &test{"between", Field("a"), []any{1, 2, true}, nil}, &test{"between", Field("a"), []any{1, 2, false, true}, nil},
		In(Field("a"), 1, 2), Any(Field("a"), 1, 2), All(Field("a"), 1, 2), In(Field("a")), Mod(Field("a"), 1, 2), Mod(Field("a"), 2, 1),
		Size(Field("a"), 1), Size(Field("a"), 2), Type(Field("a"), "null"), Type(Field("a"), "array"),
		Fields(Field("a"), "lt", Field("b")), Fields(Field("a"), "gt", Field("b")), Fields(Field("b"), "lt", Field("a")),
		ElemMatch(Field("a"), Eq(Itself(), 1)), Every(Field("a"), Eq(Itself(), 1)), ElemMatch(Field("a"), Eq(Itself(), 2)),
		Matches(Field("a"), "x+", regexp.Compile), Search(Field("a"), "x+", regexp.Compile), Search(Field("a"), "(?i)x+", regexp.Compile), Search(Field("b"), "x+", regexp.Compile),
		Noop(), Or(),
	}
	known := map[string]int{}
	for i, e := range apart {
		identity, ok := identityOf(t, e)
		if !ok {
			t.Errorf("filter %d has no identity", i)
		}
		if before, met := known[identity]; met {
			t.Errorf("filters %d and %d have one identity, %q", before, i, identity)
		}
		known[identity] = i
	}
	always := func(map[string]any) (bool, error) { return true, nil }
	for name, e := range map[string]Expr{
		"test":   Test(Field("a"), isSmall),
		"map":    Map(Field("a"), double, Eq(Itself(), 1)),
		"custom": Custom(always, ""),
		"inside": Not(And(a, ElemMatch(Field("a"), Test(Itself(), isSmall)))),
	} {
		if _, ok := identityOf(t, e); ok {
			t.Errorf("%s: what a function without identity says may be kept", name)
		}
	}
	if _, ok := identityOf(t, Custom(always, "always")); !ok {
		t.Error("a function with an identity has none")
	}
}

// TestIdentityKeepsMeaning: of two random filters, those of one identity match the
// same documents.
func TestIdentityKeepsMeaning(t *testing.T) {
	r := newRandom(t)
	docs := make([][]byte, 20)
	for i := range docs {
		docs[i] = AppendValue(nil, randomDocument(r, 1))
	}
	known := map[string]condition{}
	met := 0
	for range 20_000 {
		c := randomPart(r, 1, false)
		f, err := Parse(c.expr())
		if err != nil {
			t.Fatal(err)
		}
		identity, ok := f.Identity()
		if !ok {
			continue
		}
		other, again := known[identity]
		known[identity] = c
		if !again {
			continue
		}
		met++
		g, _ := Parse(other.expr())
		for _, doc := range docs {
			if x, _ := f.Match(doc); must(g.Match(doc)) != x {
				t.Fatalf("%v and %v have one identity", c, other)
			}
		}
	}
	if met < 1000 {
		t.Errorf("only %d filters were met again: the test tests too little", met)
	}
}

func must(ok bool, err error) bool { return ok && err == nil }
