package query

import (
	"bytes"
	"maps"
	"slices"
	"testing"
)

// reduced is what is left of a document, by the reference.
func reduced(doc map[string]any, keep bool, paths []Path) map[string]any {
	left := map[string]any{}
	for name, v := range doc {
		whole, deeper := false, []Path(nil)
		for _, path := range paths {
			if path[0].Name == name && len(path) == 1 {
				whole = true
			} else if path[0].Name == name {
				deeper = append(deeper, path[1:])
			}
		}
		inside, isMap := v.(map[string]any)
		switch {
		case !whole && deeper != nil && isMap:
			left[name] = reduced(inside, keep, deeper)
		case whole == keep:
			left[name] = v
		}
	}
	return left
}

func TestProjectionOfRandomDocuments(t *testing.T) {
	r := newRandom(t)
	for range 2000 {
		doc := randomDocument(r, 3)
		for i := range r.IntN(3) * 9 { // a head of another size
			doc[string(rune('d'+i))] = int64(i)
		}
		var paths []Path
		for range r.IntN(4) {
			path := Path{}
			for range 1 + r.IntN(3) {
				path = path.Field(fieldNames[r.IntN(3)])
			}
			paths = append(paths, path)
		}
		for _, keep := range []bool{true, false} {
			p, err := project(keep, paths)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Append([]byte("before"), AppendValue(nil, doc))
			if err != nil {
				t.Fatal(err)
			}
			got = got[len("before"):]
			want := AppendValue(nil, reduced(doc, keep, paths))
			if err := Validate(got, MaxDepth); err != nil || !Equal(got, want) && !hasNaN(doc) {
				t.Fatalf("%v of %v: %x, want %x (%v)", paths, slices.Collect(maps.Keys(doc)), got, want, err)
			}
		}
	}
}

// hasNaN tells of documents that do not equal themselves.
func hasNaN(doc map[string]any) bool {
	raw := AppendValue(nil, doc)
	return !Equal(raw, raw)
}

func TestProjectionRefuses(t *testing.T) {
	for _, path := range []Path{{}, Field("a").At(0), Field("a").At(0).Field("b")} {
		if _, err := Only(path); err == nil || err.(*Error).Code != codeInvalidPath {
			t.Errorf("%v: %v", path, err)
		}
	}
	path := Raw(Field("a").Append(nil))
	for _, wrong := range []map[string]any{
		{"fields": 5}, {"fields": []any{path}, "without": []any{path}},
		{"fields": []any{path}, "aggregate": []any{[]any{path}, []any{}}},
	} {
		if _, err := ParseQuery(AppendValue(nil, wrong)); err == nil || err.(*Error).Code != codeInvalidQuery {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// What is cut off anywhere is damaged, and nothing else happens.
func TestProjectionOfDamagedBytes(t *testing.T) {
	doc := AppendValue(nil, map[string]any{"a": map[string]any{"b": "text"}, "b": []any{1, 2}})
	p, _ := Only(Field("a", "b"), Field("b"))
	for n := range doc {
		if _, err := p.Append(nil, doc[:n]); err == nil {
			t.Errorf("%x passed", doc[:n])
		}
	}
	if left, err := p.Append(nil, doc); err != nil || !bytes.Equal(left, doc) {
		t.Errorf("%x, %v", left, err)
	}
}
