package sql

import (
	"math"
	"strings"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// probe is a way to read a table: an index, or the documents by their identity, and
// what its first components are known to be for each row of what is before it.
//
// The ranges it makes may hold more than what its conditions let through, for an
// index orders values as documents have them: booleans before numbers, points in
// time before texts. So conditions are always asked again.
type probe struct {
	index   int
	path    []query.Path // of the components, identity included
	parts   []part
	low     []limit
	high    []limit
	begin   *beginning
	arms    []arm   // where it is several others
	or      *term   // what these serve
	rows    float64 // that each use of it finds, a guess
	covers  bool
	reverse bool
	ordered bool
	arrival arrival
}

// part is what a component is equal to: one value, or any of several.
type part struct {
	values   []*term
	in       *term // IN a subquery
	member   bool  // it is a list that has the value
	affinity value.Affinity
}

// limit is a bound of the component behind the parts.
type limit struct {
	*term
	open     bool
	affinity value.Affinity
}

// The work that rows take, in units of a row met by a pass over all.
const (
	workSeek  = 4.0
	workFetch = 2.0
	workEntry = 0.7
	// workLookup is what a fetch takes where it is known how many there are; workFetch is
	// kinder to indexes, whose ranges may turn out to hold little.
	workLookup = 5.0
)

// cost is the work that a use of a probe takes.
func (p *probe) cost() float64 {
	switch {
	case p.arms != nil:
		all := 0.0
		for _, a := range p.arms {
			all += a.cost()
		}
		return all
	case p.index < 0 && !p.searches():
		return p.rows
	case p.index < 0:
		return workSeek + p.rows
	case p.covers:
		return workSeek + p.rows*workEntry
	}
	return workSeek + p.rows*workFetch
}

// allOf is a pass over all rows of a table.
//
//go:noinline
func allOf(o *operand) *probe {
	return &probe{index: -1, path: []query.Path{o.table.table.Key}, rows: o.rows}
}

// bestProbe chooses how to read a table, given what is bound; nil: by a pass over
// all, in the order of identities.
func bestProbe(o *operand, pool []*pooled, bound sources, order []orderTerm, alone bool) *probe {
	t := o.table.table
	var best *probe
	least := o.rows
	if len(order) > 0 {
		least += sorting(o.rows)
	}
	consider := func(p *probe) {
		cost := p.cost()
		if len(order) > 0 && !p.ordered && p.arrival.holds != nil {
			cost += 0.5 * sorting(p.rows)
		} else if len(order) > 0 && !p.ordered {
			cost += sorting(p.rows)
		}
		if cost < least {
			best, least = p, cost
		}
	}
	for i := -1; i < len(t.Indexes); i++ {
		p := newProbe(o, i, pool, bound)
		if !p.multi(t) {
			p.arrange(o, order, alone)
		}
		if p.useful() {
			consider(p)
		}
	}
	for _, or := range pool {
		if p := unionOf(o, or, pool, bound); p != nil {
			consider(p)
		}
	}
	return best
}

// multi reports whether the probe's index has an entry for each element of a list.
//
//go:noinline
func (p *probe) multi(t *Table) bool { return p.index >= 0 && t.Indexes[p.index].Multi }

// searches reports whether a probe looks something up.
//
//go:noinline
func (p *probe) searches() bool {
	return len(p.parts) > 0 || p.low != nil || p.high != nil || p.begin != nil || p.arms != nil
}

// sorting is the work of bringing rows in order.
//
//go:noinline
func sorting(rows float64) float64 { return rows * (1 + 0.2*math.Log2(rows+2)) }

// useful reports whether a probe is anything but a pass over all.
//
//go:noinline
func (p *probe) useful() bool {
	return p.searches() || p.arrival.holds != nil || p.covers && p.index >= 0
}

// newProbe finds out what the pool says of an index's components.
func newProbe(o *operand, index int, pool []*pooled, bound sources) *probe {
	t := o.table.table
	p := &probe{index: index, rows: o.rows}
	if index >= 0 {
		p.path = append(p.path, t.Indexes[index].Paths...)
	}
	p.path = append(p.path, t.Key)
	if p.multi(t) {
		if is := memberOf(o, p.path[0], pool, bound); is != nil {
			p.parts = []part{*is}
		}
		p.rows = min(o.rows, p.guess(t, o.rows))
		return p
	}
	many := 1.0
	for _, path := range p.path {
		eq := partOf(o, path, pool, bound)
		if eq == nil {
			p.low, p.high = limitsOf(o, path, pool, bound)
			p.begin = beginningOf(o, path, pool, bound)
			break
		}
		p.parts = append(p.parts, *eq)
		if n := len(eq.values); n != 1 {
			many *= max(float64(n), 1)
			if eq.in != nil {
				many *= 25
			}
			break // what follows is not in one place any more
		}
	}
	p.rows = min(o.rows, many*p.guess(t, o.rows))
	p.covers = index >= 0 && p.coversAll(o)
	return p
}

// guess is how many rows of a table have the same values in the probe's parts.
func (p *probe) guess(t *Table, rows float64) float64 {
	n := len(p.parts)
	each := rows
	switch {
	case n == 0:
	case n == len(p.path), p.index >= 0 && t.Indexes[p.index].Unique && n >= len(t.Indexes[p.index].Paths):
		each = 1
	case p.index < len(t.Distinct) && p.index >= 0 && len(t.Distinct[p.index]) >= n && t.Distinct[p.index][n-1] > 0:
		each = rows / float64(t.Distinct[p.index][n-1])
	default:
		each = min(rows, 10/float64(n)+rows/math.Pow(20, float64(n)))
	}
	if p.low != nil {
		each /= 3
	}
	if p.high != nil {
		each /= 3
	}
	if p.begin != nil {
		each /= 10
	}
	return max(each, 1)
}

// columnAt reports whether a term is the column of an operand at a path.
//
//go:noinline
func columnAt(t *term, o *operand, path query.Path) bool {
	return t.kind == termSlot && t.origin == o.table && o.table.columns[t.column].path.Equal(path)
}

// servable reports whether an index's order serves a comparison of a column: values
// are compared as they are stored, and texts by their bytes.
//
//go:noinline
func servable(column *term, affinity value.Affinity, collation value.Collation) bool {
	if collation != value.Binary {
		return false
	}
	switch {
	case affinity == value.NoAffinity:
		return true
	case affinity.Numeric():
		return column.affinity.Numeric()
	}
	return column.affinity == value.TextAffinity
}

// partOf returns what a component is equal to, nil where nothing says so.
func partOf(o *operand, path query.Path, pool []*pooled, bound sources) *part {
	var several *part
	for _, p := range pool {
		if p.uses&o.bits == 0 || p.volatile {
			continue
		}
		switch p.kind {
		case termCompare:
			if p.op != "=" || p.kids[0].width() > 1 {
				continue
			}
			for i, column := range p.kids {
				other := p.kids[1-i]
				if !columnAt(column, o, path) || other.uses&^(bound|outside) != 0 {
					continue
				}
				if affinity, collation := comparison(p.kids[0], p.kids[1]); servable(column, affinity, collation) {
					return &part{values: []*term{other}, affinity: other.takes(affinity)}
				}
			}
		case termIn, termInQuery:
			if several == nil {
				several = severalOf(p.term, o, path, bound)
			}
		}
	}
	return several
}

// severalOf is partOf of IN.
func severalOf(t *term, o *operand, path query.Path, bound sources) *part {
	column := t.kids[0]
	if t.not || !columnAt(column, o, path) {
		return nil
	}
	if t.kind == termInQuery {
		item := (&term{kind: termScalar, sub: t.sub}).part(0)
		affinity, collation := comparison(column, item)
		if t.uses&^o.bits != 0 || !t.sub.lasting() || !servable(column, affinity, collation) {
			return nil
		}
		return &part{in: t, affinity: affinity}
	}
	if len(t.kids) > 1000 {
		return nil
	}
	affinity := value.CompareAffinity(column.affinity, value.NoAffinity)
	if !servable(column, affinity, collationOf(column)) {
		return nil
	}
	for _, item := range t.kids[1:] {
		if item.uses&^(bound|outside) != 0 {
			return nil
		}
	}
	return &part{values: t.kids[1:], affinity: affinity}
}

// limitsOf returns the bounds of a component.
func limitsOf(o *operand, path query.Path, pool []*pooled, bound sources) (low, high []limit) {
	for _, p := range pool {
		if p.uses&o.bits == 0 || p.volatile {
			continue
		}
		if p.kind != termCompare || p.kids[0].width() > 1 {
			continue
		}
		for i, column := range p.kids {
			other := p.kids[1-i]
			if !columnAt(column, o, path) || other.uses&^(bound|outside) != 0 {
				continue
			}
			affinity, collation := comparison(p.kids[0], p.kids[1])
			if !servable(column, affinity, collation) {
				continue
			}
			l := limit{term: other, affinity: other.takes(affinity)}
			op := p.op
			if i == 1 {
				op = turned[op]
			}
			switch op {
			case ">", ">=":
				l.open = op == ">"
				low = append(low, l)
			case "<", "<=":
				l.open = op == "<"
				high = append(high, l)
			}
		}
	}
	return low, high
}

// turned are the operators that say the same with the sides changed.
var turned = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}

// coversAll reports whether an index's entries tell all that is read of a table. A
// key does not tell an integer from a real: columns whose affinity says which may be
// read from it.
func (p *probe) coversAll(o *operand) bool {
	for _, i := range o.table.used {
		col := &o.table.columns[i]
		at := p.component(col.path)
		if at < 0 || col.affinity <= value.BlobAffinity {
			return false
		}
	}
	return true
}

// component is the position of a path among the entry's, −1 where it is not there.
//
//go:noinline
func (p *probe) component(path query.Path) int {
	for i, at := range p.path {
		if at.Equal(path) {
			return i
		}
	}
	return -1
}

// arrange finds out whether the probe's rows come in the order asked for, or in that of
// its first terms. alone: nothing is joined, so that each identity comes once.
func (p *probe) arrange(o *operand, order []orderTerm, alone bool) {
	at, first, begin := 0, 0, 0
	for ; first < len(order) && !(at == len(p.path) && alone); first++ { // identities are all different
		t := order[first]
		if t.term.kind != termSlot || t.term.origin != o.table || t.collation != value.Binary || t.nulls != nullsNatural && (t.nulls == nullsFirst) == t.desc {
			break
		}
		path := o.table.columns[t.term.column].path
		if c := p.component(path); c >= 0 && c < len(p.parts) && len(p.parts[c].values) == 1 {
			continue
		}
		next := max(at, len(p.parts))
		if at == 0 && next > 0 && len(p.parts[next-1].values) != 1 || next >= len(p.path) || !p.path[next].Equal(path) || at > 0 && t.desc != p.reverse {
			break
		}
		if p.reverse = t.desc; at == 0 {
			begin = first + 1
		}
		at = next + 1
	}
	p.ordered = len(order) > 0 && (first == len(order) || at == len(p.path) && alone)
	if p.ordered || at > 0 {
		p.arrival = p.arrives(o, max(at, len(p.parts)), first, begin)
	}
}

// note tells EXPLAIN QUERY PLAN of a probe.
func (p *probe) note(c *compiler, o *operand) {
	if p.arms == nil {
		c.note(p.describe(o))
		return
	}
	c.note("MULTI-INDEX OR")
	c.level++
	for i, a := range p.arms {
		c.note("INDEX " + itoa(i+1))
		c.level++
		a.note(c, o)
		c.level--
	}
	c.level--
}

// describe is the probe's line of EXPLAIN QUERY PLAN.
func (p *probe) describe(o *operand) string {
	t := o.table.table
	how := "SCAN "
	if p.searches() {
		how = "SEARCH "
	}
	text := how + o.label
	switch {
	case p.index >= 0 && p.covers:
		text += " USING COVERING INDEX " + t.Indexes[p.index].Name
	case p.index >= 0:
		text += " USING INDEX " + t.Indexes[p.index].Name
	case how == "SEARCH ":
		text += " USING PRIMARY KEY"
	}
	var said []string
	for i, at := range p.parts {
		if at.member {
			said = append(said, p.path[i].String()+" HAS ?")
		} else if len(at.values) == 1 {
			said = append(said, p.path[i].String()+"=?")
		} else {
			said = append(said, p.path[i].String()+" IN ?")
		}
	}
	if p.low != nil {
		said = append(said, p.path[len(p.parts)].String()+">?")
	}
	if p.high != nil {
		said = append(said, p.path[len(p.parts)].String()+"<?")
	}
	if p.begin != nil {
		said = append(said, p.path[len(p.parts)].String()+" "+strings.ToUpper(p.begin.op)+" ?")
	}
	if said != nil {
		text += " (" + strings.Join(said, " AND ") + ")"
	}
	return text
}
