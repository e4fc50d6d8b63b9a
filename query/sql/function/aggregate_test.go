//go:build !js

package function_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// forms of aggregates, and the columns that they are given.
var forms = []struct {
	name string
	args int
}{
	{"count", 1}, {"count", 0}, {"sum", 1}, {"total", 1}, {"avg", 1}, {"min", 1}, {"max", 1},
	{"group_concat", 1}, {"group_concat", 2}, {"string_agg", 2}, {"json_group_array", 1}, {"json_group_object", 2},
}

// TestAggregates gathers random columns, whole and through windows of which rows
// fall out again.
func TestAggregates(t *testing.T) {
	r := chance(t)
	db := openSQLite(t)
	numbers := slices.Concat(integers(1, 2, 3, -5, 1<<53, math.MaxInt64, -math.MaxInt64, 7, 0), reals(0.1, 0.2, 1e300, -1e300, 1e-9, 2.5, 1e15), null, texts("3", "2.0", "x", "4x"))
	pools := [][]value.Value{integers(1, 2, 3, 4, -4), integers(math.MaxInt64, 1, -1, -5), reals(0.1, 0.2, 0.3, 1e15, -1e15, 3), numbers, slices.Concat(word, null), slices.Concat(null, null, small)}
	for range 300 {
		pool := pick(r, pools)
		rows := make([][]value.Value, r.IntN(12))
		var literals []string
		for i := range rows {
			rows[i] = []value.Value{pick(r, pool), pick(r, slices.Concat(texts(",", "; ", ""), null, small))}
			literals = append(literals, fmt.Sprintf("(%d, %s, %s)", i, literal(rows[i][0]), literal(rows[i][1])))
		}
		from := "(select 0 id, 0 a, 0 b where 0)"
		if len(rows) > 0 {
			from = "(select column1 id, column2 a, column3 b from (values " + strings.Join(literals, ", ") + "))"
		}
		for _, form := range forms {
			f := function.AggregateNamed(form.name)
			args := []string{"*", "a", "a, b"}[form.args]
			whole := ask(t, db, []string{fmt.Sprintf("(select %s(%s) from %s)", form.name, args, from)})[0]
			if ours := gather(f, form.args, rows); !same(ours, whole, false) {
				t.Errorf("%s(%s) of %s: SQLite %s, ours %s", form.name, args, from, whole, ours)
			}
			empty := strings.Contains(form.name, "_") && slices.ContainsFunc(rows, func(row []value.Value) bool { return row[0].Kind() == value.Text && row[0].Text() == "" })
			if f.Invertible && len(rows) > 0 && !empty { // of windows with empty texts SQLite loses count
				slide(t, f, form.args, rows, ask(t, db, windows(form.name, args, from, len(rows))))
			}
		}
	}
}

func gather(f *function.Aggregate, args int, rows [][]value.Value) answer {
	state := f.New(&function.Context{})
	for _, row := range rows {
		if err := state.Step(row[:args]); err != nil {
			return answer{failed: true}
		}
	}
	v, err := state.Result()
	return answer{v, err != nil}
}

// windows are expressions for the aggregate of each row and the two before it.
func windows(name, args, from string, rows int) (expressions []string) {
	for i := range rows {
		expressions = append(expressions, fmt.Sprintf(
			"(select w from (select id, %s(%s) over (order by id rows 2 preceding) w from %s) where id = %d)", name, args, from, i))
	}
	return expressions
}

func slide(t *testing.T, f *function.Aggregate, args int, rows [][]value.Value, theirs []answer) {
	t.Helper()
	state := f.New(&function.Context{})
	for i, row := range rows {
		var err error
		if i > 2 {
			err = state.Undo(rows[i-3][:args])
		}
		if err == nil {
			err = state.Step(row[:args])
		}
		var v value.Value
		if err == nil {
			v, err = state.Result()
		}
		if ours := (answer{v, err != nil}); !same(ours, theirs[i], false) {
			t.Errorf("%s of rows %d to %d of %v: SQLite %s, ours %s", f.Name, max(i-2, 0), i, rows, theirs[i], ours)
		}
		if err != nil {
			return
		}
	}
}
