package query

import (
	"bytes"
	"flag"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// This file says again, slowly and in Go values, what the package says in bytes:
// the order of values, what a filter matches. The other tests compare.

var seedFlag = flag.Uint64("seed", 0, "replay a random test with this seed")

// newRandom returns a source of randomness whose seed is told when t fails.
func newRandom(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with -seed=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

var undefinedValue = Raw{0xd4, 0, 0}

// rank is the place of a value's type among all types.
func rank(v any) int {
	switch v := v.(type) {
	case Raw:
		return 1
	case nil:
		return 2
	case bool:
		return 3
	case int64, uint64:
		return 4
	case float64:
		if math.IsNaN(v) {
			return 99
		}
		return 4
	case time.Time:
		return 5
	case string:
		return 6
	case []byte:
		return 7
	case []any:
		for _, element := range v {
			if rank(element) == 99 {
				return 99
			}
		}
		return 8
	default:
		return 99
	}
}

func exactly(v any) *big.Float {
	f := new(big.Float).SetPrec(200)
	switch v := v.(type) {
	case int64:
		return f.SetInt64(v)
	case uint64:
		return f.SetUint64(v)
	default:
		return f.SetFloat64(v.(float64))
	}
}

// order is the order of a and b, of any types.
func order(a, b any) int {
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	switch rank(a) {
	case 3:
		return boolInt(a.(bool)) - boolInt(b.(bool))
	case 4:
		return exactly(a).Cmp(exactly(b))
	case 5:
		return a.(time.Time).Compare(b.(time.Time))
	case 6:
		return strings.Compare(a.(string), b.(string))
	case 7:
		return bytes.Compare(a.([]byte), b.([]byte))
	case 8:
		x, y := a.([]any), b.([]any)
		for i := range min(len(x), len(y)) {
			if d := order(x[i], y[i]); d != 0 {
				return d
			}
		}
		return len(x) - len(y)
	default:
		return 0
	}
}

// alike reports whether eq holds.
func alike(a, b any) bool {
	x, listA := a.([]any)
	y, listB := b.([]any)
	if listA && listB {
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !alike(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	m, mapA := a.(map[string]any)
	n, mapB := b.(map[string]any)
	if mapA && mapB {
		if len(m) != len(n) {
			return false
		}
		for name, v := range m {
			w, ok := n[name]
			if !ok || !alike(v, w) {
				return false
			}
		}
		return true
	}
	if rank(a) != rank(b) || rank(a) == 99 || rank(a) == 8 {
		return false
	}
	return order(a, b) == 0
}

// lookup follows a path.
func lookup(v any, path Path) (any, bool) {
	for _, segment := range path {
		if segment.Name != "" {
			m, ok := v.(map[string]any)
			if !ok {
				return nil, false
			}
			if v, ok = m[segment.Name]; !ok {
				return nil, false
			}
			continue
		}
		list, ok := v.([]any)
		if !ok || segment.Index >= len(list) {
			return nil, false
		}
		v = list[segment.Index]
	}
	if reflect.DeepEqual(v, undefinedValue) {
		return nil, false
	}
	return v, true
}

// condition is a filter in Go values.
type condition struct {
	op       string
	path     Path
	operands []any
	parts    []condition
}

func (c condition) expr() Expr {
	var parts []Expr
	for _, part := range c.parts {
		parts = append(parts, part.expr())
	}
	switch c.op {
	case "field":
		return Fields(c.path, c.operands[0].(string), c.operands[1].(Path))
	case "host":
		return Test(c.path, isSmall)
	case "map":
		return Map(c.path, double, parts[0])
	}
	return &test{c.op, c.path, c.operands, parts}
}

// isSmall and double are what random filters ask functions.
func isSmall(v any, _ ...any) (bool, error) {
	switch v := v.(type) {
	case int64:
		return v < 1, nil
	case string:
		return len(v) < 2, nil
	default:
		return false, nil
	}
}

func double(v any) (any, error) {
	switch v := v.(type) {
	case int64:
		return 2 * v, nil
	case string:
		return []any{v, v}, nil
	case []any:
		return Nothing, nil
	default:
		return v, nil
	}
}

// holds is what Match should say.
func (c condition) holds(doc any) bool {
	switch c.op {
	case "noop":
		return true
	case "not":
		return !c.parts[0].holds(doc)
	case "and":
		for _, part := range c.parts {
			if !part.holds(doc) {
				return false
			}
		}
		return true
	case "or":
		for _, part := range c.parts {
			if part.holds(doc) {
				return true
			}
		}
		return false
	}
	v, ok := lookup(doc, c.path)
	if c.op == "field" {
		other, there := lookup(doc, c.operands[1].(Path))
		return ok && there && condition{op: c.operands[0].(string), operands: []any{other}}.test(v)
	}
	return ok && c.test(v)
}

func (c condition) test(v any) bool {
	switch c.op {
	case "exists":
		return true
	case "eq":
		return alike(v, c.operands[0])
	case "ne":
		return !alike(v, c.operands[0])
	case "lt", "lte", "gt", "gte":
		return inOrder(c.op, v, c.operands[0])
	case "between":
		low, high := "gte", "lte"
		if len(c.operands) > 2 && c.operands[2].(bool) {
			low = "gt"
		}
		if len(c.operands) > 3 && c.operands[3].(bool) {
			high = "lt"
		}
		return inOrder(low, v, c.operands[0]) && inOrder(high, v, c.operands[1])
	case "in":
		return among(c.operands[0].([]any), v)
	case "startsWith":
		s, ok := v.(string)
		return ok && strings.HasPrefix(s, c.operands[0].(string))
	case "contains":
		if s, ok := v.(string); ok {
			part, ok := c.operands[0].(string)
			return ok && strings.Contains(s, part)
		}
		list, ok := v.([]any)
		return ok && among(list, c.operands[0])
	case "endsWith":
		s, ok := v.(string)
		return ok && strings.HasSuffix(s, c.operands[0].(string))
	case "icontains":
		s, ok := v.(string)
		return ok && strings.Contains(strings.ToUpper(s), strings.ToUpper(c.operands[0].(string)))
	case "type":
		return typeName(v) == c.operands[0]
	case "mod":
		return remains(v, c.operands[0].(int64), c.operands[1].(int64))
	case "fragment":
		return hasFields(v, c.operands[0].(map[string]any))
	case "host":
		holds, _ := isSmall(v)
		return holds
	case "map":
		mapped, _ := double(v)
		return !reflect.DeepEqual(mapped, Nothing) && c.parts[0].holds(mapped)
	}
	list, ok := v.([]any)
	return ok && c.testList(list)
}

// testList is test for the operators that look into lists only.
func (c condition) testList(list []any) bool {
	switch c.op {
	case "size":
		return len(list) == c.operands[0]
	case "any":
		return slices.ContainsFunc(list, func(v any) bool { return among(c.operands[0].([]any), v) })
	case "all":
		return !slices.ContainsFunc(c.operands[0].([]any), func(v any) bool { return !among(list, v) })
	case "elemMatch":
		return slices.ContainsFunc(list, c.parts[0].holds)
	case "every":
		return !slices.ContainsFunc(list, func(v any) bool { return !c.parts[0].holds(v) })
	}
	panic(c.op)
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64, uint64, float64:
		return "number"
	case string:
		return "string"
	case time.Time:
		return "date"
	case []byte:
		return "bytes"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return ""
	}
}

// remains reports whether v leaves r when it is divided by d.
func remains(v any, d, r int64) bool {
	if f, ok := v.(float64); ok {
		return math.Mod(f, float64(d)) == float64(r)
	}
	if rank(v) != 4 {
		return false
	}
	if u, ok := v.(uint64); ok && u > math.MaxInt64 {
		return math.Mod(float64(u), float64(d)) == float64(r)
	}
	i, _ := exactly(v).Int(nil)
	return i.Rem(i, big.NewInt(d)).Cmp(big.NewInt(r)) == 0
}

func hasFields(v any, fields map[string]any) bool {
	m, ok := v.(map[string]any)
	for name, want := range fields {
		got, there := m[name]
		ok = ok && there && alike(got, want) && rank(want) > 1
	}
	return ok
}

func among(list []any, v any) bool {
	for _, element := range list {
		if alike(element, v) {
			return true
		}
	}
	return false
}

func inOrder(op string, a, b any) bool {
	if rank(a) != rank(b) || rank(a) < 3 || rank(a) > 7 {
		return false
	}
	switch d := order(a, b); op {
	case "lt":
		return d < 0
	case "lte":
		return d <= 0
	case "gt":
		return d > 0
	default:
		return d >= 0
	}
}

// randomValue draws from few enough values that equal ones meet, and includes
// the edges of every type.
func randomValue(r *rand.Rand, depth int) any {
	switch r.IntN(14) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2, 3, 4:
		return int64(r.IntN(7) - 3)
	case 5:
		return []any{float64(r.IntN(9))/2 - 2, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1),
			math.MaxFloat64, math.SmallestNonzeroFloat64, float64(1 << 53), -float64(1 << 63)}[r.IntN(9)]
	case 6:
		return []any{int64(math.MaxInt64), int64(math.MinInt64), uint64(math.MaxUint64), uint64(1 << 63),
			int64(1<<53 + r.IntN(3)), -int64(1<<53 + r.IntN(3)), int64(r.Uint64()), float64(r.Uint64())}[r.IntN(8)]
	case 7:
		return time.UnixMilli([]int64{0, -1, 1, 1 << 40, -1 << 40}[r.IntN(5)]).UTC()
	case 8, 9, 10:
		return randomText(r)
	case 11:
		return []byte(randomText(r))
	}
	if depth == 0 {
		return undefinedValue
	}
	if r.IntN(2) == 0 {
		return randomDocument(r, depth-1)
	}
	list := make([]any, r.IntN(4))
	for i := range list {
		list[i] = randomValue(r, depth-1)
	}
	return list
}

func randomText(r *rand.Rand) string {
	letters := []string{"a", "b", "\x00", "é", "\U0001F600", "\uffff", strings.Repeat("x", 40)}
	s := ""
	for range r.IntN(4) {
		s += letters[r.IntN(len(letters))]
	}
	return s
}

var fieldNames = []string{"a", "b", "c", strings.Repeat("long", 10)}

func randomDocument(r *rand.Rand, depth int) map[string]any {
	doc := map[string]any{}
	for _, name := range fieldNames {
		if r.IntN(4) > 0 {
			doc[name] = randomValue(r, depth)
		}
	}
	return doc
}

func randomPath(r *rand.Rand, inside bool) Path {
	if inside && r.IntN(2) == 0 {
		return Itself()
	}
	path := Field(fieldNames[r.IntN(len(fieldNames))])
	for r.IntN(4) == 0 {
		if r.IntN(2) == 0 {
			path = path.At(r.IntN(3))
		} else {
			path = path.Field(fieldNames[r.IntN(3)])
		}
	}
	return path
}

// randomCondition is a filter of documents.
func randomCondition(r *rand.Rand, depth int) condition { return randomPart(r, depth, false) }

// randomPart is a filter of documents, or of what is inside of them.
func randomPart(r *rand.Rand, depth int, inside bool) condition {
	if depth > 0 && r.IntN(3) == 0 {
		c := condition{op: []string{"and", "or", "not", "noop"}[r.IntN(4)]}
		parts := map[string]int{"and": r.IntN(4), "or": r.IntN(4), "not": 1}[c.op]
		for range parts {
			c.parts = append(c.parts, randomPart(r, depth-1, inside))
		}
		return c
	}
	ops := []string{"eq", "ne", "lt", "lte", "gt", "gte", "between", "in", "startsWith", "contains", "exists",
		"endsWith", "icontains", "type", "mod", "size", "any", "all", "field", "fragment", "host", "map", "elemMatch", "every"}
	c := condition{op: ops[r.IntN(len(ops))], path: randomPath(r, inside)}
	switch c.op {
	case "exists", "host":
	case "startsWith", "endsWith", "icontains":
		c.operands = []any{randomText(r)}
	case "type":
		c.operands = []any{typeNames[r.IntN(len(typeNames))]}
	case "mod":
		c.operands = []any{int64(r.IntN(5) - 6), int64(r.IntN(5) - 2)}
	case "size":
		c.operands = []any{r.IntN(3)}
	case "between":
		c.operands = []any{randomValue(r, 1), randomValue(r, 1), r.IntN(2) == 0, r.IntN(2) == 0}[:2+r.IntN(3)]
	case "in", "any", "all":
		list := []any{}
		for range r.IntN(5) {
			list = append(list, randomValue(r, 1))
		}
		c.operands = []any{list}
	case "field":
		c.operands = []any{ops[r.IntN(6)], randomPath(r, inside)}
	case "fragment":
		c.operands = []any{map[string]any{}}
		for _, name := range fieldNames[:r.IntN(3)] {
			c.operands[0].(map[string]any)[name] = randomValue(r, 1)
		}
	case "map", "elemMatch", "every":
		c.parts = []condition{randomPart(r, max(depth-1, 0), true)}
	default:
		c.operands = []any{randomValue(r, 2)}
	}
	return c
}
