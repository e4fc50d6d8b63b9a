package query_test

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/stowage-db/stowage/query"
)

// A filter matches the bytes of a document.
func ExampleFilter_Match() {
	oslo := query.AppendValue(nil, map[string]any{
		"name": "Oslo", "population": 709_037, "tags": []any{"capital", "harbour"},
	})
	filter, err := query.Parse(query.And(
		query.Gt(query.Field("population"), 100_000),
		query.Contains(query.Field("tags"), "harbour"),
	))
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Match(oslo))
	// Output: true <nil>
}

// What a filter says of indexed paths becomes ranges of the index.
func ExampleQuery_Plan() {
	country, population := query.Field("country"), query.Field("population")
	q, err := query.Select(query.And(query.Eq(country, "NO"), query.Gte(population, 5)))
	if err != nil {
		panic(err)
	}
	plan := q.OrderBy(population, false).Plan(query.Field("id"), []query.Index{
		{Name: "country", Paths: []query.Path{country}},
		{Name: "country,population", Paths: []query.Path{country, population}},
	})
	fmt.Println("index", plan.Index, "ordered", plan.Ordered)
	fmt.Printf("% x … % x\n", plan.Ranges[0].Low, plan.Ranges[0].High)
	// Output:
	// index 1 ordered true
	// 40 4e 4f 00 20 c1 0a … 40 4e 4f 00 21
}

// Keys sort as their values do.
func ExampleAppendKeyRaw() {
	for _, v := range []any{-1, 5, 5.5, "a", []any{"a", 1}} {
		key, _, err := query.AppendKeyRaw(nil, query.AppendValue(nil, v))
		fmt.Printf("% x %v\n", key, err)
	}
	// Output:
	// 20 40 07 <nil>
	// 20 c1 0a <nil>
	// 20 c1 0b 80 <nil>
	// 40 61 00 <nil>
	// 60 40 61 00 20 bf f8 00 <nil>
}

// The filter of ElemMatch starts from an element, and Itself is the element.
func ExampleElemMatch() {
	doc := query.AppendValue(nil, map[string]any{"tags": []any{"capital", "harbour"}})
	filter, err := query.Parse(query.ElemMatch(query.Field("tags"), query.And(
		query.Gt(query.Itself(), "h"),
		query.EndsWith(query.Itself(), "our"),
	)))
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Match(doc))
	// Output: true <nil>
}

// Regular expressions are those of the package that compiles them.
func ExampleSearch() {
	doc := query.AppendValue(nil, map[string]any{"name": "Ålesund"})
	filter, err := query.Parse(query.Search(query.Field("name"), `(?i)SUND$`, regexp.Compile))
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Match(doc))
	// Output: true <nil>
}

// A function is given a value and the arguments.
func ExampleTest() {
	longer := func(v any, args ...any) (bool, error) {
		s, ok := v.(string)
		return ok && len(s) > args[0].(int), nil
	}
	doc := query.AppendValue(nil, map[string]any{"name": "Bergen"})
	filter, err := query.Parse(query.Test(query.Field("name"), longer, 5))
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Match(doc))
	// Output: true <nil>
}

// What a function makes of a value is filtered like a document.
func ExampleMap() {
	halves := func(v any) (any, error) {
		name, host, _ := strings.Cut(v.(string), "@")
		return map[string]any{"name": name, "host": host}, nil
	}
	doc := query.AppendValue(nil, map[string]any{"mail": "mayor@oslo.example"})
	filter, err := query.Parse(query.Map(query.Field("mail"), halves, query.Eq(query.Field("host"), "oslo.example")))
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Match(doc))
	// Output: true <nil>
}

// The identity of a filter does not depend on the order of its parts.
func ExampleFilter_Identity() {
	norwegian, large := query.Eq(query.Field("country"), "NO"), query.Gt(query.Field("population"), 100_000)
	a, _ := query.Parse(query.And(norwegian, large))
	b, _ := query.Parse(query.And(large, norwegian))
	x, _ := a.Identity()
	y, _ := b.Identity()
	fmt.Println(x == y)
	// Output: true
}

// The example of js/QUERIES.md.
func ExampleSelect() {
	q, err := query.Select(query.And(
		query.Eq(query.Field("country"), "NO"),
		query.ElemMatch(query.Field("tags"), query.StartsWith(query.Itself(), "j")),
		query.Search(query.Field("name"), `und$`, regexp.Compile)))
	if err != nil {
		panic(err)
	}
	fmt.Println(q.Filter.Match(query.AppendValue(nil, map[string]any{
		"name": "Ålesund", "country": "NO", "tags": []any{"harbour", "jugend"},
	})))
	// Output: true <nil>
}
