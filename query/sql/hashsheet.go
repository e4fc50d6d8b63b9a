package sql

import "github.com/stowage-db/stowage/query/sql/value"

// probing is a run of a hash join for whole sheets.
type probing struct {
	r     *run
	b     *bucket
	ready func() error // has the table made where it is not
	take  take
	next  func() error // for those that are not taken
	loose bool         // nobody minds the order of the rows

	pairs []pair
	out   sheet
	read  byte // by which the compiler sees that reading ahead is for something
}

// pair is a row of a sheet and one that it joins, by its number from 1.
type pair struct {
	row, head int32
	packed    []byte // what of the latter is to be read yet
}

// takeSheet joins the rows of a sheet. All are looked up before any is joined, and read one column
// after the other: the table lies all over memory, and so its lines come side by side.
func (p *probing) takeSheet(s *sheet) (taken bool, err error) {
	if err := p.ready(); err != nil {
		return true, err
	}
	if p.b.out != nil || !p.look(s) {
		return false, p.r.err
	}
	for err = p.r.err; err == nil && len(p.pairs) > 0; p.follow() {
		err = p.hand(s)
	}
	return true, err
}

// look finds what the rows of a sheet join. It refuses where one joins more than one, and they have
// to come in order.
//
//go:noinline
func (p *probing) look(s *sheet) bool {
	b := p.b
	p.pairs = p.pairs[:0]
	var column []value.Value
	if b.probed && b.probe.kind == termSlot {
		column = s.column(b.probe.number)
	}
	for _, row := range s.rows {
		head, found := int32(0), false
		if column != nil {
			var i int64
			if i, found = column[row].Whole(); found {
				head = b.whole.find(i)
			}
		}
		if !found {
			s.enter(p.r, row)
			head, _ = b.head(p.r)
		}
		if head > 0 {
			p.pairs = append(p.pairs, pair{row: row, head: head})
		}
	}
	for _, at := range p.pairs {
		if !p.loose && b.links[at.head-1] > 0 {
			return false
		}
	}
	return true
}

// follow goes on to the next row that each joins.
func (p *probing) follow() {
	left := 0
	for _, at := range p.pairs {
		if at.head = p.b.links[at.head-1]; at.head > 0 {
			p.pairs[left] = at
			left++
		}
	}
	p.pairs = p.pairs[:left]
}

// hand hands on a sheet of the pairs.
//
//go:noinline
func (p *probing) hand(s *sheet) error {
	if err := p.r.ticks(len(p.pairs)); err != nil {
		return err
	}
	b, out := p.b, &p.out
	own := len(b.slots)
	if out.columns == nil {
		out.with(b.slots)
		out.with(s.slots)
	}
	copy(out.columns[own:], s.columns)
	out.room(1 + int(p.pairs[len(p.pairs)-1].row))
	for n := range p.pairs {
		at := &p.pairs[n]
		out.rows[n] = at.row
		at.packed = b.rows.row(int(at.head - 1))
		p.read += at.packed[0]
	}
	out.rows = out.rows[:len(p.pairs)]
	for _, column := range out.columns[:own] {
		for n := range p.pairs {
			at := &p.pairs[n]
			at.packed = loadPacked(&column[at.row], at.packed)
		}
	}
	if taken, err := p.take(out); taken || err != nil {
		return err
	}
	for _, row := range out.rows {
		out.enter(p.r, row)
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}
