package sql

import "github.com/stowage-db/stowage/query/sql/value"

// sheet is rows by columns: those of documents that a pass over a table reads at once, and what
// they are joined to. What is not among its columns is the same for all its rows, and stands in the
// run's.
type sheet struct {
	slots   []int // of the columns
	columns [][]value.Value
	rows    []int32 // those that are left, by their positions in the columns
}

// room makes columns of so many values, where they have fewer, of which all rows are left.
//
//go:noinline
func (s *sheet) room(n int) {
	for i := range s.columns {
		if len(s.columns[i]) < n {
			s.columns[i] = make([]value.Value, n)
		}
	}
	s.rows = s.rows[:0]
	for i := range n {
		s.rows = append(s.rows, int32(i))
	}
}

// with adds columns of places.
//
//go:noinline
func (s *sheet) with(slots []int) {
	s.slots = append(s.slots, slots...)
	s.columns = append(s.columns, make([][]value.Value, len(slots))...)
}

// column is that of a place, nil where the sheet has none.
//
//go:noinline
func (s *sheet) column(slot int) []value.Value {
	for i, own := range s.slots {
		if own == slot {
			return s.columns[i]
		}
	}
	return nil
}

// enter enters a row in the run's.
//
//go:noinline
func (s *sheet) enter(r *run, row int32) {
	for i, slot := range s.slots {
		r.row[slot] = s.columns[i][row]
	}
}

// taker is where a scan or a join finds, when it begins, who takes whole sheets of it instead of
// one row after the other: whoever begins it offers so before.
type taker struct{ state int }

// take takes a sheet, or refuses it, and is handed its rows then.
type take func(s *sheet) (taken bool, err error)

func (t *taker) offer(r *run, by take) {
	if t != nil {
		r.states[t.state] = by
	}
}

// taken returns what was offered, nil where nothing was.
func (t *taker) taken(r *run) (by take) {
	if t != nil {
		by, _ = r.states[t.state].(take)
		r.states[t.state] = nil
	}
	return by
}
