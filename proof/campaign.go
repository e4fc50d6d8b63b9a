package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// campaign is one kind of proof. It consists of units, each of which follows
// from a seed of its own.
type campaign struct {
	name  string
	units int // in the size of make proof
	// unit returns how much it proved, in points, operations or what the campaign
	// counts, and what it found wrong.
	unit func(seed uint64) (count int64, err error)
}

// result is a line of proof/latest.json.
type result struct {
	Campaign string  `json:"campaign"`
	Count    int64   `json:"count"`
	Failures int64   `json:"failures"`
	Seed     uint64  `json:"seed"`
	Seconds  float64 `json:"seconds"`
	// Takeover is how many seconds it took others, at most, to do what a tab that was
	// frozen or killed had begun.
	Takeover float64 `json:"takeover,omitempty"`
}

func (r result) String() string {
	text := fmt.Sprintf("%-13s %10d  %d failures  %6.1f s  %8.0f/s  seed %d", r.Campaign, r.Count, r.Failures, r.Seconds, float64(r.Count)/r.Seconds, r.Seed)
	if r.Takeover > 0 {
		text += fmt.Sprintf("  taken over after %.1f s", r.Takeover)
	}
	return text
}

// extent is how far a campaign goes: a number of units, or as many as there is
// time for.
type extent struct {
	units   int
	time    time.Duration // 0 for units
	workers int
}

// maxReports is how many failures of a campaign are told in full.
const maxReports = 3

// run runs units from seed on, each with the next seed.
func (c *campaign) run(seed uint64, e extent, report func(string)) result {
	begun := time.Now()
	var next, count, failures atomic.Int64
	var workers sync.WaitGroup
	for range e.workers {
		workers.Go(func() {
			for {
				i := next.Add(1) - 1
				if e.time == 0 && i >= int64(e.units) || e.time > 0 && time.Since(begun) > e.time {
					return
				}
				watchdog := time.AfterFunc(unitPatience, func() { c.hangs(seed + uint64(i)) })
				n, err := c.guarded(seed + uint64(i))
				watchdog.Stop()
				count.Add(n)
				if err != nil && failures.Add(1) <= maxReports {
					report(fmt.Sprintf("%s: %v\nreplay with: go run ./proof -campaign %s -seed %d -units 1", c.name, err, c.name, seed+uint64(i)))
				}
			}
		})
	}
	workers.Wait()
	return result{Campaign: c.name, Count: count.Load(), Failures: failures.Load(), Seed: seed, Seconds: time.Since(begun).Seconds()}
}

// unitPatience is how long a unit may take: some hundred times what the longest ones do.
const unitPatience = 3 * time.Minute

// hangs ends everything where a unit does not end: what runs for ever cannot be stopped from
// outside, and must neither pass nor keep whoever waits for the result.
func (c *campaign) hangs(seed uint64) {
	fmt.Fprintf(os.Stderr, "%s: a unit has not ended after %v\nreplay with: go run ./proof -campaign %s -seed %d -units 1\n\n", c.name, unitPatience, c.name, seed)
	debug.SetTraceback("crash") // the stacks of all, of those that run too
	panic("hangs")
}

// guarded makes a panic the failure of its unit.
func (c *campaign) guarded(seed uint64) (count int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return c.unit(seed)
}
