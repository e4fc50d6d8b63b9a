package query

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// rowsOf makes the rows of an aggregate of documents, given in the order of the query.
func rowsOf(t *testing.T, a *Aggregate, docs []map[string]any) (rows [][]any) {
	t.Helper()
	tally := NewTally(a)
	for i, doc := range docs {
		if err := tally.Add(AppendValue(nil, doc), []byte{byte(i >> 8), byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	err := tally.Rows(func(row []byte) error {
		if err := Validate(append([]byte{0x81, 0xa1, 'x'}, row...), MaxDepth); err != nil {
			return err
		}
		rows = append(rows, valueOf(t, row).([]any))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// valueOf is the inverse of AppendValue.
func valueOf(t *testing.T, b []byte) any {
	t.Helper()
	v, ok := decode(b, 0)
	switch {
	case !ok:
		t.Fatal("no value")
	case v.kind == kindMissing:
		return undefinedValue
	case v.kind == kindDate:
		tm, _, err := msgp.ReadTimeBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		return tm.UTC()
	case v.kind == kindArray:
		list := make([]any, 0, v.count)
		at := 0
		for range v.count {
			list = append(list, valueOf(t, v.body[at:]))
			at = skip(v.body, at)
		}
		return list
	case v.isMap:
		m := map[string]any{}
		at := 0
		for range v.count {
			name, _ := decode(v.body, at)
			at = skip(v.body, at)
			m[string(name.body)] = valueOf(t, v.body[at:])
			at = skip(v.body, at)
		}
		return m
	}
	x, _, err := msgp.ReadIntfBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// expectedColumn is one column of a group, by the reference.
func expectedColumn(c Column, docs []map[string]any) any {
	var there []any
	for _, doc := range docs {
		if v, ok := lookup(doc, c.path); ok && len(c.path) > 0 {
			there = append(there, v)
		}
	}
	endOf := func(doc map[string]any) any {
		if v, ok := lookup(doc, c.path); ok {
			return v
		}
		return undefinedValue
	}
	switch c.function.name {
	case "count":
		if len(c.path) == 0 {
			return int64(len(docs))
		}
		return int64(len(there))
	case "first":
		return endOf(docs[0])
	case "last":
		return endOf(docs[len(docs)-1])
	case "min", "max":
		there = slices.DeleteFunc(there, func(v any) bool { return rank(v) < 3 || rank(v) == 99 })
		if len(there) == 0 {
			return undefinedValue
		}
		if c.function.name == "min" {
			return slices.MinFunc(there, order)
		}
		return slices.MaxFunc(there, order)
	}
	return expectedSum(c, there)
}

func expectedSum(c Column, there []any) any {
	sum, count := new(big.Float).SetPrec(3000), 0
	odd := 0.0 // what is no number of the line
	for _, v := range there {
		f, isFloat := v.(float64)
		if isFloat && (math.IsNaN(f) || math.IsInf(f, 0)) {
			odd += f
			count++
		} else if rank(v) == 4 {
			sum.Add(sum, exactly(v))
			count++
		}
	}
	if c.function.name == "sum" && count == 0 {
		return int64(0)
	} else if count == 0 {
		return undefinedValue
	}
	f, _ := sum.Float64()
	if odd != 0 || math.IsNaN(odd) {
		f = odd
	}
	if c.function.name == "avg" {
		f /= float64(count)
	}
	return f
}

// near is alike, but for the last bits of sums.
func near(got, want any) bool {
	if rank(got) == 4 && rank(want) == 4 {
		x, y := toFloat(got), toFloat(want)
		return x == y || math.Abs(x-y) <= 1e-9*math.Max(1, math.Abs(y))
	}
	if f, ok := want.(float64); ok && math.IsNaN(f) {
		g, ok := got.(float64)
		return ok && math.IsNaN(g)
	}
	return indistinct(got, want)
}

func toFloat(v any) float64 {
	f, _ := exactly(v).Float64()
	return f
}

// indistinct reports whether two values make one group: NaN equals itself here.
func indistinct(a, b any) bool {
	x, y := AppendValue(nil, a), AppendValue(nil, b)
	v, _ := decode(x, 0)
	w, _ := decode(y, 0)
	return alike(a, b) || bytes.Equal(appendValueIdentity(nil, &v), appendValueIdentity(nil, &w))
}

func TestAggregateOfRandomDocuments(t *testing.T) {
	r := newRandom(t)
	for range 400 {
		var docs []map[string]any
		for range 1 + r.IntN(40) {
			docs = append(docs, randomDocument(r, 1))
		}
		a := randomAggregate(r)
		var groups [][]map[string]any
		for _, doc := range docs {
			i := slices.IndexFunc(groups, func(group []map[string]any) bool { return sameGroup(a, group[0], doc) })
			if i < 0 {
				i = len(groups)
				groups = append(groups, nil)
			}
			groups[i] = append(groups[i], doc)
		}
		rows := rowsOf(t, a, docs)
		if len(rows) != len(groups) {
			t.Fatalf("%d rows of %d groups", len(rows), len(groups))
		}
		for i, row := range rows {
			checkRow(t, a, row, groups)
			if i > 0 && len(a.Group) > 0 && order(rows[i-1][0], row[0]) > 0 {
				t.Fatalf("%v comes before %v", rows[i-1][0], row[0])
			}
		}
	}
}

func randomAggregate(r *rand.Rand) *Aggregate {
	a := &Aggregate{}
	for range r.IntN(3) {
		a.Group = append(a.Group, []Path{Field("a"), Field("b"), Field("c"), Field("a").At(0)}[r.IntN(4)])
	}
	for range 1 + r.IntN(4) {
		path := []Path{Field("a"), Field("b"), Field("c")}[r.IntN(3)]
		a.Columns = append(a.Columns, []Column{Count(), Count(path), Sum(path), Avg(path), Min(path), Max(path), First(path), Last(path)}[r.IntN(8)])
	}
	return a
}

func sameGroup(a *Aggregate, x, y map[string]any) bool {
	for _, path := range a.Group {
		if !indistinct(groupValue(x, path), groupValue(y, path)) {
			return false
		}
	}
	return true
}

func groupValue(doc map[string]any, path Path) any {
	if v, ok := lookup(doc, path); ok {
		return v
	}
	return undefinedValue
}

// checkRow finds the group of a row and compares the columns.
func checkRow(t *testing.T, a *Aggregate, row []any, groups [][]map[string]any) {
	t.Helper()
	i := slices.IndexFunc(groups, func(group []map[string]any) bool {
		for j, path := range a.Group {
			if !indistinct(row[j], groupValue(group[0], path)) {
				return false
			}
		}
		return true
	})
	if i < 0 {
		t.Fatalf("no document has %v", row[:len(a.Group)])
	}
	for j, column := range a.Columns {
		got, want := row[len(a.Group)+j], expectedColumn(column, groups[i])
		if !near(got, want) {
			t.Fatalf("%s %v: got %v, want %v of %v", column.function.name, column.path, got, want, groups[i])
		}
	}
}

func TestAggregateSums(t *testing.T) {
	x := Field("x")
	for _, test := range []struct {
		values []any
		sum    any
	}{
		{nil, int64(0)},
		{[]any{"a", nil, true}, int64(0)},
		{[]any{int64(math.MaxInt64), int64(1), int64(math.MinInt64)}, int64(0)},
		{[]any{uint64(math.MaxUint64), uint64(math.MaxUint64)}, 2 * float64(math.MaxUint64)},
		{[]any{int64(math.MinInt64), int64(math.MinInt64)}, -float64(1 << 64)},
		{[]any{int64(1 << 53), int64(2)}, float64(1<<53 + 2)},
		{[]any{0.1, 0.2, 0.3}, 0.6},
		{[]any{1e100, 1.0, -1e100}, int64(1)},
		{[]any{0.5, int64(2), 0.5}, int64(3)},
		{[]any{math.Inf(1), 1.0}, math.Inf(1)},
		{[]any{math.Copysign(0, -1)}, int64(0)},
	} {
		var docs []map[string]any
		for _, v := range test.values {
			docs = append(docs, map[string]any{"x": v})
		}
		rows := rowsOf(t, &Aggregate{Columns: []Column{Sum(x)}}, docs)
		if len(rows) != 1 || rows[0][0] != test.sum {
			t.Errorf("%v: %v, want %v", test.values, rows, test.sum)
		}
	}
}

func TestAggregateOfTooManyGroups(t *testing.T) {
	tally := NewTally(&Aggregate{Group: []Path{Field("x")}, Columns: []Column{Count()}})
	var err error
	n := 0
	for ; err == nil && n < 1<<20; n++ {
		err = tally.Add(AppendValue(nil, map[string]any{"x": n}), nil)
	}
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != codeTooLarge || n < 50_000 {
		t.Fatalf("after %d groups: %v", n, err)
	}
}

func TestParseAggregate(t *testing.T) {
	path := Raw(Field("a").Append(nil))
	parse := func(aggregate any) error {
		_, err := ParseQuery(AppendValue(nil, map[string]any{"aggregate": aggregate}))
		return err
	}
	if err := parse([]any{[]any{path}, []any{[]any{"count"}, []any{"count", path}, []any{"last", path}}}); err != nil {
		t.Fatal(err)
	}
	for code, wrong := range map[string][]any{
		codeInvalidQuery: {
			5, []any{}, []any{[]any{}}, []any{5, []any{}}, []any{[]any{}, 5}, []any{[]any{}, []any{5}},
			[]any{[]any{}, []any{[]any{}}}, []any{[]any{}, []any{[]any{5}}}, []any{[]any{}, []any{[]any{"sum"}}},
			[]any{[]any{}, []any{[]any{"sum", path, path}}},
		},
		codeInvalidPath:     {[]any{[]any{[]any{}}, []any{}}, []any{[]any{}, []any{[]any{"sum", "a"}}}},
		codeUnknownOperator: {[]any{[]any{}, []any{[]any{"median", path}}}},
	} {
		for _, aggregate := range wrong {
			var failed *Error
			if err := parse(aggregate); !errors.As(err, &failed) || failed.Code != code {
				t.Errorf("%v: %v, want %s", aggregate, err, code)
			}
		}
	}
}
