package query

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentation: js/QUERIES.md names every operator, by itself or as the Go
// function that makes it.
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
}
