package origin

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/stowage-db/stowage/store"
)

// refresh is one look at the source: all shapes that may have changed, and a new
// one perhaps, compared within one snapshot of it and committed to the sidecar
// in one transaction. A crash before that commit has changed nothing.
type refresh struct {
	o        *Origin
	tx       *sql.Tx
	reader   Reader
	before   int64 // the position of what clients have
	position int64 // the position that this refresh leads to
	written  bool

	renewed map[*shape]generation
	dropped map[*shape]error
	changes int
}

// Poll looks whether the source has changed and if so brings all shapes up to
// date. Run calls it again and again; a program that knows better may too.
func (o *Origin) Poll(ctx context.Context) error { return o.refresh(ctx, nil) }

// refresh polls, and reads a new shape if one is given.
func (o *Origin) refresh(ctx context.Context, added *shape) error {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return &store.Error{Code: store.Aborted, Op: "look for changes", Err: ctx.Err()}
	}
	ctx, cancel := context.WithTimeout(ctx, o.config.ScanTime)
	defer cancel()
	began := time.Now()
	// The gate comes first: what is committed after it is seen twice, not missed.
	gate, err := o.source.Gate(ctx)
	var unfit error
	if err == nil {
		unfit, err = o.compare(ctx, gate, added)
	}
	o.metrics.polled(time.Since(began), err)
	o.mu.Lock()
	o.failed = err
	o.mu.Unlock()
	if err != nil {
		return err
	}
	return unfit
}

// compare also tells why the new shape is none that can be served, which is no failure of
// the source.
func (o *Origin) compare(ctx context.Context, gate string, added *shape) (unfit, err error) {
	o.mu.RLock()
	shapes := slices.Collect(maps.Values(o.shapes))
	r := &refresh{o: o, before: o.position, renewed: map[*shape]generation{}, dropped: map[*shape]error{}}
	o.mu.RUnlock()
	if gate != o.gate {
		o.mu.Lock()
		clear(o.described)
		o.mu.Unlock()
	} else {
		shapes = slices.DeleteFunc(shapes, func(s *shape) bool { return !o.crowded(s) && !o.idle(s) && !o.overdue(s) })
	}
	if added != nil {
		shapes = append(shapes, added)
	}
	if len(shapes) == 0 {
		o.gate = gate
		return nil, nil
	}
	r.position = max(r.before+1, time.Now().UnixMicro())
	err = o.source.Snapshot(ctx, func(reader Reader) error {
		r.reader = reader
		return o.sidecar.write(ctx, func(tx *sql.Tx) error {
			r.tx = tx
			return r.run(ctx, shapes)
		})
	})
	if err != nil {
		return nil, err
	}
	o.gate = gate
	o.publish(r)
	return r.dropped[added], nil
}

func (r *refresh) run(ctx context.Context, shapes []*shape) error {
	for _, s := range shapes {
		if r.o.idle(s) {
			r.dropped[s] = nil
			if err := dropShape(ctx, r.tx, s.id); err != nil {
				return err
			}
			continue
		}
		if err := r.shape(ctx, s); err != nil {
			return err
		}
	}
	if !r.written {
		return nil
	}
	_, err := r.tx.ExecContext(ctx, "INSERT INTO commits VALUES (?)", r.position)
	return err
}

// shape compares one shape. A table that is gone, or a filter that fails on its
// rows, is that shape's end and nobody else's.
func (r *refresh) shape(ctx context.Context, s *shape) error {
	if _, err := r.tx.ExecContext(ctx, "SAVEPOINT shape"); err != nil {
		return err
	}
	err := r.read(ctx, s)
	switch store.CodeOf(err) {
	case "":
		_, err = r.tx.ExecContext(ctx, "RELEASE shape")
		return err
	case store.NotFound, store.InvalidQuery, store.SchemaMismatch, store.Denied, store.TooDeep, store.TooLarge:
	default:
		return err
	}
	r.dropped[s] = err
	delete(r.renewed, s)
	_, undone := r.tx.ExecContext(ctx, "ROLLBACK TO shape")
	return errors.Join(undone, dropShape(ctx, r.tx, s.id))
}

func (r *refresh) read(ctx context.Context, s *shape) error {
	relation, err := r.o.describe(ctx, r.reader, s.def.Table)
	if err != nil {
		return err
	}
	var filter expression
	if s.def.Where != "" {
		if filter, err = parseCanonical(s.def.Where); err != nil {
			return err
		}
	}
	_, p, err := define(r.o.source.dialect(), relation, filter, nil, s.def.Columns)
	if err != nil {
		return err
	}
	c := &comparison{refresh: r, shape: s, relation: relation, filter: filter, plan: p, rows: newRowWriter(p), next: s.generation}
	if s.handle == "" || s.schema != p.schema {
		return c.begin(ctx)
	}
	return c.follow(ctx)
}

// comparison is the comparison of one shape with its shadow.
type comparison struct {
	*refresh
	shape *shape

	relation *Relation  // all that may be read of the table
	filter   expression // nil for all rows

	plan *plan
	rows *rowWriter
	next generation

	shadow   map[string]fingerprint // what was there and was not seen yet
	snapshot *snapshotWriter        // nil where only the log goes on
	logging  bool
	pending  []byte // the last message of the log, which is written when it is known to be that
	ops      int64
	insert   *sql.Stmt // into the shadow
}

// begin reads a shape from nothing: a new one, or one whose table has changed.
func (c *comparison) begin(ctx context.Context) error {
	if c.shape.handle != "" {
		if err := dropShape(ctx, c.tx, c.shape.id); err != nil {
			return err
		}
	}
	c.next = generation{schema: c.plan.schema, floor: c.position}
	result, err := c.tx.ExecContext(ctx, "INSERT INTO shapes (name, generation) VALUES (?, '')", c.shape.name)
	if err != nil {
		return err
	}
	if c.next.id, err = result.LastInsertId(); err != nil {
		return err
	}
	return c.scan(ctx)
}

// follow compares a shape with what was there. Its log, once it has grown larger
// than two snapshots, gives way to a new snapshot under a new handle; clients
// that are up to date go on under the old one.
func (c *comparison) follow(ctx context.Context) error {
	mark := c.o.mark(c.relation)
	if mark.Name != "" && c.next.mark != "" && len(c.plan.keys) > 0 && !c.o.crowded(c.shape) && !c.o.overdue(c.shape) {
		if done, err := c.skim(ctx, mark); done || err != nil {
			return err
		}
	}
	shadow, err := shadowOf(ctx, c.tx, c.shape.id)
	if err != nil {
		return err
	}
	c.shadow, c.logging = shadow, true
	return c.scan(ctx)
}

func (c *comparison) scan(ctx context.Context) error {
	c.shape.skimmed = time.Time{}
	if mark := c.o.mark(c.relation); mark.Name != "" {
		var err error
		if _, c.next.mark, err = c.measure(ctx, mark); err != nil {
			return err
		}
	}
	if !c.logging || c.o.crowded(c.shape) {
		c.next.handle = newHandle(c.shape.name, c.plan.schema, c.position)
		c.snapshot = &snapshotWriter{comparison: c}
	}
	err := c.inserting(ctx, func() error {
		return c.reader.Rows(ctx, c.plan.read, c.plan.relation.Columns, func(values [][]byte) error {
			c.rows.take(values)
			return c.row(ctx)
		})
	})
	if err != nil {
		return err
	}
	return c.finish(ctx)
}

// inserting runs f with what row writes by.
func (c *comparison) inserting(ctx context.Context, f func() error) error {
	insert, err := c.tx.PrepareContext(ctx, "INSERT OR REPLACE INTO shadow VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	c.insert = insert
	return f()
}

// row compares one row, which the shadow does not hold afterwards.
func (c *comparison) row(ctx context.Context) error {
	if c.snapshot != nil {
		if err := c.snapshot.add(ctx); err != nil {
			return err
		}
	}
	was, known := c.shadow[string(c.rows.identity)]
	delete(c.shadow, string(c.rows.identity))
	if known && was.hash == c.rows.hash {
		return nil
	}
	c.next.checksum += c.rows.sum - was.sum
	operation := "update"
	if !known {
		operation = "insert"
		if c.next.rows++; c.next.rows > c.o.config.MaxRows {
			return failure(store.InvalidQuery, "a shape with more rows than are allowed", c.shape.def.Table)
		}
	}
	if _, err := c.insert.ExecContext(ctx, c.next.id, c.rows.identity, c.rows.fingerprint.bytes()); err != nil {
		return err
	}
	if !c.logging {
		return nil
	}
	return c.log(ctx, operation, c.rows.identity, c.rows.value)
}

// finish logs as deleted what was not seen, and notes what came of the shape.
func (c *comparison) finish(ctx context.Context) error {
	for _, identity := range slices.Sorted(maps.Keys(c.shadow)) {
		c.next.rows--
		c.next.checksum -= c.shadow[identity].sum
		if _, err := c.tx.ExecContext(ctx, "DELETE FROM shadow WHERE shape = ? AND identity = ?", c.next.id, []byte(identity)); err != nil {
			return err
		}
		if err := c.log(ctx, "delete", []byte(identity), c.plan.appendKeyValue(nil, []byte(identity))); err != nil {
			return err
		}
	}
	if err := c.flush(ctx, true); err != nil {
		return err
	}
	if c.snapshot != nil {
		if err := c.snapshot.end(ctx); err != nil {
			return err
		}
	}
	if c.snapshot == nil && c.ops == 0 {
		return nil
	}
	c.written = true
	c.changes += int(c.ops)
	c.renewed[c.shape] = c.next
	_, err := c.tx.ExecContext(ctx, "UPDATE shapes SET generation = ? WHERE id = ?", c.next.stored(), c.next.id)
	return err
}

// log appends a change. It stands there without the end of its headers until it
// is known whether it is the last one.
func (c *comparison) log(ctx context.Context, operation string, identity, value []byte) error {
	if err := c.flush(ctx, false); err != nil {
		return err
	}
	c.ops++
	m := c.plan.appendMessage(c.pending[:0], identity, value, operation)
	m = append(append(m, `,"lsn":"`...), strconv.FormatInt(c.position, 10)...)
	c.pending = strconv.AppendInt(append(m, `","op_position":`...), c.ops, 10)
	return nil
}

func (c *comparison) flush(ctx context.Context, last bool) error {
	if len(c.pending) == 0 {
		return nil
	}
	if last {
		c.pending = append(c.pending, `,"last":true`...)
	}
	body := append(c.pending, '}', '}')
	c.pending = c.pending[:0]
	c.next.logged += int64(len(body))
	_, err := c.tx.ExecContext(ctx, "INSERT INTO log VALUES (?, ?, ?, ?, ?)", c.next.id, c.before, c.ops, c.position, body)
	return err
}

// appendMessage appends a change up to its relation, with the headers open.
func (p *plan) appendMessage(dst, identity, value []byte, operation string) []byte {
	dst = p.appendKey(append(dst, `{"key":`...), identity)
	dst = append(append(dst, `,"value":`...), value...)
	dst = append(append(append(dst, `,"headers":{"operation":"`...), operation...), `","relation":[`...)
	dst = append(appendJSON(dst, p.relation.Schema), ',')
	return append(appendJSON(dst, p.relation.Name), ']')
}

// snapshotWriter cuts the rows of a shape into chunks of about the same size.
type snapshotWriter struct {
	*comparison
	chunk       []byte
	start, rows int64 // rows before the chunk, and so far
	size        int64
}

func (w *snapshotWriter) add(ctx context.Context) error {
	separator := byte(',')
	if len(w.chunk) == 0 {
		separator = '['
	}
	message := w.plan.appendMessage(append(w.chunk, separator), w.comparison.rows.identity, w.comparison.rows.value, "insert")
	w.chunk = append(message, '}', '}')
	w.rows++
	if len(w.chunk) < w.o.config.ChunkBytes {
		return nil
	}
	return w.cut(ctx, w.rows)
}

// cut writes the chunk, which ends after a number of rows, or with next = -1 the
// snapshot.
func (w *snapshotWriter) cut(ctx context.Context, next int64) error {
	if len(w.chunk) == 0 {
		w.chunk = append(w.chunk, '[')
	}
	w.chunk = append(w.chunk, ']')
	w.size += int64(len(w.chunk))
	_, err := w.tx.ExecContext(ctx, "INSERT INTO chunks VALUES (?, ?, ?, ?)", w.next.handle, w.start, next, packed.EncodeAll(w.chunk, nil))
	w.chunk, w.start = w.chunk[:0], w.rows
	return err
}

// end writes the last chunk, and takes the log's place.
func (w *snapshotWriter) end(ctx context.Context) error {
	if err := w.cut(ctx, -1); err != nil {
		return err
	}
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{"DELETE FROM chunks WHERE handle <> ? AND handle IN (SELECT handle FROM handles WHERE shape = ?)", []any{w.next.handle, w.next.id}},
		{"INSERT INTO handles VALUES (?, ?, ?)", []any{w.next.handle, w.next.id, w.position}},
		{"DELETE FROM log WHERE shape = ? AND tx < ?", []any{w.next.id, w.before}},
		{`DELETE FROM handles WHERE shape = ? AND handle NOT IN (SELECT handle FROM handles WHERE shape = ? ORDER BY start DESC LIMIT 1000)`, []any{w.next.id, w.next.id}},
	} {
		if _, err := w.tx.ExecContext(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	w.next.start, w.next.size, w.next.logged = w.position, w.size, 0
	if w.logging {
		w.next.floor = w.before
	}
	return nil
}

// packed compresses chunks for the sidecar, and unpacked reads them.
var (
	packed, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	unpacked, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0))
)
