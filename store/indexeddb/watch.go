//go:build js && wasm

package indexeddb

import (
	"context"
	"errors"
	"syscall/js"
)

// patience is for how many seconds an answer of the browser's is waited for. What
// has not been answered by then most likely never will be.
type patience struct{ open, transaction int }

var usualPatience = patience{open: 5, transaction: 30}

// errUnanswered is the cause of a context that watch ends.
var errUnanswered = errors.New("the browser does not answer")

// watch returns a context that ends after so many seconds, unless stop is called,
// which must be. Counted are seconds that the program lives through: while a page is
// frozen, answers do not reach it either. The clock is the host's, for a timer of Go's
// would go off, with an error, in a program that has exited meanwhile.
func watch(ctx context.Context, seconds int) (watched context.Context, stop func()) {
	watched, end := context.WithCancelCause(ctx)
	tick := js.FuncOf(func(js.Value, []js.Value) any {
		if seconds--; seconds == 0 {
			end(errUnanswered)
		}
		return nil
	})
	clock := js.Global().Call("setInterval", tick, 1000)
	return watched, func() {
		js.Global().Call("clearInterval", clock)
		tick.Release()
		end(nil)
	}
}

// unanswered reports whether a context ended because watch gave up.
func unanswered(watched context.Context) bool {
	return context.Cause(watched) == errUnanswered
}
