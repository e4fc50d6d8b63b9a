package query

// Extractor finds the values of many paths while it validates a document, in
// one pass over its bytes. It is immutable and may be used concurrently.
type Extractor struct {
	root  *branch
	slots []int // of each path
	size  int
}

// branch is a node of the tree of all paths.
type branch struct {
	slot   int
	fields []limb
}

type limb struct {
	Segment
	to *branch
}

// NewExtractor prepares to find paths, of which some may be equal.
func NewExtractor(paths []Path) *Extractor {
	x := &Extractor{root: &branch{}, size: 1}
	for _, path := range paths {
		at := x.root
		for _, segment := range path {
			at = x.grow(at, segment)
		}
		x.slots = append(x.slots, at.slot)
	}
	return x
}

// grow returns the branch that segment leads to, a new one if there is none.
func (x *Extractor) grow(at *branch, segment Segment) *branch {
	for _, l := range at.fields {
		if l.Segment == segment {
			return l.to
		}
	}
	to := &branch{slot: x.size}
	x.size++
	at.fields = append(at.fields, limb{segment, to})
	return to
}

// Offsets makes room for what Extract finds.
func (x *Extractor) Offsets() []int { return make([]int, x.size) }

// Slot tells which of the offsets is path i's.
func (x *Extractor) Slot(i int) int { return x.slots[i] }

// Extract validates a document as Validate does, and enters where in doc the
// value of each path begins, −1 where there is none. Of equal names in one map
// the first counts. A value of undefined does have an offset.
func (x *Extractor) Extract(doc []byte, maxDepth int, offsets []int) error {
	for i := range offsets {
		offsets[i] = missing
	}
	if err := checkMap(doc); err != nil {
		return err
	}
	return walk(doc, maxDepth, x.root, offsets)
}

// field returns what is looked for below the name at raw[at:]. A name that was
// there before in the same map is passed over.
func (b *branch) field(raw []byte, at int, offsets []int) *branch {
	for i := range b.fields {
		l := &b.fields[i]
		if l.Name != "" && nameIs(raw, at, l.Name) {
			if offsets[l.to.slot] >= 0 {
				return nil
			}
			return l.to
		}
	}
	return nil
}

// element returns what is looked for in the list element index.
func (b *branch) element(index int, offsets []int) *branch {
	for i := range b.fields {
		if l := &b.fields[i]; l.Name == "" && l.Index == index {
			return l.to
		}
	}
	return nil
}

// nameIs reports whether the value at raw[at:] is the string name.
func nameIs(raw []byte, at int, name string) bool {
	if at >= len(raw) {
		return false
	}
	if c := raw[at]; c&0xe0 == 0xa0 {
		n := int(c & 31)
		return n == len(name) && n < len(raw)-at && string(raw[at+1:at+1+n]) == name
	}
	key, ok := decode(raw, at)
	return ok && key.kind == kindString && string(key.body) == name
}
