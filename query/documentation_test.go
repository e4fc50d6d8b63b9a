package query

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentation: js/QUERIES.md names every operator, by itself or as the
// function that makes it, and its example in Go is run.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../js/QUERIES.md")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string]string{"host": "custom", "field": "Fields"}
	for _, op := range operators {
		name := op.name
		if elsewhere[name] != "" {
			name = elsewhere[name]
		}
		if !strings.Contains(string(page), name) {
			t.Errorf("%s is not in js/QUERIES.md", op.name)
		}
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "```go\n")
	code, _, found := strings.Cut(code, "\n```")
	if !found || !strings.Contains(string(examples), "\t"+strings.ReplaceAll(code, "\n", "\n\t")) {
		t.Error("the example in Go is not one of example_test.go, which are run")
	}
}
