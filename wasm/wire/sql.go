package wire

import "github.com/tinylib/msgp/msgp"

// Statement is SQL, with the values for its parameters in MessagePack.
type Statement struct {
	Text   string
	Values [][]byte
	Wanted Wanted
	Work   int64 // how many steps it may take, 0 for as many as it needs
}

// Wanted is what a statement's result tells.
type Wanted uint8

const (
	ResultRows Wanted = iota
	Changes           // how many rows were written
	PlanRows          // a row for each step of the plan
	TableNames        // whether it writes, and the names of the tables that it reads or writes
	Written           // its rows, what it has written, and how many rows that were
)

// Statement reads [[text, value …], wanted].
func (q *Request) Statement() (Statement, error) {
	r := q.read(3)
	s := r.statement()
	s.Wanted = Wanted(r.byte())
	if s.Wanted > Written {
		r.fail()
	}
	s.Work = r.int()
	return s, r.end()
}

// statement reads [text, value …].
func (r *reader) statement() (s Statement) {
	n := r.array()
	s.Text = r.text()
	if n > 1 {
		s.Values = make([][]byte, 0, n-1) // no more than there are bytes
	}
	for ; n > 1; n-- {
		s.Values = append(s.Values, r.raw())
	}
	return s
}

// isStatement reports whether what is asked is a statement: a query is a map.
func isStatement(raw []byte) bool { return msgp.NextType(raw) == msgp.ArrayType }
