package sql

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// sources is a set of the terms of FROM that one scope has, by number, at most 63;
// the bit beyond tells of a scope further out.
type sources uint64

const outside sources = 1 << 63

// scope is what names mean inside one SELECT.
type scope struct {
	up      *scope
	commons *commons // tables of WITH
	origins []*origin
	bits    *int // how many numbers of origins are given out

	// results are the columns that have a name behind AS, which expressions may use
	// where nothing else has the name.
	results []resultColumn
	opening map[*expr]bool // results being resolved: they do not name themselves

	asked []*expr // what all of WHERE asks, as it is written
	alone bool    // there is one term of FROM

	phase      phase
	grouping   *grouping
	groups     bool // it may still turn out to aggregate
	overWindow bool // the arguments of a window function are being resolved
	windows    []*windowed
	windowing  bool // calls over windows have a meaning
	named      []namedWindow

	// touched are the places in the row that what comes after grouping or windows reads.
	touching bool
	touched  []int

	refs  sources // what subqueries have read of the scope since somebody looked
	reads []int   // and from which places
	outer bool    // something of a scope further out was read
}

// phase tells whether aggregates have a meaning.
type phase uint8

const (
	phaseRow      phase = iota // not, for instance in WHERE
	phaseGroup                 // they do
	phaseArgument              // not inside of another
)

// origin is what one name in FROM brings: columns.
type origin struct {
	name    string // folded
	bit     sources
	columns []originColumn
	table   *Table
	used    []int // columns that have a place in the row
	record  int   // where the run keeps the record itself, for those who write; −1: nowhere
	pos     int
	shy     bool  // found by its name only
	list    *term // of json_each: the column that it takes apart

	// Of a table of documents, once whole: which columns * stands for, in its order.
	whole bool
	shown []int
}

// originColumn is a column of a term of FROM.
type originColumn struct {
	name      string
	folded    string
	slot      int // in the row; −1 as long as nobody reads it
	affinity  value.Affinity
	collation value.Collation
	hidden    bool
	merged    bool    // by USING with one further left, whose name it has
	also      []*term // those that are taken where this one is NULL: merged by an outer join
	term      *term   // of a subquery that was made part of the SELECT around it
	path      query.Path
}

// commons is a chain of tables of WITH, the innermost first.
type commons struct {
	up      *commons
	name    string // folded
	def     *common
	base    *commons // what its own SELECT sees
	scope   *scope   // where it stands
	busy    bool     // it is being resolved
	queue   bool     // its recursive part is
	columns []outColumn
	state   int // where a run keeps the row that is being followed
	often   bool
	shared  *shared // how it is planned where it is read often
}

// find returns the table of WITH of a name.
func (w *commons) find(folded string) *commons {
	for ; w != nil; w = w.up {
		if w.name == folded {
			return w
		}
	}
	return nil
}

// touch notes that a place is read after grouping.
//
//go:noinline
func (s *scope) touch(slot int) {
	if !s.touching {
		return
	}
	for _, known := range s.touched {
		if known == slot {
			return
		}
	}
	s.touched = append(s.touched, slot)
}

// lookup finds what a name stands for.
func (c *compiler) lookup(e *expr, s *scope) *term {
	table, name := value.Fold(e.table), value.Fold(e.name)
	for at := s; at != nil; at = at.up {
		if t := c.lookupIn(e, at, table, name); t != nil {
			return c.found(t, s, at)
		}
		if table == "" {
			if t := c.lookupResult(e, at, name); t != nil {
				return c.found(t, s, at)
			}
		}
	}
	for at := s; at != nil; at = at.up {
		if at.severalOpen(table) {
			for _, o := range at.origins {
				o.complete()
			}
			if t := c.lookupIn(e, at, table, name); t != nil {
				return c.found(t, s, at)
			}
		}
		if t := c.lookupOpen(e, at, table); t != nil {
			return c.found(t, s, at)
		}
	}
	return nil
}

// found carries the news that a scope's column is read by one further in.
func (c *compiler) found(t *term, s, at *scope) *term {
	if s == at {
		return t
	}
	at.refs |= t.uses
	at.collect(t)
	for ; s != at; s = s.up {
		s.outer = true
	}
	moved := *t
	moved.uses = outside
	return &moved
}

// lookupIn finds a column of a scope's own origins.
func (c *compiler) lookupIn(e *expr, s *scope, table, name string) *term {
	var hit *term
	for _, o := range s.origins {
		if table != "" && o.name != table || table == "" && o.shy {
			continue
		}
		i := o.find(e.name, name)
		if i < 0 || table == "" && o.columns[i].merged {
			continue
		}
		if hit != nil {
			panic(fail(codeAmbiguous, e.pos, "ambiguous column name: "+e.name))
		}
		hit = c.column(s, o, i, table == "")
	}
	if hit != nil {
		return hit
	}
	if isRowidName(name) {
		return c.lookupRowid(e, s, table)
	}
	return nil
}

// lookupRowid finds the identity of a table whose identities are integers.
func (c *compiler) lookupRowid(e *expr, s *scope, table string) *term {
	var hit *term
	for _, o := range s.origins {
		if table != "" && o.name != table || o.table == nil || !o.table.Integer {
			continue
		}
		if hit != nil {
			panic(fail(codeAmbiguous, e.pos, "ambiguous column name: "+e.name))
		}
		hit = c.column(s, o, o.key(), false)
	}
	return hit
}

// key returns the column that is the identity, a hidden one where none is declared.
func (o *origin) key() int {
	for i := range o.columns {
		if o.columns[i].path.Equal(o.table.Key) {
			return i
		}
	}
	affinity := value.BlobAffinity
	if o.table.Integer {
		affinity = value.IntegerAffinity
	}
	o.columns = append(o.columns, originColumn{slot: -1, path: o.table.Key, hidden: true, affinity: affinity})
	return len(o.columns) - 1
}

// find returns the position of a column: of members of documents first the one of
// the very name.
//
//go:noinline
func (o *origin) find(name, folded string) int {
	hit := -1
	for i := range o.columns {
		c := &o.columns[i]
		if c.name == name && name != "" {
			return i
		}
		if c.folded == folded && folded != "" && hit < 0 {
			hit = i
		}
	}
	return hit
}

// severalOpen reports whether a name may be that of a member of several tables.
func (s *scope) severalOpen(table string) bool {
	open := 0
	for _, o := range s.origins {
		if o.table != nil && o.table.Open && (table == "" || o.name == table) {
			open++
		}
	}
	return open > 1
}

// lookupOpen takes a name for that of a member that no document may have.
func (c *compiler) lookupOpen(e *expr, s *scope, table string) *term {
	var open *origin
	for _, o := range s.origins {
		if o.table == nil || !o.table.Open || table != "" && o.name != table {
			continue
		}
		if open != nil {
			panic(fail(codeAmbiguous, e.pos, "ambiguous column name: "+e.name))
		}
		open = o
	}
	if open == nil {
		return nil
	}
	open.columns = append(open.columns, originColumn{name: e.name, folded: value.Fold(e.name), slot: -1,
		path: query.Field(e.name), affinity: value.BlobAffinity, hidden: true})
	return c.column(s, open, len(open.columns)-1, false)
}

// column is a term that reads a column. Where a name is merged it is the first that
// is not NULL.
func (c *compiler) column(s *scope, o *origin, i int, merged bool) *term {
	col := &o.columns[i]
	if col.term != nil {
		t := *col.term
		t.affinity, t.collation, t.collated, t.title = col.affinity, col.collation, true, col.name
		s.touchAll(&t)
		return &t
	}
	if col.slot < 0 {
		col.slot = c.slot()
		o.used = append(o.used, i)
	}
	s.touch(col.slot)
	t := &term{kind: termSlot, slot: col.slot, uses: o.bit, origin: o, column: i, affinity: col.affinity, collation: col.collation, collated: !o.isRowid(col), title: col.name}
	if !merged || len(col.also) == 0 {
		return t
	}
	all := &term{kind: termCoalesce, kids: append([]*term{t}, col.also...), affinity: col.affinity, collation: col.collation, collated: true, title: col.name}
	for _, kid := range all.kids {
		s.touchAll(kid)
		all.uses |= kid.uses
	}
	return all
}

// collect notes the places that subqueries read.
func (s *scope) collect(t *term) {
	if t.kind == termSlot {
		s.reads = append(s.reads, t.slot)
	}
	s.reads = append(s.reads, t.reads...)
	for _, kid := range t.kids {
		if kid != nil {
			s.collect(kid)
		}
	}
}

func (s *scope) collectAll(lists ...[]*term) {
	for _, list := range lists {
		for _, t := range list {
			s.collect(t)
		}
	}
}

// isRowid reports whether a column is an identity that is an integer, which has no
// collation.
func (o *origin) isRowid(col *originColumn) bool {
	return o.table != nil && o.table.Integer && col.path.Equal(o.table.Key)
}

func (s *scope) touchAll(t *term) {
	if t.kind == termSlot {
		s.touch(t.slot)
	}
	for _, slot := range t.reads {
		s.touch(slot)
	}
	for _, kid := range t.kids {
		if kid != nil {
			s.touchAll(kid)
		}
	}
}

// lookupResult finds a column of the result by its name.
func (c *compiler) lookupResult(e *expr, s *scope, name string) *term {
	for _, r := range s.results {
		if r.name == "" || value.Fold(r.name) != name || s.opening[r.expr] {
			continue
		}
		if s.opening == nil {
			s.opening = map[*expr]bool{}
		}
		s.opening[r.expr] = true
		t := c.resolve(r.expr, s)
		delete(s.opening, r.expr)
		return t
	}
	return nil
}
