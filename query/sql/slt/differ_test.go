//go:build !js

package slt_test

import (
	"regexp"
	"testing"

	"github.com/stowage-db/stowage/query/sql/slt"
	"github.com/stowage-db/stowage/query/sql/value"
)

// backwards is SQLite without indexes, and with rows the other way round wherever
// their order is not told.
type backwards struct{ slt.Engine }

var ofIndex = regexp.MustCompile(`^(create|drop) index i[0-9]`)

func (b backwards) Run(statement string) ([][]value.Value, error) {
	if ofIndex.MatchString(statement) {
		return nil, nil
	}
	return b.Engine.Run(statement)
}

func openBackwards(t *testing.T) slt.Engine {
	engine := openSQLite(t)
	if _, err := engine.Run("pragma reverse_unordered_selects = 1"); err != nil {
		t.Fatal(err)
	}
	return backwards{engine}
}

// TestGenerator lets SQLite be compared with itself, planning otherwise: what the
// generator makes is mostly no error, and has one answer.
func TestGenerator(t *testing.T) {
	ran, errors := 0, 0
	seeds := uint64(200)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		n, wrong, d := slt.Differ(seed, 100, func() slt.Pair { return slt.Pair{Right: openSQLite(t), Held: openBackwards(t)} }, func(error) bool { return false })
		ran, errors = ran+n, errors+wrong
		if d != nil {
			t.Fatal(d)
		}
	}
	t.Logf("%d statements, %d of them errors", ran, errors)
	if errors*20 > ran {
		t.Errorf("of %d statements %d are errors", ran, errors)
	}
}
