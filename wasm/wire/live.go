package wire

import "github.com/stowage-db/stowage/query"

// LiveQuery is the argument of Live and Changed.
type LiveQuery struct {
	Query   *query.Query
	SQL     *Statement // in the place of a query
	Number  uint32     // the host's, for as long as the query lives
	Counted bool       // the first row tells how many documents there are without limit, skip and after
}

// LiveQuery reads [[query or [text, value …], number, counted]].
func (q *Request) LiveQuery() (LiveQuery, error) {
	r := q.read(1)
	r.tuple(3)
	raw := r.raw()
	l := LiveQuery{Number: r.uint32(), Counted: r.bool()}
	err := r.end()
	if err == nil && isStatement(raw) {
		of := reader{b: raw}
		s := of.statement()
		l.SQL, err = &s, of.end()
	} else if err == nil {
		l.Query, err = query.ParseQuery(raw)
	}
	return l, err
}

// Number reads [number], the argument of Unlive.
func (q *Request) Number() (uint32, error) {
	r := q.read(1)
	return r.uint32(), r.end()
}
