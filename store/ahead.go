package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
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
// a tree.
func (db *DB) fetch(keys [][]byte) error {
	sorted, err := db.inOrder(keys)
	if err == nil {
		_, _, err = db.tx.fetch(sorted, len(sorted))
	}
	return err
}

// inOrder sorts stored keys. What it returns is whole keys, each with its number behind it.
func (db *DB) inOrder(keys [][]byte) ([]sortable, error) {
	const number = 4
	size := 0
	for _, key := range keys {
		size += spaceBytes + len(key) + number
	}
	slots := make([]slot, len(keys))
	for i, key := range keys {
		slots[i] = slot{head: headOf(key), at: place(i)}
	}
	sortSlots(slots, func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.head, b.head), bytes.Compare(keys[a.at], keys[b.at]), cmp.Compare(a.at, b.at))
	})
	room, order := make([]byte, 0, size), make([]sortable, len(keys))
	for i, s := range slots {
		key, start := keys[s.at], len(room)
		room = append(db.space.appendTo(room), key...)
		room = binary.BigEndian.AppendUint32(room, uint32(s.at))
		order[i] = sortable{bytes: room[start:len(room):len(room)], key: spaceBytes + len(key)}
	}
	return order, db.tx.Work(len(keys) * entryWork)
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

// fetch reads the leaves that keys, in order, belong to: of each tree at most so many. It
// tells for how many of the keys, and how many leaves that were.
func (tx *Tx) fetch(sorted []sortable, most int) (keys, read int, err error) {
	for _, t := range tx.trees() {
		var missing []step
		if missing, keys, err = tx.in.missing(t, sorted, most); err == nil {
			err = tx.bring(t, missing)
		}
		if err != nil {
			return 0, 0, err
		}
		sorted, read = sorted[:keys], read+len(missing)
	}
	return len(sorted), read, nil
}

// bring reads leaves that are missing.
func (tx *Tx) bring(t tree, missing []step) error {
	pages := tx.in.pages
	if len(missing) == 0 {
		return nil
	}
	reach := pages.reach(t, 0, len(missing))
	var refs []Ref
	for _, at := range missing {
		if ref := at.page.ref(at.index); !slices.Contains(refs, ref) {
			refs = pages.around(refs, at, reach)
		}
	}
	for len(refs) > 0 {
		n := min(len(refs), maxReadAhead)
		if pages.load(tx.in.ctx, refs[:n]) != nil {
			return nil // found out by who reads the one it is wrong with, if anybody does
		}
		refs = refs[n:]
		if err := tx.Work(n * tx.env.options.PageBytes); err != nil {
			return err
		}
	}
	return nil
}

// missing lists the leaves, as steps of their parents, that keys in order belong to
// and that are not in the cache: at most so many, and for how many of the keys.
func (r *reader) missing(t tree, sorted []sortable, most int) (missing []step, keys int, err error) {
	var last Ref
	for i := range sorted {
		whole := sorted[i].sortKey()
		p, err := r.node(t.root.ref, t.level)
		for ; err == nil && p.level > 1; p, err = r.below(t, p, p.descend(whole)) {
		}
		if err != nil || p.level == 0 {
			return nil, len(sorted), err
		}
		at := step{p, p.descend(whole)}
		ref := p.ref(at.index)
		if ref != last && r.pages.cache.get(ref) == nil {
			if len(missing) == most {
				return missing, i, nil
			}
			missing = append(missing, at)
		}
		last = ref
	}
	return missing, len(sorted), nil
}
