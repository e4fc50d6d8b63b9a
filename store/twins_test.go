package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// twins are two tables of the same documents, written by whoever: one has indexes. What columns hold
// need not be what they are declared as.
type twins struct {
	t              *testing.T
	random         *rand.Rand
	env            *store.Env
	indexed, plain *store.Table
	documents      int
}

// twinColumns are the columns that are asked for; an identity, a list and a note stand beside.
var twinColumns = []string{"k", "i", "n", "r", "t", "b", "x"}

func newTwins(t *testing.T, seed uint64) *twins {
	w := &twins{t: t, random: rand.New(rand.NewPCG(seed, 0))}
	var err error
	if w.env, err = store.Open(ctx, memory.New(), store.Options{
		PageBytes:    of(w, 512, 4096, 16384),
		CacheBytes:   of(w, 32<<10, 128<<10, 8<<20),
		OverlayBytes: of(w, 8<<10, 256<<10, 8<<20),
	}); err != nil {
		t.Fatal(err)
	}
	declared := []string{"aside", "indexed", "plain"}
	if w.random.IntN(3) == 0 { // a member that no document has is no column
		declared = declared[:1]
	}
	for _, name := range declared {
		exec(t, w.env, "CREATE TABLE "+name+" (id INTEGER PRIMARY KEY, k INTEGER, i INTEGER, n NUMERIC, r REAL, t TEXT, b BLOB, x, tags, note)")
	}
	schema := store.Schema{Key: query.Field("id")}
	if w.plain, err = w.env.Table(ctx, "plain", schema, nil); err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{{"k"}, {"i"}, {"n"}, {"r"}, {"t"}, {"b"}, {"x"}, {"k", "x"}, {"n", "k"}, {"t", "r"}, {"tags"}} {
		if w.random.IntN(4) == 0 {
			continue
		}
		index := store.IndexSpec{Name: strings.Join(paths, "_"), Multi: paths[0] == "tags"}
		for _, path := range paths {
			index.Paths = append(index.Paths, query.Field(path))
		}
		schema.Indexes = append(schema.Indexes, index)
	}
	if w.indexed, err = w.env.Table(ctx, "indexed", schema, nil); err != nil {
		t.Fatal(err)
	}
	w.documents = 200 + w.random.IntN(1200)
	var docs [][]byte
	for id := range w.documents {
		docs = append(docs, w.document(id))
	}
	w.update(func(tx *store.Tx) error { return w.put(tx, docs) })
	return w
}

// of is one of some values.
func of[T any](w *twins, values ...T) T { return values[w.random.IntN(len(values))] }

func (w *twins) update(change func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.env.Update(ctx, change); err != nil {
		w.t.Fatal(err)
	}
}

func (w *twins) put(tx *store.Tx, docs [][]byte) error {
	if _, err := w.indexed.Put(tx, docs); err != nil {
		return err
	}
	_, err := w.plain.Put(tx, docs)
	return err
}

func (w *twins) document(id int) []byte {
	members := fields{"id": id, "k": w.random.IntN(30), "note": strings.Repeat("z", w.random.IntN(60))}
	for _, name := range twinColumns[1:] {
		if w.random.IntN(6) > 0 {
			members[name] = w.value()
		}
	}
	switch w.random.IntN(6) {
	case 0:
		members["tags"] = `["a", 1]`
	case 1:
	default:
		tags := []any{}
		for range w.random.IntN(5) {
			tags = append(tags, of[any](w, "a", "b", "c", 1, 2, 2.5, w.date()))
		}
		members["tags"] = tags
	}
	if w.random.IntN(40) == 0 { // some do not stand in pages
		members["note"] = strings.Repeat("z", 1<<w.random.IntN(17))
	}
	return doc(members)
}

func (w *twins) date() time.Time {
	return time.Date(2024, 1, 1+w.random.IntN(5), 0, 0, 0, 0, time.UTC)
}

func (w *twins) value() any {
	small := w.random.IntN(20)
	switch w.random.IntN(12) {
	case 0:
		return of[any](w, nil, true, false, []byte{byte(w.random.IntN(3))}, []any{small % 3, "x"}, w.date())
	case 1:
		return of[any](w, int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53+1), float64(1<<53), 1e300, -1e300, uint64(1<<63))
	case 2:
		return float64(small) / 2
	case 3:
		return float64(small)
	case 4:
		return fmt.Sprint(small)
	case 5, 6:
		return string(rune('a' + small%5))
	case 7:
		return -small
	default:
		return small
	}
}

// literal is a value in a statement.
func (w *twins) literal() string {
	small := w.random.IntN(22) - 1
	switch w.random.IntN(7) {
	case 0:
		return fmt.Sprintf("%.1f", float64(small)/2)
	case 1:
		return fmt.Sprintf("'%d'", small)
	case 2:
		return fmt.Sprintf("'%c'", 'a'+rune(w.random.IntN(5)))
	case 3:
		return of(w, "NULL", "9223372036854775807", "-9223372036854775808", "9007199254740993", "9007199254740992.0", "1e300", "-0.0", "x'01'", "'2024-01-02T00:00:00.000Z'")
	default:
		return fmt.Sprint(small)
	}
}

func (w *twins) tag() string {
	return of(w, "'a'", "'b'", "1", "2", "2.5", "'2024-01-02T00:00:00.000Z'")
}

// condition is one of a row of a table, of which prefix tells the name.
func (w *twins) condition(prefix string) string {
	column := prefix + of(w, twinColumns...)
	switch w.random.IntN(12) {
	case 0, 1:
		return fmt.Sprintf("%s = %s", column, w.literal())
	case 2:
		return fmt.Sprintf("%s %s %s", column, of(w, "<", "<=", ">", ">="), w.literal())
	case 3:
		return fmt.Sprintf("%s BETWEEN %s AND %s", column, w.literal(), w.literal())
	case 4:
		return fmt.Sprintf("%s IN (%s, %s, %s)", column, w.literal(), w.literal(), w.literal())
	case 5:
		return column + " IS NULL"
	case 6, 7:
		return fmt.Sprintf("(%s OR %s)", w.condition(prefix), w.condition(prefix))
	case 8:
		return fmt.Sprintf("%s AND %s", w.condition(prefix), w.condition(prefix))
	case 9:
		return fmt.Sprintf("%s LIKE '%s'", column, of(w, "a%", "1%", "%", "2024%", "-1%", "a_", "1_"))
	case 10:
		return fmt.Sprintf("(%s IN (SELECT value FROM json_each(%stags)) AND json_type(%[2]stags) = 'array')", w.tag(), prefix)
	default:
		return fmt.Sprintf("%sid %s %d", prefix, of(w, "<", ">", "="), w.random.IntN(w.documents))
	}
}

// question is a statement that reads T, and whether the order of its rows is certain.
func (w *twins) question() (text string, ordered bool) {
	a, b, where, limit := of(w, twinColumns...), of(w, twinColumns...), w.condition(""), w.random.IntN(300)
	down := of(w, "", "DESC")
	switch w.random.IntN(25) {
	case 0:
		return fmt.Sprintf("SELECT id, %s, typeof(%[1]s) FROM T WHERE %s", a, where), false
	case 1:
		return fmt.Sprintf("SELECT id, %s FROM T WHERE %s ORDER BY %[1]s, id LIMIT %[3]d OFFSET 20", a, where, limit), true
	case 2:
		return fmt.Sprintf("SELECT %s, count(*), sum(id), min(id), max(k) FROM T WHERE %s GROUP BY %[1]s", a, where), false
	case 3:
		return fmt.Sprintf("SELECT count(*), sum(k), min(%s), max(%[1]s), count(%[1]s) FROM T WHERE %s", a, where), true
	case 4:
		return fmt.Sprintf("SELECT DISTINCT k FROM T WHERE %s", where), false
	case 5:
		return fmt.Sprintf("SELECT a.id, b.id FROM T a JOIN T b ON a.%s = b.%s WHERE %s AND a.id %% 7 = 3 AND b.id %% 5 = 1", a, b, w.condition("a.")), false
	case 6:
		return fmt.Sprintf("SELECT a.id, b.id, b.%s FROM T a LEFT JOIN T b ON a.%s = b.%[1]s AND b.id %% 11 = 2 WHERE a.id %% 9 = 1", b, a), false
	case 7:
		return fmt.Sprintf("SELECT id FROM T WHERE %s IN (SELECT %s FROM T WHERE id %% 50 = 1) AND k < 10", a, b), false
	case 8:
		return fmt.Sprintf("SELECT id, note FROM T WHERE %s ORDER BY id DESC LIMIT %d", where, limit), true
	case 9:
		return fmt.Sprintf("SELECT id, row_number() OVER (PARTITION BY k ORDER BY %s, id) FROM T WHERE %s", a, where), false
	case 10:
		return fmt.Sprintf("SELECT id FROM T WHERE %s EXCEPT SELECT id FROM T WHERE %s", where, w.condition("")), false
	case 11:
		return fmt.Sprintf("SELECT id FROM T a WHERE EXISTS (SELECT 1 FROM T b WHERE b.%s = a.%s AND b.id < a.id) AND a.id %% 13 = 4", a, b), false
	case 12:
		return fmt.Sprintf("SELECT a.id, j.value FROM T a, json_each(a.tags) j WHERE j.value = %s AND json_type(a.tags) = 'array'", w.tag()), false
	case 13:
		return fmt.Sprintf("SELECT id, %s, note FROM T WHERE %s ORDER BY %[1]s %[3]s, id %[3]s LIMIT %[4]d", a, where, down, limit), true
	case 14:
		return fmt.Sprintf("SELECT %s, %s, id FROM T ORDER BY %[1]s %[3]s, %[2]s %[4]s, id LIMIT %[5]d OFFSET 30", a, b, down, of(w, "", "DESC"), limit), true
	case 15:
		return fmt.Sprintf("SELECT %s, %s, count(*), count(DISTINCT x), sum(id) FROM T GROUP BY %[1]s, %[2]s", of(w, "k", "i", "b"), of(w, "k", "i", "b")), false
	case 16:
		return fmt.Sprintf("SELECT min(%s), max(%[1]s), min(%[2]s), count(DISTINCT %[1]s) FROM T", a, b), true
	case 17:
		return fmt.Sprintf("SELECT id, x FROM T WHERE %s = %s AND %s %s %s", a, w.literal(), b, of(w, "<", ">=", "IS", "<>", "IS NOT"), w.literal()), false
	case 18:
		return fmt.Sprintf("SELECT a.id, b.id, c.id FROM T a JOIN T b ON b.%s = a.%s JOIN T c ON c.id = b.k WHERE a.id %% 31 = 3 AND b.id %% 5 = 1", b, a), false
	case 19:
		return fmt.Sprintf("SELECT id FROM T WHERE %s NOT IN (SELECT %s FROM T WHERE id < 20) OR %s", a, b, where), false
	case 20:
		return fmt.Sprintf("SELECT %s FROM T WHERE %s UNION SELECT %s FROM T WHERE %s", "k", where, "id", w.condition("")), false
	case 21:
		return fmt.Sprintf("SELECT a.id, b.id FROM T a LEFT JOIN T b ON (b.%s = a.%s OR b.%s) AND b.id %% 9 = 1 WHERE a.id %% 41 = 2", a, b, "k = a.k AND b.x > 3"), false
	case 22:
		return fmt.Sprintf("SELECT id FROM T a WHERE EXISTS (SELECT 1 FROM T b WHERE (b.%s = a.%s OR b.id = a.k) AND b.note <> '') AND a.id %% 17 = 4", a, b), false
	case 23:
		return fmt.Sprintf("SELECT k, (SELECT count(*) FROM T b WHERE b.%s = a.%s AND b.%s < 5), max(id) FROM T a WHERE a.id %% 29 = 4 GROUP BY k, 2", a, b, of(w, "x", "n", "r")), false
	default:
		return fmt.Sprintf("SELECT a.id, b.id FROM T a FULL JOIN (SELECT * FROM T WHERE id %% 40 = 1) b ON a.%s = b.%s WHERE a.id IS NULL OR a.id %% 50 = 2", a, b), false
	}
}

// change is a statement that writes T.
func (w *twins) change() string {
	a, b, where := of(w, twinColumns...), of(w, twinColumns...), w.condition("")
	switch w.random.IntN(4) {
	case 0:
		return fmt.Sprintf("DELETE FROM T WHERE %s AND id %% 5 = 1 RETURNING id, typeof(x)", where)
	case 1:
		return fmt.Sprintf("UPDATE T SET %s = %s WHERE %s RETURNING id, %[1]s, typeof(%[1]s), note", a, of(w, w.literal(), b, "k + 1", "coalesce(x, 1) || 'y'"), where)
	case 2:
		return fmt.Sprintf("INSERT OR REPLACE INTO T (id, k, x) SELECT id + 3, k, %s FROM T WHERE %s RETURNING id", a, where)
	default:
		return fmt.Sprintf("INSERT INTO T (id, k, t) SELECT id, k, t FROM T WHERE %s AND id %% 3 = 0 ON CONFLICT (id) DO UPDATE SET x = excluded.k, k = T.k + 1 RETURNING id, x, k", where)
	}
}

// rows are those of a statement that asks T of a table.
func (w *twins) rows(tx *store.Tx, text, table string, each func() error) (rows []string, err error) {
	text = strings.NewReplacer(" T ", " "+table+" ", " T.", " "+table+".").Replace(text + " ")
	for row, err := range tx.Query(text) {
		if err != nil {
			return nil, err
		}
		var line strings.Builder
		for i := range row.Columns() {
			fmt.Fprintf(&line, "%v|", row.At(i))
		}
		rows = append(rows, line.String())
		if err := each(); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// agree holds what both tables answer against each other; meanwhile is done after each row of the first.
func (w *twins) agree(tx *store.Tx, text string, ordered bool, meanwhile func() error) {
	w.t.Helper()
	got, err := w.rows(tx, text, "indexed", meanwhile)
	want, failed := w.rows(tx, text, "plain", nobody)
	if !ordered {
		slices.Sort(got)
		slices.Sort(want)
	}
	if store.CodeOf(err) != store.CodeOf(failed) || !ofValues(err) {
		w.t.Errorf("%s: %v by indexes, %v without", text, err, failed)
	} else if !slices.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		plan, _ := w.rows(tx, "EXPLAIN QUERY PLAN "+text, "indexed", nobody)
		w.t.Errorf("%s: %d rows by indexes, %d without, the first that differ %.200s, %.200s:\n%s", text, len(got), len(want), got[at:min(at+1, len(got))], want[at:min(at+1, len(want))], strings.Join(plan, "\n"))
	}
}

var nobody = func() error { return nil }

// ofValues reports whether an error, or none, is one of what the documents hold: a statement is right.
func ofValues(err error) bool { return err == nil || strings.Contains(err.Error(), "integer overflow") }

// disturb reads or writes now and then.
func (w *twins) disturb(tx *store.Tx) func() error {
	if w.random.IntN(3) > 0 {
		return nobody
	}
	n, every, text := 0, 1+w.random.IntN(100), of(w, "INSERT INTO aside (x) VALUES (1)",
		"SELECT id, note FROM T WHERE 'a' IN (SELECT value FROM json_each(tags)) AND json_type(tags) = 'array' ORDER BY id",
		"SELECT id, x FROM T WHERE k = 7 ORDER BY id LIMIT 5")
	return func() (err error) {
		if n++; n%every == 0 {
			_, err = w.rows(tx, text, "indexed", nobody)
		}
		return err
	}
}

// TestIndexesChangeNothing asks and changes two tables of which one has indexes, in layers of all sorts and with caches of
// all sizes: both answer the same, whatever their documents hold.
func TestIndexesChangeNothing(t *testing.T) {
	environments := 3
	if testing.Short() {
		environments = 1
	}
	for range environments {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { indexesChangeNothing(newTwins(t, seed)) })
	}
}

func indexesChangeNothing(w *twins) {
	for range 4 {
		w.update(func(tx *store.Tx) error {
			for range w.random.IntN(4) {
				if w.random.IntN(3) == 0 {
					var docs [][]byte
					for range w.random.IntN(60) {
						docs = append(docs, w.document(w.random.IntN(w.documents+50)))
					}
					if err := w.put(tx, docs); err != nil {
						return err
					}
				} else {
					w.agree(tx, w.change(), false, nobody)
				}
				for range 6 {
					text, ordered := w.question()
					w.agree(tx, text, ordered, w.disturb(tx))
				}
			}
			return nil
		})
		switch w.random.IntN(3) {
		case 0:
			if err := w.env.Checkpoint(ctx); err != nil {
				w.t.Fatal(err)
			}
		case 1:
			exec(w.t, w.env, "ANALYZE")
		}
		if err := w.env.View(ctx, func(tx *store.Tx) error {
			for range 10 {
				text, ordered := w.question()
				w.agree(tx, text, ordered, nobody)
			}
			return nil
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.env.Close(ctx); err != nil {
		w.t.Error(err)
	}
}
