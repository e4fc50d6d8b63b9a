package query

import "github.com/tinylib/msgp/msgp"

// An index entry holds the values of some paths, and that of the identity. Written
// as a list it stands for the document: what a filter or an aggregate asks of those
// paths is asked of positions in the list, and the document need not be fetched.
//
// A key does not tell everything of a value: not whether 5 was written as an
// integer, a float or a bigint, nor whether undefined was written at all. Filters,
// groups, sums and counts do not tell either; documents, functions of the host and
// the columns first and last do, and are never made of entries.

// AppendEntry appends an entry of an index of so many paths as a list. It reports
// false where a value does not come back from its component: only the document has it.
func AppendEntry(dst, entry []byte, paths int) (list []byte, ok bool) {
	dst = msgp.AppendArrayHeader(dst, uint32(paths)+1)
	dst, n, err := DecodeKey(dst, entry)
	return dst, err == nil && n == paths+1
}

// entryPaths are the paths whose values stand in the entries of an index.
type entryPaths []Path

// locate turns a path of documents into one of entries as lists.
func (e entryPaths) locate(path Path) (Path, bool) {
	for i, at := range e {
		if len(at) <= len(path) && at.Equal(path[:len(at)]) {
			return append(Path{}.At(i), path[len(at):]...), true
		}
	}
	return nil, false
}

// filter turns a filter of documents into one of entries as lists.
func (e entryPaths) filter(n *node) (*node, bool) {
	if n.hosted {
		return nil, false
	}
	moved, ok := *n, true
	if n.op.takes.joins() {
		moved.filters = make([]*node, len(n.filters))
		for i, kid := range n.filters {
			if moved.filters[i], ok = e.filter(kid); !ok {
				return nil, false
			}
		}
		return &moved, true
	}
	if moved.path, ok = e.locate(n.path); ok && n.op.takes == takesFields {
		moved.other, ok = e.locate(n.other)
	}
	return &moved, ok
}

// aggregate turns an aggregate of documents into one of entries as lists.
func (e entryPaths) aggregate(a *Aggregate) (*Aggregate, bool) {
	var moved Aggregate
	for _, path := range a.Group {
		at, ok := e.locate(path)
		if !ok {
			return nil, false
		}
		moved.Group = append(moved.Group, at)
	}
	for _, column := range a.Columns {
		if len(column.path) > 0 {
			at, ok := e.locate(column.path)
			if !ok || column.function.ranked {
				return nil, false
			}
			column.path = at
		}
		moved.Columns = append(moved.Columns, column)
	}
	return &moved, true
}

// sift finds out what of a plan can be told from its index's entries.
func (p *planner) sift(plan *Plan, a *access, e entryPaths) {
	var early, late []*node
	for _, n := range a.left {
		if moved, ok := e.filter(n); ok {
			early = append(early, moved)
			a.early = append(a.early, n)
		} else {
			late = append(late, n)
		}
	}
	plan.Early = residual(early)
	plan.Settled = len(late) == 0
	if agg := p.query.Aggregate; agg != nil && plan.Settled && plan.Ordered {
		if plan.Rows, _ = e.aggregate(agg); plan.Rows != nil && plan.Merge == nil {
			plan.Alike = e.alike(plan.Rows)
		}
	}
}

// alike is Plan.Alike of an aggregate of entries.
func (e entryPaths) alike(rows *Aggregate) (components int) {
	if len(rows.Columns) > 0 {
		return 0
	}
	for _, path := range rows.Group {
		components = max(components, path[0].Index+1)
	}
	if components == len(e) {
		return 0 // with the identity all differ
	}
	return components
}
