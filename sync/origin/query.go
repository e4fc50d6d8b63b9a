package origin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/stowage-db/stowage/store"
)

// question is the body of POST /v1/query.
type question struct {
	SQL    string            `json:"sql"`
	Params []json.RawMessage `json:"params"`
}

// serveQuery answers one SELECT over the allowed tables. Rows are lists of texts,
// as in shapes, under the names and types of "columns".
func (o *Origin) serveQuery(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuestion(w, r)
	if err != nil {
		return err
	}
	params, err := q.literals()
	if err != nil {
		return err
	}
	parsed, err := parseStatement(q.SQL)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), o.config.QueryTime)
	defer cancel()
	var body []byte
	err = o.source.Snapshot(ctx, func(reader Reader) (err error) {
		body, err = o.answer(ctx, reader, parsed, params)
		return err
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	o.send(w, r, body, "", false)
	return nil
}

func readQuestion(w http.ResponseWriter, r *http.Request) (*question, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4*int64(outside.bytes)))
	if err != nil {
		return nil, &store.Error{Code: store.TooLarge, Op: "read a statement", Err: err}
	}
	q := &question{}
	if err := json.Unmarshal(body, q); err != nil {
		return nil, &store.Error{Code: store.InvalidArgument, Op: "read a statement", Err: err}
	}
	return q, nil
}

// literals returns the parameters. A text takes the type of what it is compared
// with, as in a filter.
func (q *question) literals() ([]literal, error) {
	var found []literal
	for _, raw := range q.Params {
		switch c := append(raw, 0)[0]; {
		case c == '"':
			text := ""
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, &store.Error{Code: store.InvalidArgument, Op: "read a parameter", Err: err}
			}
			found = append(found, literal{unknownKind, text})
		case c == '-' || digit(c):
			found = append(found, literal{numberKind, string(raw)})
		case c == 't' || c == 'f':
			found = append(found, literal{boolKind, string(raw)})
		case c == 'n':
			found = append(found, literal{nullKind, ""})
		default:
			return nil, failure(store.InvalidArgument, "read a parameter that is a list or an object", "")
		}
	}
	return found, nil
}

// answer runs a statement and writes what it finds.
func (o *Origin) answer(ctx context.Context, reader Reader, parsed *selection, params []literal) ([]byte, error) {
	s, err := renderStatement(o.source.dialect(), parsed, params, o.config.QueryRows+1, func(name string) (*Relation, error) {
		return o.describe(ctx, reader, name)
	})
	if err != nil {
		return nil, err
	}
	rows, count := []byte{}, 0
	columns, err := reader.Answer(ctx, s, func(values [][]byte) error {
		if count++; count > o.config.QueryRows || len(rows) > o.config.QueryBytes {
			return failure(store.TooLarge, "answer a statement: more rows or bytes than are allowed", "")
		}
		if count > 1 {
			rows = append(rows, ',')
		}
		rows = append(rows, '[')
		for i, v := range values {
			if i > 0 {
				rows = append(rows, ',')
			}
			rows = appendText(rows, v)
		}
		rows = append(rows, ']')
		return nil
	})
	if err != nil {
		return nil, err
	}
	o.mu.RLock()
	position := o.position
	o.mu.RUnlock()
	body := append([]byte(`{"lsn":"`), strconv.FormatInt(position, 10)...)
	body = append(body, `","columns":[`...)
	for i, c := range columns {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(appendJSON(append(body, `{"name":`...), c.Name), `,"type":`...)
		body = append(appendMember(appendJSON(body, c.Type), "dims", c.Dims, true), '}')
	}
	body = append(append(body, `],"rows":[`...), rows...)
	return append(body, `]}`...), nil
}
