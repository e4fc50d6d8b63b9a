//go:build sql || !page

package main

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query/sql/value"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// statement carries out SQL. Its result is [row …], each a map by the names of the columns; or how
// many rows it has written, or a row for each step of its plan.
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
		if s.Wanted == wire.TableNames {
			return o.tablesOf(p)
		}
		if writes = p.Writes(); writes {
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
	rows := o.rows()
	rows.whole = p.Writes() // it may be run again
	packed := newPackedRow(p.Columns())
	changed, err := p.Run(tx, valuesOf(s), func(row []value.Value) error {
		if s.Wanted == wire.Changes {
			return nil
		}
		return rows.add(packed.pack(row))
	})
	if s.Wanted == wire.Changes {
		o.result = o.result[:0]
		return o.count(changed, err)
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
	_, err = p.Run(tx, valuesOf(s), func(row []value.Value) error { return tell(packed.pack(row)) })
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

// tablesOf results in the names of the tables that a statement reads.
func (o *operation) tablesOf(p *store.Prepared) error {
	if p.Writes() {
		return &store.Error{Code: store.ReadOnly, Op: "statement: a view is read"}
	}
	names := p.Tables()
	o.result = msgp.AppendArrayHeader(o.result[:0], uint32(len(names)))
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
