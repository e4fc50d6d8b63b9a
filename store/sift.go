package store

import "github.com/stowage-db/stowage/query"

// sift walks an index and passes over entries whose documents cannot match, without
// fetching them.
type sift struct {
	walk
	early   *query.Filter // of entries
	paths   int           // of the index
	tx      *Tx
	keys    *int64 // counts what is passed over
	certain bool   // the entry at hand has passed; else it could not be told
	list    []byte
	failed  error
}

func (w *sift) next() (entry []byte, ok bool) {
	for w.failed == nil {
		if entry, ok = w.walk.next(); !ok {
			return nil, false
		}
		if w.list, w.certain = query.AppendEntry(w.list[:0], entry, w.paths); !w.certain {
			return entry, true
		}
		if ok, w.failed = w.early.Match(w.list); ok && w.failed == nil {
			return entry, true
		}
		*w.keys++
		if w.failed == nil {
			w.failed = w.tx.Work(entryWork)
		}
	}
	return nil, false
}

func (w *sift) skip(n int64) { skipEach(w, n) }

func (w *sift) err() error {
	if w.failed != nil {
		return w.failed
	}
	return w.walk.err()
}
