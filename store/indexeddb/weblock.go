//go:build js && wasm

package indexeddb

import (
	"context"
	"syscall/js"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/promise"
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
		return promise.New(func(resolve js.Value) {
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
		_, err := promise.Await(context.Background(), request)
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
