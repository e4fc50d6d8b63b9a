package store

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCodesMatchTheGoldenFile compares the constants of errors.go with the file
// that the TypeScript tests read as well.
func TestCodesMatchTheGoldenFile(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" && len(spec.Values) == 1 {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, text)
		}
		return true
	})
	golden, err := os.ReadFile("testdata/error-codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields(string(golden)); !slices.Equal(codes, want) {
		t.Errorf("errors.go declares\n%q\nthe golden file has\n%q", codes, want)
	}
}

func TestErrorsAnswerToTheirCodes(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("around it: %w", fail(Quota, "commit", "p/1/1", cause))
	if !errors.Is(err, Quota) || errors.Is(err, Corrupt) || !errors.Is(err, cause) || CodeOf(err) != Quota {
		t.Errorf("%v does not answer as it should", err)
	}
	if CodeOf(nil) != "" || CodeOf(cause) != Internal || CodeOf(Conflict) != Conflict {
		t.Error("CodeOf")
	}
	if got := CodeOf(backendError("read", context.Canceled)); got != Aborted {
		t.Errorf("a cancelled context gives %s", got)
	}
	if got := fail(DuplicateKey, "insert", "t", fail(DuplicateKey, "identity", "t", nil)).Error(); got != "insert: identity: duplicate_key (t)" {
		t.Errorf("Error() = %q", got)
	}
	if got := fail(Quota, "commit", "p/1/1", cause).Error(); got != "commit: quota (p/1/1): cause" {
		t.Errorf("Error() = %q", got)
	}
}
