package origin

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"

	"github.com/stowage-db/stowage/store"
)

// Manifest lists what an export holds: one file a chunk, in the order in which
// they are applied. It is the only file that is ever replaced, and written last.
type Manifest struct {
	Position string          `json:"position"` // grows from export to export
	Shapes   []ExportedShape `json:"shapes"`
}

// ExportedShape is a table in an export.
type ExportedShape struct {
	Table    string          `json:"table"`
	Handle   string          `json:"handle"`
	Offset   string          `json:"offset"` // where a live origin goes on
	Schema   json.RawMessage `json:"schema"`
	Rows     int64           `json:"rows"`
	Checksum string          `json:"checksum"`
	Chunks   []ExportedChunk `json:"chunks"`
}

// ExportedChunk is a file of an export: the body of one answer. Its name tells
// handle and offsets, and no other contents ever get it.
type ExportedChunk struct {
	File  string `json:"file"`
	From  string `json:"from"`
	To    string `json:"to"`
	Bytes int    `json:"bytes"`
}

// Export polls, and writes all tables to a directory as static files: each chunk
// under a name that is never used for other contents, then manifest.json. A second
// export to the same directory adds the chunks that are new.
func (o *Origin) Export(ctx context.Context, dir string) (*Manifest, error) {
	if err := o.Poll(ctx); err != nil {
		return nil, err
	}
	before := readManifest(dir)
	m := &Manifest{Shapes: []ExportedShape{}}
	for _, t := range o.config.Tables {
		exported, err := o.exportTable(ctx, dir, t.Name, before[t.Name])
		if err != nil {
			return nil, err
		}
		m.Shapes = append(m.Shapes, *exported)
	}
	o.mu.RLock()
	m.Position = strconv.FormatInt(o.position, 10)
	o.mu.RUnlock()
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return m, replaceFile(filepath.Join(dir, "manifest.json"), append(body, '\n'))
}

// readManifest returns what an earlier export has written of each table. One
// that cannot be read is as good as none: all chunks are written again.
func readManifest(dir string) map[string]*ExportedShape {
	tables := map[string]*ExportedShape{}
	m := Manifest{}
	if body, err := os.ReadFile(filepath.Join(dir, "manifest.json")); err != nil || json.Unmarshal(body, &m) != nil {
		return tables
	}
	for i, s := range m.Shapes {
		tables[s.Table] = &m.Shapes[i]
	}
	return tables
}

// exportTable goes on after an earlier export, where the shape still has its
// handle, or begins.
func (o *Origin) exportTable(ctx context.Context, dir, name string, before *ExportedShape) (*ExportedShape, error) {
	s, err := o.find(ctx, &demanded{table: name})
	if err != nil {
		return nil, err
	}
	e, from := &ExportedShape{Table: name}, beginning
	o.mu.RLock()
	e.Handle = s.handle
	o.mu.RUnlock()
	if before != nil && before.Handle == e.Handle {
		if at, err := parseOffset(before.Offset); err == nil {
			e.Chunks, from = before.Chunks, at
		}
	}
	for {
		c, err := o.chunkAt(ctx, s, e.Handle, from)
		if err != nil {
			return nil, err
		}
		e.Handle, from = c.handle, c.to
		if c.changes {
			if err := e.add(dir, c); err != nil {
				return nil, err
			}
		}
		if c.upToDate {
			e.Offset, e.Schema, e.Rows, e.Checksum = c.to.String(), json.RawMessage(c.schema), c.rows, checksumText(c.checksum)
			return e, nil
		}
	}
}

// add writes a chunk, unless an earlier export has.
func (e *ExportedShape) add(dir string, c *chunk) error {
	file := filepath.Join(c.handle, c.from.String()+"."+c.to.String()+".json")
	e.Chunks = append(e.Chunks, ExportedChunk{filepath.ToSlash(file), c.from.String(), c.to.String(), len(c.body)})
	path := filepath.Join(dir, file)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return replaceFile(path, c.body)
}

// replaceFile writes a file that is there as a whole or not at all.
func replaceFile(path string, body []byte) error {
	partial := path + ".partial"
	if err := os.WriteFile(partial, body, 0o644); err != nil {
		return &store.Error{Code: store.BackendFailed, Op: "write an export", Err: err}
	}
	return os.Rename(partial, path)
}
