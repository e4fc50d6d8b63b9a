package origin

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/stowage-db/stowage/store"
)

// question is the body of POST /v1/query.
type question struct {
	SQL    string            `json:"sql"`
	Params []json.RawMessage `json:"params"`
	body   []byte
}

// serveQuery answers one SELECT over the allowed tables. Rows are lists of texts,
// as in shapes, under the names and types of "columns". While nothing was committed the
// answer's tag stays, and who sends it back is told that with a 304.
func (o *Origin) serveQuery(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuestion(w, r, o.config.Request)
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
	// The gate comes first: what is committed after it is asked for twice, not missed.
	gate, err := o.source.Gate(ctx)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	tag := o.answerTag(gate, q)
	if matches(r.Header, tag) {
		h.Set("ETag", tag)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	var body []byte
	err = o.source.Snapshot(ctx, func(reader Reader) (err error) {
		body, err = o.answer(ctx, reader, parsed, params)
		return err
	})
	if err != nil {
		return err
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("ETag", tag)
	o.send(w, r, body, "", false)
	return nil
}

// readQuestion reads the body of a request, which has to come within some time.
func readQuestion(w http.ResponseWriter, r *http.Request, within time.Duration) (*question, error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4*int64(outside.bytes)))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &store.Error{Code: store.TooLarge, Op: "read a statement", Err: err}
	case err != nil: // it is cut, or comes too slowly
		return nil, &store.Error{Code: store.Aborted, Op: "read a statement", Err: err}
	}
	q := &question{body: body}
	if err := json.Unmarshal(body, q); err != nil {
		return nil, &store.Error{Code: store.InvalidArgument, Op: "read a statement", Err: err}
	}
	return q, nil
}

// answerTag names the answer to a question at a state of the source. A gate tells nothing
// about that of another process.
func (o *Origin) answerTag(gate string, q *question) string {
	h := sha256.New()
	for _, part := range []string{o.life, gate, string(q.body)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
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
