package sql

import "github.com/stowage-db/stowage/query/sql/value"

// presorted is a run of a sort of rows that come in the order of its first keys: those
// that are equal there wait for one another, and no more than these are held.
type presorted struct {
	*sorter
	r     *run
	first int
	next  func() error
	row   []value.Value // the run's, while others are handed on in its places
}

// runsFeed sorts rows that come in the order of the first keys.
func runsFeed(from feed, slots []int, keys []sortKey, first int, limit, offset eval) feed {
	return func(r *run, next func() error) func() error {
		p := &presorted{sorter: newSorter(keys, slots), r: r, first: first, next: next}
		start := from(r, p.take)
		return func() error {
			p.most = mostOf(r, limit, offset)
			err := start()
			if err == nil {
				err = p.pass()
			}
			if end := p.clear(); err == nil {
				err = end
			}
			return err
		}
	}
}

// take adds the run's row to those that it is equal to.
func (p *presorted) take() error {
	if p.kept.count > 0 && p.differs() {
		p.row = p.row[:0]
		for _, slot := range p.slots {
			p.row = append(p.row, p.r.row[slot])
		}
		if err := p.pass(); err != nil {
			return err
		}
		for i, slot := range p.slots {
			p.r.row[slot] = p.row[i]
		}
	}
	return p.add(p.r)
}

// differs reports whether the run's row begins with other keys than the rows that wait.
func (p *presorted) differs() bool {
	waiting := p.kept.row(0)
	for i := range p.first {
		if p.keys[i].compare(&waiting[i], &p.r.row[p.slots[i]]) != 0 {
			return true
		}
	}
	return false
}

// pass hands on the rows that wait.
func (p *presorted) pass() error {
	err := p.sort(p.r)
	if err == nil {
		err = p.each(p.r, p.next)
	}
	if end := p.clear(); err == nil {
		err = end
	}
	return err
}
