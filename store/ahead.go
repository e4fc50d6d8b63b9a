package store

import (
	"bytes"
	"slices"

	"github.com/stowage-db/stowage/query"
)

// ahead looks ahead along keys of a database that are got one after the other.
// Once one of them was not in the cache, the leaves of those that follow are read
// together: a read of many costs the backend little more than a read of one.
type ahead struct {
	db     *DB
	misses int // of the transaction, when it was last looked ahead
	until  int // keys before this one have been looked ahead for
}

// aheadKeys is for how many keys leaves are read ahead: in the worst case each has
// one of its own.
const aheadKeys = 128

func newAhead(db *DB) ahead { return ahead{db: db, misses: db.tx.in.misses} }

// before is called before key i is got. It asks for the keys from i to at most
// another one, exclusive, if they are worth looking for.
func (a *ahead) before(i int, keys func(from, to int) [][]byte) error {
	if i < a.until || a.db.tx.in.misses == a.misses {
		return nil
	}
	a.until = i + aheadKeys
	err := a.db.fetch(keys(i, a.until))
	a.misses = a.db.tx.in.misses
	return err
}

// fetch brings the leaves into the cache that stored keys stand in, if they are in
// a tree. The keys are sorted in place.
func (db *DB) fetch(keys [][]byte) error {
	wholes := make([][]byte, len(keys))
	for i, key := range keys {
		wholes[i] = db.space.whole(key)
	}
	slices.SortFunc(wholes, bytes.Compare)
	for _, t := range db.tx.trees() {
		if err := db.tx.fetch(t, wholes); err != nil {
			return err
		}
	}
	return nil
}

// trees are those that the transaction reads, newest first.
func (tx *Tx) trees() []tree {
	var trees []tree
	for _, l := range append(layersOf(tx.runs), tx.layers...) {
		if l.memory == nil && !l.tree.empty() {
			trees = append(trees, l.tree)
		}
	}
	return trees
}

// fetch reads the leaves of a tree that keys, in order, belong to.
func (tx *Tx) fetch(t tree, wholes [][]byte) error {
	missing, err := tx.in.missing(t, wholes)
	if err != nil || len(missing) == 0 {
		return err
	}
	pages := tx.in.pages
	reach := pages.reach(t, 0, len(missing))
	var refs []Ref
	for _, at := range missing {
		if ref := at.page.child(at.index).ref; !slices.Contains(refs, ref) {
			refs = pages.around(refs, at, reach)
		}
	}
	for part := range slices.Chunk(refs, maxReadAhead) {
		if pages.load(tx.in.ctx, part) != nil {
			return nil // found out by who reads the one it is wrong with, if anybody does
		}
		if err := tx.Work(len(part) * tx.env.options.PageBytes); err != nil {
			return err
		}
	}
	return nil
}

// missing lists the leaves, as steps of their parents, that keys in order belong to
// and that are not in the cache.
func (r *reader) missing(t tree, wholes [][]byte) ([]step, error) {
	var missing []step
	var last Ref
	for _, whole := range wholes {
		p, err := r.node(t.root.ref, t.level)
		for ; err == nil && p.level > 1; p, err = r.below(t, p, p.descend(whole)) {
		}
		if err != nil || p.level == 0 {
			return nil, err
		}
		at := step{p, p.descend(whole)}
		ref := p.child(at.index).ref
		if ref != last && r.pages.cache.get(ref) == nil {
			missing = append(missing, at)
		}
		last = ref
	}
	return missing, nil
}

// window walks an index and keeps some entries ahead, so that the documents they
// belong to can be read together.
type window struct {
	walk
	docs   *DB
	paths  int // of the index: what stands in an entry before the identity
	misses int // of the transaction, when it was last looked ahead; −1 to look at once
	failed error

	room []byte // the entries, one after the other
	ends []int
	at   int // the entry to come
	size int // of the last window: they grow, for most searches are short
	most int // entries that a window may have: no more than the search wants
}

func newWindow(over walk, docs *DB, paths int) *window {
	w := &window{walk: over, docs: docs, paths: paths, misses: docs.tx.in.misses, most: aheadKeys}
	if docs.tx.cold() {
		w.misses = -1
	}
	return w
}

// cold reports whether pages of what the transaction sees cannot be in the cache.
func (tx *Tx) cold() bool {
	total := int64(0)
	for _, t := range tx.trees() {
		total += t.root.bytes
	}
	return total > int64(tx.in.pages.cache.size())
}

func (w *window) next() (entry []byte, ok bool) {
	if w.at == len(w.ends) && !w.fill() {
		return nil, false
	}
	if w.misses != w.docs.tx.in.misses && !w.look() {
		return nil, false
	}
	w.at++
	return w.entry(w.at - 1), true
}

func (w *window) entry(i int) []byte {
	start := 0
	if i > 0 {
		start = w.ends[i-1]
	}
	return w.room[start:w.ends[i]:w.ends[i]]
}

// fill takes the next entries in.
func (w *window) fill() bool {
	if w.failed != nil {
		return false
	}
	w.size = min(max(1, 2*w.size), w.most)
	w.room, w.ends, w.at = w.room[:0], w.ends[:0], 0
	for len(w.ends) < w.size {
		entry, ok := w.walk.next()
		if !ok {
			break
		}
		w.room = append(w.room, entry...)
		w.ends = append(w.ends, len(w.room))
	}
	return len(w.ends) > 0
}

// look has the leaves read of the documents to come, for one before had to be, or
// is likely to.
func (w *window) look() bool {
	if w.at+1 < len(w.ends) {
		w.failed = w.docs.fetch(w.identities())
	}
	w.misses = w.docs.tx.in.misses
	return w.failed == nil
}

// identities are those of the documents to come.
func (w *window) identities() [][]byte {
	keys := make([][]byte, 0, len(w.ends)-w.at)
	for i := w.at; i < len(w.ends); i++ {
		key := w.entry(i)
		for range w.paths {
			n, ok := query.SkipComponent(key)
			if !ok {
				return keys // found out where the entry is looked at
			}
			key = key[n:]
		}
		keys = append(keys, key)
	}
	return keys
}

func (w *window) err() error {
	if w.failed != nil {
		return w.failed
	}
	return w.walk.err()
}
