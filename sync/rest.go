package sync

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/stowage-db/stowage/store"
)

// RESTOptions describe plain lists of JSON objects, a page at a time: each is asked for by
// the last key of the one before.
type RESTOptions struct {
	// Page is the URL of the rows after a key, in ascending order of it, and limit of them at
	// most; of the first ones where it is nil.
	Page func(shape ShapeSpec, after any, limit int) string
	// Rows takes the list of rows out of an answer that is none itself.
	Rows func(answer []byte) ([]byte, error)

	Key   string // the member with the identity; "id"
	Limit int    // 1,000
}

// REST returns the source of such lists. What has changed cannot be asked for: a shape is
// read as a whole each time, and shown when it is there. Pages have the same in
// js/src/sync/rest.ts.
func REST(options RESTOptions) Source {
	if options.Key == "" {
		options.Key = "id"
	}
	if options.Limit <= 0 {
		options.Limit = 1000
	}
	return rest(options)
}

type rest RESTOptions

// restEnd is the offset of a shape that was read to its end.
const restEnd = "end"

func (rest) Live() bool { return false }

func (r rest) Next(ctx context.Context, spec ShapeSpec, at Position, asking Asking) (*Chunk, error) {
	if at.Offset == restEnd {
		return nil, &mustRefetch{at.Handle}
	}
	var after any
	if at.Offset != "" {
		var err error
		if after, err = readJSON(at.Offset); err != nil {
			return nil, strange("an offset that is no key", err)
		}
	}
	answer, err := asking.Requests.Send(ctx, Request{URL: r.Page(spec, after, r.Limit)})
	if err != nil {
		return nil, err
	}
	c := &Chunk{Handle: "rest", Columns: documents(r.Key), Rows: -1, Bytes: int64(len(answer.Body))}
	list := answer.Body
	if r.Rows != nil {
		if list, err = r.Rows(list); err != nil {
			return nil, strange("no list of rows", err)
		}
	}
	if c.Changes, err = r.changes(list); err != nil {
		return nil, err
	}
	c.Offset, c.UpToDate = restEnd, len(c.Changes) < r.Limit
	if c.UpToDate {
		return c, nil
	}
	last, err := json.Marshal(c.Changes[len(c.Changes)-1].Key)
	if err != nil || string(last) == at.Offset {
		return nil, strange("rows that do not follow the key", err)
	}
	c.Offset = string(last)
	return c, nil
}

func (r rest) changes(list []byte) ([]Change, error) {
	found, err := readJSON(string(bytes.TrimSpace(list)))
	rows, ok := found.([]any)
	if err != nil || !ok {
		return nil, strange("no list of rows", err)
	}
	changes := make([]Change, len(rows))
	for i := range rows {
		row, _ := rows[i].(map[string]any)
		key := row[r.Key]
		switch key.(type) {
		case string, int64, float64:
		default:
			return nil, &store.Error{Code: store.OriginFailed, Op: "read a row without its key", Name: r.Key}
		}
		changes[i] = Change{Key: key, Row: row}
	}
	return changes, nil
}

// documents are the columns of rows of which the identity alone is known.
func documents(key string) Columns {
	first := 0
	return Columns{key: {Type: "text", Key: &first}}
}
