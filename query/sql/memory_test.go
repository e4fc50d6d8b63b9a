//go:build !js

package sql_test

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// memory is a Catalog and a Source of tables in memory.
type memory struct {
	tables  map[string]*memoryTable
	views   map[string]*sql.View
	version uint64
	plain   bool // without indexes but those that are unique
	scanned int
	ceiling int // of bytes; what steps hold beyond goes to spools
	spools  int
}

// memoryTable is a table's documents by their keys, in order.
type memoryTable struct {
	sql.Table
	rows    []memoryRow
	last    int64
	entries [][]memoryRow // of each index, nil where they are to be made
}

type memoryRow struct{ key, doc []byte }

func newMemory() *memory {
	return &memory{tables: map[string]*memoryTable{}, views: map[string]*sql.View{}, ceiling: 1 << 30}
}

func (m *memory) Table(name string) (*sql.Table, error) {
	t := m.tables[value.Fold(name)]
	if t == nil {
		return nil, nil
	}
	t.Rows = int64(len(t.rows))
	shown := t.Table
	return &shown, nil
}

func (m *memory) View(name string) (*sql.View, error) { return m.views[value.Fold(name)], nil }
func (m *memory) Version() uint64                     { return m.version }
func (m *memory) Stable() bool                        { return true }
func (m *memory) Work(int) error                      { return nil }
func (m *memory) Ceiling() int                        { return m.ceiling }
func (m *memory) Spool() (sql.Spool, error)           { m.spools++; return &memorySpool{}, nil }

// memorySpool is a run of rows, sorted when they are asked for.
type memorySpool struct {
	rows   []memoryRow
	sorted bool
}

func (s *memorySpool) Add(key, row []byte) error {
	s.rows, s.sorted = append(s.rows, memoryRow{bytes.Clone(key), bytes.Clone(row)}), false
	return nil
}

func (s *memorySpool) Each(within query.KeyRange, emit func(key, row []byte) error) error {
	if !s.sorted {
		slices.SortStableFunc(s.rows, byKey)
		s.sorted = true
	}
	at, _ := slices.BinarySearchFunc(s.rows, memoryRow{key: within.Low}, byKey)
	for ; at < len(s.rows) && within.Contains(s.rows[at].key); at++ {
		if err := emit(s.rows[at].key, s.rows[at].doc); err != nil {
			return err
		}
	}
	return nil
}

func (s *memorySpool) Close() error { return nil }

// entry is the entry of a row in an index.
func (t *memoryTable) entry(index query.Index, row memoryRow) (entry []byte, null bool) {
	for _, path := range index.Paths {
		raw, found, _ := query.Lookup(row.doc, path)
		if !found {
			entry = query.AppendKeyMissing(entry)
			null = true
		} else {
			entry, _, _ = query.AppendKeyRaw(entry, raw)
			null = null || raw[0] == 0xc0
		}
	}
	return append(entry, row.key...), null
}

func (m *memory) About(t *sql.Table, index int, ranges []query.KeyRange) (n int64, err error) {
	err = m.Scan(t, &sql.Access{Index: index, Ranges: ranges}, func(*sql.Record) error { n++; return nil })
	return n, err
}

func (t *memoryTable) of(index int) []memoryRow {
	if index < 0 {
		return t.rows
	}
	for len(t.entries) <= index {
		t.entries = append(t.entries, nil)
	}
	if t.entries[index] == nil {
		for _, row := range t.rows {
			entry, _ := t.entry(t.Indexes[index], row)
			t.entries[index] = append(t.entries[index], memoryRow{entry, row.doc})
		}
		slices.SortFunc(t.entries[index], byKey)
	}
	return t.entries[index]
}

func byKey(a, b memoryRow) int { return bytes.Compare(a.key, b.key) }

func (m *memory) Scan(t *sql.Table, a *sql.Access, emit func(r *sql.Record) error) error {
	own := m.tables[value.Fold(t.Name)]
	rows := own.of(a.Index)
	ranges := a.Ranges
	if ranges == nil {
		ranges = []query.KeyRange{{}}
	}
	if a.Reverse {
		ranges = slices.Clone(ranges)
		slices.Reverse(ranges)
	}
	for _, within := range ranges {
		var met []memoryRow
		at, _ := slices.BinarySearchFunc(rows, memoryRow{key: within.Low}, byKey)
		for ; at < len(rows) && within.Contains(rows[at].key); at++ {
			met = append(met, rows[at])
		}
		if a.Reverse {
			slices.Reverse(met)
		}
		var docs, keys [][]byte
		for a.Many != nil && a.Index < 0 && len(met) > 0 {
			docs, keys = docs[:0], keys[:0]
			n := min(len(met), 1+m.scanned%5)
			for _, row := range met[:n] {
				docs, keys = append(docs, row.doc), append(keys, row.key)
			}
			m.scanned += n
			if err := a.Many(docs, keys); err != nil {
				return err
			}
			met = met[n:]
		}
		for _, row := range met {
			m.scanned++
			rec := &sql.Record{Key: row.key}
			if a.Index >= 0 {
				rec.Entry, rec.Key = row.key, lastComponent(row.key)
			}
			if a.Documents {
				rec.Doc = row.doc
			}
			if err := emit(rec); err != nil {
				return err
			}
		}
	}
	return nil
}

func lastComponent(entry []byte) []byte {
	for {
		n, _ := query.SkipComponent(entry)
		if n == len(entry) {
			return entry
		}
		entry = entry[n:]
	}
}

// conflict finds a row that a new one may not stand beside; but is the one it replaces.
func (t *memoryTable) conflict(fresh memoryRow, but []byte) *sql.Conflict {
	for _, row := range t.rows {
		if bytes.Equal(row.key, but) && but != nil {
			continue
		}
		if bytes.Equal(row.key, fresh.key) {
			return &sql.Conflict{Index: -1, Key: row.key}
		}
	}
	for i, index := range t.Indexes {
		if !index.Unique {
			continue
		}
		entry, null := t.entry(index, fresh)
		if null {
			continue
		}
		for _, row := range t.rows {
			other, _ := t.entry(index, row)
			if !bytes.Equal(row.key, but) && bytes.Equal(other[:len(other)-len(row.key)], entry[:len(entry)-len(fresh.key)]) {
				return &sql.Conflict{Index: i, Key: row.key}
			}
		}
	}
	return nil
}

// identified gives a document an identity where it lacks one.
func (t *memoryTable) identified(doc []byte) memoryRow {
	raw, found, _ := query.Lookup(doc, t.Key)
	if !found || raw[0] == 0xc0 {
		count, rest, _ := msgp.ReadMapHeaderBytes(doc)
		doc = msgp.AppendMapHeader(nil, count+1)
		doc = msgp.AppendString(doc, t.Key[0].Name)
		doc = append(msgp.AppendInt64(doc, t.last+1), rest...)
		raw, _, _ = query.Lookup(doc, t.Key)
	}
	key, _, _ := query.AppendKeyRaw(nil, raw)
	return memoryRow{key, doc}
}

func (t *memoryTable) add(row memoryRow) {
	at, _ := slices.BinarySearchFunc(t.rows, row, byKey)
	t.rows = slices.Insert(t.rows, at, row)
	t.entries = nil
	if raw, _, _ := query.Lookup(row.doc, t.Key); value.FromMsgpack(raw).Kind() == value.Integer {
		t.last = max(t.last, value.FromMsgpack(raw).Int())
	}
}

func (m *memory) Next(t *sql.Table) (int64, error) {
	return m.tables[value.Fold(t.Name)].last + 1, nil
}

func (m *memory) Insert(t *sql.Table, doc []byte) ([]byte, *sql.Conflict, error) {
	own := m.tables[value.Fold(t.Name)]
	row := own.identified(doc)
	if c := own.conflict(row, nil); c != nil {
		return nil, c, nil
	}
	own.add(row)
	return row.doc, nil, nil
}

func (m *memory) Replace(t *sql.Table, key, _, doc []byte, _ []string) ([]byte, *sql.Conflict, error) {
	own := m.tables[value.Fold(t.Name)]
	row := own.identified(doc)
	if c := own.conflict(row, key); c != nil {
		return nil, c, nil
	}
	if err := m.Delete(t, key); err != nil {
		return nil, nil, err
	}
	own.add(row)
	return row.doc, nil, nil
}

func (m *memory) Delete(t *sql.Table, key []byte) error {
	own := m.tables[value.Fold(t.Name)]
	own.rows = slices.DeleteFunc(slices.Clone(own.rows), func(row memoryRow) bool { return bytes.Equal(row.key, key) })
	own.entries = nil
	return nil
}

func (m *memory) Define(d *sql.Definition) error {
	m.version++
	folded := value.Fold(d.Name)
	switch d.Kind {
	case sql.CreateTable:
		t := &memoryTable{Table: sql.Table{Name: d.Name, Columns: d.Columns, Integer: d.Integer || d.Key < 0, Key: query.Field(" id"), Checks: d.Checks}}
		if d.Key >= 0 {
			t.Key = d.Columns[d.Key].Path
		} else {
			t.Columns = append(slices.Clone(t.Columns), sql.Column{Name: " id", Path: t.Key, Hidden: true, Affinity: value.IntegerAffinity})
		}
		for _, unique := range d.Unique {
			index := query.Index{Name: "unique", Unique: true}
			for _, i := range unique {
				index.Paths = append(index.Paths, d.Columns[i].Path)
			}
			t.Indexes = append(t.Indexes, index)
		}
		m.tables[folded] = t
	case sql.CreateIndex:
		t := m.tables[value.Fold(d.Table)]
		if m.plain && !d.Once {
			return nil
		}
		index := query.Index{Name: d.Name, Unique: d.Once}
		for _, name := range d.Paths {
			index.Paths = append(index.Paths, query.Field(name))
		}
		t.Indexes = append(t.Indexes, index)
	case sql.CreateView:
		m.views[folded] = d.View
	case sql.DropTable:
		delete(m.tables, folded)
	case sql.DropView:
		delete(m.views, folded)
	}
	return nil
}

// save returns the tables as they are.
func (m *memory) save() map[string]*memoryTable {
	saved := map[string]*memoryTable{}
	for name, t := range m.tables {
		same := *t
		same.rows = slices.Clone(t.rows)
		saved[name] = &same
	}
	return saved
}

// exec runs all statements of a text and returns the rows of the last one.
func (m *memory) exec(text string, args ...value.Value) (rows [][]value.Value, columns []string, err error) {
	for {
		s, tail, err := sql.Prepare(m, text)
		if err != nil || s == nil {
			return rows, columns, err
		}
		rows, columns = nil, s.Columns
		if s.Control == nil {
			state := uint64(1)
			context := function.Context{Random: func() uint64 { state *= 6364136223846793005; return state }}
			before := m.save()
			_, err = s.Run(m, context, args, func(row []value.Value) error {
				rows = append(rows, slices.Clone(row))
				return nil
			})
			if err != nil {
				m.tables = before
				return nil, nil, err
			}
		}
		if text = strings.TrimSpace(text[tail:]); text == "" {
			return rows, columns, nil
		}
	}
}

func textOf(rows [][]value.Value) []string {
	var lines []string
	for _, row := range rows {
		var cells []string
		for _, v := range row {
			switch v.Kind() {
			case value.Null:
				cells = append(cells, "NULL")
			case value.Text, value.Blob:
				cells = append(cells, "'"+v.Text()+"'")
			default:
				cells = append(cells, v.Text())
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return lines
}
