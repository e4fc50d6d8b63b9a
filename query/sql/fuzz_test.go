//go:build !js

package sql_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql"
)

// FuzzPrepare plans any texts: they may be wrong, at a position within them, but not
// break. What one statement ends with, a semicolon behind it included, is the same
// statement by itself.
func FuzzPrepare(f *testing.F) {
	text, err := os.ReadFile("testdata/statements.sql")
	if err != nil {
		f.Fatal(err)
	}
	memory := newMemory()
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "CREATE") || strings.HasPrefix(line, "create") {
			memory.exec(line)
		}
		f.Add(line)
	}
	for _, deep := range []string{"(", "-", "not ", "case ", "(select ", "a in (", "x.", "cast(", "select * from (", "a and ", "with a as ("} {
		f.Add("select " + strings.Repeat(deep, 2000))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, tail, err := sql.Prepare(memory, text)
		var of *sql.Error
		switch {
		case errors.As(err, &of):
			if of.Position < -1 || of.Position > len(text) || of.Message == "" || of.Code == "" {
				t.Fatalf("%q fails with %+v", text, of)
			}
		case err != nil:
			t.Fatalf("%q fails with %v", text, err)
		case tail < 0 || tail > len(text):
			t.Fatalf("%q ends at %d", text, tail)
		case s != nil:
			alone, end, err := sql.Prepare(memory, text[:tail])
			if err != nil || alone == nil || end != tail || strings.Join(alone.Columns, "|") != strings.Join(s.Columns, "|") || alone.Writes != s.Writes {
				t.Fatalf("%q is another statement than at the beginning of %q: %v", text[:tail], text, err)
			}
		}
	})
}
