package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// pair is a field of a document.
type pair struct {
	name  string
	value any
}

func ordered(pairs []pair) []byte {
	raw := msgp.AppendMapHeader(nil, uint32(len(pairs)))
	for _, p := range pairs {
		raw = query.AppendValue(msgp.AppendString(raw, p.name), p.value)
	}
	return raw
}

// TestUpdateRevises: an UPDATE leaves what it does not set as it was, in its place, whether that is a column or
// not, and is what was declared or not; what is set stays where it was, or comes last.
func TestUpdateRevises(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	env := storetest.Open(t, memory.New(), store.Options{})
	exec(t, env, "CREATE TABLE t (id INTEGER PRIMARY KEY, a REAL, b, c INTEGER, d)")
	table, err := env.Table(ctx, "t", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "b", "c", "d", "e", "a name that is no column and longer than the others", "A"}
	values := []any{1, 2.5, 2.0, "x", "7", "", nil, true, []any{1, "y"}, fields{"b": 1}, []byte{1}}
	var docs, expected [][]byte
	for id := range 1000 {
		all := []pair{{"id", id}}
		for _, at := range random.Perm(len(names))[:random.IntN(len(names)+1)] {
			all = append(all, pair{names[at], values[random.IntN(len(values))]})
		}
		if random.IntN(9) == 0 && len(all) > 1 { // a name twice, of which the first counts
			all = append(all, all[1])
			all[len(all)-1].value = "again"
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		docs = append(docs, ordered(all))
		expected = append(expected, ordered(revised(all)))
	}
	if err := env.Update(ctx, func(tx *store.Tx) error { _, err := table.Insert(tx, docs); return err }); err != nil {
		t.Fatal(err)
	}
	exec(t, env, "UPDATE t SET b = 'the new one', d = NULL")
	id := 0
	err = env.View(ctx, func(tx *store.Tx) error {
		return table.Find(tx, &query.Query{Limit: -1, Order: []query.Order{{Path: query.Field("id")}}}, func(doc []byte) error {
			if string(doc) != string(expected[id]) {
				t.Errorf("of % x is made % x, not % x", docs[id], doc, expected[id])
			}
			id++
			return nil
		})
	})
	if err != nil || id != len(docs) {
		t.Errorf("%d documents, %v", id, err)
	}
}

// revised are the fields of a document once b and d are set. Of a column that is there several times the first stays.
func revised(all []pair) []pair {
	var out []pair
	has := func(name string) bool { return slices.ContainsFunc(out, func(p pair) bool { return p.name == name }) }
	for _, p := range all {
		switch {
		case len(p.name) == 1 && p.name >= "a" && p.name <= "d" && has(p.name):
		case p.name == "b":
			out = append(out, pair{"b", "the new one"})
		case p.name == "d":
			out = append(out, pair{"d", nil})
		default:
			out = append(out, p)
		}
	}
	for _, p := range []pair{{"b", "the new one"}, {"d", nil}} {
		if !has(p.name) {
			out = append(out, p)
		}
	}
	return out
}

// TestLongNames writes what takes the most room: numbers of all sizes in columns whose names are of any length.
func TestLongNames(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{})
	for _, length := range []int{1, 31, 32, 255, 256, 1000} {
		name, other := strings.Repeat("n", length), strings.Repeat("m", length)
		exec(t, env, fmt.Sprintf("CREATE TABLE t%d (id INTEGER PRIMARY KEY, %s, %s)", length, name, other))
		for round := range 100 {
			exec(t, env, fmt.Sprintf("INSERT INTO t%d (%s, %s) VALUES (?, ?)", length, name, other), int64(math.MinInt64)+int64(round), float64(round)+0.5)
		}
		exec(t, env, fmt.Sprintf("UPDATE t%d SET %s = -%[2]s, %[3]s = %[2]s + 1", length, other, name))
		if got := ask(t, env, fmt.Sprintf("SELECT count(*) FROM t%d WHERE %s = 1 - %s AND %[3]s = 0.5 - id", length, name, other)); got != "100\n" {
			t.Error(got)
		}
	}
}
