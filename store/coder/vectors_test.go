package coder_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/coder"
)

// vector is a line of testdata/coders.json, which the JavaScript tests read too:
// a value and its bytes, or a value or bytes and the code of the error they meet.
// Packed are bytes that stand for the value but need not be the same everywhere.
type vector struct {
	Coder  string         `json:"coder"`
	Value  map[string]any `json:"value"`
	Bytes  string         `json:"bytes"`
	Packed string         `json:"packed"`
	Error  store.Code     `json:"error"`
}

// anyCoder is a coder of values as the vectors have them.
type anyCoder struct {
	encode func(any) ([]byte, error)
	decode func([]byte) (any, error)
}

func of[T any](c coder.Coder[T], from func(any) T) anyCoder {
	return anyCoder{
		encode: func(v any) ([]byte, error) { return c.Append(nil, from(v)) },
		decode: func(b []byte) (any, error) { return c.Decode(b) },
	}
}

func as[T any](v any) T { return v.(T) }

// asInt takes floats without a fraction for integers, as JavaScript does.
func asInt[T coder.Integer](v any) T {
	switch v := v.(type) {
	case float64:
		return T(v)
	case int64:
		return T(v)
	default:
		return v.(T)
	}
}

// shared is the data of a vector as JavaScript sees it: whole numbers are
// integers where they have 32 bits.
func shared(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && v >= math.MinInt32 && v <= math.MaxUint32 {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = shared(v[i])
		}
	case coder.Set:
		shared([]any(v))
	case coder.Entries:
		for i, entry := range v {
			v[i] = coder.Entry{Key: shared(entry.Key), Value: shared(entry.Value)}
		}
	case coder.Custom:
		return coder.Custom{Name: v.Name, Value: shared(v.Value)}
	case map[string]any:
		for name := range v {
			v[name] = shared(v[name])
		}
	}
	return v
}

func asIs(v any) any { return v }

func find(t *testing.T, name string, v any) anyCoder {
	if inner, level, ok := strings.Cut(name, " compressed "); ok {
		n, err := strconv.Atoi(level)
		if err != nil {
			t.Fatal(err)
		}
		if inner == "json" {
			return of(coder.Compressed(coder.JSON[any](), n), asIs)
		}
		return of(coder.Compressed(coder.String, n), as[string])
	}
	switch name {
	case "identity":
		return of(coder.Identity, as[[]byte])
	case "string":
		return of(coder.String, as[string])
	case "string utf-16le":
		return of(coder.Text(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)), as[string])
	case "string utf-16be":
		return of(coder.Text(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)), as[string])
	case "string latin1":
		return of(coder.Text(charmap.ISO8859_1), as[string])
	case "string koi8-r":
		return of(coder.Text(charmap.KOI8R), as[string])
	case "string iso-8859-15":
		return of(coder.Text(charmap.ISO8859_15), as[string])
	case "uint16":
		return of(coder.Uint16[int64](), asInt[int64])
	case "uint32":
		return of(coder.Uint32[int64](), asInt[int64])
	case "uint64":
		if _, wide := v.(uint64); wide {
			return of(coder.Uint64[uint64](), as[uint64])
		}
		return of(coder.Uint64[int64](), asInt[int64])
	case "int64":
		if _, wide := v.(uint64); wide {
			return of(coder.Int64[uint64](), as[uint64])
		}
		return of(coder.Int64[int64](), asInt[int64])
	case "int":
		return of(coder.Int64[int](), asInt[int])
	case "float64":
		return of(coder.Float64, as[float64])
	case "json":
		return of(coder.JSON[any](), asIs)
	case "messagepack":
		return of(coder.MessagePack, shared)
	case "tuple":
		return of(coder.Tuple, as[[]any])
	}
	t.Fatalf("a vector of %q, which is no coder", name)
	return anyCoder{}
}

// untag is the Go value of a tagged one: an object of one field that tells the type.
func untag(t *testing.T, tagged map[string]any) any {
	for kind, content := range tagged {
		switch kind {
		case "number":
			f, err := strconv.ParseFloat(content.(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		case "bigint":
			i, ok := new(big.Int).SetString(content.(string), 10)
			if !ok {
				t.Fatalf("%q is no integer", content)
			}
			switch {
			case i.IsInt64():
				return i.Int64()
			case i.IsUint64():
				return i.Uint64()
			}
			return i
		case "date":
			return time.UnixMilli(int64(content.(float64)))
		case "bytes":
			return unhex(t, content.(string))
		case "array":
			list := []any{}
			for _, element := range content.([]any) {
				list = append(list, untag(t, element.(map[string]any)))
			}
			return list
		case "map":
			m := map[string]any{}
			for name, member := range content.(map[string]any) {
				m[name] = untag(t, member.(map[string]any))
			}
			return m
		case "null":
			return nil
		case "set":
			return coder.Set(untag(t, map[string]any{"array": content}).([]any))
		case "entries":
			var entries coder.Entries
			for _, pair := range content.([]any) {
				both := untag(t, map[string]any{"array": pair}).([]any)
				entries = append(entries, coder.Entry{Key: both[0], Value: both[1]})
			}
			return entries
		case "regexp":
			return coder.RegExp{Source: content.([]any)[0].(string), Flags: content.([]any)[1].(string)}
		case "url":
			return coder.URL(content.(string))
		case "custom":
			return coder.Custom{Name: "named", Value: untag(t, content.([]any)[0].(map[string]any))}
		case "Float64Array":
			return listOf[float64](content)
		case "Uint16Array":
			return listOf[uint16](content)
		case "Uint8ClampedArray":
			return coder.Clamped(listOf[byte](content))
		default:
			return content // string, bool
		}
	}
	return nil
}

func listOf[T float64 | uint16 | byte](content any) (list []T) {
	for _, element := range content.([]any) {
		list = append(list, T(element.(float64)))
	}
	return list
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	stored, err := os.ReadFile("testdata/coders.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(stored, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 100 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for i, v := range vectors {
		value := untag(t, v.Value)
		c := find(t, v.Coder, value)
		switch {
		case v.Error != "" && v.Value != nil:
			if b, err := c.encode(value); store.CodeOf(err) != v.Error {
				t.Errorf("%d: %s of %v is %x, %v; want %s", i, v.Coder, v.Value, b, err, v.Error)
			}
		case v.Error != "":
			if got, err := c.decode(unhex(t, v.Bytes)); store.CodeOf(err) != v.Error {
				t.Errorf("%d: %s reads %s as %#v, %v; want %s", i, v.Coder, v.Bytes, got, err, v.Error)
			}
		case v.Packed != "":
			comesBack(t, c, v, v.Packed, value)
		default:
			if b, err := c.encode(value); err != nil || hex.EncodeToString(b) != v.Bytes {
				t.Errorf("%d: %s of %v is %x, %v; want %s", i, v.Coder, v.Value, b, err, v.Bytes)
			}
			comesBack(t, c, v, v.Bytes, value)
		}
	}
}

// comesBack checks that bytes are read as something that has the bytes of value.
func comesBack(t *testing.T, c anyCoder, v vector, stored string, value any) {
	want, err := c.encode(value)
	if err != nil {
		t.Errorf("%s of %v: %v", v.Coder, v.Value, err)
		return
	}
	got, err := c.decode(unhex(t, stored))
	if err != nil {
		t.Errorf("%s does not read %s: %v", v.Coder, stored, err)
		return
	}
	if again, err := c.encode(got); err != nil || string(again) != string(want) {
		t.Errorf("%s reads %s as %#v: %v", v.Coder, stored, got, err)
	}
}
