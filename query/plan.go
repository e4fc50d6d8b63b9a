package query

import "bytes"

// Index is what a planner must know of an index.
//
// Every document has exactly one entry in an index: the components of the values
// of Paths, then that of its identity. A multi-entry index has one path and an
// entry for each distinct element of the list there; none where there is no list,
// but one under other where there is a string.
type Index struct {
	Name   string
	Paths  []Path
	Multi  bool
	Unique bool
}

// Plan says which entries to read to answer a query, and what remains to be
// done with them.
type Plan struct {
	// Index is the position of the index to read; −1 is the tree of documents
	// itself, whose keys are identities.
	Index int
	// Ranges are what to read, ascending and disjoint. None: nothing matches.
	Ranges []KeyRange
	// Merge, where it is set, tells for each range how many bytes its keys have in
	// common. The ranges are to be read at once, in the order of what follows
	// these bytes, and entries that are equal there are one document.
	Merge []int
	// Reverse: read from the last range's end to the first one's beginning.
	Reverse bool
	// Ordered: the documents come in the order asked for, or in any where none is, as
	// for an aggregate of all of them. Else they must be sorted by Order and then by
	// identity, descending if TieDesc.
	Ordered bool
	Order   []Order
	TieDesc bool
	// After is the sort key of the document to begin behind, with its identity;
	// nil where there is none or the ranges begin there.
	After []byte
	// Residual is what is left to be matched; nil: every document read matches.
	Residual *Filter
	// Early is a part of Residual, to be matched with entries as AppendEntry writes
	// them: where that fails the document does not match. Settled: where it passes, the
	// document does.
	Early   *Filter
	Settled bool
	// Rows, where it is set, is the query's aggregate of entries as AppendEntry writes
	// them, for those that Early passes, if there is one.
	Rows *Aggregate
	// Alike: of Rows without columns one entry tells as much as all that have so many first
	// components in common with it; 0 where none are to be passed over.
	Alike int
	// Enough: the first entry with a value for the only column of the query's aggregate
	// tells it, the least or the greatest.
	Enough bool
	// Dedupe: the same document may come more than once.
	Dedupe bool
	// Union, where it is set, is plans to be carried out one after the other: each
	// delivers other documents, in any order. Of this one only what is told of order
	// counts then.
	Union []*Plan
}

// Limits of how many ranges are read one after the other, or at once, and of how many conjuncts
// are each considered by themselves, at the cost of looking at all the others.
const (
	maxRanges  = 4096
	maxMerge   = 32
	maxChoices = 32
)

// Plan chooses the cheapest way to answer q, given the path of the identity and
// the indexes there are. It is a pure function: it knows nothing of how many
// documents there are or how their values are distributed, and guesses.
func (q *Query) Plan(key Path, indexes []Index) *Plan { return q.plan(key, indexes, false) }

// PlanCount is Plan for counting the documents that pass the filter of q, for
// which neither order nor limit, offset or after matter.
func (q *Query) PlanCount(key Path, indexes []Index) *Plan {
	return (&Query{Filter: q.Filter, Limit: -1}).plan(key, indexes, true)
}

func (q *Query) plan(key Path, indexes []Index, counting bool) *Plan {
	if seek := q.planExtreme(key, indexes); seek != nil {
		return seek
	}
	p := newPlanner(q, key, counting)
	best := p.best(indexes)
	if union := p.considerUnion(indexes); union.cost < best.cost {
		best = union
	}
	return best.plan
}

// planExtreme plans for the least or the greatest of all values at a path, where some
// entries come in their order and nothing else need be looked at; nil elsewhere.
func (q *Query) planExtreme(key Path, indexes []Index) *Plan {
	order, ok := q.extreme()
	if !ok {
		return nil
	}
	first := (&Query{Filter: q.Filter, Order: []Order{order}, Limit: 1}).Plan(key, indexes)
	if !first.Ordered || first.Residual != nil || first.Dedupe || first.Union != nil {
		return nil
	}
	first.Enough = true
	if first.Index >= 0 {
		paths := indexes[first.Index].Paths
		first.Rows, _ = append(entryPaths(paths[:len(paths):len(paths)]), key).aggregate(q.Aggregate)
	}
	return first
}

// extreme is the order in which the first value is all that the query asks for, if it
// asks for one.
func (q *Query) extreme() (order Order, ok bool) {
	a := q.Aggregate
	if a == nil || len(a.Group) > 0 || len(a.Columns) != 1 || q.Limit >= 0 || q.Skip > 0 || q.After != nil {
		return order, false
	}
	column := a.Columns[0]
	least, greatest := column.function.name == "min", column.function.name == "max"
	return Order{column.path, greatest}, least || greatest
}

// best chooses the cheapest way to read one index, or the documents.
func (p *planner) best(indexes []Index) candidate {
	best := p.consider(-1, Index{Paths: []Path{p.key}, Unique: true})
	for i, index := range indexes {
		var next candidate
		if index.Multi {
			next = p.considerMulti(i, index)
		} else {
			next = p.consider(i, index)
		}
		if next.cost < best.cost {
			best = next
		}
	}
	return best
}

// planner holds what all candidates have in common.
type planner struct {
	query     *Query
	key       Path
	counting  bool
	conjuncts []*node // a document matches if it matches all of them

	order    []Order // with reverse seen to, and cut before the identity
	tieDesc  bool
	anyOrder bool // nothing depends on the order
}

func newPlanner(q *Query, key Path, counting bool) *planner {
	p := &planner{query: q, key: key, counting: counting}
	if q.Filter != nil {
		p.conjuncts = flatten(nil, q.Filter.root)
	}
	p.setOrder()
	return p
}

// flatten appends the filters that n is the and of.
func flatten(conjuncts []*node, n *node) []*node { return flattenAs(findOperator("and"), conjuncts, n) }

// flattenAs appends the filters that n joins by op.
func flattenAs(op *operator, parts []*node, n *node) []*node {
	if n.op != op {
		return append(parts, n)
	}
	for _, kid := range n.filters {
		parts = flattenAs(op, parts, kid)
	}
	return parts
}

// setOrder brings the order asked for into the form that candidates compare
// with: nothing behind the identity matters.
func (p *planner) setOrder() {
	q := p.query
	unordered := len(q.Order) == 0 && !q.Reverse || q.Aggregate != nil
	p.anyOrder = unordered && q.Limit < 0 && q.Skip == 0 && q.After == nil
	p.tieDesc = q.Reverse
	for _, column := range q.Order {
		column.Desc = column.Desc != q.Reverse
		p.tieDesc = column.Desc
		if column.Path.Equal(p.key) {
			break
		}
		p.order = append(p.order, column)
	}
}

// consider plans with an index that has one entry for every document.
func (p *planner) consider(i int, index Index) candidate {
	a := p.cover(p.conjuncts, index)
	plan := &Plan{Index: i, Ranges: a.ranges(), Residual: residual(a.left)}
	paths := index.Paths
	if i >= 0 {
		paths = append(append(make([]Path, 0, len(paths)+1), paths...), p.key)
	}
	p.arrange(plan, a, paths)
	if i >= 0 {
		p.sift(plan, &a, paths)
	}
	return p.rate(plan, a, index)
}

// considerMulti plans with a multi-entry index, which can answer one conjunct.
func (p *planner) considerMulti(i int, index Index) candidate {
	best := candidate{cost: infinite}
	choices := 0
	for c, n := range p.conjuncts {
		s, exact, ok := narrowElements(n, index.Paths[0])
		if !ok || len(s) > maxRanges {
			continue
		}
		if choices++; choices > maxChoices {
			break
		}
		a := access{sets: []spans{s}}
		a.left = append(append(a.left, p.conjuncts[:c]...), p.conjuncts[c+1:]...)
		if !exact {
			a.left = append(a.left, n)
		}
		plan := &Plan{Index: i, Ranges: a.ranges(), Residual: residual(a.left), Dedupe: len(s) > 1 || !s.arePoints()}
		p.arrange(plan, a, []Path{nil, p.key})
		if next := p.rate(plan, a, index); next.cost < best.cost {
			best = next
		}
	}
	return best
}

// residual is the filter that all of nodes make together.
func residual(nodes []*node) *Filter {
	switch len(nodes) {
	case 0:
		return nil
	case 1:
		return &Filter{nodes[0]}
	default:
		and := &node{op: findOperator("and"), filters: nodes}
		and.settle()
		return &Filter{and}
	}
}

// arrange finds out in what order the plan's entries come and whether it is the
// one asked for. paths are those of the entries' components, identity included.
func (p *planner) arrange(plan *Plan, a access, paths []Path) {
	plan.Order, plan.TieDesc = p.order, p.tieDesc
	if p.anyOrder {
		plan.Ordered = true
		if plan.Dedupe && len(plan.Ranges) <= maxMerge && a.sets[0].arePoints() {
			plan.Merge, plan.Dedupe = prefixes(plan.Ranges, 1), false
		}
		return
	}
	constant, pinned := a.pinned()
	switch {
	case p.follows(paths, constant, constant):
		plan.Ordered = true
	case pinned > constant && len(plan.Ranges) <= maxMerge && p.follows(paths, constant, pinned):
		plan.Ordered = true
		plan.Merge = prefixes(plan.Ranges, pinned)
		plan.Dedupe = false
	}
	plan.Reverse = plan.Ordered && p.tieDesc
	if p.query.After != nil && !p.begin(plan, a, paths, constant) {
		plan.After = p.afterKey()
	}
}

// follows reports whether the order asked for is that of paths[from:]. Columns on
// the first paths, up to constant, are the same in all entries and do not matter.
func (p *planner) follows(paths []Path, constant, from int) bool {
	for _, column := range p.order {
		if position(paths[:constant], column.Path) >= 0 {
			continue
		}
		if from >= len(paths)-1 || !column.Path.Equal(paths[from]) || column.Desc != p.tieDesc {
			return false
		}
		from++
	}
	return from >= len(paths)-1
}

// begin cuts the ranges of an ordered plan so that they begin behind the
// document that after tells. It reports false where keys cannot say that.
func (p *planner) begin(plan *Plan, a access, paths []Path, constant int) bool {
	if !plan.Ordered || constant == len(paths) {
		return false
	}
	after := p.query.After
	var behind []byte
	for i, column := range p.order {
		key, _, _ := AppendKeyRaw(nil, after[i])
		if at := position(paths[:constant], column.Path); at >= 0 {
			if !bytes.Equal(key, a.sets[at][0].Low) {
				return false
			}
			continue
		}
		behind = append(behind, key...)
	}
	lengths := plan.Merge
	if lengths == nil {
		lengths = prefixes(plan.Ranges, constant)
	}
	behind, _, _ = AppendKeyRaw(behind, after[len(after)-1])
	plan.cut(lengths, behind)
	return true
}

// position is where path stands among paths, −1 if it does not.
func position(paths []Path, path Path) int {
	for i := range paths {
		if paths[i].Equal(path) {
			return i
		}
	}
	return -1
}

// afterKey is the sort key of the document to begin behind.
func (p *planner) afterKey() []byte {
	after := p.query.After
	var key []byte
	for i, column := range p.order {
		key = appendColumn(key, after[i], column.Desc)
	}
	return appendColumn(key, after[len(after)-1], p.tieDesc)
}

func appendColumn(dst, value []byte, desc bool) []byte {
	start := len(dst)
	dst, _, _ = AppendKeyRaw(dst, value)
	if desc {
		invert(dst[start:])
	}
	return dst
}
