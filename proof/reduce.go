package main

import (
	"errors"
	"fmt"
	"strings"
)

// reduce takes steps out of a history, and operations out of its steps, for as
// long as it still fails. It returns the shortest history found and its failure.
func reduce(steps []step, failure error, run func([]step) error) ([]step, error) {
	budget := 400
	attempt := func(shorter []step) bool {
		if budget == 0 {
			return false
		}
		budget--
		err := run(shorter)
		if err == nil {
			return false
		}
		steps, failure = shorter, err
		return true
	}
	for size := len(steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(steps); {
			if !attempt(without(steps, at, size)) {
				at += size
			}
		}
	}
	for i := 0; i < len(steps); i++ {
		for size := len(steps[i].operations) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(steps[i].operations); {
				shorter := append([]step(nil), steps...)
				shorter[i].operations = without(steps[i].operations, at, size)
				if !attempt(shorter) {
					at += size
				}
			}
		}
	}
	return steps, failure
}

// without returns a list without size elements from at on.
func without[T any](list []T, at, size int) []T {
	return append(append([]T(nil), list[:at]...), list[at+size:]...)
}

// history is a failure with the steps that lead to it.
func history(steps []step, failure error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "after %d steps:\n", len(steps))
	for _, s := range steps {
		b.WriteString(s.String() + "\n")
	}
	return errors.Join(failure, errors.New(b.String()))
}
