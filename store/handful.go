package store

import "github.com/stowage-db/stowage/query/sql"

// handful is documents that are handed over at once, with their identities.
type handful struct {
	statement  *statement
	walk       walk
	sweep      *sweep // what walk is, if it is one
	identities bool   // they are wanted
	pages      func(sql.Page) (taken bool, err error)
	offered    offered
	docs, keys [][]byte
	bytes      int  // of the documents
	touched    byte // by which the compiler sees that touching is for something
}

// offered is the page that was offered last, as a sql.Page.
type offered struct {
	in       *handful
	leaf     *page
	ref      Ref // its
	strips   *sql.Strips
	from, to int
}

// A handful has so many documents at most, of about so many bytes.
const (
	mostDocuments     = 256
	mostDocumentBytes = 256 << 10
)

// fill takes the next documents, none at the end.
func (h *handful) fill(size int) error {
	h.empty()
	for h.wants(size) {
		key, ok := h.walk.next()
		if !ok {
			return nil
		}
		if h.pages != nil && h.sweep != nil && size == mostDocuments {
			taken, err := h.offer()
			switch {
			case err != nil:
				return err
			case taken:
				continue
			case h.sweep.ahead: // what came before is wanted first
				return nil
			}
		}
		doc, err := h.walk.value()
		if err != nil {
			return err
		}
		h.add(key, doc)
		if h.sweep != nil && h.wants(size) {
			if err := h.fillPage(h.sweep.cursor, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// offer offers what stands on a page from the current entry on, where that is most of it. Whoever takes
// pages is handed what came before first.
func (h *handful) offer() (taken bool, err error) {
	c, s := h.sweep.cursor, h.statement
	leaf, from, to := c.stretch()
	if from--; leaf == nil || leaf == h.offered.leaf || 2*(to-from) < leaf.len() { // the current one stands before the stretch
		return false, nil
	}
	below := c.merge.below()
	if len(leaf.prefix) < spaceBytes || below.tombstones+below.overflows > 0 { // not all of it is documents of this table
		return false, nil
	}
	if len(h.docs) > 0 {
		h.sweep.ahead = true
		return false, nil
	}
	h.offered = offered{in: h, leaf: leaf, ref: below.ref, from: from, to: to}
	strips, ok := s.tx.in.pages.cache.beside(below.ref, leaf, func() any { return new(sql.Strips) }).(*sql.Strips)
	if !ok {
		return false, nil
	}
	h.offered.strips = strips
	if s.tx.noted() { // whoever takes it may commit, or end the walk, before the cursor has come to its end
		s.tx.noteRead(KeyRange{Low: leaf.appendKey(nil, from), High: append(leaf.appendKey(nil, to-1), 0)})
	}
	taken, err = h.pages(&h.offered)
	switch {
	case err != nil || !taken:
		return false, err
	case c.steady():
		c.resume(to - 1)
	default: // whoever took it has written
		h.sweep.jump(append(leaf.appendKey(nil, to-1), 0)[spaceBytes:])
	}
	return true, s.tx.Work((to - from) * memoryEntryBytes)
}

func (o *offered) Strips() *sql.Strips         { return o.strips }
func (o *offered) Stretch() (from, to, of int) { return o.from, o.to, o.leaf.len() }

func (o *offered) Docs() [][]byte {
	h := o.in // of whose own none are left
	h.docs = h.docs[:0]
	for i := range o.leaf.len() {
		h.docs = append(h.docs, o.leaf.entry(i).value)
	}
	docs := h.docs
	h.docs = h.docs[:0]
	return docs
}

func (o *offered) Room(n int) bool { return o.in.statement.tx.in.pages.cache.keep(o.ref, o.leaf, n) }

// fillPage takes what stands behind the current entry on its page, without asking the walk for
// each.
func (h *handful) fillPage(c *Cursor, size int) (err error) {
	s := h.statement
	leaf, from, to := c.stretch()
	last := from - 1
	h.touched += leaf.touch(from, min(to, from+size-len(h.docs)))
	for i := from; i < to && h.wants(size); i++ {
		e := leaf.entry(i)
		if e.kind == deleted {
			continue
		}
		if e.kind == overflow {
			if e.value, err = s.tx.in.value(e); err != nil {
				return err
			}
		}
		var key []byte
		if h.identities {
			s.whole = leaf.appendKey(s.whole[:0], i)
			key = s.whole[spaceBytes:]
		}
		h.add(key, e.value)
		last = i
	}
	if last >= from {
		c.resume(last)
	}
	return nil
}

func (h *handful) empty() { h.docs, h.keys, h.bytes = h.docs[:0], h.keys[:0], 0 }

func (h *handful) wants(size int) bool { return len(h.docs) < size && h.bytes < mostDocumentBytes }

func (h *handful) add(key, doc []byte) {
	if h.identities {
		key = h.statement.keep(key)
	}
	h.docs, h.keys, h.bytes = append(h.docs, doc), append(h.keys, key), h.bytes+len(doc)
}
