//go:build js && wasm

package kv

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall/js"
	"time"
	"unicode"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/promise"
)

// Usage is what was asked of KV, as it is limited and paid for.
type Usage struct {
	// Operations are calls: an invocation may make a thousand.
	Operations int
	// Keys read, lists of up to a thousand keys, keys written and deleted.
	Reads, Lists, Writes, Deletes int
	BytesRead, BytesWritten       int
}

// namespace makes calls of a binding. It makes them itself: the module that hands the binding over has
// no reading of bytes, metadata or many keys at once, and waits in a way that leaves something behind each time.
type namespace struct {
	binding    js.Value
	expiration int64 // of what is written, in seconds since 1970; 0 for none

	mu    sync.Mutex // guards what follows
	usage Usage
}

// listing is one answer to a list.
type listing struct {
	keys   []listedKey
	cursor string
	more   bool
}

type listedKey struct {
	name     string
	metadata *string // nil where there is none that is text
}

// get reads bytes, nil where there are none. A location may remember them for so many seconds.
func (n *namespace) get(ctx context.Context, key string, seconds int) ([]byte, error) {
	n.count(func(u *Usage) { u.Reads++ })
	value, err := n.again(ctx, "get", key, map[string]any{"type": "arrayBuffer", "cacheTtl": seconds})
	if err != nil || value.IsNull() {
		return nil, err
	}
	array := js.Global().Get("Uint8Array").New(value)
	bytes := make([]byte, array.Length())
	js.CopyBytesToGo(bytes, array)
	return bytes, nil
}

// texts reads records, nil where there are none.
func (n *namespace) texts(ctx context.Context, keys []string) ([]*string, error) {
	n.count(func(u *Usage) { u.Reads += len(keys) })
	list := make([]any, len(keys))
	for i, key := range keys {
		list[i] = key
	}
	found, err := n.again(ctx, "getWithMetadata", list, map[string]any{"type": "text"})
	if err != nil {
		return nil, err
	}
	texts := make([]*string, len(keys))
	for i, key := range keys {
		entry := found.Call("get", key)
		if !entry.Truthy() {
			continue
		}
		if texts[i] = textOf(entry.Get("metadata")); texts[i] == nil {
			texts[i] = textOf(entry.Get("value"))
		}
	}
	return texts, nil
}

func (n *namespace) put(ctx context.Context, key string, bytes []byte) error {
	array := js.Global().Get("Uint8Array").New(len(bytes))
	js.CopyBytesToJS(array, bytes)
	_, err := n.again(ctx, "put", key, array, n.options(nil))
	return err
}

func (n *namespace) putText(ctx context.Context, key, text string) error {
	_, err := n.again(ctx, "put", key, text, n.options(nil))
	return err
}

func (n *namespace) putMetadata(ctx context.Context, key, text string) error {
	_, err := n.again(ctx, "put", key, "", n.options(map[string]any{"metadata": text}))
	return err
}

// options are those of a put, beside some.
func (n *namespace) options(some map[string]any) map[string]any {
	if some == nil {
		some = make(map[string]any)
	}
	if n.expiration > 0 {
		some["expiration"] = n.expiration
	}
	return some
}

func (n *namespace) delete(ctx context.Context, key string) error {
	n.count(func(u *Usage) { u.Deletes++ })
	_, err := n.again(ctx, "delete", key)
	return err
}

// list lists up to a thousand keys behind a cursor, "" for the first.
func (n *namespace) list(ctx context.Context, prefix, cursor string) (page listing, err error) {
	n.count(func(u *Usage) { u.Lists++ })
	options := map[string]any{"prefix": prefix}
	if cursor != "" {
		options["cursor"] = cursor
	}
	answer, err := n.again(ctx, "list", options)
	if err != nil {
		return page, err
	}
	keys := answer.Get("keys")
	for i := range keys.Length() {
		key := keys.Index(i)
		page.keys = append(page.keys, listedKey{key.Get("name").String(), textOf(key.Get("metadata"))})
	}
	if page.more = !answer.Get("list_complete").Bool(); page.more {
		page.cursor = answer.Get("cursor").String()
	}
	return page, nil
}

func textOf(value js.Value) *string {
	if value.Type() != js.TypeString {
		return nil
	}
	text := value.String()
	return &text
}

func (n *namespace) count(add func(*Usage)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	add(&n.usage)
}

func (n *namespace) read(bytes int) { n.count(func(u *Usage) { u.BytesRead += bytes }) }

func (n *namespace) written(bytes int) {
	n.count(func(u *Usage) { u.Writes, u.BytesWritten = u.Writes+1, u.BytesWritten+bytes })
}

func (n *namespace) used() Usage {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.usage
}

const (
	// attempts is how often a call is made, firstPause how long it waits after it failed, and
	// slowDown after it was refused for the second that a key has to rest.
	attempts   = 6
	firstPause = 50 * time.Millisecond
	slowDown   = time.Second
	// patience is how long an answer is waited for. Where there is none it counts as two that
	// failed: altogether a call takes less than the half minute that one which nobody waits for has.
	patience = 8 * time.Second
)

// again makes a call until it goes well. Who is told that it failed cannot know whether
// it was carried out.
func (n *namespace) again(ctx context.Context, method string, arguments ...any) (js.Value, error) {
	for attempt := 1; ; attempt++ {
		n.count(func(u *Usage) { u.Operations++ })
		value, err := n.call(ctx, method, arguments)
		if err == nil || ctx.Err() != nil {
			return value, err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = errNoAnswer
			attempt++
		}
		if attempt >= attempts || says(err, "TypeError", "400", "401", "403", "413", "414") {
			return value, &store.Error{Code: store.BackendFailed, Op: "kv " + method, Err: err}
		}
		pause := firstPause << attempt
		if says(err, "429") {
			pause = slowDown
		}
		if err := wait(ctx, pause+rand.N(pause)); err != nil {
			return value, err
		}
	}
}

var errNoAnswer = errors.New("there is no answer")

// call makes a call, which may throw, and waits for its answer.
func (n *namespace) call(ctx context.Context, method string, arguments []any) (value js.Value, err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = thrown
		default:
			panic(thrown)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return promise.Await(ctx, n.binding.Call(method, arguments...))
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isTooLarge reports whether KV refused to answer with so much at once.
func isTooLarge(err error) bool {
	var failed *store.Error
	return errors.As(err, &failed) && failed.Err != nil && says(failed.Err, "413")
}

// says reports whether an error has one of some words in it: those of KV have a status.
func says(err error, words ...string) bool {
	between := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	return slices.ContainsFunc(strings.FieldsFunc(err.Error(), between), func(word string) bool { return slices.Contains(words, word) })
}
