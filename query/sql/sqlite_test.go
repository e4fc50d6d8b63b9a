//go:build !js

package sql_test

import (
	gosql "database/sql"
	"os"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	standard "github.com/stowage-db/stowage/query/sql/slt/sqlite"
	"github.com/stowage-db/stowage/query/sql/value"
)

// sqlite runs statements in SQLite itself.
type sqlite struct{ db *gosql.DB }

func openSQLite(t *testing.T) *sqlite {
	db, err := gosql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return &sqlite{db}
}

func (s *sqlite) exec(text string) (rows [][]value.Value, columns []string, err error) {
	r, err := s.db.Query(text)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	columns, _ = r.Columns()
	for r.Next() {
		cells := make([]any, len(columns))
		places := make([]any, len(columns))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := r.Scan(places...); err != nil {
			return nil, nil, err
		}
		var row []value.Value
		for _, cell := range cells {
			row = append(row, standard.Value(cell))
		}
		rows = append(rows, row)
	}
	return rows, columns, r.Err()
}

// TestAsSQLite runs the statements of testdata/statements.sql, one a line, here and in
// SQLite. Both have to answer alike, in order where the line asks for one, or to fail;
// without indexes and where nearly all has to be spooled, too.
func TestAsSQLite(t *testing.T) {
	text, err := os.ReadFile("testdata/statements.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, tight := range []bool{false, true} {
		here, there := newMemory(), openSQLite(t)
		if here.plain = tight; tight {
			here.ceiling = 100
		}
		for n, line := range strings.Split(string(text), "\n") {
			if line == "" || strings.HasPrefix(line, "--") {
				continue
			}
			got, names, err := here.exec(line)
			want, wantNames, wantErr := there.exec(line)
			if (err != nil) != (wantErr != nil) {
				t.Errorf("line %d: %s\n got error %v\nwant error %v", n+1, line, err, wantErr)
				continue
			}
			gotText, wantText := textOf(got), textOf(want)
			if !strings.Contains(strings.ToLower(line), "order by") {
				slices.Sort(gotText)
				slices.Sort(wantText)
			}
			if !slices.Equal(gotText, wantText) {
				t.Errorf("line %d: %s\n got %q\nwant %q", n+1, line, gotText, wantText)
			}
			if err == nil && len(want) > 0 && !slices.Equal(names, wantNames) {
				t.Errorf("line %d: %s\n got columns %q\nwant %q", n+1, line, names, wantNames)
			}
		}
		if tight && here.spools == 0 {
			t.Error("nothing was spooled")
		}
	}
}
