//go:build !js

package function_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// TestRows compares json_each and json_tree of random texts, from random roots.
func TestRows(t *testing.T) {
	r := chance(t)
	db := openSQLite(t)
	columns := "key || ' ' || typeof(key), value, type, atom, id, parent, fullkey, path"
	mistakes := 0
	for range 3000 {
		text, root := value.FromText(json(r, 3)), value.FromText("$")
		if r.IntN(3) == 0 {
			root = value.FromText(path(r))
		}
		if strings.Contains(root.Text(), "#") {
			continue // whose steps SQLite writes as they are
		}
		for _, name := range []string{"json_each", "json_tree"} {
			found, failure := db.Run(fmt.Sprintf("select quote(json_array(%s)) from %s(%s, %s)", columns, name, literal(text), literal(root)))
			var theirs []string
			for _, row := range found {
				theirs = append(theirs, row[0].Text())
			}
			ours, err := rowsOf(text, root, name == "json_tree")
			if (err != nil) != (failure != nil) || err == nil && strings.Join(ours, "\n") != strings.Join(theirs, "\n") {
				if mistakes++; mistakes < 5 {
					t.Errorf("%s of %s at %s:\nSQLite %v\n%s\nours %v\n%s", name, text.Text(), root.Text(), failure, strings.Join(theirs, "\n"), err, strings.Join(ours, "\n"))
				}
			}
		}
	}
}

func rowsOf(text, root value.Value, deep bool) (lines []string, err error) {
	array, quote := function.Scalar("json_array"), function.Scalar("quote")
	c := &function.Context{}
	err = function.Rows(text, root, deep, func(row *function.Row) error {
		kind, err := function.Scalar("typeof").Call(c, []value.Value{row.Key})
		if err != nil {
			return err
		}
		key := value.Concat(value.Concat(row.Key, value.FromText(" ")), kind)
		list, err := array.Call(c, []value.Value{key, row.Value, row.Type, row.Atom, row.ID, row.Parent, row.FullKey, row.Path})
		if err != nil {
			return err
		}
		line, err := quote.Call(c, []value.Value{list})
		lines = append(lines, line.Text())
		return err
	})
	return lines, err
}
