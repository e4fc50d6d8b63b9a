package sync

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Couch returns the source of databases of CouchDB, or of what speaks its protocol, at a
// server's URL: documents with their _id as identity, by their _changes. Documents that
// design a database are left out. Pages have the same in js/src/sync/couch.ts.
func Couch(address string) Source { return couch(strings.TrimSuffix(address, "/") + "/") }

type couch string

// Changes are asked for so many at a time, and waited for so long.
const (
	couchLimit    = 1000
	couchPatience = 20 * time.Second
)

func (couch) Live() bool { return true }

func (c couch) Next(ctx context.Context, spec ShapeSpec, at Position, asking Asking) (*Chunk, error) {
	if len(spec.Columns) > 0 || spec.Where != "" {
		return nil, &store.Error{Code: store.Unsupported, Op: "pull a part of a database of CouchDB", Name: spec.Table}
	}
	base := string(c) + url.PathEscape(spec.Table)
	handle := at.Handle
	// Where a pull begins, and where it goes on after all was here, it may be another
	// database by now.
	if at.Offset == "" || !asking.Live && at.Complete && at.Staging == "" {
		var err error
		if handle, err = identifyCouch(ctx, base, spec.Table, asking); err != nil {
			return nil, err
		}
	}
	if at.Offset != "" && handle != at.Handle {
		return nil, &mustRefetch{handle}
	}
	q := url.Values{"include_docs": {"true"}, "limit": {strconv.Itoa(couchLimit)}, "since": {"0"}}
	if at.Offset != "" {
		q.Set("since", at.Offset)
	}
	request := Request{}
	if asking.Live {
		q.Set("feed", "longpoll")
		q.Set("timeout", strconv.FormatInt(couchPatience.Milliseconds(), 10))
		request.Timeout = liveTimeout
	}
	request.URL = join(base+"/_changes", q)
	answer, err := asking.Requests.Send(ctx, request)
	if err != nil {
		return nil, err
	}
	return readCouch(answer.Body, handle)
}

// identifyCouch tells a database from another one that has come in its place.
func identifyCouch(ctx context.Context, address, name string, asking Asking) (string, error) {
	answer, err := asking.Requests.Send(ctx, Request{URL: address})
	if err != nil {
		return "", err
	}
	var database struct {
		UUID    string `json:"uuid"`
		Started string `json:"instance_start_time"`
	}
	if err := json.Unmarshal(answer.Body, &database); err != nil {
		return "", strange("no database", err)
	}
	for _, known := range []string{database.UUID, database.Started} {
		if known != "" {
			return known, nil
		}
	}
	return name, nil
}

func readCouch(body []byte, handle string) (*Chunk, error) {
	var answer struct {
		Results []struct {
			ID      string          `json:"id"`
			Deleted bool            `json:"deleted"`
			Doc     json.RawMessage `json:"doc"`
		} `json:"results"`
		Last json.RawMessage `json:"last_seq"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Results == nil || answer.Last == nil {
		return nil, strange("no changes", err)
	}
	var last string
	if json.Unmarshal(answer.Last, &last) != nil {
		last = string(answer.Last) // a number
	}
	c := &Chunk{
		Handle: handle, Offset: last, Columns: documents("_id"), Rows: -1, Bytes: int64(len(body)),
		UpToDate: len(answer.Results) < couchLimit,
	}
	for _, result := range answer.Results {
		change := Change{Key: result.ID}
		switch {
		case strings.HasPrefix(result.ID, "_design/"):
			continue
		case !result.Deleted:
			doc, err := readJSON(string(result.Doc))
			row, ok := doc.(map[string]any)
			if err != nil || !ok {
				return nil, strange("a change without its document", err)
			}
			change.Row = row
		}
		c.Changes = append(c.Changes, change)
	}
	return c, nil
}
