package storetest

import "testing"

// Stride is how many cases tests that go through very many of them go on by: all but one
// are passed over with -short, for which a part is enough.
func Stride() int {
	if testing.Short() {
		return 9
	}
	return 1
}
