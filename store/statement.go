package store

import (
	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/query/sql/value"
)

// statement is one of SQL on its way in a transaction: what it reads and writes with. It is
// its sql.Source. What it writes goes into tables as what programs write there, so that indexes,
// live queries and other contexts see no difference.
type statement struct {
	tx       *Tx
	how      Running
	sessions []sessionOf
	readings []*reading
	kept     []byte  // the newest room for keys: see keep
	whole    []byte  // room for a key of the tree
	handful  handful // room for documents
	steps    int64
}

// Running is how a statement is run.
type Running struct {
	// Row is handed each row, for the call only. Its error ends the statement and is returned.
	Row func(row []value.Value) error
	// Wrote, if not nil, is told of each document that is written, once it has been: before is nil
	// where there was none, after where there is none any more. They are valid for the call only.
	// Its error ends the statement and is returned. A document that gets another identity is deleted, and is a new one.
	Wrote func(table string, before, after []byte) error
	// Work is how many steps it may take, if that is fewer than Options.StatementWork. Zero is as many.
	Work int64
}

// wrote tells of a document.
func (s *statement) wrote(on *session, before, after []byte) error {
	if s.how.Wrote == nil {
		return nil
	}
	return s.how.Wrote(on.table.name, before, after)
}

// sessionOf is a table that the statement has come to.
type sessionOf struct {
	table   *sql.Table
	session *session
}

// session opens a table for as long as the statement runs.
func (s *statement) session(t *sql.Table) (*session, error) {
	for i := range s.sessions {
		if s.sessions[i].table == t {
			return s.sessions[i].session, nil
		}
	}
	known, ok := t.Handle.(*described)
	if !ok {
		return nil, fail(Internal, "statement: a table of another catalogue", t.Name, nil)
	}
	on, err := known.table.open(s.tx)
	if err != nil {
		return nil, err
	}
	s.sessions = append(s.sessions, sessionOf{t, on})
	return on, nil
}

// rest writes what is left to write, and ends what was opened, so that definitions can change.
func (s *statement) rest() error {
	defer s.leave()
	for _, of := range s.sessions {
		if err := of.session.saveCounter(); err != nil {
			return err
		}
	}
	return nil
}

// leave ends what was opened.
func (s *statement) leave() {
	for _, r := range s.readings {
		r.close()
	}
	for _, of := range s.sessions {
		of.session.end()
	}
	s.sessions, s.readings = nil, nil
}

// stepWork is the work of one step of a statement, as Tx.Work counts it.
const stepWork = 64

// Work implements sql.Source.
func (s *statement) Work(n int) error {
	s.steps += int64(n)
	limit := s.tx.env.options.StatementWork
	if own := s.how.Work; own > 0 && (limit == 0 || own < limit) {
		limit = own
	}
	if limit > 0 && s.steps > limit {
		return fail(WorkLimit, "statement", "", nil)
	}
	return s.tx.Work(n * stepWork)
}

// Ceiling implements sql.Source.
func (s *statement) Ceiling() int { return s.tx.env.options.StatementBytes }

// Spool implements sql.Source.
func (s *statement) Spool() (sql.Spool, error) { return s.tx.env.newSpool(s.tx.in.ctx) }
