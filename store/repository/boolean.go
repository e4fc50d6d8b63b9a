package repository

// NewBoolean returns a repository of what is so: an entity is its own key.
func NewBoolean[K comparable](config Config) (*Repository[K, K], error) {
	return newRepository[K, K](config, boolean[K]{})
}

// boolean is the form of what is so.
type boolean[K comparable] struct{}

func (boolean[K]) kind() (Kind, bool) { return KindBoolean, false }

func (boolean[K]) key(entity K) K { return entity }

func (boolean[K]) encode(K) (Value, error) { return Value{Is: true}, nil }

func (boolean[K]) ask(o *options) (Read, bool, error) {
	return Read{Kind: KindBoolean}, false, o.only(0)
}

func (boolean[K]) decode(id K, value Value) (K, bool, error) { return id, value.Is, nil }
