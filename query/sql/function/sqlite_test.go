//go:build !js

package function_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/slt"
	"github.com/stowage-db/stowage/query/sql/slt/sqlite"
	"github.com/stowage-db/stowage/query/sql/value"
)

// answer is a value, or that there is an error.
type answer struct {
	value  value.Value
	failed bool
}

func (a answer) String() string {
	if a.failed {
		return "an error"
	}
	kinds := [...]string{"null", "integer", "real", "text", "blob", "document"}
	return fmt.Sprintf("%s %.300q", kinds[a.value.Kind()], a.value.Text())
}

// same reports whether two answers are the same; in reals the last bits may differ
// where a library computed them.
func same(a, b answer, loose bool) bool {
	if a.failed || b.failed {
		return a.failed == b.failed
	}
	if a.value.Kind() != b.value.Kind() {
		return false
	}
	if a.value.Kind() == value.Real {
		x, y := a.value.Real(), b.value.Real()
		return x == y || loose && math.Abs(x-y) <= 1e-14*math.Max(math.Abs(x), 1e-300)
	}
	return a.value.Text() == b.value.Text()
}

// call is one call of a function.
type call struct {
	name string
	args []value.Value
}

func (c call) String() string {
	var args []string
	for _, v := range c.args {
		args = append(args, literal(v))
	}
	if strings.HasPrefix(c.name, "->") {
		return "(" + args[0] + " " + c.name + " " + args[1] + ")"
	}
	return c.name + "(" + strings.Join(args, ", ") + ")"
}

func literal(v value.Value) string {
	switch v.Kind() {
	case value.Integer:
		if v.Int() == math.MinInt64 {
			return "(-9223372036854775807-1)"
		}
		return strconv.FormatInt(v.Int(), 10)
	case value.Real:
		if f := v.Real(); math.IsInf(f, 0) {
			return strings.Replace(strconv.FormatFloat(f, 'f', -1, 64), "Inf", "9e999", 1)
		}
		return strconv.FormatFloat(v.Real(), 'e', -1, 64)
	case value.Text:
		if v.IsJSON() {
			return "json('" + strings.ReplaceAll(v.Raw(), "'", "''") + "')"
		}
		return "'" + strings.ReplaceAll(v.Raw(), "'", "''") + "'"
	case value.Blob:
		return fmt.Sprintf("x'%x'", v.Raw())
	}
	return "null"
}

// ours calls the function here.
func (c call) ours() (a answer) {
	f := function.Scalar(c.name)
	if f == nil || !f.Accepts(len(c.args)) {
		return answer{failed: true}
	}
	context := function.Context{Random: rand.Uint64, Limit: 1_000_000_000}
	v, err := f.Call(&context, c.args)
	return answer{v, err != nil}
}

func openSQLite(t *testing.T) slt.Engine {
	engine, err := sqlite.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

// ask lets SQLite answer expressions, many in a statement, halving those of which
// one fails.
func ask(t *testing.T, right slt.Engine, expressions []string) []answer {
	t.Helper()
	rows, err := right.Run("select " + strings.Join(expressions, ", "))
	if err != nil && len(expressions) > 1 {
		half := len(expressions) / 2
		return append(ask(t, right, expressions[:half]), ask(t, right, expressions[half:])...)
	}
	if err != nil {
		return []answer{{failed: true}}
	}
	answers := make([]answer, len(expressions))
	for i, v := range rows[0] {
		answers[i].value = v
	}
	return answers
}

// agree compares calls with SQLite, a part of them with -short.
func agree(t *testing.T, calls []call, loose bool) {
	t.Helper()
	db := openSQLite(t)
	failures := map[string]int{}
	if testing.Short() {
		part := calls[:0:0]
		for i := 0; i < len(calls); i += 7 {
			part = append(part, calls[i])
		}
		calls = part
	}
	for some := range slices.Chunk(calls, 100) {
		var expressions []string
		for _, c := range some {
			expressions = append(expressions, c.String())
		}
		for i, theirs := range ask(t, db, expressions) {
			ours := some[i].ours()
			if some[i].name == "json_error_position" { // the position may be that of another byte of what is wrong
				ours.value, theirs.value = truth(ours.value), truth(theirs.value)
			}
			if !same(ours, theirs, loose) {
				if failures[some[i].name]++; failures[some[i].name] <= 5 {
					t.Errorf("%.300s: SQLite %s, ours %s", some[i], theirs, ours)
				}
			}
		}
	}
	for name, n := range failures {
		if n > 5 {
			t.Errorf("%s: %d more", name, n-5)
		}
	}
	if len(calls) == 0 {
		t.Error("nothing was compared")
	}
}

func truth(v value.Value) value.Value { return value.Not(value.Not(v)) }

// chance draws the same numbers each time, others with SEED.
func chance(t *testing.T) *rand.Rand {
	seed := uint64(1)
	if given := os.Getenv("SEED"); given != "" {
		seed, _ = strconv.ParseUint(given, 10, 64)
	}
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 9))
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func integers(values ...int64) (list []value.Value) {
	for _, i := range values {
		list = append(list, value.FromInt(i))
	}
	return list
}

func reals(values ...float64) (list []value.Value) {
	for _, f := range values {
		list = append(list, value.FromReal(f))
	}
	return list
}

func texts(values ...string) (list []value.Value) {
	for _, s := range values {
		list = append(list, value.FromText(s))
	}
	return list
}

var (
	null  = []value.Value{{}}
	small = integers(0, 1, -1, 2, -2, 3, -3, 5, 10, -10, 100)
	whole = append(integers(math.MaxInt64, math.MinInt64, math.MinInt64+1, 1<<53, 255, 65, 0x1f600, 0x10ffff, 0xd800, 1<<31), small...)
	real_ = reals(0, 1, -1, 0.5, -0.5, 2.5, -2.5, 1.005, 0.1, 1e10, 123456.789, -123456.789, 1e15, 1e16, 1e17, 1e100, 1e-10, 9.995, 0.05, 0.000123456, 99999.5, 4503599627370495.5, math.Inf(1), math.Inf(-1), 1e300, 5e-324)
	word  = texts("", "a", "abc", "ABC", "Abc abc", "  abc  ", "xxabcxx", "héllo", "日本語", "\U0001f600x", "12", "1.5", "-3", "1e3", "12abc", "abc'd\"e", "61626", "6162", "61 62-63", "tab\there", "%a_b*", "a\u0301b", "Robert", "Tymczak", "é")
	bytes = []value.Value{value.FromBlob(nil), value.FromBlob([]byte("abc")), value.FromBlob([]byte("\x00\xff\x41")), value.FromBlob([]byte("12"))}
	any_  = slices.Concat(null, whole, real_, word, bytes)
)

// TestScalars calls functions of any arguments with all of them, or with many where
// there are too many.
func TestScalars(t *testing.T) {
	r := chance(t)
	var calls []call
	for _, name := range []string{"abs", "char", "hex", "length", "lower", "ltrim", "octet_length", "quote", "round", "rtrim", "sign", "soundex", "trim", "typeof", "unhex", "unicode", "unistr", "upper", "likely", "unlikely"} {
		for _, v := range any_ {
			calls = append(calls, call{name, []value.Value{v}})
		}
	}
	some := func(name string, n int, pools ...[]value.Value) {
		for range n {
			var args []value.Value
			for _, pool := range pools {
				args = append(args, pick(r, pool))
			}
			calls = append(calls, call{name, args})
		}
	}
	subjects := slices.Concat(null, word, word, word, bytes, small, real_)
	starts := slices.Concat(small, small, integers(math.MaxInt64, math.MinInt64), null)
	some("substr", 2000, subjects, starts, starts)
	some("substr", 500, subjects, starts)
	some("instr", 1000, subjects, slices.Concat(subjects, texts("b", "c", "l", "本", "")))
	some("replace", 1000, subjects, slices.Concat(texts("a", "b", "abc", "", "x", "本"), null), subjects)
	some("trim", 500, subjects, slices.Concat(texts(" ", "x", "a", "abc", "", "日", "é1"), null))
	some("ltrim", 500, subjects, slices.Concat(texts(" ", "x", "a", "abc", "", "日"), null))
	some("rtrim", 500, subjects, slices.Concat(texts(" ", "x", "c", "abc", "", "語"), null))
	some("unhex", 500, slices.Concat(word, texts("61-62", "6-162", "6162 ", "ab CD", "0G")), slices.Concat(texts(" ", "-", " -", "xyz"), null))
	some("round", 3000, any_, slices.Concat(small, integers(15, 16, 17, 30, 40), null))
	some("round", 3000, func() (list []value.Value) {
		for range 3000 {
			list = append(list, value.FromReal(math.Round(r.NormFloat64()*1e6)/math.Pow(10, float64(r.IntN(8)))))
		}
		return list
	}(), integers(0, 1, 2, 3, 4, 5, 6))
	for _, name := range []string{"min", "max", "coalesce"} {
		some(name, 500, any_, any_, any_)
		some(name, 300, any_, any_)
	}
	some("nullif", 500, any_, any_)
	some("ifnull", 200, any_, any_)
	some("iif", 200, any_, any_, any_)
	some("iif", 200, any_, any_)
	some("if", 200, any_, any_, any_, any_)
	some("iif", 200, any_, any_, any_, any_, any_)
	some("concat", 300, any_, any_, any_)
	some("concat", 100, any_)
	some("concat_ws", 300, any_, any_, any_, any_)
	some("like", 1000, texts("a%", "%C", "_b_", "", "%", "h_llo", "日%", "1%", "%!%%"), any_)
	some("like", 500, texts("a%", "%!%%", "!_b", "%!", "!!"), any_, slices.Concat(texts("!", "", "ab", "%", "é"), null))
	some("glob", 500, texts("a*", "*c", "?b?", "[a-c]*", "", "*", "h?llo", "1*"), any_)
	some("char", 200, whole, whole, whole)
	some("unistr", 0)
	for _, s := range []string{`\0041`, `a\u00e9b`, `\+01F600`, `\U0001F600`, `\\`, `\`, `\00`, `\zzzz`, `x\u12`} {
		calls = append(calls, call{"unistr", texts(s)})
	}
	some("zeroblob", 20, small)
	some("likelihood", 10, any_, reals(0.5))
	agree(t, calls, false)
}

func TestMath(t *testing.T) {
	r := chance(t)
	numbers := slices.Concat(null, small, real_, texts("1", "abc", "2.5", "1x", ""), reals(0.1, 0.9, -0.9, 0.99999, 3, 10, 100, 2, math.Pi, math.E))
	var calls []call
	for _, name := range []string{"acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "ceiling", "cos", "cosh", "degrees", "exp", "floor", "ln", "log", "log10", "log2", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc"} {
		for _, v := range numbers {
			calls = append(calls, call{name, []value.Value{v}})
		}
	}
	for _, name := range []string{"atan2", "log", "mod", "pow", "power"} {
		for range 500 {
			calls = append(calls, call{name, []value.Value{pick(r, numbers), pick(r, numbers)}})
		}
	}
	calls = append(calls, call{"pi", nil})
	calls = slices.DeleteFunc(calls, func(c call) bool { // where C's library is not as exact either
		return strings.HasPrefix(c.name, "pow") && (math.Abs(c.args[0].Real()) == 5e-324 || math.Abs(c.args[1].Real()) > 1000)
	})
	agree(t, calls, true)
}

func TestFormat(t *testing.T) {
	r := chance(t)
	var calls []call
	for range 20000 {
		var pattern strings.Builder
		var args []value.Value
		for range 1 + r.IntN(2) {
			pattern.WriteString(pick(r, []string{"", "x", "%%", "é"}))
			pattern.WriteByte('%')
			for range r.IntN(3) {
				pattern.WriteString(pick(r, []string{"-", "+", " ", "0", "#", ",", "!"}))
			}
			if r.IntN(2) == 0 {
				pattern.WriteString(pick(r, []string{"1", "5", "12", "30", "*"}))
			}
			if r.IntN(2) == 0 {
				pattern.WriteString(pick(r, []string{".0", ".1", ".3", ".10", ".17", ".25", ".*", "."}))
			}
			pattern.WriteString(pick(r, []string{"d", "i", "u", "x", "X", "o", "f", "e", "E", "g", "G", "s", "z", "q", "Q", "w", "c", "r", "p", "ld", "lld", "lf", "k", "", "d", "f", "g", "s"}))
			for range r.IntN(3) {
				v := pick(r, any_)
				if strings.Contains(pattern.String(), "*") && math.Abs(v.Real()) > 1e5 {
					v = value.FromInt(7) // of a width
				}
				args = append(args, v)
			}
		}
		if strings.Contains(pattern.String(), "#") && strings.ContainsAny(pattern.String(), "qQw") {
			continue // which SQLite escapes control characters in
		}
		calls = append(calls, call{pick(r, []string{"printf", "format"}), append(texts(pattern.String()), args...)})
	}
	agree(t, calls, false)
}

func TestDates(t *testing.T) {
	r := chance(t)
	var calls []call
	number := func(most int) string { return strconv.Itoa(r.IntN(most)) }
	two := func(most int) string { return fmt.Sprintf("%02d", r.IntN(most)) }
	date := func() string {
		return fmt.Sprintf("%s%04d-%s-%s", pick(r, []string{"", "", "", "", "", "-"}), pick(r, []int{2024, 2023, 1970, 2000, 1900, 0, 9999, r.IntN(3000), 4713}), two(14), two(33))
	}
	clock := func() string {
		return two(25) + ":" + two(61) + pick(r, []string{"", ":" + two(61), ":" + two(60) + "." + number(10000), ":59.9996", ":00"})
	}
	zone := func() string {
		return pick(r, []string{"", "", "", "Z", " z", "+02:00", "-05:30", " +00:00", "+15:00", "x", " "})
	}
	moment := func() value.Value {
		switch r.IntN(10) {
		case 0:
			return value.FromReal(r.Float64() * 5373490)
		case 1:
			return value.FromInt(r.Int64N(4e9) - 1e9)
		case 2:
			return value.FromText(clock() + zone())
		case 3:
			return value.FromText(strconv.FormatFloat(r.Float64()*3e6, 'f', 3, 64))
		case 4:
			return pick(r, slices.Concat(null, small, texts("", "abc", "2024", "2024-01", "2024-1-1", "24:00", "2024-12-31 24:00:00", "2024-02-30T24:00"), real_))
		}
		return value.FromText(date() + pick(r, []string{"", "", " " + clock() + zone(), "T" + clock() + zone()}))
	}
	modifier := func() value.Value {
		sign := pick(r, []string{"+", "-", ""})
		return value.FromText(pick(r, []string{
			"start of day", "start of month", "start of year", "end of day", "end of month", "end of year", "Start Of Month", "weekday 0", "weekday 3", "weekday -2", "weekday 7", "weekday 1.5",
			"auto", "julianday", "unixepoch", "ceiling", "floor", "subsec", "subsecond", "utc", "bogus", "", "+1 foo",
			sign + number(40) + " days", sign + number(20) + " months", sign + number(30) + " years", sign + number(100) + " hours", sign + number(100) + ".5 minutes", sign + number(100000) + " seconds",
			sign + "1 day", sign + "1 month", sign + "1 year", sign + "1.5 month", sign + "0.5 years", sign + "0.0004 second",
			sign + two(24) + ":" + two(60), sign + two(25) + ":" + two(60) + ":" + two(60) + ".5",
			sign + "0001-" + two(13) + "-" + two(32), sign + "0000-01-00 " + two(24) + ":" + two(60), sign + "12345-01-01", sign + "0002-11-30 10:20:30.5",
		}))
	}
	for range 30000 {
		name := pick(r, []string{"date", "time", "datetime", "julianday", "unixepoch", "strftime"})
		var args []value.Value
		if name == "strftime" {
			var pattern strings.Builder
			for range 1 + r.IntN(3) {
				pattern.WriteString(pick(r, []string{"x", "%", "%%", "%d", "%e", "%f", "%F", "%G", "%g", "%H", "%I", "%j", "%J", "%k", "%l", "%m", "%M", "%p", "%P", "%R", "%s", "%S", "%T", "%u", "%U", "%V", "%w", "%W", "%Y", "%d", "%y"}))
			}
			args = texts(pattern.String())
		}
		args = append(args, moment())
		for range r.IntN(4) {
			args = append(args, modifier())
		}
		calls = append(calls, call{name, args})
	}
	for range 5000 {
		calls = append(calls, call{"timediff", []value.Value{moment(), moment()}})
	}
	agree(t, calls, false)
}

// json makes a text that is JSON, or JSON5, or mostly that.
func json(r *rand.Rand, depth int) string {
	if r.IntN(60) == 0 {
		return pick(r, []string{"", ",", "]", "tru", "0x", "01", "1.", "'", `"\q"`, "nul", "{a}", "{1:2}", "--1", "+", "1e", `"a`, "[1,,2]"})
	}
	kind := r.IntN(12)
	if depth == 0 {
		kind = r.IntN(9)
	}
	switch kind {
	case 0:
		return pick(r, []string{"null", "true", "false"})
	case 1, 2:
		return pick(r, []string{"0", "1", "-1", "42", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "123456789012345678901"})
	case 3:
		return pick(r, []string{"1.5", "-0.0", "1e3", "1E-5", "0.1", "3.0", "1e400", "12.50"})
	case 4, 5, 6:
		return pick(r, []string{`""`, `"a"`, `"b c"`, `"é"`, `"a\"b"`, `"\u00e9"`, `"\n\t"`, `"\ud83d\ude00"`, `"\\"`, `"\/"`, `"日本"`, `"\ud800"`})
	case 7:
		return pick(r, []string{`'a'`, `'x"y'`, `"\x41"`, `'it\'s'`, "+5", ".5", "5.", "0x1F", "-0xff", "Infinity", "-Infinity", "NaN", "nan", `"\v"`, `"\0"`, "\"a\tb\"", "\"line\\\nfeed\"", "+Infinity", "inf"})
	case 8:
		return pick(r, []string{"[]", "{}", " 1 ", "\t[ ]\n", "/* c */ 1", "// x\n 2", "[1,]", `{"a":1,}`})
	case 9, 10:
		var parts []string
		for range r.IntN(4) {
			name := pick(r, []string{`"a"`, `"b"`, `"c"`, `"a"`, `"d e"`, `"\u0061"`, `""`, `"1"`, `a`, `'b'`, `$x`, `"é"`, `"a.b"`})
			parts = append(parts, name+pick(r, []string{":", " : "})+json(r, depth-1))
		}
		return "{" + strings.Join(parts, pick(r, []string{",", " , "})) + "}"
	}
	var parts []string
	for range r.IntN(4) {
		parts = append(parts, json(r, depth-1))
	}
	return "[" + strings.Join(parts, pick(r, []string{",", ", "})) + "]"
}

func path(r *rand.Rand) string {
	if r.IntN(30) == 0 {
		return pick(r, []string{"", "a", "$x", "$.", "$[", "$[a]", "$[#-]", "$..a", "$.a.", "$[1", `$."a`, "$ ", "[0]"})
	}
	var b strings.Builder
	b.WriteByte('$')
	for range r.IntN(4) {
		b.WriteString(pick(r, []string{".a", ".b", ".c", ".x", `."d e"`, `."a"`, "[0]", "[1]", "[2]", "[#]", "[#-1]", "[#-2]", "[9]", ".é", `."\u0061"`, `."a.b"`, ".a", "[0]"}))
	}
	return b.String()
}

func TestJSON(t *testing.T) {
	r := chance(t)
	text := func() value.Value {
		if r.IntN(40) == 0 {
			return pick(r, slices.Concat(null, small, real_))
		}
		return value.FromText(json(r, 3))
	}
	argument := func() value.Value {
		switch r.IntN(4) {
		case 0:
			return value.FromJSON(pick(r, []string{"[1,2]", `{"a":1}`, `"x"`, "1", "null", "[1]"}))
		case 1:
			return pick(r, bytes[1:2])
		}
		return pick(r, slices.Concat(null, whole, real_, word))
	}
	where := func() value.Value {
		if r.IntN(20) == 0 {
			return value.Value{}
		}
		return value.FromText(path(r))
	}
	var calls []call
	add := func(name string, args ...value.Value) { calls = append(calls, call{name, args}) }
	for range 4000 {
		add(pick(r, []string{"json", "json_valid", "json_type", "json_array_length", "json_error_position", "json_pretty"}), text())
		add(pick(r, []string{"json_type", "json_array_length", "json_extract", "json_remove"}), text(), where())
		add("json_extract", text(), where(), where())
		add("json_remove", text(), where(), where())
		add(pick(r, []string{"json_set", "json_insert", "json_replace", "json_array_insert"}), text(), where(), argument())
		add(pick(r, []string{"json_set", "json_insert", "json_replace", "json_array_insert"}), text(), where(), argument(), where(), argument())
		add("json_patch", text(), text())
		add(pick(r, []string{"->", "->>"}), text(), pick(r, slices.Concat(texts("a", "b", "d e", "[0]", "[#-1]", "0", "a.b", "$.a", "$[1]", "", "$.a.b", "é"), small, null, real_)))
	}
	for range 1000 {
		add("json_array", argument(), argument())
		add("json_object", pick(r, word), argument(), pick(r, word), argument())
		add("json_quote", argument())
		add("json_valid", text(), pick(r, integers(1, 2, 3, 0, 16, 6)))
		add("json_pretty", text(), pick(r, texts("", " ", "\t", "--")))
	}
	add("json_array")
	add("json_object")
	add("json_object", texts("a")...)
	agree(t, calls, false)
}
