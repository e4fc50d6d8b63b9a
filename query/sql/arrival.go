package sql

import "github.com/stowage-db/stowage/query"

// arrival is the order that rows come in by themselves.
type arrival struct {
	first int               // how many of the terms asked for it is the order of
	all   bool              // there is nothing left to sort
	holds func(r *run) bool // whether it is, as a run begins; nil: it is not

	begin  int               // how many it is the order of at least
	begins func(r *run) bool // whether it is of those; nil: nothing else is to be asked
}

// arrives tells of the order of the rows that a probe meets, which is that of so many components; begin is how many terms
// the first of them behind the probe's parts is the order of.
func (p *probe) arrives(o *operand, components, first, begin int) arrival {
	a := arrival{first: first, all: p.ordered, holds: p.orderChecker(o, components)}
	if components > len(p.parts)+1 {
		a.begin, a.begins = begin, p.orderChecker(o, len(p.parts)+1)
	}
	return a
}

// mostGroups is how many values of a component are looked at for whether what is behind each is in order. Where
// there are more of them fewer rows have each, which are soon sorted.
const mostGroups = 32

// orderChecker returns what finds out whether the rows that a probe meets come in SQL's
// order: an index has booleans before numbers, and points in time and what is nested
// not among texts, and tells missing members from NULL. Where there are none of these
// behind the probe's parts, it is the same.
func (p *probe) orderChecker(o *operand, components int) func(r *run) bool {
	ranger := p.ranger()
	ranger.low, ranger.high, ranger.begin = nil, nil, nil
	table := o.table.table
	behind := len(p.parts)
	return func(r *run) bool {
		if components <= behind {
			return true
		}
		c := orderCheck{r, table, p, mostGroups}
		prefixes, others := ranger.prefixes(r, nil)
		if len(others) > 0 && c.meets(p.index, merge(others)...) || len(prefixes) == 0 {
			return false
		}
		for _, prefix := range prefixes[1:] {
			if c.meets(p.index, query.PrefixRange(prefix)) {
				return false
			}
		}
		return c.inOrder(prefixes[0], behind, components)
	}
}

// orderCheck looks whether entries of an index are in SQL's order.
type orderCheck struct {
	r     *run
	table *Table
	*probe
	groups int // that may be looked at yet
}

// inOrder reports whether those that begin with prefix, which has at components, are in the order of the
// components behind it, up to end.
func (c *orderCheck) inOrder(prefix []byte, at, end int) bool {
	if at == len(c.path)-1 { // identities, which the documents tell of at once
		return c.even(-1, nil)
	}
	if !c.even(c.index, prefix) {
		return false
	}
	if at+1 == end {
		return true
	}
	if c.meets(c.index, tagged(prefix, tagMissing, tagNull)) && c.meets(c.index, tagged(prefix, tagNull, tagFalse)) {
		return false
	}
	if at+1 == len(c.path)-1 {
		return c.inOrder(nil, at+1, end)
	}
	left := query.PrefixRange(prefix)
	for {
		group := c.first(left, len(prefix))
		switch {
		case group == nil:
			return true
		case c.groups == 0:
			return false
		}
		c.groups--
		if !c.inOrder(group, at+1, end) {
			return false
		}
		left.Low = append(group, tagEnd)
	}
}

// even reports whether nothing of a kind whose order is another one is the component behind prefix.
func (c *orderCheck) even(index int, prefix []byte) bool {
	return !c.meets(index, tagged(prefix, tagFalse, tagNumber), tagged(prefix, tagDate, tagText), tagged(prefix, tagArray, tagEnd))
}

// first returns the first entry's components up to the one that begins at n, nil where there is no entry.
func (c *orderCheck) first(within query.KeyRange, n int) (prefix []byte) {
	c.look(c.index, []query.KeyRange{within}, func(entry []byte) {
		if size, ok := query.SkipComponent(entry[n:]); ok {
			prefix = append(prefix, entry[:n+size]...)
		}
	})
	return prefix
}

// meets reports whether anything lies in ranges.
func (c *orderCheck) meets(index int, ranges ...query.KeyRange) (met bool) {
	c.look(index, ranges, func([]byte) { met = true })
	return met
}

// look shows the first entry in ranges.
func (c *orderCheck) look(index int, ranges []query.KeyRange, show func(entry []byte)) {
	enough := newStop()
	err := c.r.source.Scan(c.table, &Access{Index: index, Ranges: ranges}, func(rec *Record) error {
		show(rec.Entry)
		return enough
	})
	if err != nil && err != enough {
		c.r.fail(err)
	}
}
