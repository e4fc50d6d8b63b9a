package coder

import (
	"iter"

	"github.com/stowage-db/stowage/store"
)

// Map is a database seen through coders, as long as the transaction lasts that
// the database was opened in. Either coder may be replaced at any time, by one of
// other types too:
//
//	records := coder.Map[int, Record]{db, coder.Uint16[int](), coder.JSON[Record]()}
//	texts := coder.Map[int, string]{db, records.Key, coder.String}
//
// Its methods fail as those of store.DB do, and as the coders do; then nothing has changed.
type Map[K, V any] struct {
	DB    *store.DB
	Key   Coder[K]
	Value Coder[V]
}

// Pair is a key and a value.
type Pair[K, V any] struct {
	Key   K
	Value V
}

// Get returns the value of a key and whether there is one.
func (m Map[K, V]) Get(key K) (value V, found bool, err error) {
	return m.take(key, m.DB.Get)
}

// Pop removes a key and returns its value.
func (m Map[K, V]) Pop(key K) (value V, found bool, err error) {
	return m.take(key, m.DB.Pop)
}

// take decodes what a method of the database returns for a key.
func (m Map[K, V]) take(key K, from func([]byte) ([]byte, bool, error)) (value V, found bool, err error) {
	var none V
	k, err := encode(m.Key, key)
	if err != nil {
		return none, false, err
	}
	b, found, err := from(k)
	if err != nil || !found {
		return none, false, err
	}
	value, err = m.Value.Decode(b)
	return value, err == nil, err
}

// GetOr returns the value of a key, or another where there is none.
func (m Map[K, V]) GetOr(key K, otherwise V) (V, error) {
	value, found, err := m.Get(key)
	if err == nil && !found {
		return otherwise, nil
	}
	return value, err
}

// GetMulti returns the values of several keys, each where its key stands, and for
// each whether there is one.
func (m Map[K, V]) GetMulti(keys []K) (values []V, found []bool, err error) {
	encoded, err := m.keys(keys)
	if err != nil {
		return nil, nil, err
	}
	stored, err := m.DB.GetMulti(encoded)
	if err != nil {
		return nil, nil, err
	}
	values, found = make([]V, len(keys)), make([]bool, len(keys))
	for i, b := range stored {
		if found[i] = b != nil; !found[i] {
			continue
		}
		if values[i], err = m.Value.Decode(b); err != nil {
			return nil, nil, err
		}
	}
	return values, found, nil
}

func (m Map[K, V]) keys(keys []K) (encoded [][]byte, err error) {
	encoded = make([][]byte, len(keys))
	for i, key := range keys {
		if encoded[i], err = encode(m.Key, key); err != nil {
			return nil, err
		}
	}
	return encoded, nil
}

// Put sets the value of a key.
func (m Map[K, V]) Put(key K, value V) error {
	p, err := m.pair(key, value)
	if err != nil {
		return err
	}
	return m.DB.Put(p.Key, p.Value)
}

// Add sets the value of a key that has none, and reports whether it had none.
func (m Map[K, V]) Add(key K, value V) (added bool, err error) {
	p, err := m.pair(key, value)
	if err != nil {
		return false, err
	}
	return m.DB.Add(p.Key, p.Value)
}

// Replace sets the value of a key and returns the one it had.
func (m Map[K, V]) Replace(key K, value V) (old V, found bool, err error) {
	p, err := m.pair(key, value)
	if err != nil {
		return old, false, err
	}
	return m.take(key, func(k []byte) ([]byte, bool, error) { return m.DB.Replace(k, p.Value) })
}

// PutMulti puts many pairs, all or none, as store.DB does.
func (m Map[K, V]) PutMulti(pairs []Pair[K, V], overwrite bool) (consumed, added int, err error) {
	encoded := make([]store.Pair, len(pairs))
	for i, p := range pairs {
		if encoded[i], err = m.pair(p.Key, p.Value); err != nil {
			return 0, 0, err
		}
	}
	return m.DB.PutMulti(encoded, overwrite)
}

func (m Map[K, V]) pair(key K, value V) (p store.Pair, err error) {
	if p.Key, err = encode(m.Key, key); err != nil {
		return p, err
	}
	p.Value, err = encode(m.Value, value)
	return p, err
}

// Delete removes a key and reports whether it was there.
func (m Map[K, V]) Delete(key K) (found bool, err error) {
	k, err := encode(m.Key, key)
	if err != nil {
		return false, err
	}
	return m.DB.Delete(k)
}

// DeleteMulti removes several keys and reports of each whether it was there.
func (m Map[K, V]) DeleteMulti(keys []K) (found []bool, err error) {
	encoded, err := m.keys(keys)
	if err != nil {
		return nil, err
	}
	return m.DB.DeleteMulti(encoded)
}

// Range is which keys to go through, and how: those from Low on and below High,
// or those whose bytes begin with those of Prefix. Without any it is all keys.
type Range[K any] struct {
	Low, High *K
	Prefix    *K
	Reverse   bool
}

// Entries yields the pairs of a range in the order of keys. An error is the last it yields.
//
//	for entry, err := range records.Entries(coder.Range[int]{Low: new(10)}) { … }
func (m Map[K, V]) Entries(r Range[K]) iter.Seq2[Pair[K, V], error] {
	return func(yield func(Pair[K, V], error) bool) {
		bounds, err := m.bounds(r)
		if err != nil {
			yield(Pair[K, V]{}, err)
			return
		}
		c := m.DB.Cursor(bounds)
		defer c.Close()
		entries := c.Forward()
		if r.Reverse {
			entries = c.Backward()
		}
		for key, value := range entries {
			p, err := m.decode(key, value)
			if !yield(p, err) || err != nil {
				return
			}
		}
		if err := c.Err(); err != nil {
			yield(Pair[K, V]{}, err)
		}
	}
}

func (m Map[K, V]) bounds(r Range[K]) (bounds store.KeyRange, err error) {
	if r.Prefix != nil {
		if r.Low != nil || r.High != nil {
			return bounds, fail(store.InvalidArgument, "map: a range with a prefix and bounds", nil)
		}
		prefix, err := encode(m.Key, *r.Prefix)
		return m.DB.Prefix(prefix), err
	}
	if r.Low != nil {
		if bounds.Low, err = encode(m.Key, *r.Low); err != nil {
			return bounds, err
		}
	}
	if r.High != nil {
		bounds.High, err = encode(m.Key, *r.High)
	}
	return bounds, err
}

func (m Map[K, V]) decode(key, value []byte) (p Pair[K, V], err error) {
	if p.Key, err = m.Key.Decode(key); err != nil {
		return Pair[K, V]{}, err
	}
	p.Value, err = m.Value.Decode(value)
	return p, err
}
