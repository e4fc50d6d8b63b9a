//go:build !js

package sql_test

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/stowage-db/stowage/query/sql"
	"github.com/stowage-db/stowage/query/sql/slt"
	standard "github.com/stowage-db/stowage/query/sql/slt/sqlite"
	"github.com/stowage-db/stowage/query/sql/value"
)

// held is the engine over tables in memory, as one that package slt holds to SQLite.
type held struct{ *memory }

func (h held) Name() string { return "stowage" }
func (h held) Close() error { return nil }

func (h held) Run(statement string) ([][]value.Value, error) {
	rows, _, err := h.exec(statement)
	return rows, err
}

// unsupported reports whether an error says that a construct is not to be had, which
// is listed.
func unsupported(err error) bool {
	var of *sql.Error
	return errors.As(err, &of) && of.Code == "unsupported"
}

// TestDiffers lets statements made at random be answered here and by SQLite, with
// indexes and without, in memory and where nearly all has to be spooled: the same ones
// each time, or those of SEED.
func TestDiffers(t *testing.T) {
	seed := uint64(1_000_000)
	if given := os.Getenv("SEED"); given != "" {
		seed, _ = strconv.ParseUint(given, 10, 64)
	}
	t.Logf("seed %d", seed)
	rounds := uint64(780) // of about 130 statements
	if testing.Short() {
		rounds = 40
	}
	ran, failed := 0, 0
	for i := range rounds {
		n, wrong, d := slt.Differ(seed+i, 100, func() slt.Pair {
			memory := newMemory()
			memory.plain = i%2 == 1
			if i%4 > 1 {
				memory.ceiling = 200
			}
			right, err := standard.Open()
			if err != nil {
				t.Fatal(err)
			}
			return slt.Pair{Right: right, Held: held{memory}}
		}, unsupported)
		ran, failed = ran+n, failed+wrong
		if d != nil {
			t.Fatal(d)
		}
	}
	t.Logf("%d statements, %d of them errors", ran, failed)
}
