package store

import (
	"context"
	"errors"
	"iter"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Query runs an SQL statement and delivers its rows. Values stand for the parameters in it: nil,
// booleans, integers, floats, strings, bytes, time.Time, []any and map[string]any.
//
//	for row, err := range env.Query(ctx, `SELECT name, population FROM cities WHERE country = ?`, "NO") {
//		if err != nil {
//			return err
//		}
//		fmt.Println(row.Get("name"), row.Get("population"))
//	}
//
// Tables are those that programs open by their names, documents their rows, and members of
// documents their columns; a table that CREATE TABLE has made has only the columns declared
// there. What a statement writes is done when its first row is delivered, or not at all.
//
// Errors: Syntax, UnknownTable, UnknownColumn, UnknownFunction, Ambiguous, WrongArguments,
// InvalidStatement and Unsupported for the statement, with the position in its text: see
// StatementError. Constraint, DuplicateKey and AlreadyExists for what cannot be written; WorkLimit, Aborted;
// and what the engine reports. After an error there are no more rows.
func (e *Env) Query(ctx context.Context, text string, values ...any) iter.Seq2[Row, error] {
	return rowsOf(text, values, func(c *call) error { return e.carryOut(ctx, c) })
}

// Exec runs SQL statements one after the other, each in a transaction of its own, and returns how
// many rows the last one has inserted, changed or deleted. Only the last one may have parameters.
// It fails as Query does.
func (e *Env) Exec(ctx context.Context, text string, values ...any) (changed int64, err error) {
	return script(text, values, func(c *call) error { return e.carryOut(ctx, c) })
}

// Query is Env.Query within the transaction. What a statement writes is a child's: after an error
// nothing of it has been done. Rows that the transaction changes while it is handed others may come
// as they were, or as they are.
func (tx *Tx) Query(text string, values ...any) iter.Seq2[Row, error] {
	return rowsOf(text, values, tx.carryOut)
}

// Exec is Env.Exec within the transaction.
func (tx *Tx) Exec(text string, values ...any) (changed int64, err error) {
	return script(text, values, tx.carryOut)
}

// ExecTelling runs a statement and returns its rows; wrote is told what it writes: see Running.
// Package store/policies lets policies hear of it so. It fails as Env.Query does.
func (tx *Tx) ExecTelling(wrote func(table string, before, after []byte) error, text string, values ...any) (rows []Row, changed int64, err error) {
	c := call{text: text, values: values, only: true, wrote: wrote, yield: func(row Row, _ error) bool {
		rows = append(rows, row)
		return true
	}}
	err = tx.carryOut(&c)
	return rows, c.changed, err
}

// call is a statement that a program runs.
type call struct {
	text   string
	values []any
	yield  func(Row, error) bool // nil where rows are not wanted
	only   bool                  // no statement may follow in the text
	wrote  func(table string, before, after []byte) error

	tail    int // of the text, where what follows the statement begins
	changed int64
}

// errStopped ends a statement whose rows nobody wants any more.
var errStopped = errors.New("stopped")

// rowsOf are the rows of the only statement of a text.
func rowsOf(text string, values []any, run func(c *call) error) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if err := run(&call{text: text, values: values, yield: yield, only: true}); err != nil && err != errStopped {
			yield(Row{}, err)
		}
	}
}

// script runs the statements of a text one after the other, the last one with the values.
func script(text string, values []any, run func(c *call) error) (changed int64, err error) {
	for !blank(text) {
		c := call{text: text, values: values}
		if err := run(&c); err != nil {
			return 0, err
		}
		changed, text = c.changed, text[c.tail:]
	}
	return changed, nil
}

// prepare readies the statement in a transaction.
func (c *call) prepare(tx *Tx) (*Prepared, error) {
	p, err := tx.planFor(c.text)
	if err != nil {
		return nil, err
	}
	if c.tail = p.tail; !blank(c.text[p.tail:]) {
		if c.only {
			return nil, errSeveral
		}
		c.values = nil
	}
	return p, nil
}

// carryOut runs a statement in a transaction of its own, which writes only if it has to.
func (e *Env) carryOut(ctx context.Context, c *call) error {
	writes := false
	err := e.View(ctx, func(tx *Tx) error {
		p, err := c.prepare(tx)
		if err == nil {
			if writes = p.Writes(); !writes {
				err = c.run(tx, p)
			}
		}
		return err
	})
	if err != nil || !writes {
		return err
	}
	var rows []Row
	within := *c
	within.yield = func(r Row, _ error) bool {
		rows = append(rows, r)
		return true
	}
	err = e.Update(ctx, func(tx *Tx) error {
		rows = rows[:0] // it may be run again
		return tx.carryOut(&within)
	})
	if err != nil {
		return err
	}
	c.changed = within.changed
	for _, row := range rows {
		if c.yield != nil && !c.yield(row, nil) {
			return errStopped
		}
	}
	return nil
}

func (tx *Tx) carryOut(c *call) error {
	p, err := c.prepare(tx)
	if err != nil {
		return err
	}
	return c.run(tx, p)
}

func (c *call) run(tx *Tx, p *Prepared) error {
	values, err := arguments(c.values)
	if err != nil {
		return err
	}
	columns := p.Columns()
	c.changed, err = p.Run(tx, values, Running{Wrote: c.wrote, Row: func(row []value.Value) error {
		if c.yield != nil && !c.yield(newRow(columns, row), nil) {
			return errStopped
		}
		return nil
	}})
	return err
}
