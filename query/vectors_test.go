package query

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var updateVectors = flag.Bool("update", false, "write the shared vectors anew")

// tagged is a value in JSON, as both sides of the bridge read it: an object of
// one field, which tells the type. JSON's own numbers cannot tell −0, NaN or 2⁶³.
type tagged struct {
	Number    *string            `json:"number,omitempty"`
	Bigint    *string            `json:"bigint,omitempty"`
	Date      *int64             `json:"date,omitempty"`
	String    *string            `json:"string,omitempty"`
	Bytes     *string            `json:"bytes,omitempty"` // hex
	Array     *[]tagged          `json:"array,omitempty"`
	Map       *map[string]tagged `json:"map,omitempty"`
	Null      bool               `json:"null,omitempty"`
	Bool      *bool              `json:"bool,omitempty"`
	Undefined bool               `json:"undefined,omitempty"`
}

func num(s string) tagged      { return tagged{Number: &s} }
func bigint(s string) tagged   { return tagged{Bigint: &s} }
func dateOf(ms int64) tagged   { return tagged{Date: &ms} }
func text(s string) tagged     { return tagged{String: &s} }
func hexBytes(s string) tagged { return tagged{Bytes: &s} }
func flagOf(b bool) tagged     { return tagged{Bool: &b} }

var emptyMap = tagged{Map: &map[string]tagged{}}

func arrayOf(elements ...tagged) tagged {
	if elements == nil {
		elements = []tagged{}
	}
	return tagged{Array: &elements}
}

// value is v as a Go value of the kinds that AppendValue takes.
func (v tagged) value(t *testing.T) any {
	switch {
	case v.Number != nil:
		f, err := strconv.ParseFloat(*v.Number, 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	case v.Bigint != nil:
		i, ok := new(big.Int).SetString(*v.Bigint, 10)
		if !ok {
			t.Fatal(*v.Bigint)
		}
		if i.IsInt64() {
			return i.Int64()
		}
		return i.Uint64()
	case v.Date != nil:
		return time.UnixMilli(*v.Date)
	case v.String != nil:
		return *v.String
	case v.Bytes != nil:
		b, err := hex.DecodeString(*v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return b
	case v.Array != nil:
		list := []any{}
		for _, element := range *v.Array {
			list = append(list, element.value(t))
		}
		return list
	case v.Map != nil:
		members := map[string]any{}
		for name, member := range *v.Map {
			members[name] = member.value(t)
		}
		return members
	case v.Bool != nil:
		return *v.Bool
	case v.Undefined:
		return undefinedValue
	default:
		return nil
	}
}

// keyVector is a value and its key. The vectors stand in the order of their
// keys; values of equal keys stand together.
type keyVector struct {
	Name  string `json:"name"`
	Value tagged `json:"value"`
	Key   string `json:"key"` // hex
}

var keyVectors = []keyVector{
	{"undefined", tagged{Undefined: true}, ""},
	{"null", tagged{Null: true}, ""},
	{"false", flagOf(false), ""},
	{"true", flagOf(true), ""},
	{"minus infinity", num("-Infinity"), ""},
	{"the least float", num("-1.7976931348623157e308"), ""},
	{"−2⁶³", bigint("-9223372036854775808"), ""},
	{"−2⁶³ as a float", num("-9223372036854775808"), ""},
	{"−2⁶³+1", bigint("-9223372036854775807"), ""},
	{"−2⁵³−2", bigint("-9007199254740994"), ""},
	{"−2⁵³−1", bigint("-9007199254740993"), ""},
	{"−2⁵³", num("-9007199254740992"), ""},
	{"minus a million", num("-1000000"), ""},
	{"−256", num("-256"), ""},
	{"−1.5", num("-1.5"), ""},
	{"−1", num("-1"), ""},
	{"−1 as a bigint", bigint("-1"), ""},
	{"−0.1", num("-0.1"), ""},
	{"the negative float next to 0", num("-5e-324"), ""},
	{"0", num("0"), ""},
	{"−0", num("-0"), ""},
	{"0 as a bigint", bigint("0"), ""},
	{"the positive float next to 0", num("5e-324"), ""},
	{"0.1", num("0.1"), ""},
	{"0.5", num("0.5"), ""},
	{"1", num("1"), ""},
	{"1 as a bigint", bigint("1"), ""},
	{"1.5", num("1.5"), ""},
	{"5", num("5"), ""},
	{"127", num("127"), ""},
	{"128", num("128"), ""},
	{"255", num("255"), ""},
	{"256", num("256"), ""},
	{"π", num("3141.592653589793"), ""},
	{"65535", num("65535"), ""},
	{"2³²", num("4294967296"), ""},
	{"2⁵³−1", num("9007199254740991"), ""},
	{"2⁵³", num("9007199254740992"), ""},
	{"2⁵³+1", bigint("9007199254740993"), ""},
	{"2⁵³+2", bigint("9007199254740994"), ""},
	{"2⁶³−1", bigint("9223372036854775807"), ""},
	{"2⁶³", bigint("9223372036854775808"), ""},
	{"2⁶³ as a float", num("9223372036854775808"), ""},
	{"2⁶³+1", bigint("9223372036854775809"), ""},
	{"2⁶⁴−1", bigint("18446744073709551615"), ""},
	{"2⁶⁴ as a float", num("18446744073709551616"), ""},
	{"the greatest float", num("1.7976931348623157e308"), ""},
	{"infinity", num("Infinity"), ""},
	{"the first Date there is", dateOf(-8_640_000_000_000_000), ""},
	{"a millisecond before 1970", dateOf(-1), ""},
	{"1970", dateOf(0), ""},
	{"a millisecond after 1970", dateOf(1), ""},
	{"2023", dateOf(1_700_000_000_123), ""},
	{"the last Date there is", dateOf(8_640_000_000_000_000), ""},
	{"no text", text(""), ""},
	{"a zero", text("\x00"), ""},
	{"two zeros", text("\x00\x00"), ""},
	{"a zero and a letter", text("\x00a"), ""},
	{"U+0001", text("\x01"), ""},
	{"a capital", text("A"), ""},
	{"a letter", text("a"), ""},
	{"a letter and a zero", text("a\x00"), ""},
	{"a zero between", text("a\x00b"), ""},
	{"two letters", text("aa"), ""},
	{"the next letter", text("b"), ""},
	{"Ålesund", text("Ålesund"), ""},
	{"the last code point of 16 bits", text("\uffff"), ""},
	{"beyond 16 bits, where UTF-16 would sort before", text("\U0001F600"), ""},
	{"no bytes", hexBytes(""), ""},
	{"bytes 00", hexBytes("00"), ""},
	{"bytes 00 ff", hexBytes("00ff"), ""},
	{"bytes 01", hexBytes("01"), ""},
	{"bytes ff", hexBytes("ff"), ""},
	{"bytes ff 00", hexBytes("ff00"), ""},
	{"bytes ff ff", hexBytes("ffff"), ""},
	{"an empty array", arrayOf(), ""},
	{"an array of undefined", arrayOf(tagged{Undefined: true}), ""},
	{"an array of null", arrayOf(tagged{Null: true}), ""},
	{"an array of a number", arrayOf(num("1")), ""},
	{"an array of two numbers", arrayOf(num("1"), num("-1")), ""},
	{"an array of a greater number", arrayOf(num("2")), ""},
	{"an array of no text", arrayOf(text("")), ""},
	{"an array of no text and null", arrayOf(text(""), tagged{Null: true}), ""},
	{"an array of text", arrayOf(text("a"), text("b")), ""},
	{"an array in an array", arrayOf(arrayOf()), ""},
	{"an array and more in an array", arrayOf(arrayOf(), num("1")), ""},
	{"arrays, deeper", arrayOf(arrayOf(arrayOf(text("x")), dateOf(0)), flagOf(true)), ""},
	{"NaN", num("NaN"), ""},
	{"a map", emptyMap, ""},
	{"an array of NaN", arrayOf(num("NaN")), ""},
	{"an array of a map", arrayOf(num("1"), emptyMap), ""},
}

// TestKeyVectors: the keys in testdata/keys.json are those that are made here, in
// ascending order. The TypeScript tests read the same file.
func TestKeyVectors(t *testing.T) {
	var last []byte
	vectors := append([]keyVector{}, keyVectors...)
	for i := range vectors {
		v := vectors[i].Value.value(t)
		key, _, err := AppendKeyRaw(nil, AppendValue(nil, v))
		if err != nil {
			t.Fatal(vectors[i].Name, err)
		}
		if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			if other, _, _ := AppendKeyRaw(nil, AppendValue(nil, int64(f))); !bytes.Equal(key, other) {
				t.Errorf("%s: another key as an integer: %x, %x", vectors[i].Name, key, other)
			}
		}
		if bytes.Compare(key, last) < 0 {
			t.Errorf("%s: %x is below %x of the vector before", vectors[i].Name, key, last)
		}
		vectors[i].Key = hex.EncodeToString(key)
		last = key
	}
	compareVectors(t, "testdata/keys.json", lines(t, vectors))
}

// lines is a JSON array with one element a line.
func lines[T any](t *testing.T, elements []T) string {
	var all []string
	for _, element := range elements {
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(element); err != nil {
			t.Fatal(err)
		}
		all = append(all, "  "+strings.TrimSpace(line.String()))
	}
	return "[\n" + strings.Join(all, ",\n") + "\n]\n"
}

func compareVectors(t *testing.T, file, want string) {
	t.Helper()
	if *updateVectors {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from what is made now; -update writes it", file)
	}
}

// filterVector is a filter and which of some documents it matches.
type filterVector struct {
	Name    string            `json:"name"`
	Docs    []json.RawMessage `json:"docs"`
	Filter  json.RawMessage   `json:"filter"`
	Matches []int             `json:"matches"` // positions in docs
}

// TestFilterVectors: the filters in testdata/filters.json, in plain JSON, match
// what they are said to match. The TypeScript tests compare what their builder
// makes with the same filters.
func TestFilterVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/filters.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []filterVector
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		f, err := ParseFilter(packJSON(t, v.Filter))
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		matches := []int{}
		for i, doc := range v.Docs {
			ok, err := f.Match(packJSON(t, doc))
			if err != nil {
				t.Fatal(v.Name, err)
			}
			if ok {
				matches = append(matches, i)
			}
		}
		if fmt.Sprint(matches) != fmt.Sprint(v.Matches) {
			t.Errorf("%s: matches %v, want %v", v.Name, matches, v.Matches)
		}
	}
}

// packJSON turns JSON into the MessagePack that msgpackr would make of it.
func packJSON(t *testing.T, raw []byte) []byte {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return AppendValue(nil, integers(v))
}

// integers makes integers of floats that are integers.
func integers(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<32 {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = integers(v[name])
		}
	}
	return v
}

// identityVector is a filter, its identity, and the hash of that.
type identityVector struct {
	Name     string `json:"name"`
	Filter   tagged `json:"filter"`
	Identity string `json:"identity"` // hex
	Hash     string `json:"hash"`     // hex
}

// TestIdentityVectors: the identities in testdata/identities.json are those that are
// made here. The TypeScript tests read the same file.
func TestIdentityVectors(t *testing.T) {
	ast := func(operator string, operands ...tagged) tagged {
		return arrayOf(append([]tagged{text(operator)}, operands...)...)
	}
	a, ab, none := arrayOf(text("a")), arrayOf(text("a"), num("300"), text("å.b")), arrayOf()
	mapOf := func(members map[string]tagged) tagged { return tagged{Map: &members} }
	object := mapOf(map[string]tagged{"y": arrayOf(num("1"), text("x\x00")), "x": tagged{Null: true}, "": num("NaN")})
	members := mapOf(map[string]tagged{"y": num("1"), "x": arrayOf(text("z"))})
	eq, gt := ast("eq", a, num("2")), ast("gt", ab, text("x"))
	vectors := []identityVector{{Name: "noop", Filter: ast("noop")}}
	add := func(name string, filter tagged) {
		vectors = append(vectors, identityVector{Name: name, Filter: filter})
	}
	for _, v := range keyVectors {
		add("eq: "+v.Name, ast("eq", a, v.Value))
	}
	for _, operator := range []string{"eq", "ne", "lt", "lte", "gt", "gte"} {
		add(operator, ast(operator, ab, dateOf(5)))
		add(operator+" of fields", ast("field", text(operator), a, ab))
	}
	for _, operator := range []string{"in", "any", "all"} {
		add(operator, ast(operator, a, arrayOf(text("b"), num("1"), bigint("1"), object, num("NaN"), arrayOf(), tagged{Undefined: true})))
	}
	for _, operator := range []string{"startsWith", "endsWith", "contains", "icontains"} {
		add(operator, ast(operator, a, text("Å")))
	}
	for _, operator := range []string{"elemMatch", "every"} {
		add(operator, ast(operator, a, ast("gt", none, num("1"))))
	}
	add("an object", ast("eq", a, object))
	add("between", ast("between", a, num("1"), num("2")))
	add("between, open", ast("between", a, num("1"), num("2"), flagOf(true), flagOf(false)))
	add("exists", ast("exists", ab))
	add("type", ast("type", a, text("null")))
	add("mod", ast("mod", a, num("7"), num("-1")))
	add("size", ast("size", a, num("200")))
	add("fragment", ast("fragment", ab, members))
	add("fragment of the whole", ast("and", eq, ast("fragment", none, members)))
	add("fragment of nothing", ast("fragment", a, emptyMap))
	add("a function", ast("host", none, num("0"), text("search /å/i")))
	add("a function's answer", ast("host", a, num("3"), text("f"), ast("eq", none, num("1"))))
	add("and", ast("and", eq, gt))
	add("and, the other way round", ast("and", gt, eq))
	add("and, nested", ast("and", gt, ast("and", eq, gt)))
	add("and of one", ast("and", eq))
	add("or", ast("or", eq, gt, ast("or")))
	add("or of none", ast("or"))
	add("not", ast("not", ast("or", eq, ast("not", gt))))
	for i := range vectors {
		v := &vectors[i]
		f, err := ParseFilter(AppendValue(nil, v.Filter.value(t)))
		if err != nil {
			t.Fatal(v.Name, err)
		}
		identity, ok := f.Identity()
		hash, hashed := f.Hash()
		if !ok || !hashed {
			t.Errorf("%s: no identity", v.Name)
		}
		v.Identity, v.Hash = hex.EncodeToString([]byte(identity)), strconv.FormatUint(hash, 16)
	}
	compareVectors(t, "testdata/identities.json", lines(t, vectors))
}
