package stowage_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// lastScenario is the number of the last scenario that both sides have. Each is a test in
// Go, TestScenarioNN_…, over memory and files, and one in JavaScript, "scenario N: …",
// over those and IndexedDB. Those behind it are of Go packages alone.
const lastScenario = 51

// lastOfTables is the number of the last one that is about documents and queries. In Go
// these run wherever environments can stand: js/test/browser/go.test.ts counts them in a page.
const lastOfTables = 36

// What declares a scenario, and what runs it over every backend or driver there is: one
// that is run over a single one does not count.
var (
	goScenario = regexp.MustCompile(`(?ms)^func TestScenario(\d\d)_\w+\(t \*testing\.T\) \{\n(.*?)^\}`)
	inPlaces   = regexp.MustCompile(`\bon(Places|Tables|Queries|Things)\(t, `)
	jsScenario = regexp.MustCompile("(?m)^ *(?:onTables|onStores|queries|over|overPairs)\\(['`]scenario (\\d+): ")
)

func TestScenarios(t *testing.T) {
	inGo, inJavaScript := map[int]int{}, map[int]int{}
	declared(t, "store", "_test.go", goScenario, inGo)
	declared(t, "js/test", ".test.ts", jsScenario, inJavaScript)
	for number := range lastScenario {
		number++
		if inGo[number] != 1 || inJavaScript[number] != 1 {
			t.Errorf("scenario %d: %d tests in Go, %d over every driver in JavaScript", number, inGo[number], inJavaScript[number])
		}
	}
}

// declared counts in found how often each scenario is declared in the files below root.
func declared(t *testing.T, root, suffix string, declaration *regexp.Regexp, found map[int]int) {
	eachFile(t, root, suffix, func(file string) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range declaration.FindAllStringSubmatch(string(source), -1) {
			number, _ := strconv.Atoi(match[1])
			found[number]++
			if number <= lastOfTables && declaration == goScenario && !inPlaces.MatchString(match[2]) {
				t.Errorf("scenario %d is not run over every backend", number)
			}
		}
	})
}
