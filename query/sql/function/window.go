package function

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Window is a function that looks at a row among others and is not an [Aggregate],
// all of which can be called through windows too.
type Window uint8

const (
	RowNumber   Window = iota // 1, 2, 3 …
	Rank                      // the first row number of the peers
	DenseRank                 // how many peers come before, and 1
	PercentRank               // rank − 1 by rows − 1, from 0 to 1
	CumeDist                  // rows up to the last peer by rows
	Ntile                     // the number of the row's part, of so many
	Lag                       // the value so many rows before
	Lead                      // the value so many rows after
	FirstValue                // of the frame
	LastValue
	NthValue
)

var windows = [...]struct {
	name        string
	least, most int
}{
	RowNumber: {"row_number", 0, 0}, Rank: {"rank", 0, 0}, DenseRank: {"dense_rank", 0, 0},
	PercentRank: {"percent_rank", 0, 0}, CumeDist: {"cume_dist", 0, 0}, Ntile: {"ntile", 1, 1},
	Lag: {"lag", 1, 3}, Lead: {"lead", 1, 3},
	FirstValue: {"first_value", 1, 1}, LastValue: {"last_value", 1, 1}, NthValue: {"nth_value", 2, 2},
}

// WindowNamed returns the window function of a name, in any case.
func WindowNamed(name string) (w Window, found bool) {
	name = value.Fold(name)
	i := slices.IndexFunc(windows[:], func(f struct {
		name        string
		least, most int
	}) bool {
		return f.name == name
	})
	return Window(max(i, 0)), i >= 0
}

// Accepts reports whether the function can be called with so many arguments.
func (w Window) Accepts(args int) bool { return windows[w].least <= args && args <= windows[w].most }

// OfFrame reports whether the answer depends on the frame; that of others does on
// the partition and its order only.
func (w Window) OfFrame() bool { return w >= FirstValue }
