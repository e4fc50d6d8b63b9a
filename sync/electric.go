package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// Electric returns the source of the shapes at a URL, which ends in /v1/shape, over the
// Shapes protocol of ElectricSQL as PROTOCOL.md describes it.
func Electric(shapes string) Source { return electric(shapes) }

type electric string

func (electric) Live() bool { return true }

func (e electric) Next(ctx context.Context, spec ShapeSpec, at Position, asking Asking) (*Chunk, error) {
	request := Request{URL: e.address(spec, at, asking)}
	if asking.Live {
		request.Timeout = liveTimeout
	}
	answer, err := asking.Requests.Send(ctx, request)
	if err != nil {
		return nil, err
	}
	return readElectric(answer, at)
}

// sent is the answer to a statement as an origin sends it.
type sent struct {
	Columns []struct {
		Name string `json:"name"`
		Column
	} `json:"columns"`
	Rows [][]*string `json:"rows"`
}

// Query asks beside the shapes, at /v1/query.
func (e electric) Query(ctx context.Context, s Statement, asking Asking) (*Found, error) {
	body, err := json.Marshal(map[string]any{"sql": s.SQL, "params": append([]any{}, s.Params...)})
	if err != nil {
		return nil, &store.Error{Code: store.InvalidArgument, Op: "write the parameters of a statement", Err: err}
	}
	path, parameters, _ := strings.Cut(string(e), "?")
	path = strings.TrimSuffix(path, "/shape") + "/query"
	if parameters != "" {
		path += "?" + parameters
	}
	answer, err := asking.Requests.Send(ctx, Request{URL: path, Body: body, ETag: s.ETag})
	switch {
	case err != nil:
		return nil, err
	case answer.Status != http.StatusNotModified:
		return readFound(answer)
	case s.ETag == "":
		return nil, strange("an answer to a question that was not asked", nil)
	}
	return nil, nil
}

func readFound(answer *Answer) (*Found, error) {
	var a sent
	if err := json.Unmarshal(answer.Body, &a); err != nil || a.Columns == nil {
		return nil, strange("no rows", err)
	}
	f := &Found{ETag: answer.Header.Get("etag"), Bytes: len(answer.Body)}
	for _, column := range a.Columns {
		f.Columns = append(f.Columns, column.Name)
	}
	for _, texts := range a.Rows {
		if len(texts) != len(a.Columns) {
			return nil, strange("a row of another length", nil)
		}
		row := make([]any, len(texts))
		for i, text := range texts {
			var err error
			if text == nil {
				continue
			}
			if row[i], err = a.Columns[i].read(*text); err != nil {
				return nil, err
			}
		}
		f.Rows = append(f.Rows, row)
	}
	return f, nil
}

// address is the URL of what follows a position: the same for all who ask for it, so
// that caches can answer.
func (e electric) address(spec ShapeSpec, at Position, asking Asking) string {
	q := url.Values{"table": {spec.Table}, "offset": {"-1"}}
	if len(spec.Columns) > 0 {
		q.Set("columns", columnList(spec.Columns))
	}
	if spec.Where != "" {
		q.Set("where", spec.Where)
	}
	for i, text := range spec.Params {
		q.Set("params["+strconv.Itoa(i+1)+"]", text)
	}
	if at.Offset != "" {
		q.Set("offset", at.Offset)
		q.Set("handle", at.Handle)
	}
	if asking.Live {
		q.Set("live", "true")
		if asking.Cursor != "" {
			q.Set("cursor", asking.Cursor)
		}
	}
	if asking.Buster != "" {
		q.Set("cache-buster", asking.Buster)
	}
	return join(string(e), q)
}

// join puts parameters behind those that a URL has.
func join(address string, q url.Values) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + q.Encode()
}

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

func columnList(names []string) string {
	list := slices.Clone(names)
	for i, name := range list {
		if !plainName.MatchString(name) {
			list[i] = quoted(name)
		}
	}
	return strings.Join(list, ",")
}

// quoted is a name in SQL.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func readElectric(answer *Answer, at Position) (*Chunk, error) {
	h := answer.Header
	handle, offset := h.Get("electric-handle"), h.Get("electric-offset")
	switch {
	case answer.Status == http.StatusConflict:
		return nil, &mustRefetch{handle}
	case answer.Status == http.StatusNotModified:
		return nil, fmt.Errorf("%w: to a question that was not asked", errStale)
	case handle == "" || offset == "":
		return nil, strange("no handle or no offset", nil)
	case slices.Contains(at.Expired, handle) || at.Offset != "" && handle != at.Handle:
		return nil, fmt.Errorf("%w: of another handle", errStale)
	}
	c := &Chunk{
		Handle: handle, Offset: offset, Columns: at.Schema, Rows: -1, Bytes: int64(len(answer.Body)),
		Cursor: h.Get("electric-cursor"), Checksum: h.Get("x-shape-checksum"), ETag: h.Get("etag"),
	}
	if schema := h.Get("electric-schema"); schema != "" {
		c.Columns = nil
		if err := json.Unmarshal([]byte(schema), &c.Columns); err != nil {
			return nil, strange("a schema that cannot be read", err)
		}
	}
	rows, err := strconv.ParseInt(h.Get("x-shape-rows"), 10, 64)
	if verify := err == nil; verify {
		c.Rows = rows
	}
	if len(answer.Body) > 0 {
		if c.Changes, c.UpToDate, err = c.Columns.readMessages(answer.Body, c.Rows >= 0); err != nil {
			return nil, err
		}
	}
	c.UpToDate = c.UpToDate || answer.Status == http.StatusNoContent || h.Values("electric-up-to-date") != nil
	return c, nil
}
