//go:build !js

package sql_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query/sql/slt"
)

// TestFiles runs the files of sqllogictest that package slt comes with, with indexes
// and without, and those below the directory that SLT names.
func TestFiles(t *testing.T) {
	total := 0
	for _, plain := range []bool{false, true} {
		total += runFiles(t, "slt/testdata", plain)
	}
	if total < 6000 {
		t.Errorf("%d statements are fewer than twice 3,000", total)
	}
	if folder := os.Getenv("SLT"); folder != "" {
		t.Logf("%d statements of %s", runFiles(t, folder, false), folder)
	}
}

// runFiles runs all files below a folder, each on a new database.
func runFiles(t *testing.T, folder string, plain bool) (total int) {
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".test") {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		records, err := slt.Parse(file, "stowage")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		memory := newMemory()
		memory.plain = plain
		ran, failures := slt.Run(held{memory}, records)
		total += ran
		for _, f := range failures {
			t.Errorf("%s: %v", name, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}
