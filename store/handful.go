package store

// handful is documents that are handed over at once, with their identities.
type handful struct {
	statement  *statement
	walk       walk
	sweep      *sweep // what walk is, if it is one
	identities bool   // they are wanted
	docs, keys [][]byte
	bytes      int  // of the documents
	touched    byte // by which the compiler sees that touching is for something
}

// A handful has so many documents at most, of about so many bytes.
const (
	mostDocuments     = 256
	mostDocumentBytes = 256 << 10
)

// fill takes the next documents, none at the end.
func (h *handful) fill(size int) error {
	h.docs, h.keys, h.bytes = h.docs[:0], h.keys[:0], 0
	for h.wants(size) {
		key, ok := h.walk.next()
		if !ok {
			return nil
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

func (h *handful) wants(size int) bool { return len(h.docs) < size && h.bytes < mostDocumentBytes }

func (h *handful) add(key, doc []byte) {
	if h.identities {
		key = h.statement.keep(key)
	}
	h.docs, h.keys, h.bytes = append(h.docs, doc), append(h.keys, key), h.bytes+len(doc)
}
