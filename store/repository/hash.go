package repository

import (
	"reflect"
	"slices"

	"github.com/stowage-db/stowage/store"
)

// NewHash returns a repository of structs, each a hash of its exported fields under the
// names in their json tags. Texts stand there as they are, numbers in decimal, booleans
// as 1 and 0, what marshals to text as that, and the rest as JSON; what is nil is left
// out. An entity that is added replaces all of the one before.
//
// The key of an entity is the attribute Config.ID. Where K is a struct the attributes
// of the same names as its own make up the key. An entity that is Keyed tells it itself.
func NewHash[E any, K comparable](config Config) (*Repository[E, K], error) {
	h, err := newHash[E, K](config)
	if err != nil {
		return nil, err
	}
	return newRepository[E, K](config, h)
}

// hash is the form of structs.
type hash[E any, K comparable] struct {
	attributes []attribute
	keyFrom    [][]int // the fields of an entity that its key is made of
	keyTo      [][]int // and where they go; nil where the key is one of them
}

func newHash[E any, K comparable](config Config) (*hash[E, K], error) {
	entity, key := reflect.TypeFor[E](), reflect.TypeFor[K]()
	h := new(hash[E, K])
	var err error
	if h.attributes, err = attributesOf(entity); err != nil || entity.Implements(reflect.TypeFor[Keyed[K]]()) {
		return h, err
	}
	wanted := []attribute{{name: config.ID}}
	if wanted[0].name == "" {
		wanted[0].name = "id"
	}
	parts := []reflect.Type{key}
	if key.Kind() == reflect.Struct && !isPart(key) {
		if wanted, err = attributesOf(key); err != nil {
			return nil, err
		}
		parts = nil
		for _, part := range wanted {
			h.keyTo, parts = append(h.keyTo, part.index), append(parts, key.FieldByIndex(part.index).Type)
		}
	}
	for i, part := range wanted {
		at := slices.IndexFunc(h.attributes, func(a attribute) bool { return a.name == part.name })
		if at < 0 || entity.FieldByIndex(h.attributes[at].index).Type != parts[i] {
			return nil, fail(store.InvalidOption, "repository: "+entity.String()+" has no attribute "+part.name+" as its key has", nil)
		}
		h.keyFrom = append(h.keyFrom, h.attributes[at].index)
	}
	return h, nil
}

func (h *hash[E, K]) kind() (Kind, bool) { return KindHash, false }

func (h *hash[E, K]) key(entity E) (key K) {
	if keyed, ok := any(entity).(Keyed[K]); ok {
		return keyed.Key()
	}
	from, to := reflect.ValueOf(&entity).Elem(), reflect.ValueOf(&key).Elem()
	for i, index := range h.keyFrom {
		target := to
		if h.keyTo != nil {
			target = to.FieldByIndex(h.keyTo[i])
		}
		target.Set(from.FieldByIndex(index))
	}
	return key
}

func (h *hash[E, K]) encode(entity E) (Value, error) {
	v := reflect.ValueOf(&entity).Elem()
	fields := make(map[string]string, len(h.attributes))
	for _, a := range h.attributes {
		text, present, err := written(v.FieldByIndex(a.index))
		if err != nil {
			return Value{}, fail(store.InvalidDocument, "repository: "+a.name, err)
		}
		if present {
			fields[a.name] = text
		}
	}
	if len(fields) == 0 {
		return Value{}, fail(store.InvalidDocument, "repository: nothing to be stored", nil)
	}
	return Value{Fields: fields}, nil
}

func (h *hash[E, K]) ask(o *options) (Read, bool, error) {
	if err := o.only(optionFields); err != nil {
		return Read{}, false, err
	}
	for _, name := range o.fields {
		if !slices.ContainsFunc(h.attributes, func(a attribute) bool { return a.name == name }) {
			return Read{}, false, fail(store.InvalidQuery, "repository: field "+name, nil)
		}
	}
	return Read{Kind: KindHash, Fields: o.fields}, o.fields != nil, nil
}

func (h *hash[E, K]) decode(_ K, value Value) (entity E, found bool, err error) {
	v := reflect.ValueOf(&entity).Elem()
	for _, a := range h.attributes {
		text, present := value.Fields[a.name]
		if !present {
			continue
		}
		if err := readInto(v.FieldByIndex(a.index), text); err != nil {
			var none E
			return none, false, fail(store.Undecodable, "repository: "+a.name, err)
		}
	}
	return entity, true, nil
}
