package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// writeSet is what a transaction has written and not yet committed or spilled:
// ordered, and made for bulk. Keys and values stand in a few large buffers
// without a pointer in them, so that collecting ten thousand documents allocates
// little and leaves the garbage collector nothing to follow.
type writeSet struct {
	spaces []*spaceWrites // ascending by space
	buffer buffer
	large  [][]byte // values too long to be copied
	bytes  int      // of keys and values, with what they cost beside
}

// spaceWrites are the writes to one database. Keys that come in ascending order
// go straight to the end of sorted; others wait in tail. Until somebody reads,
// tail is not even sorted: a bulk load sorts its index entries once, at the end.
type spaceWrites struct {
	space  space
	set    *writeSet
	sorted []slot // ascending, no key twice
	tail   []slot // newer than sorted: in order of arrival, or, once read, as sorted
	read   bool
	bytes  int // as in the set
	looked int // how often for a key, whether it was there or not
}

// maxTail is how long a tail that is kept sorted may grow.
const maxTail = 64

// A write in the buffer: kind uint8, length of the key uint16, length of the
// value uint32 (or, for large ones, the index in writeSet.large), key, value.
const writeHeader = 1 + 2 + 4

// large marks the kind of a write whose value stands outside the buffer.
const large entryKind = 0x80

// space returns the writes to one database, made if need be.
func (w *writeSet) space(id space) *spaceWrites {
	i, found := slices.BinarySearchFunc(w.spaces, id, func(s *spaceWrites, id space) int { return cmp.Compare(s.space, id) })
	if !found {
		w.spaces = append(w.spaces, nil)
		copy(w.spaces[i+1:], w.spaces[i:])
		w.spaces[i] = &spaceWrites{space: id, set: w}
	}
	return w.spaces[i]
}

// find returns the writes to one database, nil if there are none.
func (w *writeSet) find(id space) *spaceWrites {
	for _, s := range w.spaces {
		if s.space == id {
			return s
		}
	}
	return nil
}

func (w *writeSet) empty() bool { return len(w.spaces) == 0 }

// put notes a write under a whole key, which is copied.
func (s *spaceWrites) put(whole []byte, e entry) {
	added := slot{head: head(whole), at: s.keep(whole, e)}
	if !s.read || len(s.tail) == 0 {
		s.append(added)
		return
	}
	i, found := s.search(s.tail, added.head, whole)
	if found {
		s.tail[i] = added
		return
	}
	s.tail = slices.Insert(s.tail, i, added)
	if len(s.tail) > maxTail {
		s.join()
	}
}

// append notes a write where nobody has read, or where all are sorted.
func (s *spaceWrites) append(added slot) {
	n := len(s.sorted)
	if len(s.tail) == 0 && (n == 0 || s.compare(s.sorted[n-1], added) < 0) {
		s.sorted = append(s.sorted, added)
		return
	}
	s.tail = append(s.tail, added)
}

// keep copies a write into the buffer.
func (s *spaceWrites) keep(whole []byte, e entry) place {
	w, bytes := s.set, len(whole)+len(e.value)+slotBytes
	w.bytes += bytes
	s.bytes += bytes
	kind, value, length := e.kind, e.value, len(e.value)
	if length > maxInline {
		w.large = append(w.large, value)
		kind, value, length = kind|large, nil, len(w.large)-1
	}
	b, at := w.buffer.grow(writeHeader + len(whole) + len(value))
	b[0] = byte(kind)
	binary.LittleEndian.PutUint16(b[1:], uint16(len(whole)))
	binary.LittleEndian.PutUint32(b[3:], uint32(length))
	copy(b[writeHeader:], whole)
	copy(b[writeHeader+len(whole):], value)
	return at
}

// leastTaken is how many bytes writes have at least whose blocks are worth being taken as they are.
const leastTaken = 8 << 10

// take moves newer writes to the set: their keys and values stay where they are, unless there
// are few, whose blocks are mostly room. They are sorted in when somebody reads.
func (w *writeSet) take(newer *writeSet) {
	whole := newer.bytes >= leastTaken && len(newer.large) == 0
	shift := place(len(w.buffer.blocks)) << 32
	if whole {
		w.buffer.blocks = append(w.buffer.blocks, newer.buffer.blocks...)
		w.bytes += newer.bytes
	}
	for _, from := range newer.spaces {
		to := w.space(from.space)
		to.read = false
		if whole {
			to.bytes += from.bytes
		}
		for _, slots := range [...][]slot{from.sorted, from.tail} {
			for _, at := range slots {
				if whole {
					at.at += shift
				} else {
					at.at = to.keep(newer.key(at), newer.entry(at))
				}
				to.append(at)
			}
		}
	}
}

// key is the whole key of a slot.
func (w *writeSet) key(s slot) []byte {
	b := w.buffer.from(s.at)
	end := writeHeader + int(binary.LittleEndian.Uint16(b[1:]))
	return b[writeHeader:end:end]
}

// entry is what was written under a slot's key.
func (w *writeSet) entry(s slot) entry {
	b := w.buffer.from(s.at)
	start := writeHeader + int(binary.LittleEndian.Uint16(b[1:]))
	kind, length := entryKind(b[0]), int(binary.LittleEndian.Uint32(b[3:]))
	if kind&large != 0 {
		return entry{kind: kind &^ large, value: w.large[length]}
	}
	return entry{kind: kind, value: b[start : start+length : start+length]}
}

func (s *spaceWrites) compare(a, b slot) int {
	if a.head != b.head {
		return cmp.Compare(a.head, b.head)
	}
	return bytes.Compare(s.set.key(a), s.set.key(b))
}

// search finds a whole key among sorted slots.
func (s *spaceWrites) search(slots []slot, head uint64, whole []byte) (int, bool) {
	low, high := 0, len(slots)
	for low < high {
		middle := int(uint(low+high) >> 1)
		c := cmp.Compare(slots[middle].head, head)
		if c == 0 {
			c = bytes.Compare(s.set.key(slots[middle]), whole)
		}
		switch {
		case c == 0:
			return middle, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}

// get finds what was written under a whole key.
func (s *spaceWrites) get(whole []byte) (entry, bool) {
	s.settle()
	s.looked++
	h := head(whole)
	for _, slots := range [...][]slot{s.tail, s.sorted} {
		if i, found := s.search(slots, h, whole); found {
			return s.set.entry(slots[i]), true
		}
	}
	return entry{}, false
}

// settle makes the writes readable.
func (s *spaceWrites) settle() {
	if !s.read && len(s.tail) > 0 {
		s.join()
		s.read = true
	}
}

// join merges tail into sorted, the later one of equal keys staying.
func (s *spaceWrites) join() {
	tail := s.tail
	sortSlots(tail, func(a, b slot) int {
		if c := s.compare(a, b); c != 0 {
			return c
		}
		return cmp.Compare(a.at, b.at) // places grow with time
	})
	merged := make([]slot, 0, len(s.sorted)+len(tail))
	i := 0
	for j, t := range tail {
		if j+1 < len(tail) && s.compare(t, tail[j+1]) == 0 {
			continue
		}
		for i < len(s.sorted) && s.compare(s.sorted[i], t) < 0 {
			merged = append(merged, s.sorted[i])
			i++
		}
		if i < len(s.sorted) && s.compare(s.sorted[i], t) == 0 {
			i++
		}
		merged = append(merged, t)
	}
	s.sorted = append(merged, s.sorted[i:]...)
	s.tail = nil
}

// all visits every write in order of the whole keys, until visit fails. Nothing
// may be written meanwhile.
func (w *writeSet) all(visit func(whole []byte, e entry) error) error {
	for _, s := range w.spaces {
		if len(s.tail) > 0 {
			s.join()
		}
		for _, at := range s.sorted {
			if err := visit(w.key(at), w.entry(at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// len is the number of keys written.
func (w *writeSet) len() int {
	n := 0
	for _, s := range w.spaces {
		if len(s.tail) > 0 {
			s.join()
		}
		n += len(s.sorted)
	}
	return n
}

// replace puts another entry in the place of a write that the set holds.
func (s *spaceWrites) replace(whole []byte, e entry) {
	h := head(whole)
	for _, slots := range [...][]slot{s.tail, s.sorted} {
		if i, found := s.search(slots, h, whole); found {
			slots[i].at = s.keep(whole, e)
			return
		}
	}
}

// writeCursor walks sorted slots. What is written later does not show.
type writeCursor struct {
	writes *spaceWrites
	slots  []slot
	at     int
}

// cursors opens the writes of one database, newest first.
func (s *spaceWrites) cursors(dst []source) []source {
	s.settle()
	if len(s.tail) > 0 {
		dst = append(dst, &writeCursor{writes: s, slots: slices.Clone(s.tail), at: -1})
	}
	if len(s.sorted) > 0 {
		dst = append(dst, &writeCursor{writes: s, slots: s.sorted, at: -1})
	}
	return dst
}

func (c *writeCursor) seek(key []byte) {
	c.at = 0
	if len(key) >= spaceBytes {
		if id := spaceOf(key); id == c.writes.space {
			c.at, _ = c.writes.search(c.slots, head(key), key)
		} else if id > c.writes.space {
			c.at = len(c.slots)
		}
	}
}

func (c *writeCursor) seekBefore(key []byte) {
	if key == nil {
		c.at = len(c.slots)
	} else {
		c.seek(key)
	}
	c.at--
}

func (c *writeCursor) next()                 { c.at++ }
func (c *writeCursor) prev()                 { c.at-- }
func (c *writeCursor) valid() bool           { return c.at >= 0 && c.at < len(c.slots) }
func (c *writeCursor) key() []byte           { return c.writes.set.key(c.slots[c.at]) }
func (c *writeCursor) entry() (entry, error) { return c.writes.set.entry(c.slots[c.at]), nil }
func (c *writeCursor) err() error            { return nil }
