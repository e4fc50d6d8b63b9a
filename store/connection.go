package store

import (
	"context"
	"iter"

	"github.com/stowage-db/stowage/query/sql"
)

// Connection runs SQL statements one after the other, in transactions that they begin and end
// themselves: BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE and ROLLBACK TO. Without those each
// statement has a transaction of its own. It is used by one goroutine at a time and must be closed.
//
// BEGIN waits for nobody, so that COMMIT may fail with Conflict, which leaves nothing of the
// transaction; BEGIN IMMEDIATE and BEGIN EXCLUSIVE wait for the turn to write.
type Connection struct {
	env    *Env
	tx     *Tx // nil outside of transactions
	points []savepoint
}

// savepoint is a child of the transaction, or of the savepoint before it.
type savepoint struct {
	name string // its ASCII letters in lower case
	tx   *Tx
	root bool // it has begun the transaction
}

// Connect opens a connection.
func (e *Env) Connect() *Connection { return &Connection{env: e} }

// Close rolls back what was begun and not committed.
func (c *Connection) Close() {
	if c.tx != nil {
		c.tx.Rollback()
	}
	c.tx, c.points = nil, nil
}

// Active reports whether a transaction was begun and has not ended.
func (c *Connection) Active() bool { return c.tx != nil }

// Query is Env.Query in the connection's transaction.
func (c *Connection) Query(ctx context.Context, text string, values ...any) iter.Seq2[Row, error] {
	return rowsOf(text, values, func(asked *call) error { return c.carryOut(ctx, asked) })
}

// Exec is Env.Exec in the connection's transaction.
func (c *Connection) Exec(ctx context.Context, text string, values ...any) (changed int64, err error) {
	return script(text, values, func(asked *call) error { return c.carryOut(ctx, asked) })
}

// Script runs the statements of a text as Exec does, and hands over the rows of each; an error of
// each ends it and is returned.
func (c *Connection) Script(ctx context.Context, text string, each func(Row) error, values ...any) (err error) {
	var refused error
	_, err = script(text, values, func(asked *call) error {
		asked.yield = func(row Row, _ error) bool {
			refused = each(row)
			return refused == nil
		}
		return c.carryOut(ctx, asked)
	})
	if refused != nil {
		return refused
	}
	return err
}

func (c *Connection) carryOut(ctx context.Context, asked *call) error {
	control, err := c.controlOf(ctx, asked)
	switch {
	case err != nil:
		return err
	case control != nil:
		return c.control(ctx, control)
	case c.tx == nil:
		return c.env.carryOut(ctx, asked)
	}
	return c.top().carryOut(asked)
}

// controlOf is what a statement says about transactions, nil for others.
func (c *Connection) controlOf(ctx context.Context, asked *call) (control *sql.Control, err error) {
	look := func(tx *Tx) error {
		p, err := asked.prepare(tx)
		if err == nil {
			control = p.plan.Control
		}
		return err
	}
	if c.tx == nil {
		err = c.env.View(ctx, look)
		return control, err
	}
	top := c.top()
	top.SetContext(ctx)
	err = look(top)
	return control, err
}

// top is the innermost transaction.
func (c *Connection) top() *Tx {
	if n := len(c.points); n > 0 {
		return c.points[n-1].tx
	}
	return c.tx
}

func (c *Connection) control(ctx context.Context, what *sql.Control) error {
	switch what.Kind {
	case sql.Begin, sql.BeginImmediate:
		if c.tx != nil {
			return fail(InvalidStatement, "begin: within a transaction", "", nil)
		}
		return c.begin(ctx, what.Kind == sql.BeginImmediate)
	case sql.Savepoint:
		return c.savepoint(ctx, folded(what.Name))
	}
	if c.tx == nil {
		return fail(InvalidStatement, "statement: no transaction was begun", "", nil)
	}
	switch what.Kind {
	case sql.Commit:
		return c.commit(ctx)
	case sql.Rollback:
		c.Close()
		return nil
	case sql.Release:
		return c.release(ctx, folded(what.Name))
	default:
		return c.rollbackTo(folded(what.Name))
	}
}

func (c *Connection) begin(ctx context.Context, exclusive bool) (err error) {
	if exclusive {
		c.tx, err = c.env.BeginExclusive(ctx)
	} else {
		c.tx, err = c.env.Begin(ctx, true)
	}
	return err
}

func (c *Connection) commit(ctx context.Context) error {
	for len(c.points) > 0 {
		if err := c.commitPoint(ctx); err != nil {
			return err
		}
	}
	err := c.tx.Commit(ctx)
	c.tx = nil
	return err
}

// commitPoint commits the innermost savepoint.
func (c *Connection) commitPoint(ctx context.Context) error {
	last := len(c.points) - 1
	err := c.points[last].tx.Commit(ctx)
	c.points = c.points[:last]
	return err
}

func (c *Connection) savepoint(ctx context.Context, name string) error {
	root := c.tx == nil
	if root {
		if err := c.begin(ctx, false); err != nil {
			return err
		}
	}
	child, err := c.top().Child()
	if err != nil {
		return err
	}
	c.points = append(c.points, savepoint{name, child, root})
	return nil
}

// find returns the position of the innermost savepoint of a name.
func (c *Connection) find(name string) (int, error) {
	for i := len(c.points) - 1; i >= 0; i-- {
		if c.points[i].name == name {
			return i, nil
		}
	}
	return 0, fail(InvalidStatement, "statement: no such savepoint", name, nil)
}

// release commits a savepoint and those within it. With the one that began it the transaction
// is committed.
func (c *Connection) release(ctx context.Context, name string) error {
	at, err := c.find(name)
	if err != nil {
		return err
	}
	if at == 0 && c.points[0].root {
		return c.commit(ctx)
	}
	for len(c.points) > at {
		if err := c.commitPoint(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rollbackTo undoes what was done since a savepoint, which stays.
func (c *Connection) rollbackTo(name string) error {
	at, err := c.find(name)
	if err != nil {
		return err
	}
	c.points[at].tx.Rollback() // and its children
	point := c.points[at]
	c.points = c.points[:at]
	if point.tx, err = c.top().Child(); err != nil {
		return err
	}
	c.points = append(c.points, point)
	return nil
}
