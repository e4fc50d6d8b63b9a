package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	stdsync "sync"

	"github.com/stowage-db/stowage/store"
)

// StaticExport returns the source of files at a URL that `stowage origin export` has
// written: chunks that never change, and a manifest that lists them and is replaced when
// there are more. A shape is a whole table. Pages have the same in
// js/src/sync/staticexport.ts.
func StaticExport(address string) Source {
	return &staticExport{base: strings.TrimSuffix(address, "/") + "/"}
}

type staticExport struct {
	base string

	mu       stdsync.Mutex
	manifest *manifest // the one by which pulls go on: all of one is of one export
	seen     string    // the greatest position that there was
}

type manifest struct {
	Position string     `json:"position"` // grows from export to export
	Shapes   []exported `json:"shapes"`
}

type exported struct {
	Table    string  `json:"table"`
	Handle   string  `json:"handle"`
	Offset   string  `json:"offset"` // after the last chunk
	Schema   Columns `json:"schema"`
	Rows     int64   `json:"rows"`
	Checksum string  `json:"checksum"`
	Chunks   []struct {
		File string `json:"file"`
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"chunks"`
}

func (*staticExport) Live() bool { return false }

func (s *staticExport) Next(ctx context.Context, spec ShapeSpec, at Position, asking Asking) (*Chunk, error) {
	if len(spec.Columns) > 0 || spec.Where != "" {
		return nil, &store.Error{Code: store.Unsupported, Op: "pull a part of a table out of static files", Name: spec.Table}
	}
	m, err := s.current(ctx, &spec, &at, asking)
	if err != nil {
		return nil, err
	}
	e := m.find(spec.Table)
	if e == nil {
		return nil, &store.Error{Code: store.NotFound, Op: "find a table in an export", Name: spec.Table}
	}
	next := e.after(&at)
	if at.Offset != "" && (at.Handle != e.Handle || next < 0 && at.Offset != e.Offset) {
		return nil, &mustRefetch{e.Handle}
	}
	c := &Chunk{Handle: e.Handle, Offset: e.Offset, Columns: e.Schema, UpToDate: true, Rows: e.Rows, Checksum: e.Checksum, ETag: m.Position}
	if next < 0 {
		return c, nil
	}
	answer, err := asking.Requests.Send(ctx, Request{URL: s.base + e.Chunks[next].File})
	var u *Unanswered
	if errors.As(err, &u) && u.Status == http.StatusNotFound {
		s.forget(m)
		return nil, fmt.Errorf("%w: a manifest whose files are gone", errStale)
	}
	if err != nil {
		return nil, err
	}
	c.Bytes = int64(len(answer.Body))
	if next < len(e.Chunks)-1 {
		c.Offset, c.UpToDate, c.Checksum = e.Chunks[next].To, false, ""
	}
	c.Changes, _, err = e.Schema.readMessages(answer.Body, true)
	return c, err
}

// current returns the manifest to go on by. At the beginning of a pull and at its end,
// there may be another export by now.
func (s *staticExport) current(ctx context.Context, spec *ShapeSpec, at *Position, asking Asking) (*manifest, error) {
	s.mu.Lock()
	m, seen := s.manifest, s.seen
	s.mu.Unlock()
	if m != nil && at.Offset != "" {
		if e := m.find(spec.Table); e != nil && e.Handle == at.Handle && e.after(at) >= 0 {
			return m, nil
		}
	}
	address := s.base + "manifest.json"
	if asking.Buster != "" {
		address += "?" + url.QueryEscape(asking.Buster)
	}
	answer, err := asking.Requests.Send(ctx, Request{URL: address})
	if err != nil {
		return nil, err
	}
	m = &manifest{}
	if err := json.Unmarshal(answer.Body, m); err != nil || m.Position == "" {
		return nil, strange("no manifest", err)
	}
	if later(at.ETag, m.Position) || later(seen, m.Position) {
		return nil, fmt.Errorf("%w: a manifest that is older than one before", errStale)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manifest, s.seen = m, m.Position
	return m, nil
}

func (s *staticExport) forget(m *manifest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.manifest == m {
		s.manifest = nil
	}
}

// later reports whether a position is greater than another; both are whole numbers.
func later(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// find returns a table, asked for with its schema or without, nil where there is none.
func (m *manifest) find(table string) *exported {
	bare := func(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
	var found *exported
	for i := range m.Shapes {
		switch e := &m.Shapes[i]; {
		case e.Table == table:
			return e
		case found == nil && bare(e.Table) == bare(table):
			found = e
		}
	}
	return found
}

// after returns the index of the chunk that follows a position, or −1.
func (e *exported) after(at *Position) int {
	for i := range e.Chunks {
		if at.Offset == "" || at.Handle == e.Handle && e.Chunks[i].From == at.Offset {
			return i
		}
	}
	return -1
}
