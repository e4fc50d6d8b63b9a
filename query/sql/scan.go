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
	key    int // where a record is put for those who write: its number among the run's records

	extractor *query.Extractor
	stages    []stage
	parts     []entryPart // of a covering index
	covers    bool
}

// stage is a step of reading a record: values that go into the run's row, and what is asked
// of it then. What does not pass is read no further.
type stage struct {
	columns []scanColumn
	test    test
}

// scanColumn is where the extractor puts what goes into a place.
type scanColumn struct{ offset, slot int }

// entryPart is a component of an index's entry that goes into a place.
type entryPart struct {
	component, slot int
	affinity        value.Affinity
}

// scan is the feed of a table that a probe reads, and of whose rows terms hold. once: it is
// read once, not for each row of what is before it.
func (c *compiler) scan(o *operand, p *probe, terms []*term, once bool) feed {
	return c.barred(o, p, terms, once, nil)
}

// barred is scan with a bar.
func (c *compiler) barred(o *operand, p *probe, terms []*term, once bool, b *bar) feed {
	if p.arms != nil {
		return c.scanUnion(o, p, terms, once)
	}
	s := &scanner{origin: o.table, table: o.table.table, probe: p, ranger: p.ranger(), terms: terms, wide: once, bar: b, key: -1}
	c.finish = append(c.finish, func() { s.finish(o) })
	if o.table.record >= 0 {
		s.key = o.table.record
	}
	return s.open
}

// finish finds out what is read of each record, once the statement is resolved.
func (s *scanner) finish(o *operand) {
	s.covers = s.probe.index >= 0 && s.key < 0 && s.probe.coversAll(o)
	s.wide = s.wide && s.probe.index >= 0 && !s.covers && s.probe.arrival.holds == nil && (s.probe.low != nil || s.probe.high != nil || s.probe.begin != nil)
	if s.covers {
		for _, i := range s.origin.used {
			col := &s.origin.columns[i]
			s.parts = append(s.parts, entryPart{s.probe.component(col.path), col.slot, col.affinity})
		}
		s.stages = []stage{{test: conditions(s.terms)}}
		if s.bar != nil {
			s.stages = append(s.stages, stage{test: s.bar.passes})
		}
		return
	}
	var paths []query.Path
	for _, i := range s.origin.used {
		paths = append(paths, s.origin.columns[i].path)
	}
	s.extractor = query.NewExtractor(paths)
	s.stage()
}

// stage orders what is read by the conditions: each has what it reads come before it, and
// what none reads comes last.
func (s *scanner) stage() {
	left := make([]scanColumn, len(s.origin.used))
	for n, i := range s.origin.used {
		left[n] = scanColumn{s.extractor.Slot(n), s.origin.columns[i].slot}
	}
	add := func(ask test, reads func(slot int) bool) {
		at := stage{test: ask}
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
		add(condition(t), func(slot int) bool { return t.asks() || slices.Contains(all.reads, slot) })
	}
	if s.bar != nil {
		add(s.bar.passes, func(slot int) bool { return slot == s.bar.slot })
	}
	if len(left) > 0 {
		s.stages = append(s.stages, stage{columns: left})
	}
}

// asks reports whether a subquery is part of a term.
func (t *term) asks() bool {
	return t != nil && (t.sub != nil || slices.ContainsFunc(t.kids, (*term).asks))
}

// open prepares to read.
func (s *scanner) open(r *run, next func() error) func() error {
	cursor := &scanning{scanner: s, r: r, next: next}
	cursor.access = Access{Index: s.probe.index, Reverse: s.probe.reverse, Documents: !s.covers && (len(s.origin.used) > 0 || s.key >= 0), Keys: s.key >= 0}
	if !s.covers {
		cursor.finder = s.extractor.Finder()
	}
	whole := &Access{Index: -1, Documents: true, Keys: s.key >= 0}
	emit := cursor.emit()
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
	access Access
	finder *query.Finder
	buffer []byte
}

// emit makes what enters a record in the run's row: no method, for a pass calls it for each of
// many, and a method's value is one call more.
func (s *scanning) emit() func(rec *Record) error {
	r := s.r
	return func(rec *Record) error {
		if err := r.tick(); err != nil {
			return err
		}
		var offsets []int
		if s.covers {
			s.fromEntry(rec.Entry)
		} else if rec.Doc != nil {
			var err error
			if offsets, err = s.finder.Find(rec.Doc); err != nil {
				return err
			}
		}
		for i := range s.stages {
			at := &s.stages[i]
			for _, c := range at.columns {
				if v, at := &r.row[c.slot], offsets[c.offset]; at < 0 {
					*v = null
				} else if v.Load(rec.Doc, at) == 0 {
					*v = value.FromMsgpack(query.ValueAt(rec.Doc, at))
				}
			}
			if at.test != nil && !at.test(r) || r.err != nil {
				return r.err
			}
		}
		if s.key >= 0 {
			r.records[s.key] = *rec
		}
		return s.next()
	}
}

// fromEntry takes the values out of an index's entry.
func (s *scanning) fromEntry(entry []byte) {
	component := 0
	for len(entry) > 0 {
		n, ok := query.SkipComponent(entry)
		if !ok {
			return
		}
		for _, part := range s.parts {
			if part.component == component {
				s.r.row[part.slot] = part.affinity.Apply(s.component(entry[:n]))
			}
		}
		component++
		entry = entry[n:]
	}
}

// component is the value of a key's component.
func (s *scanning) component(component []byte) value.Value {
	var err error
	if s.buffer, _, err = query.DecodeKey(s.buffer[:0], component); err != nil {
		return null
	}
	v := value.FromMsgpack(s.buffer)
	if v.IsNumber() {
		return v
	}
	return v.Clone()
}

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
		prefixes, others := ranger.prefixes(r, nil)
		meets := func(ranges ...query.KeyRange) bool { return meets(r, table, p.index, ranges) }
		if len(others) > 0 && meets(merge(others)...) || len(prefixes) == 0 {
			return false
		}
		for _, prefix := range prefixes[1:] {
			if meets(query.PrefixRange(prefix)) {
				return false
			}
		}
		prefix := prefixes[0]
		if meets(tagged(prefix, tagFalse, tagNumber), tagged(prefix, tagDate, tagText), tagged(prefix, tagArray, tagEnd)) {
			return false
		}
		return components-behind == 1 || !meets(tagged(prefix, tagMissing, tagNull)) || !meets(tagged(prefix, tagNull, tagFalse))
	}
}

// meets reports whether anything lies in ranges.
func meets(r *run, table *Table, index int, ranges []query.KeyRange) bool {
	enough := newStop()
	err := r.source.Scan(table, &Access{Index: index, Ranges: ranges}, func(*Record) error { return enough })
	if err != nil && err != enough {
		r.fail(err)
	}
	return err != nil
}
