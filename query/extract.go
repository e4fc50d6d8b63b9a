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
	slot  int
	limbs []limb
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
	for _, l := range at.limbs {
		if l.Segment == segment {
			return l.to
		}
	}
	to := &branch{slot: x.size}
	x.size++
	at.limbs = append(at.limbs, limb{segment, to})
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
	count, at := mapHead(doc, 0)
	end, containers := x.root.walkFields(doc, at, count, offsets)
	return checkWhole(doc, end, containers, maxDepth)
}

// walk enters the value at raw[at:], goes on inside to what is looked for there,
// and returns what skipCounting does. It recurses as deep as the paths go.
func (b *branch) walk(raw []byte, at int, offsets []int) (next, containers int) {
	offsets[b.slot] = at
	if len(b.limbs) == 0 {
		return skipCounting(raw, at)
	}
	var v value
	switch {
	case !v.read(raw, at):
		return damaged, 0
	case v.isMap:
		return b.walkFields(raw, len(raw)-len(v.body), v.count, offsets)
	case v.kind == kindArray:
		return b.walkElements(raw, len(raw)-len(v.body), v.count, offsets)
	default:
		return skip(raw, at), 0
	}
}

func (b *branch) walkFields(raw []byte, at, count int, offsets []int) (next, containers int) {
	containers = 1
	for range count {
		l, start, inside := b.field(raw, at)
		if start < 0 {
			return damaged, 0
		}
		containers += inside
		if l != nil && offsets[l.to.slot] < 0 {
			at, inside = l.to.walk(raw, start, offsets)
		} else {
			at, inside = skipCounting(raw, start)
		}
		if at < 0 {
			return damaged, 0
		}
		containers += inside
	}
	return at, containers
}

func (b *branch) walkElements(raw []byte, at, count int, offsets []int) (next, containers int) {
	containers = 1
	for index := range count {
		inside := 0
		if l := b.element(index); l != nil {
			at, inside = l.to.walk(raw, at, offsets)
		} else {
			at, inside = skipCounting(raw, at)
		}
		if at < 0 {
			return damaged, 0
		}
		containers += inside
	}
	return at, containers
}

// field reads the name at raw[at:] and returns what is looked for below it, nil
// if nothing is, where the field's value begins, and how many arrays and maps
// the name consists of: mostly it is a string.
func (b *branch) field(raw []byte, at int) (l *limb, start, containers int) {
	if at >= len(raw) {
		return nil, damaged, 0
	}
	var name []byte
	if c := raw[at]; c&0xe0 == 0xa0 && int(c&31) < len(raw)-at {
		start = at + 1 + int(c&31)
		name = raw[at+1 : start]
	} else {
		key, ok := decode(raw, at)
		if start, containers = skipCounting(raw, at); !ok || key.kind != kindString {
			return nil, start, containers
		}
		name = key.body
	}
	for i := range b.limbs {
		if l := &b.limbs[i]; l.Name != "" && string(name) == l.Name {
			return l, start, 0
		}
	}
	return nil, start, 0
}

// element returns what is looked for in the element of a list, nil if nothing is.
func (b *branch) element(index int) *limb {
	for i := range b.limbs {
		if l := &b.limbs[i]; l.Name == "" && l.Index == index {
			return l
		}
	}
	return nil
}

// ValueAt returns the MessagePack value that begins at doc[at:], nil where there is none.
func ValueAt(doc []byte, at int) []byte { return raw(doc, at) }
