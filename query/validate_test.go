package query

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// nested is a map with depth−1 lists, one in the other.
func nested(depth int) []byte {
	doc := []byte{0x81, 0xa1, 'a'}
	doc = append(doc, bytes.Repeat([]byte{0x91}, depth-1)...)
	return append(doc, 0xc0)
}

// nestedKey has them in the name of a field.
func nestedKey(depth int) []byte {
	doc := append([]byte{0x81}, bytes.Repeat([]byte{0x91}, depth-1)...)
	return append(doc, 0xc0, 0xc0)
}

func TestValidate(t *testing.T) {
	wide := AppendValue(nil, map[string]any{"a": slices.Repeat([]any{[]any{}}, 1000)})
	for _, test := range []struct {
		name string
		raw  []byte
		code string
	}{
		{"a map", AppendValue(nil, map[string]any{"a": []any{1, "x", nil}}), ""},
		{"an empty map", []byte{0x80}, ""},
		{"many shallow lists", wide, ""},
		{"deep enough", nested(MaxDepth), ""},
		{"too deep", nested(MaxDepth + 1), "too_deep"},
		{"much too deep", nested(1_000_000), "too_deep"},
		{"too deep in a name", nestedKey(MaxDepth + 1), "too_deep"},
		{"nothing", nil, "invalid_document"},
		{"a list", []byte{0x90}, "invalid_document"},
		{"a string", []byte{0xa1, 'a'}, "invalid_document"},
		{"cut short", []byte{0x81, 0xa1}, "invalid_document"},
		{"cut short in a value", []byte{0x81, 0xa1, 'a', 0xcb, 0}, "invalid_document"},
		{"more behind", []byte{0x80, 0xc0}, "invalid_document"},
		{"the byte that is never used", []byte{0x81, 0xa1, 'a', 0xc1}, "invalid_document"},
		{"a length out of all bounds", []byte{0xdf, 0xff, 0xff, 0xff, 0xff}, "invalid_document"},
	} {
		for name, err := range map[string]error{
			"Validate": Validate(test.raw, MaxDepth),
			"Extract":  extract(test.raw, Field("b"), Field("a").At(0)),
		} {
			var coded *Error
			if errors.As(err, &coded) != (test.code != "") || coded != nil && coded.Code != test.code {
				t.Errorf("%s: %s: %v, want %q", test.name, name, err, test.code)
			}
		}
	}
}

func extract(raw []byte, paths ...Path) error {
	x := NewExtractor(paths)
	return x.Extract(raw, MaxDepth, x.Offsets())
}

// TestExtract compares what one pass finds with what Lookup finds for each path.
func TestExtract(t *testing.T) {
	r := newRandom(t)
	for range 5_000 {
		var paths []Path
		for range r.IntN(6) {
			paths = append(paths, randomPath(r, false))
		}
		x := NewExtractor(paths)
		offsets, finder, columns := x.Offsets(), x.Finder(), NewColumns(x)
		doc := AppendValue(nil, randomDocument(r, 2))
		var docs [][]byte
		var each [][]int
		for round := range 6 {
			if round%3 > 0 { // else it is the one before, of which the finder knows the members
				doc = AppendValue(nil, randomDocument(r, 2))
			}
			if err := x.Extract(doc, MaxDepth, offsets); err != nil {
				t.Fatal(err)
			}
			for i, path := range paths {
				v, found, err := Lookup(doc, path)
				at := offsets[x.Slot(i)]
				if err != nil || found != (at >= 0 && !IsUndefined(doc[at:])) || found && !bytes.HasPrefix(doc[at:], v) {
					t.Fatalf("%v in % x: offset %d, found % x, %v", path, doc, at, v, err)
				}
			}
			if some, err := finder.Find(doc); err != nil || !slices.Equal(found(x, some, paths), found(x, offsets, paths)) {
				t.Fatalf("%v in % x: Find enters %d, Extract %d, %v", paths, doc, some, offsets, err)
			}
			docs, each = append(docs, doc), append(each, found(x, offsets, paths))
		}
		for _, many := range [][2]int{{0, 2}, {0, 6}, {2, 5}} {
			all, err := columns.Find(docs[many[0]:many[1]])
			if err != nil {
				t.Fatal(err)
			}
			for i, doc := range docs[many[0]:many[1]] {
				for n, path := range paths {
					if at, want := all[x.Slot(n)][i], each[many[0]+i][n]; at != want && x.Slot(n) > 0 {
						t.Fatalf("%v in % x: Columns.Find enters %d, Extract %d", path, doc, at, want)
					}
				}
			}
		}
	}
}

// TestColumnsOfLongDocuments: columns are found in documents of any number of members, most of which are like
// the first, as each is found on its own; and they are passed over together, up to very many.
func TestColumnsOfLongDocuments(t *testing.T) {
	r := newRandom(t)
	name := func(i int) string { return strings.Repeat("n", 1+i%20) + strconv.Itoa(i) }
	for _, members := range []int{1, 14, 15, 16, 17, 100, 250, 255, 256, 257, 300} {
		paths := []Path{Field(name(0)), Field(name(members - 1)), Field(name(members / 2)), Field("none")}
		x := NewExtractor(paths)
		columns, offsets := NewColumns(x), x.Offsets()
		for range 20 {
			var docs [][]byte
			for range 20 {
				raw := msgp.AppendMapHeader(nil, uint32(members))
				for i := range members {
					if r.IntN(20*members) == 0 {
						i = r.IntN(members)
					}
					raw = AppendValue(msgp.AppendString(raw, name(i)), randomValue(r, 1))
				}
				docs = append(docs, raw)
			}
			all, err := columns.Find(docs)
			if err != nil {
				t.Fatal(err)
			}
			for i, doc := range docs {
				if err := x.Extract(doc, MaxDepth, offsets); err != nil {
					t.Fatal(err)
				}
				for n, path := range paths {
					if at := all[x.Slot(n)][i]; max(at, missing) != max(offsets[x.Slot(n)], missing) {
						t.Fatalf("%v of %d members: Columns.Find enters %d, Extract %d", path, members, at, offsets[x.Slot(n)])
					}
				}
			}
		}
		paths = paths[:2]
		plain := msgp.AppendMapHeader(nil, uint32(members))
		for i := range members {
			plain = msgp.AppendString(msgp.AppendString(plain, name(i)), "and a value")
		}
		columns = NewColumns(NewExtractor(paths))
		if _, err := columns.Find([][]byte{plain, plain}); err != nil || columns.learned != (members < maxMembers) {
			t.Errorf("%d members: learned %v, %v", members, columns.learned, err)
		}
	}
}

// found are the offsets of paths.
func found(x *Extractor, offsets []int, paths []Path) (at []int) {
	for i := range paths {
		at = append(at, offsets[x.Slot(i)])
	}
	return at
}

// TestEqualNames: the first of equal names counts, wherever one looks.
func TestEqualNames(t *testing.T) {
	doc := []byte{0x83, 0xa1, 'a', 0x81, 0xa1, 'x', 1, 0xa1, 'a', 0x81, 0xa1, 'b', 2, 0xa1, 'a', 3}
	x := NewExtractor([]Path{Field("a", "b"), Field("a", "x")})
	offsets := x.Offsets()
	if err := x.Extract(doc, MaxDepth, offsets); err != nil {
		t.Fatal(err)
	}
	if offsets[x.Slot(0)] != missing || offsets[x.Slot(1)] != 6 {
		t.Errorf("offsets %v", offsets)
	}
	if _, found, _ := Lookup(doc, Field("a", "b")); found {
		t.Error("Lookup went into the second of two fields of one name")
	}
}

func FuzzValidate(f *testing.F) {
	r := newRandom(f)
	for range 50 {
		f.Add(AppendValue(nil, randomDocument(r, 3)))
	}
	f.Add(nested(MaxDepth))
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := Validate(raw, MaxDepth)
		other := extract(raw, Field("a", "b"), Field("a").At(1), Field("c"))
		if (err == nil) != (other == nil) {
			t.Fatalf("Validate says %v, Extract %v", err, other)
		}
		fields, damage := AppendFields(nil, raw)
		if err != nil {
			return
		}
		checkFields(t, raw, fields, damage)
		if rest, err := msgp.Skip(raw); err != nil || len(rest) > 0 {
			t.Fatalf("msgp sees %d bytes behind a valid document, %v", len(rest), err)
		}
		if !Equal(raw, raw) && !bytes.Contains(raw, []byte{0x7f}) && !bytes.Contains(raw, []byte{0xff}) {
			t.Fatal("a document without NaN does not equal itself")
		}
	})
}

// checkFields holds the fields of a valid document against what Lookup finds.
func checkFields(t *testing.T, doc []byte, fields []FieldAt, err error) {
	t.Helper()
	count, end := mapHead(doc, 0)
	if err != nil || len(fields) != count {
		t.Fatalf("%d fields of %d, %v", len(fields), count, err)
	}
	known := make(map[string]bool)
	for _, f := range fields {
		name := string(doc[f.Name:f.Value])
		if v, found, err := Lookup(doc, Field(name)); name != "" && !known[name] && (err != nil || found && !bytes.Equal(v, doc[f.Value:f.End])) {
			t.Fatalf("%q in % x is % x, Lookup finds % x, %v", name, doc, doc[f.Value:f.End], v, err)
		}
		known[name] = true
		if f.Start != end || f.Name < f.Start || f.Value <= f.Start || f.End <= f.Value {
			t.Fatalf("%q in % x is at %d, behind %d", name, doc, f, end)
		}
		end = f.End
	}
	if end != len(doc) {
		t.Fatalf("the fields of % x end at %d", doc, end)
	}
}
