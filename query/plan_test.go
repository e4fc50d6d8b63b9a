package query

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shelf is documents and their indexes, kept as sorted slices: the simplest
// thing that a plan can be carried out on.
type shelf struct {
	docs    []map[string]any
	indexes []Index
	entries [][]shelved // of each index; the last is the documents themselves
}

type shelved struct {
	key []byte
	doc int
}

var identity = Field("id")

func newShelf(t *testing.T, r *rand.Rand, n int) *shelf {
	s := &shelf{indexes: []Index{
		{Name: "a", Paths: []Path{Field("a")}},
		{Name: "b", Paths: []Path{Field("b")}, Unique: true},
		{Name: "ab", Paths: []Path{Field("a"), Field("b")}},
		{Name: "bca", Paths: []Path{Field("b"), Field("c"), Field("a")}},
		{Name: "*c", Paths: []Path{Field("c")}, Multi: true},
		{Name: "a0", Paths: []Path{Field("a").At(0), Field("id")}},
	}}
	s.entries = make([][]shelved, len(s.indexes)+1)
	for i := range n {
		doc := randomDocument(r, 1)
		doc["id"] = int64(i)
		s.docs = append(s.docs, doc)
		raw := AppendValue(nil, doc)
		id := keyOf(t, int64(i))
		for j, index := range s.indexes {
			for _, key := range shelve(t, index, raw, id) {
				s.entries[j] = append(s.entries[j], shelved{key, i})
			}
		}
		s.entries[len(s.indexes)] = append(s.entries[len(s.indexes)], shelved{id, i})
	}
	for _, entries := range s.entries {
		slices.SortFunc(entries, func(a, b shelved) int { return bytes.Compare(a.key, b.key) })
	}
	return s
}

// shelve makes the keys of one document in an index.
func shelve(t *testing.T, index Index, raw, id []byte) (keys [][]byte) {
	var key []byte
	for _, path := range index.Paths {
		v, found, err := Lookup(raw, path)
		if err != nil {
			t.Fatal(err)
		}
		if index.Multi {
			if !found {
				return nil
			}
			all, ends, err := AppendElementKeys(nil, nil, v, id)
			start := 0
			for _, end := range ends {
				keys = append(keys, all[start:end:end])
				start = end
			}
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(keys, bytes.Compare)
			return slices.CompactFunc(keys, bytes.Equal)
		}
		if !found {
			key = AppendKeyMissing(key)
		} else if key, _, err = AppendKeyRaw(key, v); err != nil {
			t.Fatal(err)
		}
	}
	return [][]byte{append(key, id...)}
}

// read carries out a plan, as a store does.
func (s *shelf) read(t *testing.T, plan *Plan) (docs []int) {
	t.Helper()
	if plan.Union != nil {
		return s.readUnion(t, plan)
	}
	entries := s.entries[len(s.indexes)]
	if plan.Index >= 0 {
		entries = s.entries[plan.Index]
	}
	type hit struct {
		rest, entry []byte
		doc         int
	}
	var hits []hit
	var end []byte
	for i, r := range plan.Ranges {
		if i > 0 && (end == nil || bytes.Compare(r.Low, end) < 0) {
			t.Fatalf("ranges overlap or descend: %x", plan.Ranges)
		}
		end = r.High
		for _, e := range entries {
			if !r.Contains(e.key) {
				continue
			}
			rest := e.key
			if plan.Merge != nil {
				rest = rest[plan.Merge[i]:]
			}
			hits = append(hits, hit{rest, e.key, e.doc})
		}
	}
	if plan.Merge != nil {
		slices.SortStableFunc(hits, func(a, b hit) int { return bytes.Compare(a.rest, b.rest) })
		hits = slices.CompactFunc(hits, func(a, b hit) bool { return bytes.Equal(a.rest, b.rest) })
	}
	if plan.Reverse {
		slices.Reverse(hits)
	}
	seen := map[int]bool{}
	for _, h := range hits {
		if seen[h.doc] && !plan.Dedupe {
			t.Fatal("a document came twice, which the plan does not tell")
		}
		raw := AppendValue(nil, s.docs[h.doc])
		ok, err := plan.Residual.Match(raw)
		if err != nil {
			t.Fatal(err)
		}
		s.checkEntry(t, plan, h.entry, raw, ok)
		if ok && !seen[h.doc] && (plan.After == nil || bytes.Compare(s.sortKey(t, plan, h.doc), plan.After) > 0) {
			docs = append(docs, h.doc)
		}
		seen[h.doc] = true
	}
	if !plan.Ordered {
		s.sort(t, plan, docs)
	}
	return docs
}

func (s *shelf) sort(t *testing.T, plan *Plan, docs []int) {
	slices.SortFunc(docs, func(a, b int) int {
		return bytes.Compare(s.sortKey(t, plan, a), s.sortKey(t, plan, b))
	})
}

// readUnion carries out the parts one after the other: none of them may deliver what
// another one does.
func (s *shelf) readUnion(t *testing.T, plan *Plan) (docs []int) {
	for _, part := range plan.Union {
		for _, doc := range s.read(t, part) {
			if slices.Contains(docs, doc) {
				t.Fatalf("document %d came of two parts: %+v", doc, part)
			}
			if plan.After == nil || bytes.Compare(s.sortKey(t, plan, doc), plan.After) > 0 {
				docs = append(docs, doc)
			}
		}
	}
	s.sort(t, plan, docs)
	return docs
}

// checkEntry holds what is told of an entry against what is true of its document.
func (s *shelf) checkEntry(t *testing.T, plan *Plan, entry, raw []byte, matches bool) {
	t.Helper()
	if plan.Early == nil {
		return
	}
	list, ok := AppendEntry(nil, entry, len(s.indexes[plan.Index].Paths))
	if !ok {
		return
	}
	passes, err := plan.Early.Match(list)
	if err != nil {
		t.Fatal(err)
	}
	if !passes && matches || passes && plan.Settled && !matches {
		t.Fatalf("the entry passes: %v, the document matches: %v\nplan %+v", passes, matches, plan)
	}
}

func (s *shelf) sortKey(t *testing.T, plan *Plan, doc int) []byte {
	key, err := SortKey(nil, AppendValue(nil, s.docs[doc]), plan.Order)
	if err != nil {
		t.Fatal(err)
	}
	if id := keyOf(t, int64(doc)); plan.TieDesc {
		return AppendDescending(key, id)
	} else {
		return append(key, id...)
	}
}

// ask is the answer by the reference: filter, sort, and begin behind after.
func (s *shelf) ask(c condition, q *Query, after int) (docs []int) {
	for i, doc := range s.docs {
		if c.holds(doc) {
			docs = append(docs, i)
		}
	}
	compare := func(a, b int) int {
		desc := false
		for _, column := range q.Order {
			desc = column.Desc
			x, y := s.column(a, column.Path), s.column(b, column.Path)
			if d := order(x, y); d != 0 {
				return turn(d, column.Desc != q.Reverse)
			}
		}
		return turn(a-b, desc != q.Reverse)
	}
	slices.SortFunc(docs, compare)
	if q.After != nil {
		docs = slices.DeleteFunc(docs, func(doc int) bool { return compare(doc, after) <= 0 })
	}
	return docs
}

func turn(d int, desc bool) int {
	if desc {
		return -d
	}
	return d
}

func (s *shelf) column(doc int, path Path) any {
	v, ok := lookup(s.docs[doc], path)
	if !ok {
		return undefinedValue
	}
	return v
}

func randomOrder(r *rand.Rand) (columns []Order) {
	desc := r.IntN(2) == 0
	for range r.IntN(4) {
		path := []Path{Field("a"), Field("b"), Field("c"), identity, Field("a").At(0)}[r.IntN(5)]
		columns = append(columns, Order{path, desc != (r.IntN(5) == 0)})
	}
	return columns
}

// indexable is a random filter of the kind that indexes answer.
func indexable(r *rand.Rand) condition {
	c := condition{op: "and"}
	for range 1 + r.IntN(3) {
		part := randomCondition(r, 0)
		if r.IntN(3) == 0 {
			part = condition{op: "in", operands: []any{[]any{int64(r.IntN(4)), int64(r.IntN(4)), "a", randomText(r)}}}
		}
		part.path = []Path{Field("a"), Field("b"), Field("c"), identity, Field("a").At(0)}[r.IntN(5)]
		c.parts = append(c.parts, part)
	}
	if r.IntN(4) == 0 {
		return condition{op: "or", parts: []condition{c, indexable(r)}}
	}
	return c
}

// TestPlans carries out not only the best plan but every plan that was
// considered: all must give the same answer.
func TestPlans(t *testing.T) {
	r := newRandom(t)
	used := map[string]int{}
	shelves, least := 100, 10
	if testing.Short() {
		shelves, least = 30, 1
	}
	for range shelves {
		s := newShelf(t, r, 60)
		for range 20 {
			testPlans(t, r, s, used)
		}
	}
	for _, kind := range []string{"ordered", "merged", "reverse", "cut", "compared", "exact", "united", "union", "early", "settled"} {
		if used[kind] < least {
			t.Errorf("%d plans were %s: the test tests too little", used[kind], kind)
		}
	}
}

func testPlans(t *testing.T, r *rand.Rand, s *shelf, used map[string]int) {
	c := randomCondition(r, 2)
	if r.IntN(3) > 0 {
		c = indexable(r)
	}
	q, err := Select(c.expr())
	if err != nil {
		t.Fatal(err)
	}
	q.Limit = 10 // else order would not matter
	q.Order, q.Reverse = randomOrder(r), r.IntN(3) == 0
	after := r.IntN(len(s.docs))
	if r.IntN(2) == 0 {
		for _, column := range q.Order {
			q.After = append(q.After, AppendValue(nil, s.column(after, column.Path)))
		}
		q.After = append(q.After, AppendValue(nil, after))
	}
	want := s.ask(c, q, after)
	for _, plan := range candidates(q, s.indexes) {
		if got := s.read(t, plan); !slices.Equal(got, want) {
			t.Fatalf("%v\norder %v reverse %v after %v (%d)\nplan %+v\ngot  %v\nwant %v",
				c, q.Order, q.Reverse, q.After != nil, after, plan, got, want)
		}
		tally(used, q, plan)
	}
}

// TestPlansOfVeryManyParts: what filters of thousands of parts match is found by plans that do not look at all
// parts for each of them, as the first ones did.
func TestPlansOfVeryManyParts(t *testing.T) {
	r := newRandom(t)
	s := newShelf(t, r, 60)
	a, c := Field("a"), Field("c")
	n := 1500
	if testing.Short() {
		n = 500
	}
	for _, part := range []func(i int64) condition{
		func(i int64) condition { return condition{op: "ne", path: identity, operands: []any{3 * i}} },
		func(i int64) condition { return condition{op: "ne", path: a, operands: []any{i - 2}} },
		func(i int64) condition { return condition{op: "contains", path: c, operands: []any{i % 2}} },
		func(i int64) condition {
			return condition{op: "or", parts: []condition{{op: "gt", path: identity, operands: []any{5 + i%3}}, {op: "eq", path: a, operands: []any{i}}}}
		},
	} {
		var parts []condition
		for i := range n {
			parts = append(parts, part(int64(i)))
		}
		for _, op := range []string{"and", "or"} {
			whole := condition{op: op, parts: parts}
			q, err := Select(whole.expr())
			if err != nil {
				t.Fatal(err)
			}
			want := s.ask(whole, q, 0)
			for _, plan := range candidates(q, s.indexes) {
				got := s.read(t, plan)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Fatalf("%s of %d like %v: got %v, want %v", op, n, parts[1], got, want)
				}
			}
		}
	}
}

func tally(used map[string]int, q *Query, plan *Plan) {
	used["ordered"] += boolInt(plan.Ordered)
	used["merged"] += boolInt(len(plan.Merge) > 1)
	used["reverse"] += boolInt(plan.Reverse)
	used["cut"] += boolInt(q.After != nil && plan.After == nil)
	used["compared"] += boolInt(plan.After != nil)
	used["exact"] += boolInt(plan.Residual == nil)
	used["union"] += boolInt(plan.Union != nil)
	used["early"] += boolInt(plan.Early != nil)
	used["settled"] += boolInt(plan.Early != nil && plan.Settled)
	used["united"] += boolInt(len(plan.Ranges) > 1)
}

// candidates are all plans that the planner compares, and the one for a count.
func candidates(q *Query, indexes []Index) (plans []*Plan) {
	p := newPlanner(q, identity, false)
	plans = append(plans, p.consider(-1, Index{Paths: []Path{identity}, Unique: true}).plan)
	for i, index := range indexes {
		if !index.Multi {
			plans = append(plans, p.consider(i, index).plan)
		} else if c := p.considerMulti(i, index); c.plan != nil {
			plans = append(plans, c.plan)
		}
	}
	if c := p.considerUnion(indexes); c.plan != nil {
		plans = append(plans, c.plan)
	}
	return append(plans, q.Plan(identity, indexes))
}

func TestPlanCount(t *testing.T) {
	r := newRandom(t)
	for range 20 {
		s := newShelf(t, r, 60)
		for range 20 {
			c := indexable(r)
			q, err := Select(c.expr())
			if err != nil {
				t.Fatal(err)
			}
			got := s.read(t, q.PlanCount(identity, s.indexes))
			slices.Sort(got)
			if want := s.ask(c, q, 0); !slices.Equal(got, want) {
				t.Fatalf("%v: got %v, want %v", c, got, want)
			}
		}
	}
}

// TestPlanChoice pins what is chosen where there is little doubt.
func TestPlanChoice(t *testing.T) {
	country, population, tags, slug := Field("country"), Field("population"), Field("tags"), Field("slug")
	indexes := []Index{
		{Name: "country", Paths: []Path{country}},
		{Name: "population", Paths: []Path{population}},
		{Name: "country,population", Paths: []Path{country, population}},
		{Name: "*tags", Paths: []Path{tags}, Multi: true},
		{Name: "&slug", Paths: []Path{slug}, Unique: true},
	}
	by := func(desc bool, paths ...Path) (columns []Order) {
		for _, path := range paths {
			columns = append(columns, Order{path, desc})
		}
		return columns
	}
	for _, test := range []struct {
		name   string
		filter Expr
		order  []Order
		limit  int64
		want   string // index, ranges, and what else there is to it
	}{
		{"everything", nil, nil, -1, "- 1"},
		{"by identity", Eq(identity, 7), nil, -1, "- 1"},
		{"by identities", In(identity, 7, 8, 9), nil, -1, "- 3"},
		{"by index", Eq(country, "NO"), nil, -1, "country 1"},
		{"a page of an index", Eq(country, "NO"), nil, 20, "country 1"},
		{"by several", In(country, "NO", "SE"), nil, -1, "country 2"},
		{"pages of several", In(country, "NO", "SE"), nil, 20, "country 2 merged"},
		{"unique first", And(Eq(country, "NO"), Eq(slug, "oslo")), nil, -1, "&slug 1 filtered"},
		{"compound", And(Eq(country, "NO"), Gt(population, 5)), nil, -1, "country,population 1"},
		{"compound, or", Or(And(Eq(country, "NO"), Gt(population, 5)), And(Eq(country, "SE"), Lt(population, 9))), nil, -1, "country,population 2"},
		{"range of two bounds", And(Gt(population, 5), Lte(population, 9)), nil, -1, "population 1"},
		{"contradiction", And(Gt(population, 9), Lt(population, 5)), nil, -1, "population 0"},
		{"ordered page", nil, by(true, population), 20, "population 1 reverse"},
		{"ordered, pinned", Eq(country, "NO"), by(false, population), 20, "country,population 1"},
		{"ordered by both", Eq(country, "NO"), by(true, country, population), 20, "country,population 1 reverse"},
		{"ordered, several", In(country, "NO", "SE"), by(true, population), 20, "country,population 2 merged reverse"},
		{"ordered by what is not there", nil, by(false, Field("name")), 20, "- 1 sorted"},
		{"ordered, all of it", nil, by(false, population), -1, "population 1"},
		{"beginning of a text", StartsWith(slug, "os"), nil, 20, "&slug 1 sorted"},
		{"beginning of a text, ordered", StartsWith(slug, "os"), by(false, slug), 20, "&slug 1"},
		{"a page of a narrow range", Between(population, 5, 9), nil, 20, "population 1 sorted"},
		{"a page of a wide range", Gt(population, 5), nil, 20, "- 1 filtered"},
		{"order and a narrow filter", Eq(country, "NO"), by(false, slug), 20, "country 1 sorted"},
		{"order and a loose filter", Gt(population, 10), by(false, country), 20, "country 1 filtered"},
		{"element of a list", Contains(tags, 5), nil, -1, "*tags 1"},
		{"element or substring", Contains(tags, "harbour"), nil, -1, "*tags 2 filtered merged"},
		{"an expression that begins with text", Matches(slug, `os[lo]+`, regexp.Compile), nil, -1, "&slug 1 filtered"},
		{"an expression that does not", Matches(slug, `(?i)os`, regexp.Compile), nil, -1, "- 1 filtered"},
		{"a function and an index", And(Test(slug, isSmall), Eq(country, "NO")), nil, -1, "country 1 filtered"},
		{"several elements of a list", Any(tags, 5, "x"), nil, -1, "*tags 2 merged"},
		{"all of several elements", All(tags, 5, "x"), nil, -1, "*tags 1 filtered"},
		{"an element in a range", ElemMatch(tags, And(Gt(Itself(), 5), Lt(Itself(), 9))), nil, -1, "*tags 1 deduped filtered"},
		{"a fragment", Fragment(Itself(), map[string]any{"country": "NO", "population": 5}), nil, -1, "country,population 1"},
		{"not", Not(Eq(country, "NO")), nil, -1, "- 1 filtered"},
		{"either index", Or(Eq(slug, "oslo"), Eq(country, "NO")), nil, -1, "&slug 1 | country 1 filtered"},
		{"either index, in order", Or(Eq(slug, "oslo"), Eq(country, "NO")), by(false, population), 20, "&slug 1 | country 1 filtered"},
		{"element of a list, or another index", Or(Contains(tags, 5), Eq(slug, "oslo")), nil, -1, "*tags 1 | &slug 1 filtered"},
		{"either index, and more", And(Exists(Field("name")), Or(Eq(slug, "oslo"), Eq(country, "NO"))), nil, -1, "&slug 1 filtered | country 1 filtered"},
		{"one branch without an index", Or(Eq(slug, "oslo"), Eq(Field("name"), "Oslo")), nil, -1, "- 1 filtered"},
		{"what entries tell", And(Eq(country, "NO"), Mod(population, 2, 0)), nil, -1, "country,population 1 filtered sifted"},
		{"nothing indexed", Contains(Field("name"), "ham"), nil, -1, "- 1 filtered"},
	} {
		q, err := Select(test.filter)
		if err != nil {
			t.Fatal(err)
		}
		q.Order, q.Limit = test.order, test.limit
		if got := describe(q.Plan(identity, indexes), indexes); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func describe(plan *Plan, indexes []Index) string {
	if plan.Union != nil {
		var parts []string
		for _, part := range plan.Union {
			parts = append(parts, describe(part, indexes))
		}
		return strings.Join(parts, " | ")
	}
	name := "-"
	if plan.Index >= 0 {
		name = indexes[plan.Index].Name
	}
	words := []string{name, fmt.Sprint(len(plan.Ranges))}
	for word, is := range map[string]bool{
		"filtered": plan.Residual != nil, "merged": plan.Merge != nil,
		"reverse": plan.Reverse, "sorted": !plan.Ordered, "deduped": plan.Dedupe,
		"sifted": plan.Early != nil, "of entries": plan.Rows != nil,
	} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words[2:])
	return strings.Join(words, " ")
}
