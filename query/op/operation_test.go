package op_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
)

type fields = map[string]any

type list = []any

// code makes a target for errors.Is of a stable code.
type code string

func (c code) Error() string { return string(c) }

var invalidArgument, invalidDocument, invalidPath = code("invalid_argument"), code("invalid_document"), code("invalid_path")

// apply has operations written, parsed and applied.
func apply(doc fields, operations ...op.Operation) (any, error) {
	parsed, err := op.Parse(op.Append(nil, operations...))
	if err != nil {
		return nil, err
	}
	raw := query.AppendValue(nil, doc)
	kept := bytes.Clone(raw)
	out, err := parsed.Apply(raw)
	if !bytes.Equal(raw, kept) {
		panic("the document was modified")
	}
	if err != nil {
		return nil, err
	}
	if err := query.Validate(out, query.MaxDepth); err != nil {
		return nil, errors.Join(errors.New("what comes out is no document"), err)
	}
	v, _ := query.ReadValue(out)
	return v, nil
}

func canonical(v any) string { return string(query.AppendValue(nil, v)) }

var path = query.Field

func TestOperations(t *testing.T) {
	doc := fields{"n": 1, "s": "a", "l": list{1, 2, 1}, "m": fields{"x": fields{"y": 5}}, "nil": nil}
	with := func(name string, v any) fields {
		changed := fields{}
		for name, v := range doc {
			changed[name] = v
		}
		if changed[name] = v; v == nil {
			delete(changed, name)
		}
		return changed
	}
	for _, c := range []struct {
		name string
		op   op.Operation
		want fields
	}{
		{"set", op.Set(path("n"), "x"), with("n", "x")},
		{"set a new field", op.Set(path("new"), 1.5), with("new", 1.5)},
		{"set a nested one", op.Set(path("m", "x", "z"), true), with("m", fields{"x": fields{"y": 5, "z": true}})},
		{"set with maps on the way", op.Set(path("a", "b", "c"), 1), with("a", fields{"b": fields{"c": 1}})},
		{"set with a list on the way", op.Set(path("a").At(0).Field("c"), 1), with("a", list{fields{"c": 1}})},
		{"set an element", op.Set(path("l").At(1), 9), with("l", list{1, 9, 1})},
		{"set the one behind the last", op.Set(path("l").At(3), 9), with("l", list{1, 2, 1, 9})},
		{"insert", op.Insert(path("l").At(1), "x"), with("l", list{1, "x", 2, 1})},
		{"insert behind the last", op.Insert(path("l").At(3), 9), with("l", list{1, 2, 1, 9})},
		{"insert into nothing", op.Insert(path("a", "b").At(0), 1), with("a", fields{"b": list{1}})},
		{"delete", op.Delete(path("n")), with("n", nil)},
		{"delete null", op.Delete(path("nil")), func() fields { d := with("n", 1); delete(d, "nil"); return d }()},
		{"delete an element", op.Delete(path("l").At(0)), with("l", list{2, 1})},
		{"add", op.Add(path("n"), 5), with("n", 6)},
		{"add to a float", op.Add(path("m", "x", "y"), 0.5), with("m", fields{"x": fields{"y": 5.5}})},
		{"add text", op.Add(path("s"), "xyz"), with("s", "axyz")},
		{"add a list", op.Add(path("l"), list{3}), with("l", list{1, 2, 1, 3})},
		{"subtract", op.Subtract(path("n"), 5), with("n", -4)},
		{"increment", op.Increment(path("n")), with("n", 2)},
		{"decrement", op.Decrement(path("l").At(0)), with("l", list{0, 2, 1})},
		{"push", op.Push(path("l"), 3, "x"), with("l", list{1, 2, 1, 3, "x"})},
		{"push to nothing", op.Push(path("m", "l"), 3), with("m", fields{"x": fields{"y": 5}, "l": list{3}})},
		{"pull", op.Pull(path("l"), 1.0, 7), with("l", list{2})},
		{"merge", op.Merge(path("m"), fields{"x": 1, "z": 2}), with("m", fields{"x": 1, "z": 2})},
		{"merge undefined", op.Merge(path("m"), fields{"x": query.Nothing}), with("m", fields{})},
		{"merge to nothing", op.Merge(path("o"), fields{"x": 1}), with("o", fields{"x": 1})},
		{"rename", op.Rename(path("m", "x"), "w"), with("m", fields{"w": fields{"y": 5}})},
		{"rename to itself", op.Rename(path("n"), "n"), doc},
		{"min", op.Min(path("n"), 0.5), with("n", 0.5)},
		{"min that is greater", op.Min(path("n"), 2), doc},
		{"min of nothing", op.Min(path("new"), 2), with("new", 2)},
		{"max", op.Max(path("s"), "b"), with("s", "b")},
		{"max that is equal", op.Max(path("n"), 1.0), doc},
	} {
		got, err := apply(doc, c.op)
		if err != nil || canonical(got) != canonical(c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
	if got, err := apply(fields{"a": 1, "b": 2}, op.Rename(path("a"), "b")); err != nil || canonical(got) != canonical(fields{"b": 1}) {
		t.Errorf("rename to a name that is there: %v, %v", got, err)
	}
}

func TestOperationsThatDoNotFit(t *testing.T) {
	doc := fields{"n": 1, "s": "a", "l": list{1}, "nil": nil, "big": uint64(math.MaxUint64)}
	for name, o := range map[string]op.Operation{
		"delete nothing": op.Delete(path("x")), "add to nothing": op.Add(path("x"), 1), "subtract from nothing": op.Subtract(path("x"), 1),
		"increment nothing": op.Increment(path("n", "x")), "decrement nothing": op.Decrement(path("l").At(1)), "pull from nothing": op.Pull(path("x"), 1),
		"rename nothing": op.Rename(path("x"), "y"), "add a number to text": op.Add(path("s"), 1), "add text to a number": op.Add(path("n"), "x"),
		"increment null": op.Increment(path("nil")), "push to a number": op.Push(path("n"), 1), "pull from text": op.Pull(path("s"), "a"),
		"merge into a list": op.Merge(path("l"), fields{}), "min of another type": op.Min(path("n"), "x"), "max of null": op.Max(path("nil"), 1),
		"set in a number": op.Set(path("n", "x"), 1), "a position in a map": op.Set(query.Path{}.At(0), 1), "a name in a list": op.Set(path("l", "x"), 1),
		"insert behind the end": op.Insert(path("l").At(2), 1), "insert into a number": op.Insert(path("n").At(0), 1),
		"behind the end": op.Set(path("l").At(2), 1), "behind the end of nothing": op.Set(path("x").At(1), 1), "more than 64 bits": op.Increment(path("big")),
	} {
		if got, err := apply(doc, o); !errors.Is(err, invalidDocument) {
			t.Errorf("%s: %v, %v, want invalid_document", name, got, err)
		}
		if got, err := apply(doc, op.Set(path("n"), 5), o); !errors.Is(err, invalidDocument) {
			t.Errorf("%s, after another: %v, %v, want invalid_document", name, got, err)
		}
	}
}

func TestOperationsThatMakeNoSense(t *testing.T) {
	for name, o := range map[string]op.Operation{
		"insert without a position": op.Insert(path("l"), 1),
		"subtract text":             op.Subtract(path("n"), "1"), "add a map": op.Add(path("n"), fields{}), "merge a number": op.Merge(path("n"), 1),
		"rename to nothing": op.Rename(path("n"), ""), "rename an element": op.Rename(path("n").At(0), "x"), "set undefined": op.Set(path("n"), query.Nothing),
	} {
		if _, err := apply(fields{"n": 1}, o); !errors.Is(err, invalidArgument) && !errors.Is(err, invalidDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := apply(fields{}, op.Set(nil, 1)); !errors.Is(err, invalidPath) {
		t.Errorf("no path: %v", err)
	}
	if _, err := apply(fields{}); !errors.Is(err, invalidArgument) {
		t.Errorf("no operation: %v", err)
	}
	if _, err := op.Parse(query.AppendValue(nil, list{list{"square", list{"n"}}})); !errors.Is(err, invalidArgument) {
		t.Errorf("an unknown operation: %v", err)
	}
}

func TestSumsStayExact(t *testing.T) {
	for _, c := range []struct {
		old, operand, want any
	}{
		{query.MaxInteger, 1, float64(1 << 53)},
		{-query.MaxInteger, -2, float64(-1<<53 - 1)},
		{int64(1) << 53, 1, int64(1)<<53 + 1},
		{int64(math.MaxInt64), 1, uint64(1) << 63},
		{uint64(math.MaxUint64), -1, uint64(math.MaxUint64 - 1)},
		{int64(math.MinInt64), 1, int64(math.MinInt64 + 1)},
		{float32(0.5), 1, 1.5},
		{int64(-5), 5, 0},
	} {
		got, err := apply(fields{"n": c.old}, op.Add(path("n"), c.operand))
		if want := (fields{"n": c.want}); err != nil || canonical(got) != canonical(want) {
			t.Errorf("%v + %v = %v, %v, want %v", c.old, c.operand, got, err, c.want)
		}
	}
	if _, err := apply(fields{"n": int64(math.MinInt64)}, op.Decrement(path("n"))); !errors.Is(err, invalidDocument) {
		t.Errorf("below 64 bits: %v", err)
	}
}
