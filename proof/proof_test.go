package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestCampaigns runs a unit of every campaign. Two of them have units that are long under the
// race detector: they try less here than in make proof, with each backend still
// once with compression and once without.
func TestCampaigns(t *testing.T) {
	optionSets, bitsOfBlob = 2*len(backends), 20
	if testing.Short() {
		optionSets = len(backends)
	}
	seed := uint64(time.Now().UnixNano()) >> 10
	for _, c := range campaigns {
		t.Run(c.name, func(t *testing.T) {
			r := c.run(seed, extent{units: 1, workers: 1}, func(text string) { t.Error(text) })
			if r.Count == 0 {
				t.Errorf("nothing was tried, with seed %d", seed)
			}
		})
	}
}

// TestSeedsThatFailed runs again what once found something wrong.
func TestSeedsThatFailed(t *testing.T) {
	for name, seed := range map[string]struct {
		unit func(seed uint64) (int64, error)
		seed uint64
	}{
		"a Sync that was served by a group which had lost all its members, and so had not looked at the log":            {tabs, 1344},
		"a sweep by a root that was not the stored one any more":                                                        {fault, 1795280539410},
		"a commit that tried the same place for ever, after a look at the log that passed over a record of no sections": {survivors, 1795283136712},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := seed.unit(seed.seed); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestScripts runs scripts that do and do not what they should.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string][]result{
		`console.log(JSON.stringify({ campaign: 'a', count: 3, failures: 0, seed: Number(process.env.SEED), seconds: Number(process.env.LASTS), takeover: 2 }))`: {{"a", 3, 0, 7, 60, 2}},
		`console.log('{"campaign":"b","count":9,"failures":2,"seed":7}'); process.exitCode = 1`:                                                                  {{Campaign: "b", Count: 9, Failures: 2, Seed: 7}},
		`process.exit(3)`:        {{Campaign: "script.mjs", Failures: 1, Seed: 7}},
		`console.log('nothing')`: {{Campaign: "script.mjs", Failures: 1, Seed: 7}},
		``:                       {{Campaign: "script.mjs", Failures: 1, Seed: 7}},
	} {
		file := filepath.Join(t.TempDir(), "script.mjs")
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		got := runScript(file, 7, time.Minute)
		if got[0].Failures > 0 {
			got[0].Seconds = 0
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s gave %v, want %v", source, got, want)
		}
	}
}

// TestReduce takes what does not matter out of a history.
func TestReduce(t *testing.T) {
	steps := make([]step, 40)
	for i := range steps {
		steps[i].kind = view
		steps[i].operations = make([]operation, 5)
	}
	steps[13].kind, steps[27].kind = update, checkpoint
	steps[13].operations[3].kind = drop
	failure := errors.New("fails")
	reduced, err := reduce(steps, failure, func(steps []step) error {
		matters := 0
		for _, s := range steps {
			if s.kind == checkpoint || s.kind == update && len(s.operations) > 0 && s.operations[len(s.operations)-1].kind >= put {
				matters++
			}
		}
		if matters == 2 {
			return failure
		}
		return nil
	})
	if err != failure || len(reduced) != 2 || reduced[0].kind != update || len(reduced[0].operations) != 1 || reduced[1].kind != checkpoint {
		t.Errorf("reduced to %v, %v", reduced, err)
	}
}
