package query

import (
	"fmt"
	"testing"
)

// TestMatchReference compares Match with the reference on random filters and
// documents.
func TestMatchReference(t *testing.T) {
	r := newRandom(t)
	matched := 0
	for range 50_000 {
		doc := randomDocument(r, 2)
		c := randomCondition(r, 3)
		f, err := Parse(c.expr())
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		want := c.holds(doc)
		raw := AppendValue(nil, doc)
		if got, err := f.Match(raw); got != want || err != nil {
			t.Fatalf("%v on %v: %v, %v; want %v", c, doc, got, err, want)
		}
		if got, err := matchByHost(c.expr(), raw); got != want || err != nil {
			t.Fatalf("%v on %v by a host: %v, %v; want %v", c, doc, got, err, want)
		}
		matched += boolInt(want)
	}
	if matched < 1000 {
		t.Errorf("only %d matches: the test tests nothing", matched)
	}
}

// matchByHost matches with functions that have to be asked.
func matchByHost(e Expr, doc []byte) (bool, error) {
	w := writer{}
	e.write(&w)
	f, err := ParseFilter(w.bytes)
	if err != nil {
		return false, err
	}
	if !f.Hosted() {
		return f.Match(doc)
	}
	for in := (&Inquiry{}); ; {
		matches, open, err := f.Try(doc, in)
		if !open {
			return matches, err
		}
		in.Open(func(ask *Ask) { ask.Answer, _ = w.functions[ask.Function](ask.Value) })
	}
}

// cityDocument is a document of about 357 bytes, as the benchmarks use.
func cityDocument(i int) []byte {
	return AppendValue(nil, map[string]any{
		"id": i, "name": fmt.Sprintf("City of the number %d", i), "country": []string{"NO", "SE", "FI", "DK"}[i%4],
		"population": i * 37 % 100_000, "capital": i%50 == 0, "altitude": float64(i%3000) / 10,
		"loc":  map[string]any{"type": "Point", "coordinates": []any{float64(i%360) - 179.5, float64(i%180) - 89.5}},
		"tags": []any{"harbour", "university", fmt.Sprintf("tag%d", i%100)},
		"note": "A few words of text that nobody searches for, but that must be stepped over on the way to what follows it.",
		"zone": "Europe/Oslo",
	})
}

func TestMatchAllocatesNothing(t *testing.T) {
	doc := cityDocument(12)
	for name, e := range map[string]Expr{
		"number":    Gt(Field("population"), 100),
		"nested":    Lt(Field("loc", "coordinates").At(1), 60.5),
		"string":    And(Eq(Field("country"), "NO"), StartsWith(Field("name"), "City")),
		"list":      Contains(Field("tags"), "university"),
		"in":        In(Field("country"), "SE", "FI", "NO", nil),
		"deep":      Ne(Field("loc"), map[string]any{"type": "Point", "coordinates": []any{1, 2}}),
		"element":   ElemMatch(Field("tags"), And(Gt(Itself(), "u"), EndsWith(Itself(), "ty"))),
		"elements":  And(All(Field("tags"), "harbour", "university"), Any(Field("tags"), "x", "university"), Every(Field("tags"), Type(Itself(), "string"))),
		"fields":    And(Fields(Field("altitude"), "lt", Field("population")), Fields(Field("name"), "ne", Field("zone"))),
		"folded":    IContains(Field("note"), "ANYTHING but"),
		"numbers":   And(Mod(Field("population"), 2, 0), Size(Field("tags"), 3), Fragment(Field("loc"), map[string]any{"type": "Point"})),
		"substring": Or(Contains(Field("note"), "nowhere"), Not(Exists(Field("missing")))),
	} {
		f, err := Parse(e)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { f.Match(doc) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	path := Field("loc", "coordinates").At(1)
	if n := testing.AllocsPerRun(100, func() { Lookup(doc, path) }); n != 0 {
		t.Errorf("Lookup: %v allocations", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	docs := make([][]byte, 10_000)
	bytes := 0
	for i := range docs {
		docs[i] = cityDocument(i)
		bytes += len(docs[i])
	}
	b.Logf("%d bytes a document", bytes/len(docs))
	for _, bench := range []struct {
		name string
		e    Expr
	}{
		{"number", Gt(Field("population"), 50_000)},
		{"substring", Contains(Field("name"), "99")},
		{"longtext", Contains(Field("note"), "nowhere to be found")},
		{"two", And(Eq(Field("country"), "NO"), Gt(Field("population"), 50_000))},
		{"nested", Lt(Field("loc", "coordinates").At(1), 0)},
		{"missing", Eq(Field("nothing"), 0)},
	} {
		f, err := Parse(bench.e)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bench.name, func(b *testing.B) {
			for i := range b.N {
				f.Match(docs[i%len(docs)])
			}
		})
	}
	b.Run("validate", func(b *testing.B) {
		for i := range b.N {
			Validate(docs[i%len(docs)], MaxDepth)
		}
	})
	x := NewExtractor([]Path{Field("id"), Field("country")})
	offsets := x.Offsets()
	b.Run("extract", func(b *testing.B) {
		for i := range b.N {
			x.Extract(docs[i%len(docs)], MaxDepth, offsets)
		}
	})
}
