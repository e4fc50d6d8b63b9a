//go:build js && wasm

package indexeddb

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/stowage-db/stowage/store"
)

// graceSeconds: a page that is going away may hold its lock for a moment longer.
const graceSeconds = 2

// takeLock takes a Web Lock for this program alone and returns how to give it
// back. It ends with the page or worker, however that ends.
//
// It fails with Locked when others hold it for longer than a moment, and with
// Unsupported outside secure contexts, which have no locks: what two pages could
// write at once would not be safe.
func takeLock(ctx context.Context, name string) (release func(), err error) {
	locks := js.Global().Get("navigator").Get("locks")
	if !locks.Truthy() {
		return nil, &store.Error{Code: store.Unsupported, Op: "indexeddb: a lock needs a secure context (https or localhost)", Name: name}
	}
	granted := make(chan func(), 1)
	ended := make(chan error, 1)
	hold := js.FuncOf(func(js.Value, []js.Value) any {
		return promise(func(resolve js.Value) {
			granted <- func() {
				resolve.Invoke()
				<-ended // from now on it is free
			}
		})
	})
	abort := js.Global().Get("AbortController").New()
	options := map[string]any{"mode": "exclusive", "signal": abort.Get("signal")}
	request := locks.Call("request", name, options, hold)
	go func() {
		_, err := await(context.Background(), request)
		hold.Release()
		ended <- err
	}()
	watched, stop := watch(ctx, graceSeconds)
	defer stop()
	select {
	case release = <-granted:
		return release, nil
	case err = <-ended:
		return nil, locked(name, err)
	case <-watched.Done():
		if err = ctx.Err(); err == nil {
			err = locked(name, nil)
		}
	}
	abort.Call("abort")
	select {
	case release = <-granted: // it came at the last moment
		release()
	case <-ended:
	}
	return nil, err
}

func locked(name string, cause error) error {
	return &store.Error{Code: store.Locked, Op: "indexeddb: another page or worker has it open", Name: name, Err: cause}
}

// promise makes a promise and hands over what resolves it.
func promise(begin func(resolve js.Value)) js.Value {
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		begin(args[0])
		return nil
	})
	defer executor.Release()
	return js.Global().Get("Promise").New(executor)
}

// await waits for a promise.
func await(ctx context.Context, p js.Value) (js.Value, error) {
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
		return settle(outcome{err: errors.New(args[0].Call("toString").String())})
	})
	p.Call("then", resolved, rejected)
	select {
	case o := <-settled:
		return o.value, o.err
	case <-ctx.Done():
		return js.Undefined(), ctx.Err()
	}
}
