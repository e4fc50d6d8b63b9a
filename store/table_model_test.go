package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// show is a raw value as text, fields in the order they are in.
func show(raw []byte) string {
	s, _ := showValue(raw)
	return s
}

func showValue(raw []byte) (s string, rest []byte) {
	switch msgp.NextType(raw) {
	case msgp.MapType:
		n, rest, _ := msgp.ReadMapHeaderBytes(raw)
		for i := range n {
			var name, value string
			name, rest = showValue(rest)
			value, rest = showValue(rest)
			if i > 0 {
				s += " "
			}
			s += name + ":" + value
		}
		return "{" + s + "}", rest
	default:
		v, rest, err := msgp.ReadIntfBytes(raw)
		if err != nil {
			return err.Error(), nil
		}
		return fmt.Sprint(v), rest
	}
}

// tableModel is a table as a map from keys to documents, without any index.
type tableModel struct {
	*bed
	r    *rand.Rand
	docs map[string][]byte
	size int // identities are drawn from that many
}

// TestTableModel runs random writes and queries against the model.
func TestTableModel(t *testing.T) {
	m := &tableModel{
		bed:  newBed(t, cities()),
		r:    rand.New(rand.NewPCG(storetest.Seed(t), 1)),
		docs: map[string][]byte{},
		size: 150,
	}
	for step := range 400 {
		m.write()
		m.compare()
		m.compareResults()
		if step%50 == 25 {
			if err := m.env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
			m.compareIndexes()
		}
	}
}

func (m *tableModel) doc() []byte {
	r := m.r
	doc := fields{"id": r.IntN(m.size)}
	if r.IntN(10) > 0 {
		doc["country"] = []any{"NO", "SE", "FI", nil, 5, fields{}, query.Raw{0xd4, 0, 0}}[r.IntN(7)]
	}
	if r.IntN(10) > 0 {
		doc["population"] = r.IntN(20)
	}
	if r.IntN(3) == 0 {
		doc["slug"] = []any{r.IntN(5 * m.size), fmt.Sprint(r.IntN(5 * m.size)), nil, strings.Repeat("\x00", r.IntN(5))}[r.IntN(4)]
	}
	switch r.IntN(4) {
	case 0:
		doc["tags"] = "a text about a harbour"
	case 1, 2:
		var list []any
		for range r.IntN(5) {
			list = append(list, []any{"a", "b", "harbour", 1, 2, fields{}, nil}[r.IntN(7)])
		}
		doc["tags"] = list
		if list == nil {
			doc["tags"] = []any{}
		}
	}
	return query.AppendValue(nil, doc)
}

func (m *tableModel) patch() []byte {
	doc, _, _ := msgp.ReadIntfBytes(m.doc())
	patch := fields{}
	for name, v := range doc.(map[string]any) {
		if name != "id" && m.r.IntN(2) == 0 {
			if _, extension := v.(*msgp.RawExtension); !extension {
				patch[name] = v
			}
		}
	}
	for name, v := range patch {
		if n, ok := v.(int64); ok {
			patch[name] = int(n)
		}
	}
	return query.AppendValue(nil, patch)
}

func identityOf(doc []byte) string {
	id, _, _ := query.Lookup(doc, query.Field("id"))
	key, err := store.AppendIdentity(nil, id)
	if err != nil {
		panic(err)
	}
	return string(key)
}

// write does one random transaction on the table, and on the model if it
// succeeds. It must fail exactly when two documents collide.
func (m *tableModel) write() {
	m.t.Helper()
	next := maps.Clone(m.docs)
	var batch [][]byte
	for range 1 + m.r.IntN(12) {
		batch = append(batch, m.doc())
	}
	q, patch := m.query(), m.patch()
	var wrong error // what the table answered, if not what it should have
	collides := false
	kind := m.r.IntN(6)
	err := m.update(func(tx *store.Tx) (err error) {
		switch kind {
		case 0, 1:
			for _, doc := range batch {
				if _, there := next[identityOf(doc)]; there && kind == 0 {
					collides = true
				}
				next[identityOf(doc)] = doc
			}
			if kind == 0 {
				_, err = m.table.Insert(tx, batch)
			} else {
				_, err = m.table.Put(tx, batch)
			}
		case 2:
			id := identityOf(batch[0])
			found, err := m.table.Delete(tx, []byte(id))
			if _, there := next[id]; err == nil && there != found {
				wrong = fmt.Errorf("delete: found %v", found)
			}
			delete(next, id)
			return err
		case 3:
			id := identityOf(batch[0])
			found, err := m.table.Update(tx, []byte(id), patch)
			if old, there := next[id]; there {
				next[id] = merged(old, patch)
				if err == nil && !found {
					wrong = errors.New("update: not found")
				}
			}
			return err
		case 4:
			q.Limit = int64(m.r.IntN(6))
			for _, doc := range m.answer(q) {
				delete(next, identityOf(doc))
			}
			_, err = m.table.DeleteWhere(tx, q)
		case 5:
			q.Limit = int64(m.r.IntN(6))
			for _, doc := range m.answer(q) {
				next[identityOf(doc)] = merged(doc, patch)
			}
			_, err = m.table.UpdateWhere(tx, q, patch)
		}
		return err
	})
	collides = collides || slugsCollide(next)
	switch {
	case wrong != nil:
		m.t.Fatal(wrong)
	case errors.Is(err, store.DuplicateKey):
		if !collides {
			m.t.Fatalf("kind %d: %v, but nothing collides", kind, err)
		}
	case err != nil:
		m.t.Fatalf("kind %d: %v", kind, err)
	case collides:
		m.t.Fatalf("kind %d: a collision went unnoticed", kind)
	default:
		m.docs = next
	}
}

// merged is what Update makes of a document.
func merged(doc, patch []byte) []byte {
	n, rest, _ := msgp.ReadMapHeaderBytes(doc)
	type field struct{ name, value []byte }
	var all []field
	add := func(n uint32, rest []byte) {
		for range n {
			size, _ := query.Skip(rest)
			name := rest[:size]
			rest = rest[size:]
			size, _ = query.Skip(rest)
			value := rest[:size]
			rest = rest[size:]
			i := slices.IndexFunc(all, func(f field) bool { return bytes.Equal(f.name, name) })
			if i >= 0 {
				all[i].value = value
			} else {
				all = append(all, field{name, value})
			}
		}
	}
	add(n, rest)
	n, rest, _ = msgp.ReadMapHeaderBytes(patch)
	add(n, rest)
	all = slices.DeleteFunc(all, func(f field) bool { return query.IsUndefined(f.value) })
	out := msgp.AppendMapHeader(nil, uint32(len(all)))
	for _, f := range all {
		out = append(append(out, f.name...), f.value...)
	}
	return out
}

func slugsCollide(docs map[string][]byte) bool {
	seen := map[string]bool{}
	for _, doc := range docs {
		v, found, _ := query.Lookup(doc, slug)
		if !found || v[0] == 0xc0 {
			continue
		}
		if seen[string(v)] {
			return true
		}
		seen[string(v)] = true
	}
	return false
}

func (m *tableModel) filter(depth int) query.Expr {
	r := m.r
	if depth > 0 && r.IntN(2) == 0 {
		a, b := m.filter(depth-1), m.filter(depth-1)
		return []query.Expr{query.And(a, b), query.Or(a, b), query.Not(a)}[r.IntN(3)]
	}
	some := []any{"NO", "SE", 5, nil, fields{}, "harbour"}[r.IntN(6)]
	return []query.Expr{
		query.Eq(country, some),
		query.Ne(country, some),
		query.In(country, "NO", some),
		query.StartsWith(country, "N"),
		query.Between(population, r.IntN(20), r.IntN(20)),
		query.Lt(population, r.IntN(20)),
		query.Gte(population, r.IntN(20)),
		query.Eq(slug, r.IntN(m.size)),
		query.Exists(slug),
		query.Mod(population, 2, 0),
		query.Contains(tags, some),
		query.Contains(tags, r.IntN(3)),
		query.Eq(query.Field("id"), r.IntN(m.size)),
		query.Lt(query.Field("id"), r.IntN(m.size)),
	}[r.IntN(14)]
}

func (m *tableModel) query() *query.Query {
	r := m.r
	q, err := query.Select(m.filter(2))
	if err != nil {
		m.t.Fatal(err)
	}
	paths := []query.Path{country, population, slug, tags, query.Field("id")}
	for range r.IntN(3) {
		q.OrderBy(paths[r.IntN(len(paths))], r.IntN(2) == 0)
	}
	if r.IntN(2) == 0 {
		q.Limit = int64(r.IntN(20))
	}
	if r.IntN(3) == 0 {
		q.Skip = int64(r.IntN(10))
	}
	q.Reverse = r.IntN(4) == 0
	if r.IntN(3) == 0 && len(m.docs) > 0 {
		m.beginBehind(q)
	}
	return q
}

// beginBehind lets q begin behind some document there is.
func (m *tableModel) beginBehind(q *query.Query) {
	keys := slices.Sorted(maps.Keys(m.docs))
	doc := m.docs[keys[m.r.IntN(len(keys))]]
	for _, path := range append(pathsOf(q.Order), query.Field("id")) {
		v, found, _ := query.Lookup(doc, path)
		if !found {
			v = query.Raw{0xd4, 0, 0}
		}
		q.After = append(q.After, v)
	}
}

func pathsOf(order []query.Order) (paths []query.Path) {
	for _, column := range order {
		paths = append(paths, column.Path)
	}
	return paths
}

// answer is what q should find, by looking at everything.
func (m *tableModel) answer(q *query.Query) [][]byte {
	order := slices.Clone(q.Order)
	desc := q.Reverse
	for i := range order {
		order[i].Desc = order[i].Desc != q.Reverse
		desc = order[i].Desc
		if order[i].Path.Equal(query.Field("id")) {
			order = order[:i+1]
			break
		}
	}
	sortKey := func(doc []byte) []byte {
		key, err := query.SortKey(nil, doc, append(slices.Clone(order), query.Order{Path: query.Field("id"), Desc: desc}))
		if err != nil {
			m.t.Fatal(err)
		}
		return key
	}
	var found [][]byte
	for _, doc := range m.docs {
		ok, err := q.Filter.Match(doc)
		if err != nil {
			m.t.Fatal(err)
		}
		if ok && (q.After == nil || bytes.Compare(sortKey(doc), m.behind(q, order, desc)) > 0) {
			found = append(found, doc)
		}
	}
	slices.SortFunc(found, func(a, b []byte) int { return bytes.Compare(sortKey(a), sortKey(b)) })
	found = found[min(int(q.Skip), len(found)):]
	if q.Limit >= 0 {
		found = found[:min(int(q.Limit), len(found))]
	}
	return found
}

// behind is the sort key of the document that after tells.
func (m *tableModel) behind(q *query.Query, order []query.Order, desc bool) (key []byte) {
	values := append(slices.Clone(q.After[:len(order)]), q.After[len(q.After)-1])
	for i, v := range values {
		component, _, err := query.AppendKeyRaw(nil, v)
		if err != nil {
			m.t.Fatal(err)
		}
		descends := desc
		if i < len(order) {
			descends = order[i].Desc
		}
		if descends {
			component = query.AppendDescending(nil, component)
		}
		key = append(key, component...)
	}
	return key
}

// compare asks the table a few queries.
func (m *tableModel) compare() {
	m.t.Helper()
	for range 4 {
		q := m.query()
		want := m.answer(q)
		var got [][]byte
		var count int64
		m.view(func(tx *store.Tx) (err error) {
			if count, err = m.table.Count(tx, q); err != nil {
				return err
			}
			if m.r.IntN(2) == 0 { // the answer that is kept is the one that is compared
				_ = m.table.Find(tx, q, func([]byte) error { return nil })
			}
			return m.table.Find(tx, q, func(doc []byte) error {
				got = append(got, doc)
				return nil
			})
		})
		if anyOrder(q) {
			slices.SortFunc(got, bytes.Compare) // any order is right
			slices.SortFunc(want, bytes.Compare)
		}
		if !slices.EqualFunc(got, want, bytes.Equal) || count != int64(len(want)) {
			m.t.Fatalf("%+v\ncounted %d, found %v\nwant %v\nplan %+v", q, count, values(got), values(want), m.explain(q))
		}
	}
}

// compareResults asks for what is made of the documents, in their place.
func (m *tableModel) compareResults() {
	m.t.Helper()
	q := m.query()
	var want [][]byte
	keep := func(result []byte) error {
		want = append(want, bytes.Clone(result))
		return nil
	}
	if m.r.IntN(3) == 0 {
		q.Projection = must(query.Only(m.paths()...))
		for _, doc := range m.answer(q) {
			want = append(want, must(q.Projection.Append(nil, doc)))
		}
	} else {
		q.GroupBy(m.paths()...)
		for range m.r.IntN(4) {
			path := m.paths()[0]
			q.Aggregated([]query.Column{
				query.Count(), query.Count(path), query.Sum(path), query.Avg(path),
				query.Min(path), query.Max(path), query.First(path), query.Last(path),
			}[m.r.IntN(8)])
		}
		tally := query.NewTally(q.Aggregate)
		for i, doc := range m.answer(q) {
			if err := tally.Add(doc, binary.BigEndian.AppendUint32(nil, uint32(i))); err != nil {
				m.t.Fatal(err)
			}
		}
		_ = tally.Rows(keep)
	}
	var got [][]byte
	m.view(func(tx *store.Tx) error {
		return m.table.Find(tx, q, func(result []byte) error {
			got = append(got, bytes.Clone(result))
			return nil
		})
	})
	if q.Projection != nil && anyOrder(q) {
		slices.SortFunc(got, bytes.Compare)
		slices.SortFunc(want, bytes.Compare)
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		m.t.Fatalf("%+v\nfound %v\nwant %v\nplan %+v", q, values(got), values(want), m.explain(q))
	}
}

// paths are one or two, of which some are indexed.
func (m *tableModel) paths() []query.Path {
	all := []query.Path{country, population, slug, tags, query.Field("id")}
	i := m.r.IntN(len(all))
	return all[i:min(len(all), i+1+m.r.IntN(2))]
}

// anyOrder reports whether the documents may come in any order.
func anyOrder(q *query.Query) bool {
	return len(q.Order) == 0 && q.Limit < 0 && q.Skip == 0 && q.After == nil && !q.Reverse
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// compareIndexes reads every index whole: it must hold what the documents say,
// and nothing else.
func (m *tableModel) compareIndexes() {
	m.t.Helper()
	for _, index := range m.table.Schema().Indexes {
		var want [][]byte
		for key, doc := range m.docs {
			want = append(want, entriesOf(m.t, index, doc, []byte(key))...)
		}
		slices.SortFunc(want, bytes.Compare)
		var got [][]byte
		m.view(func(tx *store.Tx) error {
			db, err := tx.Inner("cities\x00" + index.Name)
			if err != nil {
				return err
			}
			c := db.Cursor(store.KeyRange{})
			for ok := c.First(); ok; ok = c.Next() {
				got = append(got, bytes.Clone(c.Key()))
			}
			return c.Err()
		})
		if !slices.EqualFunc(got, want, bytes.Equal) {
			m.t.Fatalf("index %s holds %d entries, want %d\n%x\n%x", index.Name, len(got), len(want), got, want)
		}
	}
}

func entriesOf(t *testing.T, index store.IndexSpec, doc, key []byte) (entries [][]byte) {
	var entry []byte
	for _, path := range index.Paths {
		v, found, err := query.Lookup(doc, path)
		if err != nil {
			t.Fatal(err)
		}
		if index.Multi {
			if !found {
				return nil
			}
			all, ends, err := query.AppendElementKeys(nil, nil, v, key)
			if err != nil {
				t.Fatal(err)
			}
			start := 0
			for _, end := range ends {
				entries = append(entries, all[start:end])
				start = end
			}
			slices.SortFunc(entries, bytes.Compare)
			return slices.CompactFunc(entries, bytes.Equal)
		}
		if !found {
			entry = query.AppendKeyMissing(entry)
		} else if entry, _, err = query.AppendKeyRaw(entry, v); err != nil {
			t.Fatal(err)
		}
	}
	return [][]byte{append(entry, key...)}
}
