package query

import "encoding/binary"

// Projection is what is left of documents: the values at some paths, or all but
// those. Maps on the way to a value stay; a list cannot be on the way. It is
// immutable and may be used concurrently.
type Projection struct {
	keep bool
	root limbs
}

// limbs are the names below one map, and what is below each of them: nothing where a
// path ends.
type limbs map[string]limbs

// Only keeps the values at paths. It fails with invalid_path where a path is empty or
// leads into a list.
func Only(paths ...Path) (*Projection, error) { return project(true, paths) }

// Without leaves out the values at paths. It fails as Only does.
func Without(paths ...Path) (*Projection, error) { return project(false, paths) }

func project(keep bool, paths []Path) (*Projection, error) {
	p := &Projection{keep: keep, root: limbs{}}
	for _, path := range paths {
		if err := path.Check(); err != nil {
			return nil, err
		}
		at := p.root
		for i, segment := range path {
			if segment.Name == "" {
				return nil, fail(codeInvalidPath, "a projection's path leads into a list")
			}
			below, known := at[segment.Name]
			switch {
			case known && below == nil:
				// what is above is asked for already
			case i == len(path)-1:
				at[segment.Name] = nil
			case !known:
				below = limbs{}
				at[segment.Name] = below
			}
			if below == nil {
				break
			}
			at = below
		}
	}
	return p, nil
}

// projection reads the paths of fields, or of without.
func (p *parser) projection(q *Query, keep bool) error {
	count, ok := p.array()
	if !ok {
		return fail(codeInvalidQuery, "a projection is an array of paths")
	}
	if q.Projection != nil {
		return fail(codeInvalidQuery, "a query has either fields or what it is without")
	}
	var paths []Path
	for range count {
		path, err := p.path(false)
		if err != nil {
			return err
		}
		paths = append(paths, path)
	}
	var err error
	q.Projection, err = project(keep, paths)
	return err
}

// Append appends what is left of a document. It fails with invalid_document where
// the bytes are not MessagePack.
func (p *Projection) Append(dst, doc []byte) ([]byte, error) {
	dst, at := p.append(dst, doc, 0, p.root)
	if at < 0 {
		return nil, errDamaged
	}
	return dst, nil
}

// append appends what is left of the map at doc[at:] and returns where that ends,
// or damaged. Its head is the old one with another count: there are no more fields.
func (p *Projection) append(dst, doc []byte, at int, below limbs) (left []byte, next int) {
	count, fields := mapHead(doc, at)
	if fields < 0 {
		return dst, damaged
	}
	head := len(dst)
	dst = append(dst, doc[at:fields]...)
	kept := 0
	for at = fields; count > 0; count-- {
		name, ok := decode(doc, at)
		start := skip(doc, at)
		end := skip(doc, start)
		if !ok || end < 0 {
			return dst, damaged
		}
		deeper, named := below[string(name.body)]
		named = named && name.kind == kindString
		v, _ := decode(doc, start)
		switch {
		case named && deeper != nil && v.isMap:
			dst = append(dst, doc[at:start]...)
			if dst, end = p.append(dst, doc, start, deeper); end < 0 {
				return dst, damaged
			}
			kept++
		case (named && deeper == nil) == p.keep:
			dst = append(dst, doc[at:end]...)
			kept++
		}
		at = end
	}
	setCount(dst[head:], kept)
	return dst, at
}

// setCount changes how many fields the head of a map tells, to no more than before.
func setCount(head []byte, count int) {
	switch {
	case head[0] < 0x90:
		head[0] = 0x80 | byte(count)
	case head[0] == 0xde:
		binary.BigEndian.PutUint16(head[1:], uint16(count))
	default:
		binary.BigEndian.PutUint32(head[1:], uint32(count))
	}
}
