package repository

import "github.com/stowage-db/stowage/store"

// form is how entities of a kind stand under their keys.
type form[E any, K comparable] interface {
	// kind is that of the keys; a form that merges adds to what there is.
	kind() (kind Kind, merges bool)
	// key is that of an entity.
	key(entity E) K
	// encode is what is stored of an entity; it fails with InvalidDocument.
	encode(entity E) (Value, error)
	// ask is what answers a query, and whether that may be less than the whole. It fails
	// with InvalidQuery.
	ask(o *options) (read Read, partial bool, err error)
	// decode is the entity of an answer, and whether there is one in it.
	decode(key K, value Value) (entity E, found bool, err error)
}

// Validator is an entity that tells what is wrong with it before it is added.
type Validator interface{ Validate() error }

// valid fails with InvalidDocument where an entity says that it is wrong.
func valid(entity any) error {
	v, ok := entity.(Validator)
	if !ok {
		return nil
	}
	if err := v.Validate(); err != nil {
		return fail(store.InvalidDocument, "repository", err)
	}
	return nil
}

// Keyed is an entity that tells its key itself.
type Keyed[K comparable] interface{ Key() K }
