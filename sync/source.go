package sync

import (
	"context"
	"errors"
)

// Source is where shapes come from: Electric unless another is given, StaticExport for
// files, Couch, REST for plain lists, or one of your own. Its answers are chunks; a shape begins where the position's
// offset is empty.
type Source interface {
	// Live reports whether it can wait for what is new; else it is asked from time to time.
	Live() bool
	// Next returns what follows a position.
	Next(ctx context.Context, spec ShapeSpec, at Position, asking Asking) (*Chunk, error)
}

// Statements is a source that answers statements as well, for a view that loads rows as
// they are asked for.
type Statements interface {
	Source
	// Query returns what a statement finds, nil where that is what its ETag stands for.
	Query(ctx context.Context, s Statement, asking Asking) (*Found, error)
}

// Found is what a statement has found.
type Found struct {
	Columns []string
	Rows    [][]any
	ETag    string // another one once the answer may be another one; "" where that is not known
	Bytes   int    // of the answer
}

// named are the rows by the names of their columns.
func (f *Found) named() []map[string]any {
	rows := make([]map[string]any, len(f.Rows))
	for i, values := range f.Rows {
		rows[i] = make(map[string]any, len(values))
		for j, v := range values {
			rows[i][f.Columns[j]] = v
		}
	}
	return rows
}

// Asking says how the next chunk is asked for.
type Asking struct {
	Requests *Requests
	Live     bool   // waits until there is something new
	Cursor   string // what the last live answer said is to be sent with the next
	Buster   string // makes the URL another one, for an answer that came out of a cache
}

// errStale is the error for an answer that is an old one, out of a cache.
var errStale = errors.New("an old answer, out of a cache")
