package store

import "github.com/stowage-db/stowage/query"

// window walks an index and keeps some entries ahead, so that the documents they
// belong to can be read together.
type window struct {
	walk
	docs   *DB
	paths  int  // of the index: what stands in an entry before the identity
	misses int  // of the transaction, when it was last looked ahead; −1 to look at once
	large  bool // pages cannot all be in the cache
	haul   haul
	failed error

	room []byte // the entries, one after the other
	ends []int
	at   int   // the entry to come
	size int   // of the last window: they grow, for most searches are short
	left int64 // entries that are wanted yet, −1 where that is not known
}

func newWindow(over walk, docs *DB, paths int) *window {
	w := &window{walk: over, docs: docs, paths: paths}
	size, cache := docs.tx.treeBytes(), docs.tx.in.pages.cache
	w.large = size > int64(cache.size())
	w.haul = haul{docs: docs, lent: size > int64(cache.ceiling)}
	w.reset()
	return w
}

// reset has the window begin anew, for a walk that does.
//
//go:noinline
func (w *window) reset() {
	if w.misses = w.docs.tx.in.misses; w.large {
		w.misses = -1
	}
	w.haul.drop()
	w.haul.misses = w.misses
	w.failed, w.room, w.ends, w.at, w.size, w.left = nil, w.room[:0], w.ends[:0], 0, 0, -1
}

// treeBytes is the size of what the transaction sees, but for what is in memory anyway.
func (tx *Tx) treeBytes() (total int64) {
	for _, t := range tx.trees() {
		total += t.root.bytes
	}
	return total
}

// want tells how many entries will be asked for at most.
func (w *window) want(n int64) {
	w.left = n
	w.size = int(min(n, aheadKeys))
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

// identity is that of the document an entry belongs to; nil for an entry that is none,
// which is found out where it is looked at.
func (w *window) identity(i int) []byte {
	key := w.entry(i)
	for range w.paths {
		n, ok := query.SkipComponent(key)
		if !ok {
			return nil
		}
		key = key[n:]
	}
	return key
}

// fill takes the next entries in.
func (w *window) fill() bool {
	if w.failed != nil {
		return false
	}
	written := w.haul.outdated()
	w.grow()
	w.room, w.ends, w.at = w.room[:0], w.ends[:0], 0
	for len(w.ends) < w.size {
		entry, ok := w.walk.next()
		if !ok {
			break
		}
		w.room = append(w.room, entry...)
		w.ends = append(w.ends, len(w.room))
	}
	if !w.haul.lent && len(w.ends) >= leastLifted && !written {
		w.misses = -1
	}
	return len(w.ends) > 0
}

// grow chooses the size of the next window.
func (w *window) grow() {
	most := aheadKeys
	worth := w.haul.lent && w.haul.read > 0 // and so it will be for the next ones
	w.haul.drop()
	if worth || !w.haul.lent {
		most = w.haul.most()
	}
	if worth {
		w.misses = -1
	}
	w.size = min(max(1, 2*w.size), most)
	if w.left >= 0 {
		w.size = int(min(max(1, w.left), int64(w.size)))
		w.left -= int64(w.size)
	}
}

// look gets the documents to come where that is less work together, or has their leaves read, for one before
// had to be, or is likely to.
func (w *window) look() bool {
	switch n := len(w.ends) - w.at; {
	case n < 2 || w.haul.has(w.at):
	case !w.haul.lent && n < leastLifted:
		w.failed = w.docs.fetch(w.identities(n))
	default:
		w.failed = w.haul.bring(w.at, w.identities(n))
	}
	w.misses = w.docs.tx.in.misses
	return w.failed == nil
}

// identities are those of the next n documents, or of those before an entry that is none.
func (w *window) identities(n int) [][]byte {
	keys := make([][]byte, 0, n)
	for i := w.at; i < w.at+n; i++ {
		key := w.identity(i)
		if key == nil {
			break
		}
		keys = append(keys, key)
	}
	return keys
}

// document is that of the entry at hand where it has been read ahead, else nil.
func (w *window) document() []byte {
	doc := w.haul.document(w.at - 1)
	if doc != nil && w.docs.tx.noted() {
		var room [96]byte
		w.docs.tx.noteKey(append(w.docs.space.appendTo(room[:0]), w.identity(w.at-1)...))
	}
	return doc
}

func (w *window) close() {
	w.reset()
	w.walk.close()
}

func (w *window) err() error {
	if w.failed != nil {
		return w.failed
	}
	return w.walk.err()
}
