//go:build js && wasm

package indexeddb

import (
	"context"
	"errors"
	"time"
)

// patience is for how many seconds an answer of the browser's is waited for. What
// has not been answered by then most likely never will be.
type patience struct{ open, transaction int }

var usualPatience = patience{open: 5, transaction: 30}

// errUnanswered is the cause of a context that watch ends.
var errUnanswered = errors.New("the browser does not answer")

// watch returns a context that ends after so many seconds, unless stop is called
// before. Counted are seconds that the program lives through: while a page is
// frozen, answers do not reach it either.
func watch(ctx context.Context, seconds int) (watched context.Context, stop func()) {
	watched, end := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(time.Second) // one that nobody hears drops ticks
		defer ticker.Stop()
		for range seconds {
			select {
			case <-ticker.C:
			case <-watched.Done():
				return
			}
		}
		end(errUnanswered)
	}()
	return watched, func() { end(nil) }
}

// unanswered reports whether a context ended because watch gave up.
func unanswered(watched context.Context) bool {
	return context.Cause(watched) == errUnanswered
}
