//go:build js && wasm

// Package promise has goroutines wait for JavaScript. The function of a js.Func must
// not, for JavaScript waits for that: let it start a goroutine.
package promise

import (
	"context"
	"errors"
	"syscall/js"
)

// New makes a promise and hands over what resolves it.
func New(begin func(resolve js.Value)) js.Value {
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		begin(args[0])
		return nil
	})
	defer executor.Release()
	return js.Global().Get("Promise").New(executor)
}

// Await waits for a promise. What it was rejected with is the error's text. When ctx
// ends first, what the promise is about goes on.
func Await(ctx context.Context, p js.Value) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	settled := make(chan outcome, 1)
	var resolved, rejected js.Func
	settle := func(o outcome) any {
		settled <- o
		resolved.Release()
		rejected.Release()
		return nil
	}
	resolved = js.FuncOf(func(_ js.Value, args []js.Value) any { return settle(outcome{value: args[0]}) })
	rejected = js.FuncOf(func(_ js.Value, args []js.Value) any {
		return settle(outcome{err: errors.New(js.Global().Get("String").Invoke(args[0]).String())})
	})
	p.Call("then", resolved, rejected)
	select {
	case o := <-settled:
		return o.value, o.err
	case <-ctx.Done():
		return js.Undefined(), ctx.Err()
	}
}
