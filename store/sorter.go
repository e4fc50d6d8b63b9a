package store

import "bytes"

// sorter puts documents in order of their sort keys and holds no more of them
// than are asked for. It is a heap with the last document on top, for that is
// the one to go when a better one comes.
type sorter struct {
	bound int // how many to hold, −1: all
	heap  []sortable
}

// sortable is a document's sort key and, behind it, the document, in memory of
// their own: a document in place would keep its whole page from being freed.
type sortable struct {
	bytes    []byte
	key      int // length of the sort key, which ends with the identity
	identity int // length of the identity
}

func (s *sortable) sortKey() []byte { return s.bytes[:s.key] }

// add takes a document in if it is among the first. A nil doc is not kept.
func (s *sorter) add(key []byte, identity int, doc []byte) {
	full := s.bound >= 0 && len(s.heap) == s.bound
	if full && (s.bound == 0 || bytes.Compare(key, s.heap[0].sortKey()) >= 0) {
		return
	}
	next := sortable{key: len(key), identity: identity}
	if full {
		next.bytes = s.heap[0].bytes[:0]
	} else {
		next.bytes = make([]byte, 0, len(key)+len(doc))
	}
	next.bytes = append(append(next.bytes, key...), doc...)
	if full {
		s.heap[0] = next
		s.down(0, len(s.heap))
		return
	}
	s.heap = append(s.heap, next)
	s.up(len(s.heap) - 1)
}

// sort brings what was added in ascending order. It calls work now and then.
func (s *sorter) sort(work func(n int) error) ([]sortable, error) {
	for n := len(s.heap) - 1; n > 0; n-- {
		s.heap[0], s.heap[n] = s.heap[n], s.heap[0]
		s.down(0, n)
		if err := work(entryWork); err != nil {
			return nil, err
		}
	}
	return s.heap, nil
}

func (s *sorter) less(i, j int) bool {
	return bytes.Compare(s.heap[i].sortKey(), s.heap[j].sortKey()) < 0
}

func (s *sorter) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.less(parent, i) {
			return
		}
		s.heap[i], s.heap[parent] = s.heap[parent], s.heap[i]
		i = parent
	}
}

// down restores the heap of the first n from i on.
func (s *sorter) down(i, n int) {
	for {
		child := 2*i + 1
		if child >= n {
			return
		}
		if child+1 < n && s.less(child, child+1) {
			child++
		}
		if !s.less(i, child) {
			return
		}
		s.heap[i], s.heap[child] = s.heap[child], s.heap[i]
		i = child
	}
}
