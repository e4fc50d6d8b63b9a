package repository

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// attribute is a field of an entity.
type attribute struct {
	name  string // from its json tag, or the field's
	index []int
}

// attributesOf are the fields of a struct that are stored.
func attributesOf(t reflect.Type) ([]attribute, error) {
	if t.Kind() != reflect.Struct {
		return nil, fail(store.InvalidOption, "repository: "+t.String()+" is no struct", nil)
	}
	var found []attribute
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Pointer:
			return nil, fail(store.InvalidOption, "repository: "+t.String()+" embeds a pointer", nil)
		case f.Anonymous && f.Type.Kind() == reflect.Struct, !f.IsExported(), name == "-":
			continue
		case name == "":
			name = f.Name
		}
		if slices.ContainsFunc(found, func(a attribute) bool { return a.name == name }) {
			return nil, fail(store.InvalidOption, "repository: "+t.String()+" has two attributes "+name, nil)
		}
		found = append(found, attribute{name, f.Index})
	}
	return found, nil
}

// written is the text of an attribute, and whether there is any: what is nil has none.
// Booleans are 1 and 0, and what no text stands for is JSON.
func written(v reflect.Value) (text string, present bool, err error) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		if v.IsNil() {
			return "", false, nil
		}
	}
	if v.CanAddr() {
		if m, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
			b, err := m.MarshalText()
			return string(b), true, err
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		return written(v.Elem())
	case reflect.String:
		return v.String(), true, nil
	case reflect.Bool:
		if v.Bool() {
			return "1", true, nil
		}
		return "0", true, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as other languages write it
	err = e.Encode(v.Interface())
	return strings.TrimSuffix(b.String(), "\n"), true, err
}

// readInto reads an attribute from what written has made of it.
func readInto(v reflect.Value, text string) error {
	if m, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return m.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return readInto(v.Elem(), text)
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		if text != "0" && text != "1" {
			return strconv.ErrSyntax
		}
		v.SetBool(text == "1")
		return nil
	}
	return json.Unmarshal([]byte(text), v.Addr().Interface())
}
