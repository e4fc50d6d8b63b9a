package function_test

import (
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// taking two or more texts of any bytes.
var taking = []string{
	"->", "->>", "date", "datetime", "format", "glob", "instr", "json_extract", "json_patch", "json_remove", "json_type", "like",
	"regexp", "round", "strftime", "substr", "timediff", "trim", "unhex", "unixepoch",
}

// FuzzFunctions calls functions with any texts: they may fail, not break.
func FuzzFunctions(f *testing.F) {
	f.Add("{\"a\":[1,{\"b\":null}]}", "$.a[1].b", "x")
	f.Add("%-+010.3f%,d%q", "12e3", "2024-02-30 24:00")
	f.Add("(a|b)*[^c-]{2,3}$", "abab", "+0001-02-03 04:05")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		context := &function.Context{Limit: 1 << 16}
		args := []value.Value{value.FromText(a), value.FromText(b)}
		for _, name := range taking {
			_, _ = function.Scalar(name).Call(context, args)
		}
		for _, name := range []string{"json", "json_pretty", "json_error_position", "json_array_length", "quote", "unistr", "soundex"} {
			_, _ = function.Scalar(name).Call(context, args[:1])
		}
		for _, name := range []string{"json_set", "json_insert", "json_array_insert", "replace"} {
			_, _ = function.Scalar(name).Call(context, append(args, value.FromText(c)))
		}
		_ = function.Rows(args[0], args[1], true, func(*function.Row) error { return nil })
	})
}

// TestSorted finds every function by its name, in any case.
func TestSorted(t *testing.T) {
	for _, name := range []string{"abs", "ABS", "Zeroblob", "->", "json_set", "substr"} {
		if f := function.Scalar(name); f == nil || f.Name != value.Fold(name) {
			t.Errorf("%s is not found", name)
		}
	}
	for _, name := range []string{"Sum", "avg", "total", "string_agg"} {
		if f := function.AggregateNamed(name); f == nil || f.Name != value.Fold(name) {
			t.Errorf("%s is not found", name)
		}
	}
	if w, found := function.WindowNamed("Lag"); !found || !w.Accepts(3) || w.Accepts(4) {
		t.Error("lag is not found, or takes what it should not")
	}
	if function.Scalar("nothing") != nil || function.AggregateNamed("abs") != nil {
		t.Error("what is not there is found")
	}
}

// TestLimit wants results that are too big to be refused before they are made.
func TestLimit(t *testing.T) {
	c := &function.Context{Limit: 1000}
	many := value.FromInt(1 << 40)
	for name, args := range map[string][]value.Value{
		"zeroblob":   {many},
		"randomblob": {many},
		"printf":     {value.FromText("%999999999d"), many},
		"format":     {value.FromText("%.*f"), value.FromInt(90_000_000), value.FromReal(1)},
		"hex":        {value.FromText(string(make([]byte, 600)))},
		"replace":    {value.FromText(strings.Repeat("a", 900)), value.FromText("a"), value.FromText("xx")},
		"concat":     {value.FromText(string(make([]byte, 600))), value.FromText(string(make([]byte, 600)))},
	} {
		if _, err := function.Scalar(name).Call(c, args); err == nil {
			t.Errorf("%s made it", name)
		}
	}
}
