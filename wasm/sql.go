//go:build sql || !page

package main

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query/sql/value"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// statement carries out SQL. Its result is [row …], each a map by the names of the columns; or how
// many rows it has written, or a row for each step of its plan. With Written it is all of that: of each document
// that was written [table, before, after], nil where there is none, then the rows, and how many were written.
//
// The other end is js/src/query/sql.ts.
func (o *operation) statement() error {
	s, err := o.request.Statement()
	if err != nil {
		return err
	}
	if s.Wanted == wire.PlanRows {
		s.Text = "EXPLAIN QUERY PLAN " + s.Text
	}
	if o.request.Transaction != 0 {
		return o.writing(func(o *operation, tx *store.Tx) error { return o.runStatement(tx, &s) })
	}
	writes := false
	err = o.anew(func(tx *store.Tx) error {
		p, err := tx.Prepare(s.Text)
		if err != nil {
			return err
		}
		if writes = p.Writes() && s.Wanted != wire.TableNames; writes {
			return nil
		}
		return o.runPrepared(tx, p, &s)
	})
	if err != nil || !writes {
		return err
	}
	return o.update(func(o *operation, tx *store.Tx) error { return o.runStatement(tx, &s) })
}

func (o *operation) runStatement(tx *store.Tx, s *wire.Statement) error {
	p, err := tx.Prepare(s.Text)
	if err != nil {
		return err
	}
	return o.runPrepared(tx, p, s)
}

func (o *operation) runPrepared(tx *store.Tx, p *store.Prepared, s *wire.Statement) error {
	if s.Wanted == wire.TableNames {
		return o.tablesOf(p)
	}
	rows := o.rows()
	rows.whole = p.Writes() // it may be run again
	packed := newPackedRow(p.Columns())
	how := store.Running{Work: s.Work, Row: func(row []value.Value) error {
		if s.Wanted == wire.Changes {
			return nil
		}
		return rows.add(packed.pack(row))
	}}
	if s.Wanted == wire.Written {
		how.Wrote = func(table string, before, after []byte) error {
			told := msgp.AppendString(msgp.AppendArrayHeader(nil, 3), table)
			return rows.add(appendDocument(appendDocument(told, before), after))
		}
	}
	changed, err := p.Run(tx, valuesOf(s), how)
	switch {
	case s.Wanted == wire.Changes:
		o.result = o.result[:0]
		return o.count(changed, err)
	case s.Wanted == wire.Written && err == nil:
		err = rows.add(msgp.AppendInt64(nil, changed))
	}
	rows.end()
	return err
}

// statementRows hands the rows of a statement that reads to tell, one by one and packed.
func (o *operation) statementRows(tx *store.Tx, s *wire.Statement, tell func(row []byte) error) error {
	p, err := tx.Prepare(s.Text)
	if err != nil {
		return err
	}
	packed := newPackedRow(p.Columns())
	_, err = p.Run(tx, valuesOf(s), store.Running{Row: func(row []value.Value) error { return tell(packed.pack(row)) }})
	return err
}

// valuesOf are the values for the parameters of a statement.
func valuesOf(s *wire.Statement) []value.Value {
	values := make([]value.Value, len(s.Values))
	for i, raw := range s.Values {
		values[i] = value.FromMsgpack(raw)
	}
	return values
}

// appendDocument appends a document, nil where there is none.
func appendDocument(dst, doc []byte) []byte {
	if doc == nil {
		return msgp.AppendNil(dst)
	}
	return append(dst, doc...)
}

// tablesOf results in whether a statement writes, and the names of the tables that it reads or writes.
func (o *operation) tablesOf(p *store.Prepared) error {
	names := p.Tables()
	o.result = msgp.AppendBool(msgp.AppendArrayHeader(o.result[:0], 1+uint32(len(names))), p.Writes())
	for _, name := range names {
		o.result = msgp.AppendString(o.result, name)
	}
	return nil
}

// packedRow makes a map of a row.
type packedRow struct {
	names [][]byte // packed
	room  []byte
}

func newPackedRow(columns []string) *packedRow {
	p := &packedRow{names: make([][]byte, len(columns))}
	for i, name := range columns {
		p.names[i] = msgp.AppendString(nil, name)
	}
	return p
}

func (p *packedRow) pack(row []value.Value) []byte {
	p.room = msgp.AppendMapHeader(p.room[:0], uint32(len(row)))
	for i, v := range row {
		p.room = v.AppendMsgpack(append(p.room, p.names[i]...))
	}
	return p.room
}
