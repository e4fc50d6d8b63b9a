package wire

import "github.com/tinylib/msgp/msgp"

// Statement is SQL, with the values for its parameters in MessagePack.
type Statement struct {
	Text   string
	Values [][]byte
	Wanted Wanted
}

// Wanted is what a statement's result tells.
type Wanted uint8

const (
	ResultRows Wanted = iota
	Changes           // how many rows were written
	PlanRows          // a row for each step of the plan
	TableNames        // those of the tables that it reads, which is all that it may do
)

// Statement reads [[text, value …], wanted].
func (q *Request) Statement() (Statement, error) {
	r := q.read(2)
	s := r.statement()
	s.Wanted = Wanted(r.byte())
	if s.Wanted > TableNames {
		r.fail()
	}
	return s, r.end()
}

// statement reads [text, value …].
func (r *reader) statement() (s Statement) {
	n := r.array()
	s.Text = r.text()
	for ; n > 1; n-- {
		s.Values = append(s.Values, r.raw())
	}
	return s
}

// isStatement reports whether what is asked is a statement: a query is a map.
func isStatement(raw []byte) bool { return msgp.NextType(raw) == msgp.ArrayType }
