package query

import "encoding/binary"

// Finder finds the values of many paths in documents that were validated when they were
// stored, of which each begins where the one before it may be forgotten. Documents of one
// table mostly have the same members in the same order: a Finder remembers those of the
// last one, and looks at names only where they differ. It serves one scan at a time.
type Finder struct {
	paths   *Extractor
	members []member
	offsets []int
}

// member is one of the last document's, by its position there.
type member struct {
	head, mask uint64 // its first eight bytes, and which of these are its own
	size       int    // of the name as it is stored, with its head
	rest       string // of it behind the eighth byte
	to         *branch
}

// maxMembers is how many members of a document are remembered.
const maxMembers = 256

// Finder begins a scan.
func (x *Extractor) Finder() *Finder { return &Finder{paths: x, offsets: x.Offsets()} }

// Find returns where in doc the value of each slot begins, as Extract enters it, until it
// is called again. It is over where all is found: what is behind that it does not see.
func (f *Finder) Find(doc []byte) (offsets []int, err error) {
	offsets = f.offsets
	for i := range offsets {
		offsets[i] = missing
	}
	if len(doc) == 0 || doc[0]&0xf0 != 0x80 {
		if err := checkMap(doc); err != nil {
			return nil, err
		}
	}
	count, at := mapHead(doc, 0)
	left := len(f.paths.root.limbs)
	for i := 0; left > 0 && i < count; i++ {
		var to *branch
		start := missing
		if i < len(f.members) && at+8 <= len(doc) { // as mostly, which is not worth a call
			m := &f.members[i]
			if binary.LittleEndian.Uint64(doc[at:])&m.mask == m.head && (m.rest == "" || at+m.size <= len(doc) && string(doc[at+8:at+m.size]) == m.rest) {
				to, start = m.to, at+m.size
			}
		}
		if start < 0 {
			to, start = f.meet(doc, at, i)
		}
		if start < 0 || start >= len(doc) {
			return nil, errDamaged
		}
		if to != nil && offsets[to.slot] < 0 {
			left--
			if offsets[to.slot] = start; len(to.limbs) > 0 {
				if at, _ = to.walk(doc, start, offsets); at < 0 {
					return nil, errDamaged
				}
				continue
			}
		}
		if shape := int(shapes[doc[start]]); 0 < shape && shape < 0x100 {
			at = start + shape
		} else if left > 0 {
			if at = skip(doc, start); at < 0 {
				return nil, errDamaged
			}
		}
	}
	return offsets, nil
}

// meet returns what is looked for in the member whose name begins at doc[at:], the i-th
// one, and where its value begins; the last document had another one there, or none.
func (f *Finder) meet(doc []byte, at, i int) (to *branch, start int) {
	l, start, _ := f.paths.root.field(doc, at)
	if start < 0 {
		return nil, start
	}
	if l != nil {
		to = l.to
	}
	if i >= maxMembers {
		return to, start
	}
	if i >= len(f.members) {
		i = len(f.members)
		f.members = append(f.members, member{})
	}
	name := doc[at:start]
	var head [8]byte
	n := copy(head[:], name)
	f.members[i] = member{binary.LittleEndian.Uint64(head[:]), ^uint64(0) >> (64 - 8*n), len(name), string(name[n:]), to}
	return to, start
}
