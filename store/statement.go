package store

import (
	"github.com/stowage-db/stowage/query/sql"
)

// statement is one of SQL on its way in a transaction: what it reads and writes with. It is
// its sql.Source. What it writes goes into tables as what programs write there, so that indexes,
// live queries and other contexts see no difference.
type statement struct {
	tx       *Tx
	sessions []sessionOf
	kept     []byte // the newest room for keys: see keep
	steps    int64
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
	for _, of := range s.sessions {
		of.session.end()
	}
	s.sessions = nil
}

// stepWork is the work of one step of a statement, as Tx.Work counts it.
const stepWork = 64

// Work implements sql.Source.
func (s *statement) Work(n int) error {
	s.steps += int64(n)
	if limit := s.tx.env.options.StatementWork; limit > 0 && s.steps > limit {
		return fail(WorkLimit, "statement", "", nil)
	}
	return s.tx.Work(n * stepWork)
}

// Ceiling implements sql.Source.
func (s *statement) Ceiling() int { return s.tx.env.options.StatementBytes }

// Spool implements sql.Source.
func (s *statement) Spool() (sql.Spool, error) { return s.tx.env.newSpool(s.tx.in.ctx) }
