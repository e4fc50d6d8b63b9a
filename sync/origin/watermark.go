package origin

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"github.com/stowage-db/stowage/store"
)

// A watermark is a column that grows whenever a row is written: a time of change, or a
// count. Where a table has one, a look reads the rows from the greatest value on that was
// seen, and counts all. Where the count tells that this is not everything, as after a
// deletion, the look goes on to read them all. It does not tell of a row that was changed
// under a smaller value, by who forgot the column or committed late: that is found by the
// look that reads everything, Config.Full after the first that did not.

// mark returns the watermark's column in a relation; its name is empty where there is none.
func (o *Origin) mark(r *Relation) Column {
	for _, t := range o.config.Tables {
		if t.Watermark != "" && sameTable(t.Name, r.Schema+"."+r.Name) {
			for _, c := range r.Columns {
				if c.Name == t.Watermark {
					return c
				}
			}
		}
	}
	return Column{}
}

// overdue reports whether everything has to be read. The caller has the turn.
func (o *Origin) overdue(s *shape) bool {
	return !s.skimmed.IsZero() && time.Since(s.skimmed) > o.config.Full
}

// measure counts the rows of the shape and finds the greatest watermark, "" for none.
func (c *comparison) measure(ctx context.Context, mark Column) (rows int64, greatest string, err error) {
	d := c.o.source.dialect()
	condition := statement{}
	if c.filter != nil {
		if condition, err = renderFilter(d, c.relation, c.filter, nil); err != nil {
			return 0, "", err
		}
		condition.sql = " WHERE " + condition.sql
	}
	name := d.quote(mark.Name)
	columns := []Column{{Name: "rows", Type: "int8"}, mark}
	s := statement{"SELECT " + d.texts(columns) + " FROM (SELECT count(*) AS " + d.quote("rows") + ", max(" + name + ") AS " + name +
		" FROM " + d.qualified(c.relation) + condition.sql + ") AS measure", condition.args}
	err = c.reader.Rows(ctx, s, columns, func(values [][]byte) error {
		for _, digit := range values[0] {
			rows = rows*10 + int64(digit-'0')
		}
		greatest = string(values[1])
		return nil
	})
	return rows, greatest, err
}

// skim compares the rows from the watermark on. It reports false, and has done nothing,
// where that is not all that has changed.
func (c *comparison) skim(ctx context.Context, mark Column) (bool, error) {
	rows, greatest, err := c.measure(ctx, mark)
	if err != nil {
		return false, err
	}
	var filter expression = operation{">=", reference{column: identifier{mark.Name, true}}, literal{unknownKind, c.next.mark}}
	if c.filter != nil {
		filter = operation{"AND", c.filter, filter}
	}
	_, newer, err := define(c.o.source.dialect(), c.relation, filter, nil, c.shape.def.Columns)
	if err != nil {
		return false, err
	}
	if _, err := c.tx.ExecContext(ctx, "SAVEPOINT skim"); err != nil {
		return false, err
	}
	was := c.next
	c.shadow, c.logging = map[string]fingerprint{}, true
	err = c.inserting(ctx, func() error {
		return c.reader.Rows(ctx, newer.read, newer.relation.Columns, func(values [][]byte) error {
			c.rows.take(values)
			if err := c.recall(ctx); err != nil {
				return err
			}
			return c.row(ctx)
		})
	})
	if err != nil {
		return false, err
	}
	if c.next.rows != rows {
		c.next, c.ops, c.pending, c.logging = was, 0, c.pending[:0], false
		_, err := c.tx.ExecContext(ctx, "ROLLBACK TO skim")
		return false, err
	}
	c.next.mark = greatest
	if c.shape.skimmed.IsZero() {
		c.shape.skimmed = time.Now()
	}
	return true, c.finish(ctx)
}

// recall reads the shadow of the row at hand.
func (c *comparison) recall(ctx context.Context) error {
	var print []byte
	err := c.tx.QueryRowContext(ctx, "SELECT print FROM shadow WHERE shape = ? AND identity = ?", c.next.id, c.rows.identity).Scan(&print)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case len(print) != 24:
		return failure(store.Corrupt, "read the shadow of a shape", "")
	}
	var f fingerprint
	copy(f.hash[:], print)
	f.sum = binary.BigEndian.Uint64(print[16:])
	c.shadow[string(c.rows.identity)] = f
	return nil
}
