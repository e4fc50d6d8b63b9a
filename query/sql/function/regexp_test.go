package function_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// TestRegexp compares expressions made at random with those of Go, in the syntax
// that both have.
func TestRegexp(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	var expression func(depth int) string
	expression = func(depth int) string {
		atoms := []string{"a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", `\d`, `\w`, `\s`, `\.`, "é", "x", `\W`, `[\d_]`, "^", "$", `\b`}
		var b strings.Builder
		for range 1 + r.IntN(4) {
			atom := atoms[r.IntN(len(atoms))]
			if depth > 0 && r.IntN(4) == 0 {
				atom = "(" + expression(depth-1) + ")"
			}
			b.WriteString(atom)
			if atom != "^" && atom != "$" && atom != `\b` {
				b.WriteString([]string{"", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,2}"}[r.IntN(10)])
			}
		}
		if depth > 0 && r.IntN(4) == 0 {
			b.WriteString("|" + expression(depth-1))
		}
		return b.String()
	}
	c := &function.Context{}
	matches := 0
	for range 3000 {
		source := expression(2)
		model, err := regexp.Compile("(?s)" + source)
		if err != nil {
			t.Fatal(source, err)
		}
		for range 10 {
			var text strings.Builder
			for range r.IntN(9) {
				text.WriteString([]string{"a", "b", "c", "x", " ", ".", "1", "é", "_", "\n"}[r.IntN(10)])
			}
			got, err := function.Scalar("regexp").Call(c, []value.Value{value.FromText(source), value.FromText(text.String())})
			want := model.MatchString(text.String())
			if err != nil || (got.Int() == 1) != want {
				t.Fatalf("%q in %q: %v %v, not %v", source, text.String(), got.Int(), err, want)
			}
			if want {
				matches++
			}
		}
	}
	if matches == 0 || matches == 30000 {
		t.Errorf("%d of 30000 matched", matches)
	}
}

// TestRegexpWrong wants errors for what is no expression.
func TestRegexpWrong(t *testing.T) {
	c := &function.Context{}
	for _, source := range []string{"(", ")", "a)", "[", "[a", "*", "a|*", "+", "a{", "a{2,1}", `\`, `\q`, "a{10000}{10000}", strings.Repeat("(", 200)} {
		if _, err := function.Scalar("regexp").Call(c, []value.Value{value.FromText(source), value.FromText("a")}); err == nil {
			t.Errorf("%q is an expression", source)
		}
	}
}
