// Command proof runs the campaigns that try to break the engine, and writes
// what they found to proof/latest.json: one object a campaign, with how much it
// tried, how often it failed, the seed it began with and how long it took.
//
//	go run ./proof                                  all campaigns of the engine
//	go run ./proof -scripts proof                   those in a browser as well, as make proof does
//	go run ./proof -campaign crash -seed 7 -units 1 one unit again
//	go run ./proof -time 10m                        each campaign for ten minutes
//
// It ends with status 1 when anything failed. A failure is printed with the seed
// that replays it and, where there is one, the shortest history that leads to it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

var campaigns = []campaign{
	{"crash", 320, crash},
	{"nested", 150, nested},
	{"survivors", 20, survivors},
	{"fault", 30, fault},
	{"damage", 10, damage},
	{"model", 64, model},
	{"metamorphic", 1, metamorphic},
	{"linear", 1500, linear},
	{"tabs", 3000, tabs},
}

func main() {
	flags := flag.NewFlagSet("proof", flag.ExitOnError)
	names := flags.String("campaign", "", "comma-separated campaigns; all if empty")
	seed := flags.Uint64("seed", 0, "the seed of the first unit; 0 draws one")
	units := flags.Int("units", 0, "how many units each campaign runs; its own number if 0")
	long := flags.Duration("time", 0, "how long each campaign runs, instead of a number of units")
	folder := flags.String("scripts", "", "a folder of campaigns to be run by node as well")
	out := flags.String("o", "", "the file to write results to")
	_ = flags.Parse(os.Args[1:]) // which exits on its own
	if *seed == 0 {
		*seed = uint64(time.Now().UnixMilli()) // which a script can hold as well
	}
	chosen, err := choose(*names)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var results []result
	for _, c := range chosen {
		e := extent{units: c.units, time: *long, workers: runtime.GOMAXPROCS(0)}
		if *units > 0 {
			e.units = *units
		}
		r := c.run(*seed, e, func(text string) { fmt.Fprintln(os.Stderr, text) })
		results = append(results, r)
		fmt.Println(r)
	}
	var files []string
	if *folder != "" {
		files, err = scripts(*folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, file := range files {
		for _, r := range runScript(file, *seed, *long) {
			results = append(results, r)
			fmt.Println(r)
		}
	}
	if err := write(*out, results); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if slices.ContainsFunc(results, func(r result) bool { return r.Failures > 0 || r.Count == 0 }) {
		os.Exit(1)
	}
}

// choose finds campaigns by name.
func choose(names string) ([]campaign, error) {
	if names == "" {
		return campaigns, nil
	}
	var chosen []campaign
	for _, name := range strings.Split(names, ",") {
		n := len(chosen)
		for _, c := range campaigns {
			if c.name == name {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == n {
			return nil, fmt.Errorf("there is no campaign %q", name)
		}
	}
	return chosen, nil
}

// write leaves the results in a file, where one is named.
func write(file string, results []result) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
