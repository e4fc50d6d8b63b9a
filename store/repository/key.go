package repository

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// Parted is a key that tells its parts itself. All of a repository have equally many.
type Parted interface{ Parts() []string }

// keys makes the keys of tiers: the name of the repository and the parts of the entity's
// key, joined by colons. A colon in one of them is written %3A, and a % %25.
type keys[K comparable] struct {
	prefix string
	fields [][]int // of a composite key, whose parts they are; nil where it has one part
}

var escapes = strings.NewReplacer("%", "%25", ":", "%3A")

// newKeys fails where K is no key: it must be a Parted, a text, a whole number, an
// encoding.TextMarshaler, or a struct of such.
func newKeys[K comparable](name string) (k keys[K], err error) {
	k.prefix = escapes.Replace(name) + ":"
	t := reflect.TypeFor[K]()
	if t.Implements(reflect.TypeFor[Parted]()) || isPart(t) {
		return k, nil
	}
	if t.Kind() == reflect.Struct && t.NumField() > 0 {
		for _, f := range reflect.VisibleFields(t) {
			if !f.IsExported() || !isPart(f.Type) {
				return k, fail(store.InvalidOption, "repository: "+t.String()+"."+f.Name+" is no part of a key", nil)
			}
			k.fields = append(k.fields, f.Index)
		}
		return k, nil
	}
	return k, fail(store.InvalidOption, "repository: "+t.String()+" is no key", nil)
}

// isPart tells whether a type is one part of a key.
func isPart(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// text is the key of a tier. It fails with InvalidKey where a part is missing.
func (k *keys[K]) text(key K) (string, error) {
	parts, err := k.parts(key)
	if err != nil {
		return "", fail(store.InvalidKey, "repository", err)
	}
	b := []byte(k.prefix)
	for i, part := range parts {
		if part == "" {
			return "", fail(store.InvalidKey, "repository: a part of the key is missing", nil)
		}
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, escapes.Replace(part)...)
	}
	if len(parts) == 0 {
		return "", fail(store.InvalidKey, "repository: a key without parts", nil)
	}
	return string(b), nil
}

func (k *keys[K]) parts(key K) ([]string, error) {
	switch key := any(key).(type) {
	case Parted:
		return key.Parts(), nil
	case string:
		return []string{key}, nil
	}
	v := reflect.ValueOf(&key).Elem()
	if k.fields == nil {
		part, err := partOf(v)
		return []string{part}, err
	}
	parts := make([]string, len(k.fields))
	for i, index := range k.fields {
		var err error
		if parts[i], err = partOf(v.FieldByIndex(index)); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// partOf is one part of a key as text.
func partOf(v reflect.Value) (string, error) {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, err := m.MarshalText()
		return string(b), err
	}
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), nil
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), nil
	}
	return v.String(), nil
}
