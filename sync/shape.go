package sync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// shape is one as it is kept: its rows, in a table, and in one document of the table `sync
// shapes` how far it has come. Both change in one transaction for each chunk, so that
// whatever interrupts a pull, it goes on after the last chunk. What is shown is
// complete: once there is a whole shape, what arrives is laid beside it, in the table
// `sync staged <name>`, until that is complete too, and takes its place in one
// transaction. Web pages have the same in js/src/sync/shape.ts.
type shape struct {
	env   *store.Env
	name  string
	spec  ShapeSpec
	asked string
}

// ShapeSpec is what is asked of an origin.
type ShapeSpec struct {
	Table   string   // a table or view of the origin
	Columns []string // all where none are named; those of the key must be among them
	Where   string   // a condition in the origin's SQL, or ""
	Params  []string // the texts that stand for $1 … in it
}

// Position is how far a shape has come: a document of the table `sync shapes`.
type Position struct {
	Shape      string // the name of the table with its rows
	Asked      string // what was asked for; something else begins anew
	Handle     string // where to go on; empty where it begins
	Offset     string
	Schema     Columns
	Complete   bool      // there is a whole shape, and it is shown
	Generation int64     // counts the whole shapes there have been
	FetchedAt  time.Time // when it was last all there was at the origin; zero for never
	ETag       string
	Checksum   string   // of all rows so far; empty where that is not known
	Rows       int64    // how many
	Error      string   // why it does not go on, in words; empty where it does
	Staging    string   // what has arrived and is not shown yet: nothing, stagedChanges or stagedGeneration
	Inexact    bool     // rows are among them whose texts cannot be had back, so that the checksum is lost when one goes
	Expired    []string // the last handles that were given up; an answer with one of them comes from a cache
}

const (
	stagedChanges    = "changes"    // of what is shown
	stagedGeneration = "generation" // a whole shape that is to take the place of what is shown
)

// expiredHandles are remembered, and no more.
const expiredHandles = 8

const shapesTable = "sync shapes"

func stagedTable(name string) string { return "sync staged " + name }

// errMoved is the error where somebody else has moved a shape on: what is known of it
// has to be read again.
var errMoved = errors.New("the shape was moved on by another")

// errMismatch is the error where rows and checksum do not agree: nothing of the chunk
// stays.
var errMismatch = &store.Error{Code: store.OriginFailed, Op: "verify a shape: its rows do not have the checksum that the origin tells"}

func newShape(env *store.Env, name string, spec ShapeSpec) *shape {
	return &shape{env: env, name: name, spec: spec, asked: spec.text()}
}

// text is the same for the same question, here and in a page.
func (s *ShapeSpec) text() string {
	asked := []any{s.Table, nil, nil, s.Params}
	if len(s.Columns) > 0 {
		asked[1] = s.Columns
	}
	if s.Where != "" {
		asked[2] = s.Where
	}
	if len(s.Params) == 0 {
		asked[3] = []string{}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(asked) // texts always can be
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// position reads how far the shape has come. One that has lost its rows, or of which
// something else was asked, begins anew.
func (s *shape) position(ctx context.Context) (*Position, error) {
	for {
		var found *Position
		lost := false
		err := s.env.View(ctx, func(tx *store.Tx) (err error) {
			if found, err = s.stored(tx); err == nil && found.Rows > 0 && found.Staging != stagedGeneration {
				lost, err = s.empty(tx)
			}
			return err
		})
		if err == nil && (lost || found.Asked != s.asked) {
			found, err = s.restart(ctx, found)
		}
		if !errors.Is(err, errMoved) {
			return found, err
		}
	}
}

// again begins anew, for an origin that no longer goes on from there. What is shown
// stays until all has arrived. The handle is not to be met again, unless the origin says
// that the shape still has it.
func (s *shape) again(ctx context.Context, from *Position, handle string) (*Position, error) {
	return s.write(ctx, from, func(tx *store.Tx, to *Position) error {
		if from.Handle != handle {
			to.expire()
		}
		to.rewind()
		if to.Complete {
			to.Staging = stagedGeneration
			return s.truncate(tx, stagedTable(s.name))
		}
		return s.truncate(tx, stagedTable(s.name), s.name)
	})
}

// restart begins anew with nothing shown: for rows that are lost, or cannot be read any
// more. The origin still has the handle.
func (s *shape) restart(ctx context.Context, from *Position) (*Position, error) {
	return s.write(ctx, from, func(tx *store.Tx, to *Position) error {
		*to = Position{Shape: s.name, Asked: s.asked, Expired: to.Expired}
		to.rewind()
		return s.truncate(tx, stagedTable(s.name), s.name)
	})
}

// forgive begins anew, with whatever handle the origin says.
func (s *shape) forgive(ctx context.Context, from *Position) (*Position, error) {
	from, err := s.again(ctx, from, from.Handle)
	if err != nil {
		return nil, err
	}
	return s.write(ctx, from, func(_ *store.Tx, to *Position) error {
		to.Expired = nil
		return nil
	})
}

// failed notes why it does not go on.
func (s *shape) failed(ctx context.Context, from *Position, reason error) (*Position, error) {
	return s.write(ctx, from, func(_ *store.Tx, to *Position) error {
		to.Error = reason.Error()
		return nil
	})
}

// apply stores a chunk and where it leads. It fails with errMismatch where the checksum
// is not that of the rows.
func (s *shape) apply(ctx context.Context, from *Position, c *Chunk) (*Position, error) {
	return s.write(ctx, from, func(tx *store.Tx, to *Position) error {
		rows, err := s.rows(tx, c.Columns)
		if err != nil {
			return err
		}
		*to = *to.after(c)
		beside := to.Staging != ""
		a := application{tx: tx, rows: rows, to: to}
		if beside {
			a.staged, err = tx.Table(stagedTable(s.name), uncompressed(keyPath))
			if err != nil {
				return err
			}
		}
		if err := a.add(c); err != nil || !c.UpToDate {
			return err
		}
		if c.Checksum != "" && to.Checksum != "" && c.Checksum != to.Checksum {
			return errMismatch
		}
		if beside {
			if err := a.show(); err != nil {
				return err
			}
		}
		if !to.Complete || from.Staging == stagedGeneration {
			to.Generation++
		}
		to.Staging, to.Complete, to.FetchedAt = "", true, time.Now().Truncate(time.Millisecond)
		return nil
	})
}

// after is where a chunk leads from a position, but for what its rows add up to.
func (p *Position) after(c *Chunk) *Position {
	to := *p
	to.Handle, to.Offset, to.Schema, to.ETag, to.Error = c.Handle, c.Offset, c.Columns, c.ETag, ""
	if to.Complete && !c.UpToDate && to.Staging == "" {
		to.Staging = stagedChanges
	}
	return &to
}

// write changes the shape from one position to another. It fails with errMoved where it
// has another one by now.
func (s *shape) write(ctx context.Context, from *Position, body func(*store.Tx, *Position) error) (*Position, error) {
	var to Position
	err := s.env.Update(ctx, func(tx *store.Tx) error {
		there, err := s.stored(tx)
		if err != nil {
			return err
		}
		if there.Handle != from.Handle || there.Offset != from.Offset || there.Generation != from.Generation || there.Staging != from.Staging {
			return errMoved
		}
		to = *from
		to.Expired = slices.Clone(from.Expired)
		if err := body(tx, &to); err != nil {
			return err
		}
		positions, err := tx.Table(shapesTable, store.Schema{Key: query.Field("shape")})
		if err != nil {
			return err
		}
		_, err = positions.Put(tx, [][]byte{to.append(nil)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &to, nil
}

// stored reads the position that is stored, the first where there is none.
func (s *shape) stored(tx *store.Tx) (*Position, error) {
	first := &Position{Shape: s.name, Asked: s.asked, Checksum: writeSum(0)}
	positions, err := openTable(tx, shapesTable)
	if err != nil || positions == nil {
		return first, err
	}
	key, err := store.AppendIdentity(nil, query.AppendValue(nil, s.name))
	if err != nil {
		return nil, err
	}
	doc, found, err := positions.Get(tx, key)
	if err != nil || !found {
		return first, err
	}
	return readPosition(doc)
}

// rows opens the table of the rows, which has the identity of the shape.
func (s *shape) rows(tx *store.Tx, columns Columns) (*store.Table, error) {
	key := columns.identity()
	rows, err := tx.Table(s.name, store.Schema{Key: key})
	if err != nil {
		return nil, err
	}
	if has := rows.Schema().Key; !has.Equal(key) {
		return nil, &store.Error{Code: store.SchemaMismatch, Op: "pull rows of the identity " + key.String() + " into a table of " + has.String(), Name: s.name}
	}
	return rows, nil
}

func (s *shape) empty(tx *store.Tx) (bool, error) {
	rows, err := openTable(tx, s.name)
	if err != nil || rows == nil {
		return rows == nil, err
	}
	n, err := rows.Count(tx, limited(1))
	return n == 0, err
}

func (s *shape) truncate(tx *store.Tx, names ...string) error {
	for _, name := range names {
		table, err := openTable(tx, name)
		if err == nil && table != nil {
			err = table.Truncate(tx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// uncompressed is the schema of a table that has something of rows beside their own. It is not
// compressed, for theirs may not be.
func uncompressed(key query.Path) store.Schema { return store.Schema{Key: key, Uncompressed: true} }

// openTable opens a table, nil where there is none.
func openTable(tx *store.Tx, name string) (*store.Table, error) {
	table, err := tx.OpenTable(name)
	if errors.Is(err, store.NotFound) {
		return nil, nil
	}
	return table, err
}

// expire notes that the handle is not to be met again.
func (p *Position) expire() {
	if p.Handle != "" {
		p.Expired = append(p.Expired, p.Handle)
		p.Expired = p.Expired[max(0, len(p.Expired)-expiredHandles):]
	}
}

// rewind goes back to where there are no rows.
func (p *Position) rewind() {
	p.Handle, p.Offset, p.ETag, p.Rows, p.Inexact, p.Staging = "", "", "", 0, false, ""
	p.Checksum = writeSum(0)
}

// append appends the document.
func (p *Position) append(dst []byte) []byte {
	schema := make(map[string]any, len(p.Schema))
	for name, c := range p.Schema {
		column := map[string]any{"type": c.Type, "dims": c.Dims}
		if c.Key != nil {
			column["pk_index"] = *c.Key
		}
		schema[name] = column
	}
	expired := make([]any, len(p.Expired))
	for i, handle := range p.Expired {
		expired[i] = handle
	}
	fetched := int64(0)
	if !p.FetchedAt.IsZero() {
		fetched = p.FetchedAt.UnixMilli()
	}
	return query.AppendValue(dst, map[string]any{
		"shape": p.Shape, "asked": p.Asked, "handle": p.Handle, "offset": p.Offset, "schema": schema,
		"complete": p.Complete, "generation": p.Generation, "fetchedAt": fetched, "etag": p.ETag,
		"checksum": p.Checksum, "rows": p.Rows, "error": p.Error, "staging": p.Staging, "inexact": p.Inexact, "expired": expired,
	})
}

func readPosition(doc []byte) (*Position, error) {
	v, _ := query.ReadValue(doc)
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, &store.Error{Code: store.Corrupt, Op: "read a position", Name: shapesTable}
	}
	p := &Position{
		Shape: text(fields["shape"]), Asked: text(fields["asked"]), Handle: text(fields["handle"]), Offset: text(fields["offset"]),
		Complete: fields["complete"] == true, Generation: whole(fields["generation"]), ETag: text(fields["etag"]),
		Checksum: text(fields["checksum"]), Rows: whole(fields["rows"]), Error: text(fields["error"]),
		Staging: text(fields["staging"]), Inexact: fields["inexact"] == true, Schema: Columns{},
	}
	if at := whole(fields["fetchedAt"]); at > 0 {
		p.FetchedAt = time.UnixMilli(at)
	}
	schema, _ := fields["schema"].(map[string]any)
	for name, v := range schema {
		column, _ := v.(map[string]any)
		c := Column{Type: text(column["type"]), Dims: int(whole(column["dims"]))}
		if at, has := column["pk_index"]; has {
			place := int(whole(at))
			c.Key = &place
		}
		p.Schema[name] = c
	}
	expired, _ := fields["expired"].([]any)
	for _, handle := range expired {
		p.Expired = append(p.Expired, text(handle))
	}
	return p, nil
}

// text and whole read what pages may have written in another form.
func text(v any) string {
	s, _ := v.(string)
	return s
}

func whole(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}
