package structure

import "testing"

// SipHash is the hash that spreads members over levels.
var SipHash = sipHash

// Salt is that of all sets after FixSalt.
var Salt = [saltBytes]byte{0, 1, 2, 3, 4, 5, 6, 7}

// FixSalt gives all sets the same salt for the length of a test.
func FixSalt(t *testing.T) {
	drawn := newSalt
	newSalt = func() [saltBytes]byte { return Salt }
	t.Cleanup(func() { newSalt = drawn })
}
