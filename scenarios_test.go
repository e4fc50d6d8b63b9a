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

// What declares a scenario, and in JavaScript the function that runs it over every
// driver there is: one that is run over a single driver does not count.
var (
	goScenario = regexp.MustCompile(`(?m)^func TestScenario(\d\d)_\w+\(`)
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
		}
	})
}
