//go:build !js

package slt_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stowage-db/stowage/query/sql/slt"
)

var write = flag.Bool("write", false, "write the files of testdata again, with the results of SQLite")

// TestFiles holds SQLite to the files, which were made with it; -write makes them.
func TestFiles(t *testing.T) {
	total := 0
	for i, topic := range slt.Topics {
		name := filepath.Join("testdata", topic.Name+".test")
		if *write {
			var file bytes.Buffer
			engine := openSQLite(t)
			if err := topic.Write(&file, uint64(100+i), 220, engine); err != nil {
				t.Fatal(err)
			}
			engine.Close()
			if err := os.WriteFile(name, file.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		records, err := slt.Parse(file, "sqlite")
		file.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		engine := openBackwards(t)
		ran, failures := slt.Run(engine, records)
		engine.Close()
		total += ran
		for _, f := range failures {
			t.Errorf("%s: %v", name, f)
		}
	}
	if t.Logf("%d statements", total); total < 3000 {
		t.Errorf("%d statements are fewer than 3,000", total)
	}
}
