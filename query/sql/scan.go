package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// scanner reads a table by a probe: what all runs of it have in common.
type scanner struct {
	origin *origin
	table  *Table
	probe  *probe
	ranger *ranger
	terms  []*term
	wide   bool // a range that may hold more than is worth looking up one by one
	bar    *bar
	taker  *taker
	once   bool
	key    int // where a record is put for those who write: its number among the run's records

	extractor *query.Extractor
	stages    []stage
	members   []string    // of the stages' columns, one after the other: their affinities, and as Path.Append has them
	parts     []entryPart // of a covering index
	covers    bool
}

// stage is a step of reading a record: values that go into the run's row, and what is asked
// of it then. What does not pass is read no further.
type stage struct {
	columns []scanColumn
	test    test
	narrow  func(r *run, b *sheet) // the test of a sheet's rows, where there is one
}

// scanColumn is where the extractor puts what goes into a place.
type scanColumn struct {
	offset, slot int
	affinity     value.Affinity
}

// reading is what a sheet's rows are read from: documents, in which members were found, or
// strips of a page, from one of its documents on.
type reading struct {
	docs, keys [][]byte
	offsets    [][]int
	strips     []*value.Strip
	from       int
}

// load makes values of a column, the n-th that the scan reads, those of some rows behind one.
func (f *reading) load(column []value.Value, rows []int32, c scanColumn, n int, behind int32) {
	if f.strips != nil {
		f.strips[n].Load(column, rows, f.from+int(behind))
	} else {
		value.LoadColumn(column, rows, f.docs[behind:], f.offsets[c.offset][behind:], query.ValueAt)
		c.affinity.ReadColumn(column, rows)
	}
}

// entryPart is a component of an index's entry that goes into a place.
type entryPart struct {
	scanColumn // of the document
	component  int
}

// scan is the feed of a table that a probe reads, and of whose rows terms hold. once: it is
// read once, not for each row of what is before it.
//
//go:noinline
func (c *compiler) scan(o *operand, p *probe, terms []*term, once bool) feed {
	return c.barred(o, p, terms, once, nil, nil)
}

// barred is scan with a bar, and with who may take sheets.
func (c *compiler) barred(o *operand, p *probe, terms []*term, once bool, b *bar, to *taker) feed {
	if p.arms != nil {
		return c.scanUnion(o, p, terms, once)
	}
	s := c.scanner(o, p, terms, once, b)
	s.taker = to
	return s.open
}

// scanner prepares a scanner, which is finished with the statement.
func (c *compiler) scanner(o *operand, p *probe, terms []*term, once bool, b *bar) *scanner {
	s := &scanner{origin: o.table, table: o.table.table, probe: p, ranger: p.ranger(), terms: terms, wide: once, once: once, bar: b, key: -1}
	c.finish = append(c.finish, func() { s.finish(o) })
	if o.table.record >= 0 {
		s.key = o.table.record
	}
	return s
}

// finish finds out what is read of each record, once the statement is resolved.
func (s *scanner) finish(o *operand) {
	s.covers = s.probe.index >= 0 && s.key < 0 && s.probe.coversAll(o)
	s.wide = s.wide && s.probe.index >= 0 && !s.covers && s.probe.arrival.holds == nil && (s.probe.low != nil || s.probe.high != nil || s.probe.begin != nil)
	var paths []query.Path
	for _, i := range s.origin.used {
		paths = append(paths, s.origin.columns[i].path)
	}
	s.extractor = query.NewExtractor(paths)
	if s.covers {
		for n, i := range s.origin.used {
			s.parts = append(s.parts, entryPart{s.column(n), s.probe.component(s.origin.columns[i].path)})
		}
		s.stages = []stage{{test: conditions(s.terms)}}
		if s.bar != nil {
			s.stages = append(s.stages, stage{test: s.bar.passes})
		}
		return
	}
	s.stage()
	for i := range s.stages {
		for _, c := range s.stages[i].columns {
			at := slices.IndexFunc(s.origin.columns, func(own originColumn) bool { return own.slot == c.slot })
			s.members = append(s.members, string(s.origin.columns[at].path.Append([]byte{byte(c.affinity)})))
		}
	}
}

// column is the n-th that is used.
func (s *scanner) column(n int) scanColumn {
	col := &s.origin.columns[s.origin.used[n]]
	return scanColumn{s.extractor.Slot(n), col.slot, col.affinity}
}

// stage orders what is read by the conditions: each has what it reads come before it, and
// what none reads comes last.
func (s *scanner) stage() {
	left := make([]scanColumn, len(s.origin.used))
	for n := range left {
		left[n] = s.column(n)
	}
	own := func(slot int) bool {
		return slices.ContainsFunc(s.origin.used, func(i int) bool { return s.origin.columns[i].slot == slot })
	}
	add := func(at stage, reads func(slot int) bool) {
		left = slices.DeleteFunc(left, func(c scanColumn) bool {
			read := reads(c.slot)
			if read {
				at.columns = append(at.columns, c)
			}
			return read
		})
		s.stages = append(s.stages, at)
	}
	for _, t := range s.terms {
		var all scope
		all.collect(t)
		add(stage{test: condition(t), narrow: narrowing(t, own)}, func(slot int) bool { return t.asks() || slices.Contains(all.reads, slot) })
	}
	if s.bar != nil {
		add(stage{test: s.bar.passes, narrow: s.bar.narrow}, func(slot int) bool { return slot == s.bar.slot })
	}
	if len(left) > 0 {
		s.stages = append(s.stages, stage{columns: left})
	}
}

// asks reports whether a subquery is part of a term.
//
//go:noinline
func (t *term) asks() bool {
	return t != nil && (t.sub != nil || slices.ContainsFunc(t.kids, (*term).asks))
}

// open prepares to read.
func (s *scanner) open(r *run, next func() error) func() error {
	cursor := s.begin(r, next)
	whole := &Access{Index: -1, Documents: true, Keys: s.key >= 0}
	if s.once {
		whole.Many, cursor.access.Many = cursor.many, cursor.many
		if s.key < 0 { // strips have no identities
			whole.Page, cursor.access.Page = cursor.page, cursor.page
		}
	}
	emit := cursor.emit
	return func() error {
		ranges, all := s.ranger.ranges(r, cursor.access.Ranges[:0])
		if r.err != nil {
			return r.err
		}
		if cursor.access.Ranges = ranges; len(ranges) == 0 && !all {
			return nil
		}
		if all {
			cursor.access.Ranges = nil
			if s.probe.searches() && !s.covers && s.probe.arrival.holds == nil { // there is too much to look up
				return r.source.Scan(s.table, whole, emit)
			}
		}
		if s.wide {
			few, err := cursor.few()
			if err != nil {
				return err
			}
			if !few {
				return r.source.Scan(s.table, whole, emit)
			}
		}
		return r.source.Scan(s.table, &cursor.access, emit)
	}
}

// few reports whether it is less work to look up what lies in the ranges than to pass over
// all documents: what the bounds are is not known before the statement runs.
func (s *scanning) few() (bool, error) {
	n, err := s.r.source.About(s.table, s.access.Index, s.access.Ranges)
	return n < 64 || float64(n)*workLookup < float64(s.table.Rows), err
}

// scanning is a run of a scanner.
type scanning struct {
	*scanner
	r      *run
	next   func() error
	take   take // nil where rows come one after the other
	access Access
	paths  *query.Columns
	buffer []byte
	sheet  sheet
	read   reading // what the sheet's rows are read from
	strips []*value.Strip
	own    int       // how many of the sheet's columns are read here: those behind have come with the rows
	doc    [1][]byte // of one record
	id     [1][]byte
}

// emit takes in one record.
func (s *scanning) emit(rec *Record) error {
	if rec.Doc == nil {
		if err := s.r.tick(); err != nil {
			return err
		}
		if s.covers && !s.fromEntry(rec.Entry) {
			if err := s.fromDocument(rec.Key); err != nil {
				return err
			}
		}
		s.sheet.room(1)
		s.read = reading{}
		return s.byRow(0)
	}
	s.doc[0], s.id[0] = rec.Doc, rec.Key
	return s.many(s.doc[:], s.id[:])
}

// begin makes a scanning.
func (s *scanner) begin(r *run, next func() error) *scanning {
	cursor := &scanning{scanner: s, r: r, next: next, take: s.taker.taken(r)}
	if s.key >= 0 {
		cursor.take = nil // a sheet has no records
	}
	cursor.access = Access{Index: s.probe.index, Reverse: s.probe.reverse, Documents: !s.covers && (len(s.origin.used) > 0 || s.key >= 0), Keys: s.key >= 0}
	cursor.paths = query.NewColumns(s.extractor)
	for i := range s.stages {
		for _, c := range s.stages[i].columns {
			cursor.sheet.slots = append(cursor.sheet.slots, c.slot)
		}
	}
	cursor.own = len(cursor.sheet.slots)
	cursor.sheet.columns = make([][]value.Value, cursor.own)
	cursor.strips = make([]*value.Strip, cursor.own)
	return cursor
}

// many reads documents column by column, up to a stage that has to be asked row by row.
func (s *scanning) many(docs, keys [][]byte) error {
	if err := s.r.ticks(len(docs)); err != nil {
		return err
	}
	offsets, err := s.paths.Find(docs)
	if err != nil {
		return err
	}
	s.sheet.room(len(docs))
	s.read = reading{docs: docs, keys: keys, offsets: offsets}
	return s.pass()
}

// pass reads the rows of the sheet column by column, up to a stage that has to be asked row by row.
func (s *scanning) pass() error {
	b := &s.sheet
	n := 0
	for i := range s.stages {
		at := &s.stages[i]
		if at.test != nil && at.narrow == nil {
			return s.byRow(i)
		}
		for _, c := range at.columns {
			s.read.load(b.columns[n], b.rows, c, n, 0)
			n++
		}
		if at.narrow != nil {
			at.narrow(s.r, b)
		}
	}
	if s.take != nil && len(b.rows) > 0 {
		if taken, err := s.take(b); taken || err != nil {
			return err
		}
	}
	return s.byRow(len(s.stages))
}

// byRow enters those rows in the run's that are left: what the sheet has come to, and what
// the stages from one on read.
func (s *scanning) byRow(from int) error {
	r, b := s.r, &s.sheet
rows:
	for _, row := range b.rows {
		for i := s.own; i < len(b.slots); i++ {
			r.row[b.slots[i]] = b.columns[i][row]
		}
		n := 0
		for i := range s.stages {
			at := &s.stages[i]
			for _, c := range at.columns {
				if i < from {
					r.row[c.slot] = b.columns[n][row]
				} else {
					s.read.load(r.row[c.slot:], []int32{0}, c, n, row)
				}
				n++
			}
			if i >= from && at.test != nil && !at.test(r) || r.err != nil {
				if r.err != nil {
					return r.err
				}
				continue rows
			}
		}
		if s.key >= 0 {
			r.records[s.key] = Record{Key: s.read.keys[row], Doc: s.read.docs[row]}
		}
		if err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// fromEntry takes the values out of an index's entry, and reports whether that tells them all.
func (s *scanning) fromEntry(entry []byte) bool {
	component := 0
	for len(entry) > 0 {
		n, ok := query.SkipComponent(entry)
		if !ok {
			return false
		}
		for _, part := range s.parts {
			if part.component == component {
				v, certain := s.component(entry[:n], part.affinity)
				if !certain {
					return false
				}
				s.r.row[part.slot] = v
			}
		}
		component++
		entry = entry[n:]
	}
	return true
}

// component is the value of a key's component.
func (s *scanning) component(component []byte, a value.Affinity) (v value.Value, certain bool) {
	var err error
	if s.buffer, _, err = query.DecodeKey(s.buffer[:0], component); err != nil {
		return null, false
	}
	v = value.FromMsgpack(s.buffer)
	if v.IsNumber() {
		return a.ReadKey(v)
	}
	return a.ReadKey(v.Clone())
}

// fromDocument takes the values out of the document to which an entry belongs.
func (s *scanning) fromDocument(key []byte) error {
	point := []query.KeyRange{query.PrefixRange(key)}
	return s.r.source.Scan(s.table, &Access{Index: -1, Ranges: point, Documents: true}, func(rec *Record) error {
		s.doc[0] = rec.Doc
		offsets, err := s.paths.Find(s.doc[:])
		if err != nil {
			return err
		}
		read := reading{docs: s.doc[:], offsets: offsets}
		for n, part := range s.parts {
			read.load(s.r.row[part.slot:], []int32{0}, part.scanColumn, n, 0)
		}
		return nil
	})
}
