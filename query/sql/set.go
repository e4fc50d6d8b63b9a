package sql

import "github.com/stowage-db/stowage/query/sql/value"

// set is rows of which each is there once. The first ones are in memory; those that
// there is no room for lie in a spool, where they are found by their keys.
type set struct {
	known *hashed
	keys  []sortKey
	out   *spooled
	key   []byte
}

//go:noinline
func newSet(collations []value.Collation) *set {
	return &set{known: newHashed(collations), keys: keysOf(collations)}
}

// has reports whether a row is there.
func (s *set) has(r *run, row []value.Value) bool {
	if s.known.find(row) >= 0 {
		return true
	}
	if s.out == nil {
		return false
	}
	s.key = appendKeys(s.key[:0], s.keys, row)
	enough, found := newStop(), false
	err := s.out.spool.Each(exactly(s.key), func(_, _ []byte) error {
		found = true
		return enough
	})
	if err != nil && err != enough {
		r.fail(err)
	}
	return found
}

// add reports whether a row was not there yet.
func (s *set) add(r *run, row []value.Value) (added bool, err error) {
	if s.out == nil && s.known.bytes() <= r.ceiling {
		_, added = s.known.add(r, row)
		return added, nil
	}
	if s.has(r, row) || r.err != nil {
		return false, r.err
	}
	if err := openSpool(r, &s.out); err != nil {
		return false, err
	}
	s.key = appendKeys(s.key[:0], s.keys, row)
	return true, s.out.add(s.key, row)
}

// each hands out all rows, which are only for the call.
func (s *set) each(emit func(row []value.Value) error) error {
	for i := range s.known.len() {
		if err := emit(s.known.row(i)); err != nil {
			return err
		}
	}
	if s.out == nil {
		return nil
	}
	row := make([]value.Value, len(s.keys))
	return s.out.spool.Each(all, func(_, packed []byte) error {
		unpack(packed, row)
		return emit(row)
	})
}

// clear forgets all rows.
func (s *set) clear() error {
	s.known.clear()
	out := s.out
	s.out = nil
	return out.close(nil)
}
