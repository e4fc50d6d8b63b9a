package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// compound plans SELECTs joined by UNION, INTERSECT and EXCEPT, whose results come in
// the same places.
func (c *compiler) compound(q *selection, s *scope, targets []int) *selected {
	c.note("COMPOUND QUERY")
	c.level++
	all := &selected{}
	var parts []*selected
	for i, k := range q.cores {
		around := &scope{up: s.up, commons: s.commons}
		if i == 0 && targets == nil {
			targets = c.places(k, around)
			around = &scope{up: s.up, commons: s.commons}
		}
		next := c.core(k, around, targets, nil).selected
		s.outer = s.outer || around.outer
		all.volatile = all.volatile || next.volatile
		parts = append(parts, next)
	}
	all.columns, all.feed, all.rows = parts[0].columns, parts[0].feed, parts[0].rows
	var lists [][]outColumn
	for _, next := range parts {
		lists = append(lists, slices.Clone(next.columns))
	}
	all.derived, all.mixed = derivedColumns(lists), true
	for _, next := range parts[1:] {
		collate(all.columns, next.columns)
	}
	for i, next := range parts[1:] {
		all.combine(q.joins[i], next)
	}
	c.level--
	keys := c.compoundOrder(q, all, s)
	if q.joins[len(q.joins)-1] != unionAll && (len(keys) > 0 || c.level == 0) {
		keys = wholly(keys, all.columns)
	}
	return c.bounded(q, s, all, keys, arrival{}, nil)
}

// wholly adds to an order all columns that it does not name: where SQLite merges equal rows, it has
// sorted them. Of a compound without an order, that is kept only for what a statement returns or writes.
func wholly(keys []sortKey, columns []outColumn) []sortKey {
	for _, col := range columns {
		if !slices.ContainsFunc(keys, func(k sortKey) bool { return k.slot == col.slot }) {
			keys = append(keys, sortKey{slot: col.slot, collation: col.collation})
		}
	}
	return keys
}

// derivedColumns are the columns of a compound as they are in FROM: as those of its
// first SELECT, but for their affinity. That is the first one that a SELECT gives, and
// none where the values of another SELECT are of a class that it would change.
func derivedColumns(parts [][]outColumn) []outColumn {
	columns := slices.Clone(parts[0])
	for i := range columns {
		var classes class
		for _, part := range parts {
			if i >= len(part) {
				return nil
			}
			if columns[i].affinity == value.NoAffinity {
				columns[i].affinity = part[i].affinity
				if part[i].affinity != value.NoAffinity {
					continue
				}
			}
			classes |= classOf(part[i].term)
		}
		switch affinity := columns[i].affinity; {
		case affinity == value.TextAffinity && classes&classNumber != 0, affinity.Numeric() && classes&classText != 0:
			columns[i].affinity = value.BlobAffinity
		}
	}
	return columns
}

// class is a set of the classes of values that a term may have.
type class uint8

const (
	classNumber class = 1 << iota
	classText
	classBlob
)

func classOf(t *term) (all class) {
	if t == nil {
		return 0
	}
	switch t.kind {
	case termWrap:
		return classOf(t.kids[0])
	case termLiteral:
		switch t.value.Kind() {
		case value.Null:
			return 0
		case value.Text:
			return classText
		case value.Blob:
			return classBlob
		}
		return classNumber
	case termBinary:
		if t.op == "||" {
			return classText | classBlob
		}
		return classNumber
	case termParam, termCall, termCoalesce, termNullIf, termExtreme:
		return classNumber | classText | classBlob
	case termCase:
		for i := 2; i < len(t.kids); i += 2 {
			all |= classOf(t.kids[i])
		}
		return all | classOf(t.kids[len(t.kids)-1])
	case termSlot, termScalar, termCast:
		switch {
		case t.affinity.Numeric():
			return classNumber | classBlob
		case t.affinity == value.TextAffinity:
			return classText | classBlob
		}
		return classNumber | classText | classBlob
	}
	return classNumber
}

// places makes room for the result of a compound's first SELECT.
func (c *compiler) places(k *core, s *scope) []int {
	probe := &compiler{catalog: c.catalog, depth: c.depth}
	columns := probe.core(k, s, nil, nil).columns
	targets := make([]int, len(columns))
	for i := range targets {
		targets[i] = c.slot()
	}
	return targets
}

// collate gives columns without a collation of their own that of the next SELECT's.
func collate(columns, next []outColumn) {
	for i := range min(len(columns), len(next)) {
		if col := &columns[i]; !col.collated {
			col.collation, col.collated = next[i].collation, next[i].collated
		}
	}
}

// combine joins what comes next to what there is.
func (s *selected) combine(by compound, next *selected) {
	first, columns := s.feed, s.columns
	if len(columns) != len(next.columns) {
		panic(fail(codeInvalid, -1, "SELECTs to the left and right do not have the same number of result columns"))
	}
	s.rows += next.rows
	switch by {
	case unionAll:
		s.feed = appendFeed(first, next.feed)
	case union: // of equal rows the last SELECT has the say: 1 UNION 1.0 is 1.0
		s.feed = distinctFeed(appendFeed(next.feed, first), columns)
	default:
		s.feed = distinctFeed(amongFeed(first, next.feed, columns, by == intersect), columns)
	}
}

// appendFeed runs one after the other.
func appendFeed(first, second feed) feed {
	return func(r *run, next func() error) func() error {
		a, b := first(r, next), second(r, next)
		return func() error {
			if err := a(); err != nil {
				return err
			}
			return b()
		}
	}
}

// amongFeed lets rows through that are, or are not, among those of another.
func amongFeed(from, others feed, columns []outColumn, among bool) feed {
	slots, collations := slotsOf(columns), collationsOf(columns)
	return func(r *run, next func() error) func() error {
		known := newSet(collations)
		row := make([]value.Value, len(slots))
		load := func() {
			for i, slot := range slots {
				row[i] = r.row[slot]
			}
		}
		fill := others(r, func() error {
			load()
			if _, err := known.add(r, row); err != nil {
				return err
			}
			return r.tick()
		})
		start := from(r, func() error {
			load()
			if known.has(r, row) != among || r.err != nil {
				return r.err
			}
			return next()
		})
		return func() error {
			if err := known.clear(); err != nil {
				return err
			}
			if err := fill(); err != nil {
				return err
			}
			return start()
		}
	}
}

// compoundOrder resolves ORDER BY of a compound, whose terms are columns of its
// result: by number, by the name any of the SELECTs gives them, or as the same
// expression.
func (c *compiler) compoundOrder(q *selection, all *selected, s *scope) []sortKey {
	var keys []sortKey
	for _, o := range q.order {
		bare, collation, explicit := bareOrder(o.expr)
		at := resultNumbered(bare, len(all.columns), "ORDER BY")
		for _, k := range q.cores {
			for i := 0; i < len(k.columns) && at < 0; i++ {
				if r := k.columns[i]; r.expr != nil && sameOrder(bare, r) {
					at = i
				}
			}
		}
		for i := 0; i < len(all.columns) && at < 0 && bare.kind == exprColumn && bare.table == ""; i++ {
			if value.Fold(all.columns[i].name) == value.Fold(bare.name) {
				at = i
			}
		}
		if at < 0 {
			panic(fail(codeInvalid, o.expr.pos, "ORDER BY term does not match any column in the result set"))
		}
		key := sortKey{slot: all.columns[at].slot, desc: o.desc, nulls: o.nulls, collation: all.columns[at].collation}
		if explicit {
			key.collation = collation
		}
		keys = append(keys, key)
	}
	return keys
}

// sameOrder reports whether a term of ORDER BY means a column: by its name or as the
// same expression.
func sameOrder(e *expr, r resultColumn) bool {
	if e.kind == exprColumn && e.table == "" && r.name != "" {
		if value.Fold(e.name) == value.Fold(r.name) {
			return true
		}
	}
	return sameExpr(e, r.expr)
}

// sameExpr reports whether two expressions are written alike.
func sameExpr(a, b *expr) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.kind != b.kind || a.op != b.op || a.not != b.not || a.query != nil || b.query != nil || len(a.kids) != len(b.kids) ||
		value.Fold(a.name) != value.Fold(b.name) || value.Fold(a.table) != value.Fold(b.table) ||
		a.value.Kind() != b.value.Kind() || value.Compare(a.value, b.value, value.Binary) != 0 ||
		a.invoke != nil && (a.invoke.over != nil || a.invoke.filter != nil || a.invoke.distinct) {
		return false
	}
	for i := range a.kids {
		if !sameExpr(a.kids[i], b.kids[i]) {
			return false
		}
	}
	return true
}
