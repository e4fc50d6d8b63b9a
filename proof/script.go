package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Campaigns in a real browser are scripts beside this program, each with pages of
// its own name:
//
//	SEED=7 CHROMIUM=… node proof/kills.mjs
//
// A script prints lines for people and, for each of its campaigns, a result as a
// line of JSON. How far it goes the environment tells it: LASTS is for how many
// seconds at least, where that was asked for.

// scripts are those in a folder, by name.
func scripts(folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.mjs"))
	return slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "-page.mjs") }), err
}

// scriptPatience is how long a script may take beyond twice the time it was given.
const scriptPatience = 10 * time.Minute

// runScript returns the results of a script. One that ends badly without saying
// why is itself a failure.
func runScript(file string, seed uint64, long time.Duration) []result {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 2*long+scriptPatience)
	defer cancel()
	command := exec.CommandContext(ctx, "node", file)
	command.WaitDelay = 10 * time.Second // what it has started may keep its output open
	command.Env = append(os.Environ(), "SEED="+strconv.FormatUint(seed, 10), fmt.Sprint("LASTS=", long.Seconds()))
	command.Stderr = os.Stderr
	out, err := command.Output()
	results, told := readResults(out)
	failed := slices.ContainsFunc(results, func(r result) bool { return r.Failures > 0 })
	switch {
	case told != nil:
		err = told
	case failed:
		err = nil // as it has said
	case err == nil && len(results) == 0:
		err = errors.New("it told nothing")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
		results = append(results, result{Campaign: filepath.Base(file), Failures: 1, Seed: seed, Seconds: time.Since(begun).Seconds()})
	}
	return results
}

func readResults(out []byte) (results []result, err error) {
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if !bytes.HasPrefix(lines.Bytes(), []byte("{")) {
			fmt.Println(lines.Text())
			continue
		}
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return results, fmt.Errorf("%q is no result: %w", lines.Text(), err)
		}
		results = append(results, r)
	}
	return results, nil
}
