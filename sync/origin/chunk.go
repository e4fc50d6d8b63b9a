package origin

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// chunk is what one request gets: the messages between two offsets.
type chunk struct {
	generation
	handle   string // the client's, which may be an older one
	from, to offset
	position int64
	body     []byte // a JSON array
	upToDate bool   // all there is, for now
	changes  bool   // there is more in it than control messages
	full     bool   // never to be another: that handle at that offset is this for ever
}

// errRefetch tells that a handle or an offset is none of the shape's, or none any
// more: the client begins anew.
var errRefetch = errors.New("must refetch")

// chunkAt reads what follows an offset.
func (o *Origin) chunkAt(ctx context.Context, s *shape, handle string, from offset) (*chunk, error) {
	o.mu.RLock()
	c := &chunk{generation: s.generation, handle: handle, from: from, position: o.position}
	o.mu.RUnlock()
	if from == beginning {
		c.handle = c.generation.handle
	}
	if c.handle != c.generation.handle {
		if err := o.older(ctx, c); err != nil {
			return nil, err
		}
	}
	if from.tx > 0 {
		return c, o.readLog(ctx, c)
	}
	return c, o.readSnapshot(ctx, c)
}

// older checks a handle that is not the shape's last: its log is the same.
func (o *Origin) older(ctx context.Context, c *chunk) error {
	var id int64
	err := o.sidecar.db.QueryRowContext(ctx, "SELECT shape FROM handles WHERE handle = ?", c.handle).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (id != c.id || c.from.tx <= 0) {
		return errRefetch
	}
	return sidecarError("look for a handle", err)
}

func (o *Origin) readSnapshot(ctx context.Context, c *chunk) error {
	var next int64
	var body []byte
	row := o.sidecar.db.QueryRowContext(ctx, "SELECT next, body FROM chunks WHERE handle = ? AND start = ?", c.handle, c.from.op)
	err := row.Scan(&next, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return errRefetch
	}
	if err == nil {
		c.body, err = unpacked.DecodeAll(body, nil)
	}
	if err != nil {
		return sidecarError("read a chunk", err)
	}
	c.full, c.changes, c.to = true, true, offset{0, next}
	if next < 0 {
		c.to = offset{c.start, 0}
	}
	return nil
}

// readLog reads changes up to the size of a chunk, or all of them and the message
// that this is all.
func (o *Origin) readLog(ctx context.Context, c *chunk) error {
	if c.from.tx < c.floor || c.from.tx > c.position {
		return errRefetch
	}
	if err := o.known(ctx, c); err != nil {
		return err
	}
	rows, err := o.sidecar.db.QueryContext(ctx, `SELECT tx, op, body FROM log
		WHERE shape = ? AND (tx, op) > (?, ?) AND lsn <= ? ORDER BY tx, op`, c.id, c.from.tx, c.from.op, c.position)
	if err != nil {
		return sidecarError("read the log", err)
	}
	defer rows.Close()
	c.body = append(c.body, '[')
	for rows.Next() {
		if len(c.body) >= o.config.ChunkBytes {
			c.body[len(c.body)-1] = ']' // in the place of a comma
			c.full = true
			return nil
		}
		var body sql.RawBytes
		if err := rows.Scan(&c.to.tx, &c.to.op, &body); err != nil {
			return sidecarError("read the log", err)
		}
		c.body = append(append(c.body, body...), ',')
		c.changes = true
	}
	c.upToDate, c.to = true, offset{c.position, 0}
	c.body = append(append(c.body, upToDate(c.position)...), ']')
	return sidecarError("read the log", rows.Err())
}

// known checks that an offset is one that clients were given. A sidecar that was
// put back to an older state has forgotten some, and must not go on from them.
func (o *Origin) known(ctx context.Context, c *chunk) error {
	var n int
	query, args := "SELECT count(*) FROM commits WHERE position = ?", []any{c.from.tx}
	if c.from.op > 0 {
		query, args = "SELECT count(*) FROM log WHERE shape = ? AND tx = ? AND op = ?", []any{c.id, c.from.tx, c.from.op}
	}
	if err := o.sidecar.db.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return sidecarError("read the log", err)
	}
	if n == 0 {
		return errRefetch
	}
	return nil
}

func upToDate(position int64) string {
	return `{"headers":{"control":"up-to-date","global_last_seen_lsn":"` + strconv.FormatInt(position, 10) + `"}}`
}

const mustRefetch = `[{"headers":{"control":"must-refetch"}}]`
