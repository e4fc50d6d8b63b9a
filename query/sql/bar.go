package sql

import "github.com/stowage-db/stowage/query/sql/value"

// bar is what the rows of a scan must not be beyond, where a sort behind it has found as
// many as are asked for: those that the first key puts behind the last of them are not
// even read to their end.
type bar struct {
	state int // where the run keeps the sorter, once there is one
	slot  int // of the first key
}

// bar is what a scan may hold rows against before anything else of a SELECT is computed,
// nil where that is not the same: the sort's first key is a column, and nothing that the
// SELECT computes can fail.
func (c *compiler) bar(all *operands, order []orderTerm, terms []*term) *bar {
	if len(all.list) != 1 || len(order) == 0 || all.list[0].table == nil {
		return nil
	}
	first := order[0].term
	if first.kind != termSlot || first.origin != all.list[0].table {
		return nil
	}
	for _, t := range terms {
		if _, is := placeOf(t); !is {
			return nil
		}
	}
	for _, o := range order {
		if _, is := placeOf(o.term); !is {
			return nil
		}
	}
	return &bar{c.state(), first.slot}
}

// last is the first key of the last row that is asked for, nil as long as there are not so many.
//
//go:noinline
func (b *bar) last(r *run) (key *sortKey, last *value.Value) {
	if s, _ := r.states[b.state].(*sorter); s != nil && s.full {
		return &s.keys[0], &s.kept.row(s.most - 1)[0]
	}
	return nil, nil
}

// passes reports whether the run's row may be among those that are asked for.
func (b *bar) passes(r *run) bool {
	key, last := b.last(r)
	return last == nil || key.compare(&r.row[b.slot], last) <= 0
}

// narrow keeps those rows of a sheet that may be.
func (b *bar) narrow(r *run, rows *sheet) {
	key, last := b.last(r)
	if last == nil {
		return
	}
	holds := outcomes("<=")
	if key.desc {
		holds = outcomes(">=")
	}
	rows.rows = value.Narrow(rows.rows, rows.column(b.slot), last, holds, func(v *value.Value) bool { return key.compare(v, last) <= 0 })
}
