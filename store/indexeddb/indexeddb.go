//go:build js && wasm

package indexeddb

import (
	"bytes"
	"context"
	"errors"
	"syscall/js"

	"github.com/hack-pad/go-indexeddb/idb"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/promise"
)

// Backend keeps blobs in an IndexedDB database. Use Open.
type Backend struct {
	connection connection
	unlock     func()
}

var _ store.Backend = (*Backend)(nil)

// objectStore is the only one. Keys are the names of blobs, values their bytes.
const objectStore = "blobs"

// maxBlob: at 64 KiB Chromium moves a value out of line, which makes writing it
// several times slower.
const maxBlob = 64<<10 - 1

// Open returns a backend on the environment of a name, which is made where there
// is none. It fails with Locked while another page or worker has it open,
// Unsupported where there is no IndexedDB or no Web Locks, as outside secure
// contexts, NewerFormat where a later version made it, and BackendFailed.
func Open(ctx context.Context, name string) (*Backend, error) {
	if !js.Global().Get("indexedDB").Truthy() {
		return nil, &store.Error{Code: store.Unsupported, Op: "indexeddb: there is none here", Name: name}
	}
	unlock, err := takeLock(ctx, "stowage:"+name)
	if err != nil {
		return nil, err
	}
	b := &Backend{connection: connection{name: "stowage:" + name, patience: usualPatience}, unlock: unlock}
	if _, err := b.connection.open(ctx); err != nil {
		unlock()
		return nil, err
	}
	return b, nil
}

// Read implements store.Backend. All blobs are of one transaction.
func (b *Backend) Read(ctx context.Context, names []string) ([][]byte, error) {
	requests := make([]*idb.Request, len(names))
	err := b.connection.transact(ctx, reading, func(t *transaction) (err error) {
		for i, name := range names {
			if requests[i], err = t.store.Get(js.ValueOf(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found := make([][]byte, len(names))
	for i, request := range requests {
		value, err := request.Result()
		if err != nil {
			return nil, explain("read", err)
		}
		if found[i], err = fromJS(names[i], value); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Commit implements store.Backend. Once the browser has the batch it is not
// given up: what Commit says is what happened.
func (b *Backend) Commit(ctx context.Context, batch *store.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mode := writing
	if batch.Durability == store.Strict {
		mode = writingStrictly
	}
	mode.repeatable = len(batch.Add) == 0 && batch.Root == nil // no name is used twice
	return b.connection.transact(context.WithoutCancel(ctx), mode, func(t *transaction) error {
		// All is requested at once: a transaction that is idle commits itself.
		if err := issue(t.store, batch); err != nil {
			return err
		}
		if batch.Root == nil {
			return t.Commit()
		}
		return t.swapRoot(batch.Root)
	})
}

func issue(to *idb.ObjectStore, batch *store.Batch) error {
	for _, blob := range batch.Put {
		if _, err := to.PutKey(js.ValueOf(blob.Name), toJS(blob.Bytes)); err != nil {
			return err
		}
	}
	for _, blob := range batch.Add {
		if _, err := to.AddKey(js.ValueOf(blob.Name), toJS(blob.Bytes)); err != nil {
			return err
		}
	}
	for _, name := range batch.Delete {
		if _, err := to.Delete(js.ValueOf(name)); err != nil {
			return err
		}
	}
	if r := batch.DeleteRange; r != nil {
		between := js.Global().Get("IDBKeyRange").Call("bound", r.From, r.To)
		if _, err := to.Delete(between); err != nil {
			return err
		}
	}
	return nil
}

// swapRoot replaces the root, and aborts where it is not the expected one. That
// is known before the transaction ends: its requests are answered in order.
func (t *transaction) swapRoot(swap *store.RootSwap) error {
	before, err := t.store.Get(js.ValueOf(store.RootName))
	if err != nil {
		return err
	}
	if _, err := t.store.PutKey(js.ValueOf(store.RootName), toJS(swap.New)); err != nil {
		return err
	}
	return before.ListenSuccess(context.Background(), func() {
		value, err := before.Result()
		if err != nil {
			return // the transaction fails for the same reason
		}
		stored, err := fromJS(store.RootName, value)
		if err != nil || (stored == nil) != (swap.Old == nil) || !bytes.Equal(stored, swap.Old) {
			t.refuse(&store.Error{Code: store.Conflict, Op: "indexeddb commit", Name: store.RootName, Err: err})
		}
	})
}

// List implements store.Backend.
func (b *Backend) List(ctx context.Context, prefix string) ([]string, error) {
	var request *idb.ArrayRequest
	err := b.connection.transact(ctx, reading, func(t *transaction) error {
		r, err := idb.NewKeyRangeBound(js.ValueOf(prefix), js.ValueOf(prefix+"\uffff"), false, false)
		if err == nil {
			request, err = t.store.GetAllKeysRange(r, 0)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	keys, err := request.Result()
	if err != nil {
		return nil, explain("list", err)
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.String()
	}
	return names, nil
}

// Info implements store.Backend. Bytes is what the whole origin uses, as far as
// the browser tells.
func (b *Backend) Info(ctx context.Context, held bool) (store.Info, error) {
	info := store.Info{Properties: store.Properties{Atomic: true, PrefixDurable: true, MaxBlob: maxBlob}, Blobs: -1, Bytes: -1}
	if !held {
		_, err := b.connection.open(ctx)
		return info, err
	}
	var request *idb.UintRequest
	err := b.connection.transact(ctx, reading, func(t *transaction) (err error) {
		request, err = t.store.Count()
		return err
	})
	if err != nil {
		return store.Info{}, err
	}
	count, err := request.Result()
	if err != nil {
		return store.Info{}, explain("info", err)
	}
	info.Blobs, info.Bytes = int64(count), usedBytes(ctx)
	return info, nil
}

func usedBytes(ctx context.Context) int64 {
	storage := js.Global().Get("navigator").Get("storage")
	if !storage.Truthy() {
		return -1
	}
	estimate, err := promise.Await(ctx, storage.Call("estimate"))
	if err != nil || estimate.Get("usage").Type() != js.TypeNumber {
		return -1
	}
	return int64(estimate.Get("usage").Float())
}

// Close implements store.Backend. Another page can open the environment then.
func (b *Backend) Close() error {
	if b.connection.close() {
		b.unlock()
	}
	return nil
}

func toJS(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

// fromJS is the bytes of a stored value, nil for none.
func fromJS(name string, value js.Value) ([]byte, error) {
	if value.IsUndefined() {
		return nil, nil
	}
	if !value.InstanceOf(js.Global().Get("Uint8Array")) {
		return nil, &store.Error{Code: store.Corrupt, Op: "indexeddb read", Name: name}
	}
	b := make([]byte, value.Length())
	js.CopyBytesToGo(b, value)
	return b, nil
}

// codes are those of DOMExceptions, by their names.
var codes = []struct {
	name string
	code store.Code
}{
	{"QuotaExceededError", store.Quota},
	{"ConstraintError", store.Conflict},
	{"VersionError", store.NewerFormat},
	{"SecurityError", store.Denied},
}

// explain gives an error of IndexedDB's a code.
func explain(op string, err error) error {
	var known *store.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	code := store.BackendFailed
	for _, c := range codes {
		if isNamed(err, c.name) {
			code = c.code
		}
	}
	return &store.Error{Code: code, Op: "indexeddb " + op, Err: err}
}

// isNamed reports whether an error is the DOMException of a name. idb makes values
// of its own of those that events tell of, and leaves those that calls throw.
func isNamed(err error, name string) bool {
	var thrown js.Error
	if errors.As(err, &thrown) {
		return thrown.Value.Get("name").Equal(js.ValueOf(name))
	}
	return errors.Is(err, idb.NewDOMException(name))
}
