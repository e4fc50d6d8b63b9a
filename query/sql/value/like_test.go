package value

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSearch holds the search for an infix against the matcher that knows all patterns.
func TestSearch(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	signs := []string{"a", "A", "b", "B", "z", "@", "`", "[", " ", "é", "\xff"}
	text := func(signs []string, most int) string {
		var b strings.Builder
		for range random.IntN(most + 1) {
			b.WriteString(signs[random.IntN(len(signs))])
		}
		return b.String()
	}
	found := 0
	for range 100_000 {
		infix, s := "a"+text(signs[:9], 3), text(signs, 12)
		if random.IntN(20) == 0 {
			s += strings.Repeat("b", 300) + infix
			infix = strings.Repeat("b", 299) + infix // longer than a skip can be
		}
		p := NewLike("%"+infix+"%", 0)
		if p.infix == "" {
			t.Fatalf("%q is no infix", infix)
		}
		want := p.match(p.text, s)
		if got := p.Match(s); got != want {
			t.Fatalf("%q LIKE %q: %v, want %v (seed %d)", s, p.text, got, want, seed)
		}
		if want {
			found++
		}
	}
	if found < 1000 || found > 99_000 {
		t.Fatalf("%d of 100,000 were found (seed %d)", found, seed)
	}
}
