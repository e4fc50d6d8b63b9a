package sql

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// scanner reads a table by a probe: what all runs of it have in common.
type scanner struct {
	origin *origin
	table  *Table
	probe  *probe
	ranger *ranger
	test   test
	wide   bool // a range that may hold more than is worth looking up one by one
	key    int  // where a record is put for those who write: its number among the run's records

	extractor *query.Extractor
	slots     []int
	parts     []int // of a covering index: which component is for which slot
	covers    bool
	affinity  []value.Affinity
}

// scan is the feed of a table that a probe reads, and of whose rows terms hold. once: it is
// read once, not for each row of what is before it.
func (c *compiler) scan(o *operand, p *probe, terms []*term, once bool) feed {
	if p.arms != nil {
		return c.scanUnion(o, p, terms, once)
	}
	s := &scanner{origin: o.table, table: o.table.table, probe: p, ranger: p.ranger(), test: conditions(terms), wide: once, key: -1}
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
	var paths []query.Path
	for _, i := range s.origin.used {
		col := &s.origin.columns[i]
		s.slots = append(s.slots, col.slot)
		s.affinity = append(s.affinity, col.affinity)
		if s.covers {
			s.parts = append(s.parts, s.probe.component(col.path))
		} else {
			paths = append(paths, col.path)
		}
	}
	s.extractor = query.NewExtractor(paths)
}

// open prepares to read.
func (s *scanner) open(r *run, next func() error) func() error {
	cursor := &scanning{scanner: s, r: r, next: next, offsets: s.extractor.Offsets()}
	cursor.access = Access{Index: s.probe.index, Reverse: s.probe.reverse, Documents: !s.covers && (len(s.slots) > 0 || s.key >= 0)}
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
				return r.source.Scan(s.table, &Access{Index: -1, Documents: true}, emit)
			}
		}
		if s.wide {
			few, err := cursor.few()
			if err != nil {
				return err
			}
			if !few {
				return r.source.Scan(s.table, &Access{Index: -1, Documents: true}, emit)
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
	r       *run
	next    func() error
	access  Access
	offsets []int
	buffer  []byte
}

// emit enters a record in the run's row.
func (s *scanning) emit(rec *Record) error {
	r := s.r
	if err := r.tick(); err != nil {
		return err
	}
	switch {
	case s.covers:
		s.fromEntry(rec.Entry)
	case len(s.slots) > 0:
		if err := s.fromDocument(rec.Doc); err != nil {
			return err
		}
	}
	if s.test != nil && !s.test(r) || r.err != nil {
		return r.err
	}
	if s.key >= 0 {
		r.records[s.key] = *rec
	}
	return s.next()
}

// fromDocument finds all values that are read in one pass.
func (s *scanning) fromDocument(doc []byte) error {
	if err := s.extractor.Find(doc, s.offsets); err != nil {
		return err
	}
	for i, slot := range s.slots {
		if at := s.offsets[s.extractor.Slot(i)]; at >= 0 {
			s.r.row[slot] = valueAt(doc, at)
		} else {
			s.r.row[slot] = null
		}
	}
	return nil
}

// valueAt is the value at doc[at:]. Only what is nested needs to know its end.
func valueAt(doc []byte, at int) value.Value {
	switch c := doc[at]; {
	case c < 0x80 || c >= 0xe0, 0xa0 <= c && c <= 0xc6, 0xca <= c && c <= 0xd3, 0xd9 <= c && c <= 0xdb:
		return value.FromMsgpack(doc[at:])
	}
	return value.FromMsgpack(query.ValueAt(doc, at))
}

// fromEntry takes the values out of an index's entry.
func (s *scanning) fromEntry(entry []byte) {
	component := 0
	for len(entry) > 0 {
		n, ok := query.SkipComponent(entry)
		if !ok {
			return
		}
		for i, part := range s.parts {
			if part == component {
				s.r.row[s.slots[i]] = s.affinity[i].Apply(s.component(entry[:n]))
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
